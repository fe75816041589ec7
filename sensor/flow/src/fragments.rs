//! Later IP fragments to the flow of their first: it carries the ports, they do not. A bounded memory, by packet time; what finds no
//! first fragment in it is counted and given up.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use foldhash::fast::FixedState;
use sensor_wire::{Fragment, Packet};

use crate::table::Observation;

/// How much is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FragmentLimits {
    /// First fragments that are remembered, and later ones that wait for theirs.
    pub max_datagrams: usize,
    /// How long either is kept, by packet time.
    pub max_age: Duration,
}

impl Default for FragmentLimits {
    /// As long as Linux keeps an incomplete datagram (`net.ipv4.ipfrag_time`).
    fn default() -> Self {
        Self { max_datagrams: 4_096, max_age: Duration::from_secs(30) }
    }
}

/// Every later fragment given is in exactly one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentStats {
    /// Handed out with the ports of its first fragment.
    pub placed: u64,
    /// Its first fragment was not seen in time.
    pub without_first: u64,
    /// Given up for want of room while it waited.
    pub overflow: u64,
    /// Waits for its first fragment.
    pub waiting: u64,
}

/// Remembers first fragments, and later ones that came before theirs. To be fed in capture order, before packets are shared out
/// between tables: where a tunnel is fragmented, only the first piece shows the addresses inside.
///
/// Pieces of one datagram are known by [`Packet::fragment_id`]. Where two networks behind one tap use the same addresses and the same
/// identification within `max_age`, the newer first fragment gets what follows.
#[derive(Debug)]
pub struct Fragments {
    firsts: Recent<Packet>,
    waiting: Recent<Vec<Observation>>,
    max_waiting: u64,
    stats: FragmentStats,
}

impl Fragments {
    /// `seed` keys the hash against crafted collisions; it never shows in any output.
    #[must_use]
    pub fn new(limits: &FragmentLimits, seed: u64) -> Self {
        Self {
            firsts: Recent::new(limits, seed),
            waiting: Recent::new(limits, seed),
            max_waiting: limits.max_datagrams as u64,
            stats: FragmentStats::default(),
        }
    }

    /// Whether a packet is to be fed: a piece of a larger one.
    #[must_use]
    pub const fn wants(packet: &Packet) -> bool {
        !matches!(packet.fragment, Fragment::Whole)
    }

    /// Takes a first or later fragment. Appends to `placed` the later fragments whose flow is known now: this one, or those that
    /// waited for this one. A first fragment itself goes its usual way.
    pub fn take(&mut self, observation: &Observation, placed: &mut Vec<Observation>) {
        let now = observation.seen_at.as_nanos();
        self.forget(now);
        let packet = &observation.packet;
        let datagram = packet.fragment_id;
        if matches!(packet.fragment, Fragment::Later { .. }) {
            match self.firsts.get(datagram, now) {
                Some(first) => {
                    self.stats.placed += 1;
                    placed.push(with_ports_of(first, observation));
                }
                None => self.wait(datagram, observation),
            }
            return;
        }
        let waited = self.waiting.remove(datagram).unwrap_or_default();
        self.stats.waiting -= waited.len() as u64;
        self.stats.placed += waited.len() as u64;
        placed.extend(waited.iter().map(|later| with_ports_of(packet, later)));
        // What this pushes out has had its time: only later fragments are counted, and they are counted when they come.
        self.firsts.insert(datagram, now, *packet);
    }

    /// Gives up what waits, at the end of a capture or on drain.
    pub fn drain(&mut self) {
        self.forget(i64::MAX);
        while let Some(given_up) = self.waiting.remove_oldest() {
            self.give_up(&given_up, false);
        }
    }

    #[must_use]
    pub const fn stats(&self) -> FragmentStats {
        self.stats
    }

    fn wait(&mut self, datagram: u64, observation: &Observation) {
        self.stats.waiting += 1;
        if let Some(others) = self.waiting.get_mut(datagram) {
            others.push(*observation);
        } else if let Some(given_up) = self.waiting.insert(datagram, observation.seen_at.as_nanos(), vec![*observation]) {
            self.give_up(&given_up, true);
        }
        while self.stats.waiting > self.max_waiting {
            let Some(given_up) = self.waiting.remove_oldest() else { return };
            self.give_up(&given_up, true);
        }
    }

    fn forget(&mut self, now: i64) {
        while self.firsts.remove_aged(now).is_some() {}
        while let Some(given_up) = self.waiting.remove_aged(now) {
            self.give_up(&given_up, false);
        }
    }

    fn give_up(&mut self, pieces: &[Observation], for_room: bool) {
        let pieces = pieces.len() as u64;
        self.stats.waiting -= pieces;
        *(if for_room { &mut self.stats.overflow } else { &mut self.stats.without_first }) += pieces;
    }
}

/// A later piece under the flow of its first, with its own time and lengths.
fn with_ports_of(first: &Packet, later: &Observation) -> Observation {
    let own = &later.packet;
    // Tags inside a tunnel are only in the first piece; others may differ where the mirror copies a packet in two VLANs.
    let tags = if first.tunnel.is_none() { own } else { first };
    let packet = Packet {
        source_mac: own.source_mac,
        destination_mac: own.destination_mac,
        vlan: tags.vlan,
        inner_vlan: tags.inner_vlan,
        ttl: own.ttl,
        ip_len: own.ip_len,
        fragment: own.fragment,
        fragment_id: own.fragment_id,
        ip_id: own.ip_id,
        tcp: None,
        payload_offset: own.payload_offset,
        payload_captured: 0,
        payload_len: 0,
        wire_len: own.wire_len,
        anomalies: own.anomalies,
        ..*first
    };
    Observation { seen_at: later.seen_at, packet }
}

/// The last few values by their datagram, for a while.
#[derive(Debug)]
struct Recent<T> {
    values: HashMap<u64, Kept<T>, FixedState>,
    /// Oldest first. What was replaced or removed is still here, and known by its number.
    order: VecDeque<(u64, u64)>,
    next_number: u64,
    max_len: usize,
    max_age: i64,
}

#[derive(Debug)]
struct Kept<T> {
    number: u64,
    since: i64,
    value: T,
}

impl<T> Recent<T> {
    fn new(limits: &FragmentLimits, seed: u64) -> Self {
        Self {
            values: HashMap::with_hasher(FixedState::with_seed(seed)),
            order: VecDeque::new(),
            next_number: 0,
            max_len: limits.max_datagrams.max(1),
            max_age: i64::try_from(limits.max_age.as_nanos()).unwrap_or(i64::MAX),
        }
    }

    fn get(&self, datagram: u64, now: i64) -> Option<&T> {
        self.values.get(&datagram).filter(|kept| !self.is_aged(kept, now)).map(|kept| &kept.value)
    }

    fn get_mut(&mut self, datagram: u64) -> Option<&mut T> {
        self.values.get_mut(&datagram).map(|kept| &mut kept.value)
    }

    /// Gives back what had to go to make room.
    fn insert(&mut self, datagram: u64, now: i64, value: T) -> Option<T> {
        let number = self.next_number;
        self.next_number += 1;
        let displaced = if self.order.len() >= self.max_len { self.remove_front() } else { None };
        self.order.push_back((datagram, number));
        self.values.insert(datagram, Kept { number, since: now, value });
        displaced
    }

    fn remove(&mut self, datagram: u64) -> Option<T> {
        self.values.remove(&datagram).map(|kept| kept.value)
    }

    /// The oldest value that is still there.
    fn remove_oldest(&mut self) -> Option<T> {
        while !self.order.is_empty() {
            let removed = self.remove_front();
            if removed.is_some() {
                return removed;
            }
        }
        None
    }

    /// The oldest value, if its time is over.
    fn remove_aged(&mut self, now: i64) -> Option<T> {
        while let Some((datagram, number)) = self.order.front() {
            match self.values.get(datagram) {
                Some(kept) if kept.number == *number && !self.is_aged(kept, now) => return None,
                _ => {}
            }
            let removed = self.remove_front();
            if removed.is_some() {
                return removed;
            }
        }
        None
    }

    /// None when the front of the order names what is there no more.
    fn remove_front(&mut self) -> Option<T> {
        let (datagram, number) = self.order.pop_front()?;
        if self.values.get(&datagram).is_some_and(|kept| kept.number == number) { self.remove(datagram) } else { None }
    }

    const fn is_aged(&self, kept: &Kept<T>, now: i64) -> bool {
        now.saturating_sub(kept.since) > self.max_age
    }
}
