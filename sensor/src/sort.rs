//! Frames in, decoded packets out, sorted by the table that owns their flow. Every frame is counted exactly once.

use sensor_capture::Frame;
use sensor_flow::{Observation, shard_of};
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
    pub counts: FrameCounts,
}

impl Sorted {
    /// `tables` is how many flow tables share the traffic.
    #[must_use]
    pub fn new(tables: usize) -> Self {
        let buckets = (0..tables).map(|_| Bucket::default()).collect();
        Self { buckets, arps: Vec::new(), counts: FrameCounts::default() }
    }

    /// Forgets the last piece and decodes `frames`.
    pub fn refill(&mut self, frames: &[Frame<'_>], options: Options) {
        for bucket in &mut self.buckets {
            bucket.observations.clear();
            bucket.places.clear();
        }
        self.arps.clear();
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
                let table = if self.buckets.len() == 1 { 0 } else { shard_of(&packet, self.buckets.len()) };
                if let Some(bucket) = self.buckets.get_mut(table) {
                    bucket.observations.push(Observation { seen_at, packet });
                    bucket.places.push(place);
                }
            }
            Outcome::Fragment(_) => self.counts.later_fragments += 1,
            Outcome::Arp(arp) => {
                self.counts.arp += 1;
                self.arps.push((place, seen_at, arp));
            }
            Outcome::NonIp { .. } => self.counts.other_non_ip += 1,
            Outcome::Skip(reason) => self.counts.skip(reason),
        }
    }
}
