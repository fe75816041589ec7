//! All paths in use, by number, and how many times each is mirrored: learned by watching one content at a time.

use sensor_wire::{Packet, TcpFlags};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::contents::Entry;
use super::path::{InnerLink, Path};
use crate::arena::Arena;
use crate::key::{Seeds, hash_words, scale};

/// Paths of one worker at a time.
const PATHS: usize = 4_096;
const WAYS: usize = 4;
/// Contents of one path that are watched at the same time, at least a third of the window apart. A retransmission within the window
/// means a round trip within it, and a loss hits what was under way: less than a window. So one loss cannot give a proof.
const WATCHES: usize = 3;
/// Votes of watched contents in a row that must agree before a path counts as mirrored several times.
const PROOF: u8 = 32;
/// Below it the proof is gone; in between it stays what it was.
const DOUBT: u8 = 16;
const MOST_VOTES: u8 = 64;
/// Times its own votes that a dissenter costs: up to one in five copies may be lost by the mirror.
const DISSENT: u8 = 4;
/// Votes of a content that hosts do not repeat by habit: eight are a proof.
const TELLING: u8 = 4;
/// Votes of a bare acknowledgment without a number of its own: repeated after a loss, but not all of them as often.
const ACKNOWLEDGMENT: u8 = 1;

/// Where a frame was seen: by which path, with which TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub path: u16,
    pub ttl: u8,
}

/// One path with what is known of its mirrors.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
struct Slot {
    path: Path,
    last_seen: i64,
    last_id: u32,
    used: u8,
    /// The proven number; 0 stands for 1.
    times_mirrored: u8,
    /// What most of the watched contents came to, and by how many votes more.
    candidate: u8,
    votes: u8,
    watched_at: i64,
    watches: [Watch; WATCHES],
    unused: [u8; 8],
}

/// A content that came here for the first time, and how often it has come since. A count of 0: none is watched.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Watch {
    digest: u64,
    since: i64,
    ttl: u8,
    count: u8,
    weight: u8,
    unused: [u8; 5],
}

#[derive(Debug)]
pub struct Places {
    slots: Arena<Slot>,
    seeds: Seeds,
}

impl Places {
    pub fn new(seed: u64) -> Self {
        Self { slots: Arena::growing(PATHS), seeds: Seeds::new(seed) }
    }

    /// The number of the packet's path. None when too many others were used within the window: numbers in use stay what they are.
    #[inline]
    pub fn number_of(&mut self, packet: &Packet, inner: Option<InnerLink>, now: i64, window: i64) -> Option<u16> {
        let path = Path::of(packet, inner);
        let start = scale(hash_words(&path.words(), self.seeds), PATHS / WAYS) * WAYS;
        let set = self.slots.values_mut().get_mut(start..start + WAYS)?;
        let mut room = None;
        let mut oldest = i64::MAX;
        for (at, slot) in set.iter_mut().enumerate() {
            if slot.used != 0 && slot.path == path {
                slot.last_seen = now;
                return Some((start + at) as u16);
            }
            let age = if slot.used == 0 { i64::MIN } else { slot.last_seen };
            if age < oldest {
                (oldest, room) = (age, Some(at));
            }
        }
        let at = room?;
        let slot = set.get_mut(at)?;
        // Contents name paths by number for a window after they came.
        if slot.used != 0 && now.abs_diff(slot.last_seen) <= window.unsigned_abs().saturating_mul(2) {
            return None;
        }
        *slot = Slot { path, last_seen: now, used: 1, ..Slot::default() };
        Some((start + at) as u16)
    }

    pub fn path(&self, number: u16) -> Path {
        self.slot(number).path
    }

    pub fn times_mirrored(&self, number: u16) -> u8 {
        self.slot(number).times_mirrored.max(1)
    }

    /// Whether a second frame like this one must be a copy, bad luck aside: TCP with data, SYN or FIN is sent again in need only, and an
    /// identification other than the last one comes from a stack that numbers its packets.
    pub fn is_telling(&self, number: u16, packet: &Packet) -> bool {
        let takes_sequence_space = |flags: TcpFlags| packet.payload_len > 0 || flags.0 & (TcpFlags::SYN | TcpFlags::FIN) != 0;
        packet.tcp.is_some_and(|segment| takes_sequence_space(segment.flags))
            || (packet.ip_id != 0 && packet.ip_id != self.slot(number).last_id)
    }

    pub fn remember_id(&mut self, number: u16, id: u32) {
        self.slot_mut(number).last_id = id;
    }

    /// Watches a content that came here for the first time, unless another one is being watched.
    pub fn watch(&mut self, seen: Seen, packet: &Packet, entry: &Entry, now: i64, window: i64) {
        let weight = match packet.tcp {
            _ if entry.is_telling() => TELLING,
            Some(segment) if segment.flags.has(TcpFlags::ACK) => ACKNOWLEDGMENT,
            _ => return,
        };
        let slot = self.slot_mut(seen.path);
        if now.abs_diff(slot.watched_at) < window.unsigned_abs() / WATCHES as u64 {
            return;
        }
        slot.count_votes(now, window);
        if let Some(free) = slot.watches.iter_mut().find(|watch| watch.count == 0) {
            *free = Watch { digest: entry.digest(), since: now, ttl: seen.ttl, count: 1, weight, ..Watch::default() };
            slot.watched_at = now;
        }
    }

    /// A content came where it had come before.
    pub fn came_again(&mut self, seen: Seen, entry: &Entry) {
        let is_it = |watch: &&mut Watch| watch.count > 0 && (watch.digest, watch.ttl) == (entry.digest(), seen.ttl);
        if let Some(watch) = self.slot_mut(seen.path).watches.iter_mut().find(is_it) {
            watch.count = watch.count.saturating_add(1);
        }
    }

    fn slot(&self, number: u16) -> &Slot {
        &self.slots[usize::from(number)]
    }

    fn slot_mut(&mut self, number: u16) -> &mut Slot {
        &mut self.slots[usize::from(number)]
    }
}

impl Slot {
    /// Contents that were watched for a window vote.
    fn count_votes(&mut self, now: i64, window: i64) {
        for at in 0..WATCHES {
            let Some(watch) = self.watches.get_mut(at) else { continue };
            if watch.count > 0 && now.abs_diff(watch.since) > window.unsigned_abs() {
                let over = std::mem::take(watch);
                self.count_vote(over.count, over.weight);
            }
        }
    }

    /// How often a content came gets its votes, and the majority rules (Boyer and Moore, 1981).
    fn count_vote(&mut self, times: u8, weight: u8) {
        let cost = weight.saturating_mul(DISSENT);
        // Three acknowledgments, each mirrored twice, say nothing against twice.
        let is_burst =
            weight == ACKNOWLEDGMENT && self.candidate > 1 && times > self.candidate && times.is_multiple_of(self.candidate);
        if is_burst {
            return;
        }
        if times == self.candidate {
            self.votes = self.votes.saturating_add(weight).min(MOST_VOTES);
        } else if self.votes > cost {
            self.votes -= cost;
        } else {
            (self.candidate, self.votes) = (times, weight);
        }
        if self.votes >= PROOF {
            self.times_mirrored = self.candidate;
        } else if self.votes < DOUBT {
            self.times_mirrored = 1;
        }
    }
}
