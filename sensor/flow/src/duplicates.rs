//! Packets that a mirror delivered more than once: which frames are copies, and what the copies prove about the network.
//!
//! Frames show the same *content* when everything agrees that no hop may change: addresses, IP identification, fragment
//! offset, lengths, flow label, the whole transport header and the payload. TTL, traffic class, header checksum, MACs, tags and
//! tunnels may differ: they say at which *place* the frame was seen. Content alone proves nothing. Stacks send identical packets
//! within microseconds: repeated acknowledgments (RFC 5681 3.2), bursts of one datagram, retransmissions, and all of that with an
//! identification of 0 (RFC 6864 4.1) or a retained one (RFC 1122 3.2.1.5), or in IPv6, which has none. So copies are *counted*, not matched:
//!
//! - A real packet shows up at each place of its way equally often: once, or `k` times where one hop is mirrored `k` times. Of a content
//!   within the window, the number of real packets is the largest `ceil(seen / k)` over its places; a frame is an original exactly when it raises that number.
//!   So a retransmission passes, copied or not, in whatever order the frames come; nothing is held back to wait for another.
//! - `k` is 1 until a path (both MACs, tags, tunnel) has proved more: one content at a time is watched for a window, and
//!   eight in a row must show up equally often. Watched are only contents that hosts do not repeat by habit: TCP that takes sequence
//!   space, or an identification of its own; of bare acknowledgments without one, it takes 32. Bursts and fast retransmissions hit one watched content, not eight in a row; a doubled
//!   mirror hits all. The price: the copies of a path's first eight windows pass.
//! - Another place counts as one of the same way when a router explains it (another TTL *and* another sender's MAC; probes of
//!   a path differ in their TTL alone), or a tag (the same MACs and TTL). Where MACs differ and the TTL does not, or a group is addressed in another
//!   VLAN, identical frames also come from twin machines with equal addresses and from queriers that serve many VLANs: there only
//!   contents of the watched kind are copies, and where MACs differ any content after eight of those proved the crossing.
//!
//! What cannot be told apart is kept: unnumbered datagrams on a doubled path without any other traffic. What is lost on purpose: a
//! host's own tool that sends every packet twice, byte for byte, is a doubled path. What can be lost: of two real packets with equal content
//! within the window, one, if the mirror lost a copy of each.

mod content;
mod contents;
mod crossings;
mod path;
mod places;

use std::time::Duration;

use sensor_model::{Change, DuplicatePath, Timestamp};
use sensor_wire::Packet;

use content::{Content, Identifier};
use contents::{Contents, Entry, MAX_COUNT, Place};
use crossings::Crossings;
use places::{Places, Seen};

pub use crossings::join as join_paths;

/// How far copies are looked for, and how much may be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateConfig {
    /// Frames of one content that follow one another later than this have nothing to do with each other.
    pub window: Duration,
    /// Contents remembered; more than come within a window, or copies pass. 32 bytes each.
    pub contents: usize,
}

/// What one frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Original,
    Copy(Change),
}

/// What a frame shows; None where it has no content to compare.
#[derive(Clone, Copy, Debug)]
pub struct Identified(Option<Content>);

/// What was removed, and why some copies may have passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DuplicateCounts {
    /// In the order of [`Change::ALL`].
    pub removed: [u64; 4],
    /// Contents that made room for others within the window.
    pub forgotten: u64,
    /// Frames that came when their path or their place found no room.
    pub unplaced: u64,
}

impl DuplicateCounts {
    #[must_use]
    pub fn total(&self) -> u64 {
        self.removed.iter().sum()
    }

    /// Every kind with its count.
    pub fn by_change(&self) -> impl Iterator<Item = (Change, u64)> {
        Change::ALL.into_iter().zip(self.removed)
    }

    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.removed.iter_mut().zip(other.removed) {
            *mine += theirs;
        }
        self.forgotten += other.forgotten;
        self.unplaced += other.unplaced;
    }
}

/// The copies of one worker's packets, which include all packets between two addresses. Memory is fixed at the start.
#[derive(Debug)]
pub struct Duplicates {
    window: i64,
    identifier: Identifier,
    contents: Contents,
    places: Places,
    crossings: Crossings,
    counts: DuplicateCounts,
}

impl Duplicates {
    /// `seed` keys the hashes: unknown to whoever sends crafted packets.
    #[must_use]
    pub fn new(config: DuplicateConfig, seed: u64) -> Self {
        Self {
            window: i64::try_from(config.window.as_nanos()).unwrap_or(i64::MAX),
            identifier: Identifier::new(seed),
            contents: Contents::new(config.contents),
            places: Places::new(seed),
            crossings: Crossings::new(seed),
            counts: DuplicateCounts::default(),
        }
    }

    /// Takes the next packet with the frame it was decoded from.
    pub fn judge(&mut self, packet: &Packet, frame: &[u8], seen_at: Timestamp) -> Verdict {
        self.judge_identified(packet, &self.identify(packet, frame), seen_at)
    }

    /// The first half of [`judge`](Self::judge), which changes nothing: done for several packets before the first of them is judged, their
    /// cache misses overlap.
    #[inline]
    #[must_use]
    pub fn identify(&self, packet: &Packet, frame: &[u8]) -> Identified {
        let content = self.identifier.identify(packet, frame);
        if let Some(content) = &content {
            self.contents.prefetch(content.digest);
        }
        Identified(content)
    }

    /// The second half.
    pub fn judge_identified(&mut self, packet: &Packet, Identified(content): &Identified, seen_at: Timestamp) -> Verdict {
        let Some(content) = content else { return Verdict::Original };
        let now = seen_at.as_nanos();
        let Some(path) = self.places.number_of(packet, content.inner_link, now, self.window) else {
            self.counts.unplaced += 1;
            return Verdict::Original;
        };
        let seen = Seen { path, ttl: packet.ttl };
        let found = self.contents.find(content.digest, now, self.window);
        let Some(known) = found.known else {
            let is_telling = self.places.is_telling(path, packet);
            self.places.remember_id(path, packet.ip_id);
            self.counts.forgotten += u64::from(found.forgets);
            let entry = self.contents.put(found.slot, content.digest, now, is_telling);
            entry.places[0] = Place { path, ttl: packet.ttl, count: 1 };
            self.places.watch(seen, packet, entry, now, self.window);
            return Verdict::Original;
        };
        let entry = self.contents.entry_mut(known);
        entry.touch(now);
        let found = match entry.place_of(seen) {
            Some(at) => again(entry, at, &mut self.places),
            None => elsewhere(entry, seen, packet, &self.places, &self.crossings),
        };
        match found {
            Found::Original => Verdict::Original,
            Found::NoRoom => {
                self.counts.unplaced += 1;
                Verdict::Original
            }
            Found::CopyOf(first, change) => {
                if change != Change::SameHop {
                    self.places.watch(seen, packet, entry, now, self.window);
                }
                let [from, to] = [first, seen].map(|seen| (self.places.path(seen.path), seen.ttl));
                self.crossings.take(change, from, to, packet, entry.is_telling(), seen_at);
                if let Some(count) = self.counts.removed.get_mut(change as usize) {
                    *count += 1;
                }
                Verdict::Copy(change)
            }
        }
    }

    #[must_use]
    pub const fn counts(&self) -> &DuplicateCounts {
        &self.counts
    }

    /// What the copies proved so far, in a fixed order.
    #[must_use]
    pub fn paths(&self) -> Vec<DuplicatePath> {
        self.crossings.list()
    }
}

enum Found {
    Original,
    /// Of the frame seen there.
    CopyOf(Seen, Change),
    NoRoom,
}

/// A content shows up at a place once more.
fn again(entry: &mut Entry, at: usize, places: &mut Places) -> Found {
    if entry.places.get(at).is_some_and(|place| place.count == MAX_COUNT) {
        entry.settle(|path| places.times_mirrored(path));
    }
    let before = real_packets(entry, places);
    let Some(place) = entry.places.get_mut(at).filter(|place| place.count < MAX_COUNT) else { return Found::NoRoom };
    place.count += 1;
    let seen = Seen { path: place.path, ttl: place.ttl };
    places.came_again(seen, entry);
    if real_packets(entry, places) > before { Found::Original } else { Found::CopyOf(seen, Change::SameHop) }
}

/// A known content shows up at a place where it was not seen yet.
fn elsewhere(entry: &mut Entry, seen: Seen, packet: &Packet, places: &Places, crossings: &Crossings) -> Found {
    let to = places.path(seen.path);
    let mut best: Option<(Seen, Change)> = None;
    for place in entry.used() {
        let from = places.path(place.path);
        let Some(change) = path::change(&from, place.ttl, &to, seen.ttl) else { continue };
        let is_proved = || crossings.is_proved(change, (from, place.ttl), (to, seen.ttl), packet.family);
        let proved = entry.is_telling()
            || match change {
                Change::SameHop => false,
                // Without MACs there is no router to be seen.
                Change::Routed => (from.has_sender() && to.has_sender()) || is_proved(),
                Change::OtherVlan => !packet.destination_mac.is_group(),
                Change::OtherMacs => is_proved(),
            };
        let nearer = |other: &(Seen, Change)| rank(change, place.ttl, seen.ttl) < rank(other.1, other.0.ttl, seen.ttl);
        if proved && best.as_ref().is_none_or(nearer) {
            best = Some((Seen { path: place.path, ttl: place.ttl }, change));
        }
    }
    let Some((first, change)) = best else { return Found::Original };
    let Some(free) = entry.free_place() else { return Found::NoRoom };
    *free = Place { path: seen.path, ttl: seen.ttl, count: 1 };
    // One more place that saw the content once cannot raise the number of real packets.
    Found::CopyOf(first, change)
}

/// Routers explain more than tags do, and the nearest hop explains most.
const fn rank(change: Change, ttl: u8, other: u8) -> (bool, u8) {
    (!matches!(change, Change::Routed), ttl.abs_diff(other))
}

/// How many packets were sent, by the place that saw most.
fn real_packets(entry: &Entry, places: &Places) -> u8 {
    let real = |place: &Place| place.count.div_ceil(places.times_mirrored(place.path));
    entry.used().map(real).max().unwrap_or(0)
}
