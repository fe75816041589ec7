//! What copies prove: between which networks, and through which router, packets were seen on both sides.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use sensor_model::{Change, DuplicatePath, LinkSide, Prefix, Timestamp};
use sensor_wire::{Family, Packet};

use super::path::Path;

/// Different crossings that are kept; more than any network we know of has.
const MAX_CROSSINGS: usize = 1_024;

/// Copies beyond doubt that prove a crossing.
const PROOF: u64 = 8;

type Key = (Change, LinkSide, LinkSide, u8, Family);

#[derive(Debug)]
struct Crossing {
    sources: Prefix,
    destinations: Prefix,
    packets: u64,
    /// Of contents that hosts do not repeat by habit.
    telling: u64,
    first_seen: Timestamp,
    last_seen: Timestamp,
}

#[derive(Debug)]
pub struct Crossings(HashMap<Key, Crossing, FixedState>);

impl Crossings {
    pub fn new(seed: u64) -> Self {
        Self(HashMap::with_capacity_and_hasher(0, FixedState::with_seed(seed)))
    }

    /// Counts a copy, unless it is of a new kind and there are too many.
    pub fn take(
        &mut self,
        change: Change,
        from: (Path, u8),
        to: (Path, u8),
        packet: &Packet,
        is_telling: bool,
        seen_at: Timestamp,
    ) {
        let key = key(change, from, to, packet.family);
        let has_room = self.0.len() < MAX_CROSSINGS;
        let (source, destination) = (Prefix::host(packet.source_address()), Prefix::host(packet.destination_address()));
        let crossing = match self.0.get_mut(&key) {
            Some(crossing) => crossing,
            None if has_room => self.0.entry(key).or_insert(Crossing {
                sources: source,
                destinations: destination,
                packets: 0,
                telling: 0,
                first_seen: seen_at,
                last_seen: seen_at,
            }),
            None => return,
        };
        crossing.sources = crossing.sources.around(source);
        crossing.destinations = crossing.destinations.around(destination);
        crossing.packets += 1;
        crossing.telling += u64::from(is_telling);
        crossing.first_seen = crossing.first_seen.min(seen_at);
        crossing.last_seen = crossing.last_seen.max(seen_at);
    }

    /// Enough copies that were beyond doubt took this way, or came back.
    pub fn is_proved(&self, change: Change, from: (Path, u8), to: (Path, u8), family: Family) -> bool {
        let there = key(change, from, to, family);
        let back = (there.0, there.2, there.1, there.3, there.4);
        [there, back].iter().any(|key| self.0.get(key).is_some_and(|crossing| crossing.telling >= PROOF))
    }

    /// In a fixed order.
    pub fn list(&self) -> Vec<DuplicatePath> {
        let mut paths: Vec<DuplicatePath> = self
            .0
            .iter()
            .map(|((change, from, to, ttl_lower_by, _), crossing)| DuplicatePath {
                change: *change,
                from: *from,
                to: *to,
                ttl_lower_by: *ttl_lower_by,
                sources: crossing.sources,
                destinations: crossing.destinations,
                packets: crossing.packets,
                first_seen: crossing.first_seen,
                last_seen: crossing.last_seen,
            })
            .collect();
        paths.sort();
        paths
    }
}

fn key(change: Change, from: (Path, u8), to: (Path, u8), family: Family) -> Key {
    // Frames may overtake one another on their way to the sensor: the higher TTL was first.
    let (upstream, downstream) = if from.1 >= to.1 { (from, to) } else { (to, from) };
    let [listener, sender] = match change {
        Change::Routed | Change::OtherMacs => [upstream.0.listener(), downstream.0.sender()],
        Change::SameHop | Change::OtherVlan => [upstream.0.tags(), downstream.0.tags()],
    };
    (change, listener, sender, upstream.1 - downstream.1, family)
}

/// Puts the paths of several workers together: equal ones are added up.
#[must_use]
pub fn join(all: impl IntoIterator<Item = DuplicatePath>) -> Vec<DuplicatePath> {
    let mut paths: Vec<DuplicatePath> = all.into_iter().collect();
    paths.sort();
    paths.dedup_by(|next, kept| {
        let key = |path: &DuplicatePath| (path.change, path.from, path.to, path.ttl_lower_by);
        let is_same = key(next) == key(kept) && next.sources.is_ipv4() == kept.sources.is_ipv4();
        if is_same {
            kept.sources = kept.sources.around(next.sources);
            kept.destinations = kept.destinations.around(next.destinations);
            kept.packets += next.packets;
            kept.first_seen = kept.first_seen.min(next.first_seen);
            kept.last_seen = kept.last_seen.max(next.last_seen);
        }
        is_same
    });
    paths
}
