//! Frames in, decoded packets out, sorted by the table that owns their flow. Every frame is counted exactly once.

use sensor_capture::Frame;
use sensor_flow::{Fragments, Observation, shard_of};
use sensor_model::Timestamp;
use sensor_wire::{Arp, Options, Outcome, decode};

use crate::counts::FrameCounts;

/// Packets of one table, in packet order. `places[i]` is the frame of `observations[i]` within its piece.
#[derive(Debug, Default)]
pub struct Bucket {
    pub observations: Vec<Observation>,
    pub places: Vec<u32>,
}

/// A piece of the traffic after decoding.
#[derive(Debug)]
pub struct Sorted {
    pub buckets: Vec<Bucket>,
    /// ARP is no flow; the owner of the first bucket looks at it.
    pub arps: Vec<(u32, Timestamp, Arp)>,
    /// Where the frames without IP stand, ARP among them.
    pub others: Vec<(u32, Timestamp)>,
    /// First and later fragments of larger packets, in packet order; only the first ones are in a bucket.
    fragments: Vec<(u32, Observation)>,
    pub counts: FrameCounts,
}

impl Sorted {
    /// `tables` is how many flow tables share the traffic.
    #[must_use]
    pub fn new(tables: usize) -> Self {
        let buckets = (0..tables).map(|_| Bucket::default()).collect();
        Self { buckets, arps: Vec::new(), others: Vec::new(), fragments: Vec::new(), counts: FrameCounts::default() }
    }

    /// Forgets the last piece and decodes `frames`.
    pub fn refill(&mut self, frames: &[Frame<'_>], options: Options) {
        for bucket in &mut self.buckets {
            bucket.observations.clear();
            bucket.places.clear();
        }
        self.arps.clear();
        self.others.clear();
        self.fragments.clear();
        self.counts = FrameCounts::default();
        for (place, frame) in (0..).zip(frames) {
            self.take(place, frame, options);
        }
    }

    fn take(&mut self, place: u32, frame: &Frame<'_>, options: Options) {
        let seen_at = Timestamp::from_nanos(frame.seen_at_nanos);
        self.counts.packets += 1;
        self.counts.wire_bytes += u64::from(frame.wire_len);
        self.counts.captured_bytes += frame.bytes.len() as u64;
        match decode(frame.link, frame.bytes, frame.wire_len, options) {
            Outcome::Packet(packet) => {
                self.counts.to_flows += 1;
                self.counts.anomalies(packet.anomalies);
                let observation = Observation { seen_at, packet };
                if Fragments::wants(&observation.packet) {
                    self.fragments.push((place, observation));
                }
                let table = self.table_of(&observation);
                if let Some(bucket) = self.buckets.get_mut(table) {
                    bucket.observations.push(observation);
                    bucket.places.push(place);
                }
            }
            Outcome::Fragment(packet) => {
                self.counts.later_fragments += 1;
                self.fragments.push((place, Observation { seen_at, packet }));
            }
            Outcome::Arp(arp) => {
                self.counts.arp += 1;
                self.arps.push((place, seen_at, arp));
                self.others.push((place, seen_at));
            }
            Outcome::NonIp { ethertype, .. } => {
                self.counts.non_ip(ethertype);
                self.others.push((place, seen_at));
            }
            Outcome::Skip(reason) => self.counts.skip(reason),
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
                self.counts.to_flows += 1;
                self.counts.placed_fragments += 1;
                let table = self.table_of(&later);
                if let Some(bucket) = self.buckets.get_mut(table) {
                    let at = bucket.places.partition_point(|other| other <= place);
                    bucket.places.insert(at, *place);
                    bucket.observations.insert(at, later);
                }
            }
        }
        self.fragments = pieces;
    }

    fn table_of(&self, observation: &Observation) -> usize {
        if self.buckets.len() == 1 { 0 } else { shard_of(&observation.packet, self.buckets.len()) }
    }
}
