//! Frames in, decoded packets out, sorted by the table that owns their flow. Every frame is counted exactly once, also where several
//! owners of a part of the tables each sort all frames.

use std::ops::Range;
use std::slice;

use prefetch_index::prefetch_index;
use sensor_capture::Frame;
use sensor_flow::{Fragments, Observation, shard_between, shard_of};
use sensor_model::Timestamp;
use sensor_wire::{Arp, Found, Options, Packet, addresses_of_ordinary, decode_into};

use crate::counts::FrameCounts;

/// Frames that are decoded before the first of them is sorted: a packet that is copied right after it was written waits for its own stores.
/// From memory, decode and copy of 60 B of TCP: 13 to 15 ns a packet by groups, 18 to 20 one by one (2-core machine, busy).
const GROUP: usize = 16;
/// Ethernet, IP and TCP headers reach into the second.
const CACHE_LINE: usize = 64;
/// In place of a table: only the decoded packet tells whose a frame is.
const UNKNOWN: u8 = u8::MAX;

/// The table of every frame whose addresses are where they usually are, so that its owner need not ask again. There are fewer tables
/// than a byte can number.
pub fn find_owners(frames: &[Frame<'_>], tables: usize, owners: &mut Vec<u8>) {
    let owner = |frame: &Frame<'_>| {
        let ends = addresses_of_ordinary(frame.link, frame.bytes);
        ends.and_then(|(source, destination)| u8::try_from(shard_between(source, destination, tables)).ok()).unwrap_or(UNKNOWN)
    };
    owners.clear();
    owners.extend(frames.iter().map(owner));
}

/// Packets of one table, in packet order. `places[i]` is the frame of `observations[i]` within its piece.
#[derive(Debug, Default)]
pub struct Bucket {
    pub observations: Vec<Observation>,
    pub places: Vec<u32>,
}

/// A piece of the traffic after decoding.
#[derive(Debug)]
pub struct Sorted {
    /// One for each table that is kept.
    pub buckets: Vec<Bucket>,
    tables: usize,
    /// The table of the first bucket.
    first: usize,
    /// ARP is no flow; the owner of the first table looks at it.
    pub arps: Vec<(u32, Timestamp, Arp)>,
    /// Where the frames without IP stand, ARP among them.
    pub others: Vec<(u32, Timestamp)>,
    /// First and later fragments of larger packets, in packet order; only the first ones are in a bucket.
    fragments: Vec<(u32, Observation)>,
    /// Which frames of the piece are to be decoded.
    wanted: Vec<u32>,
    /// The group at hand.
    decoded: Vec<(Found, Observation)>,
    pub counts: FrameCounts,
}

impl Sorted {
    /// `tables` is how many flow tables share the traffic.
    #[must_use]
    pub fn new(tables: usize) -> Self {
        Self::keeping(0..tables, tables)
    }

    /// For the owner of some of the tables. It does not count the frames of the others; the owner of the first table counts those
    /// that belong to none.
    #[must_use]
    pub fn keeping(kept: Range<usize>, tables: usize) -> Self {
        Self {
            first: kept.start,
            buckets: kept.map(|_| Bucket::default()).collect(),
            tables,
            arps: Vec::new(),
            others: Vec::new(),
            fragments: Vec::new(),
            wanted: Vec::new(),
            decoded: vec![(Found::Packet, Observation { seen_at: Timestamp::ZERO, packet: Packet::EMPTY }); GROUP],
            counts: FrameCounts::default(),
        }
    }

    /// Forgets the last piece and decodes `frames`, for an owner of all tables.
    pub fn refill(&mut self, frames: &[Frame<'_>], options: Options) {
        self.wanted.clear();
        self.wanted.extend((0..).zip(frames).map(|(place, _)| place));
        self.decode(frames, &[], options);
    }

    /// The same for an owner of some. `owners` come from [`find_owners`].
    pub fn refill_part(&mut self, frames: &[Frame<'_>], owners: &[u8], options: Options) {
        self.wanted.clear();
        let kept = self.first..self.first + self.buckets.len();
        let may_be_kept = |owner: u8| owner == UNKNOWN || kept.contains(&usize::from(owner));
        self.wanted.extend((0..).zip(owners).filter(|&(_, &owner)| may_be_kept(owner)).map(|(place, _)| place));
        self.decode(frames, owners, options);
    }

    /// The wanted frames.
    fn decode(&mut self, frames: &[Frame<'_>], owners: &[u8], options: Options) {
        for bucket in &mut self.buckets {
            bucket.observations.clear();
            bucket.places.clear();
        }
        self.arps.clear();
        self.others.clear();
        self.fragments.clear();
        self.counts = FrameCounts::default();
        let (mut decoded, wanted) = (std::mem::take(&mut self.decoded), std::mem::take(&mut self.wanted));
        let frame = |place: u32| frames.get(place as usize);
        let wish = |place: &u32| {
            if let Some(ahead) = frame(*place) {
                prefetch_index(ahead.bytes, 0);
                prefetch_index(ahead.bytes, CACHE_LINE);
            }
        };
        wanted.iter().take(GROUP).for_each(wish);
        for (next, group) in (GROUP..).step_by(GROUP).zip(wanted.chunks(GROUP)) {
            let mut ahead = wanted.iter().skip(next);
            for (frame, (found, observation)) in group.iter().filter_map(|&place| frame(place)).zip(&mut decoded) {
                // Of frames longer than the smallest, the processor's own prefetching finds no header. One by one: a core waits where it
                // has more wishes than it can keep.
                ahead.next().into_iter().for_each(wish);
                observation.seen_at = Timestamp::from_nanos(frame.seen_at_nanos);
                *found = decode_into(frame.link, frame.bytes, frame.wire_len, options, &mut observation.packet);
            }
            for (&place, (found, observation)) in group.iter().zip(&decoded) {
                if let Some(frame) = frame(place) {
                    let owner = owners.get(place as usize).copied().unwrap_or(UNKNOWN);
                    self.take(place, frame, owner, *found, observation);
                }
            }
        }
        (self.decoded, self.wanted) = (decoded, wanted);
    }

    const fn keeps_all(&self) -> bool {
        self.buckets.len() == self.tables
    }

    fn take(&mut self, place: u32, frame: &Frame<'_>, owner: u8, found: Found, observation: &Observation) {
        let Observation { seen_at, packet } = observation;
        if !self.is_counted_here(owner, found, packet) {
            if found == Found::Fragment || found == Found::Packet && Fragments::wants(packet) {
                // Whose the later fragments are is known only from the first.
                self.fragments.push((place, *observation));
            }
            return;
        }
        self.counts.packets += 1;
        self.counts.wire_bytes += u64::from(frame.wire_len);
        self.counts.captured_bytes += frame.bytes.len() as u64;
        match found {
            Found::Packet => {
                self.counts.to_flows += 1;
                self.counts.anomalies(packet.anomalies);
                if Fragments::wants(packet) {
                    self.fragments.push((place, *observation));
                }
                if let Some(bucket) = self.bucket_of(owner, packet) {
                    // Not `push`, which copies twice: it takes a value.
                    bucket.observations.extend_from_slice(slice::from_ref(observation));
                    bucket.places.push(place);
                }
            }
            Found::Fragment => {
                self.counts.later_fragments += 1;
                self.fragments.push((place, *observation));
            }
            Found::Arp(arp) => {
                self.counts.arp += 1;
                self.arps.push((place, *seen_at, arp));
                self.others.push((place, *seen_at));
            }
            Found::NonIp { ethertype } => {
                self.counts.non_ip(ethertype);
                self.others.push((place, *seen_at));
            }
            Found::Skip(reason) => self.counts.skip(reason),
        }
    }

    /// Whether there is anything for [`place_fragments`](Self::place_fragments).
    #[must_use]
    pub const fn has_fragments(&self) -> bool {
        !self.fragments.is_empty()
    }

    /// Puts later fragments into the bucket of their flow. Pieces must come in capture order, whoever decoded them: `fragments`
    /// remembers the first fragments of those before.
    pub fn place_fragments(&mut self, fragments: &mut Fragments) {
        let (pieces, mut placed) = (std::mem::take(&mut self.fragments), Vec::new());
        for (place, observation) in &pieces {
            fragments.take(observation, &mut placed);
            for later in placed.drain(..) {
                if let Some(bucket) = self.bucket_of(UNKNOWN, &later.packet) {
                    let at = bucket.places.partition_point(|other| other <= place);
                    bucket.places.insert(at, *place);
                    bucket.observations.insert(at, later);
                    self.counts.to_flows += 1;
                    self.counts.placed_fragments += 1;
                }
            }
        }
        self.fragments = pieces;
    }

    /// Of several owners exactly one says yes to a frame.
    #[inline]
    fn is_counted_here(&self, owner: u8, found: Found, packet: &Packet) -> bool {
        // What is damaged beyond its addresses is the owner's all the same: the others did not look at it.
        if self.keeps_all() || owner != UNKNOWN {
            return true;
        }
        let table = if found == Found::Packet { shard_of(packet, self.tables) } else { 0 };
        self.buckets.get(table.wrapping_sub(self.first)).is_some()
    }

    /// None: its table is not kept.
    #[inline]
    fn bucket_of(&mut self, owner: u8, packet: &Packet) -> Option<&mut Bucket> {
        let table = match owner {
            _ if self.tables == 1 => 0,
            UNKNOWN => shard_of(packet, self.tables),
            known => known.into(),
        };
        self.buckets.get_mut(table.wrapping_sub(self.first))
    }
}
