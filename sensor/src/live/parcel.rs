//! Packets of one batch with copies of their frames: what outlives the buffers they came in.

use std::ops::Range;
use std::time::Instant;

use sensor_capture::Frame;
use sensor_flow::Observation;
use sensor_wire::LinkType;

use crate::sort::Bucket;

/// Packets of one lane that came to one queue, in the order they came.
#[derive(Debug)]
pub struct Parcel {
    /// The queue's lane.
    pub from: usize,
    pub filled_at: Instant,
    observations: Vec<Observation>,
    frames: Vec<Copied>,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Copied {
    seen_at_nanos: i64,
    wire_len: u32,
    link: LinkType,
    bytes: Range<usize>,
}

impl Parcel {
    #[must_use]
    pub fn empty() -> Self {
        Self { from: 0, filled_at: Instant::now(), observations: Vec::new(), frames: Vec::new(), bytes: Vec::new() }
    }

    /// Forgets what was in it, and takes all of `bucket`, whose packets came with `frames`.
    pub fn fill(&mut self, from: usize, bucket: &mut Bucket, frames: &[Frame<'_>]) {
        (self.from, self.filled_at) = (from, Instant::now());
        self.observations.clear();
        self.frames.clear();
        self.bytes.clear();
        for (observation, place) in bucket.observations.drain(..).zip(bucket.places.drain(..)) {
            let Some(frame) = frames.get(place as usize) else { continue };
            let start = self.bytes.len();
            self.bytes.extend_from_slice(frame.bytes);
            let (seen_at_nanos, wire_len, link) = (frame.seen_at_nanos, frame.wire_len, frame.link);
            self.observations.push(observation);
            self.frames.push(Copied { seen_at_nanos, wire_len, link, bytes: start..self.bytes.len() });
        }
    }

    #[must_use]
    pub const fn len(&self) -> usize {
        self.observations.len()
    }

    /// When packet `at` arrived.
    #[must_use]
    pub fn seen_at(&self, at: usize) -> Option<i64> {
        self.frames.get(at).map(|frame| frame.seen_at_nanos)
    }

    /// Packet `at` with its frame.
    #[must_use]
    pub fn packet(&self, at: usize) -> Option<(Observation, Frame<'_>)> {
        let (observation, copied) = (self.observations.get(at)?, self.frames.get(at)?);
        let bytes = self.bytes.get(copied.bytes.clone()).unwrap_or_default();
        let Copied { seen_at_nanos, wire_len, link, .. } = *copied;
        Some((*observation, Frame { seen_at_nanos, wire_len, link, bytes }))
    }
}
