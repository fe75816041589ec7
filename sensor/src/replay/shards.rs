//! Chunks of frames through a fixed number of flow tables by any number of threads, with the same events for every number.
//!
//! A chunk is cut into pieces, and the traffic into shards; both numbers are fixed. First the threads decode the pieces, each
//! its own; then they take the shards, each its own, through the pieces in order. So a flow table sees the same packets in the same batches
//! whoever carries them, and the events are put back into packet order at the end.

use std::thread;

use sensor_capture::Frame;
use sensor_flow::FlowEvent;
use sensor_model::FlowRecord;
use sensor_wire::Options;

use crate::counts::{FrameCounts, StageCounts};
use crate::event::{Event, What};
use crate::sort::Sorted;
use crate::worker::{Limits, Worker};

/// Flow tables; more than the workers anybody will ask for.
pub const SHARDS: usize = 16;
/// Frames that are read, decoded and tracked together.
pub const CHUNK_FRAMES: usize = 65_536;
const PIECE_FRAMES: usize = 4_096;
/// The hash seed of replays: fixed, so that even a full table evicts the same flows in every run.
const SEED: u64 = 0x5eed;

#[derive(Debug)]
struct Shard {
    worker: Worker,
    events: Vec<Event>,
}

#[derive(Debug)]
pub struct Shards {
    options: Options,
    threads: usize,
    pieces: Vec<Sorted>,
    shards: Vec<Shard>,
    frames: FrameCounts,
}

impl Shards {
    #[must_use]
    pub fn new(limits: &Limits, options: Options, threads: usize) -> Self {
        let shard = |number: usize| Shard {
            worker: Worker::new(u16::try_from(number).unwrap_or(u16::MAX), limits, SEED),
            events: Vec::new(),
        };
        Self {
            options,
            threads: threads.clamp(1, SHARDS),
            pieces: (0..CHUNK_FRAMES.div_ceil(PIECE_FRAMES)).map(|_| Sorted::new(SHARDS)).collect(),
            shards: (0..SHARDS).map(shard).collect(),
            frames: FrameCounts::default(),
        }
    }

    /// Takes a chunk of at most `CHUNK_FRAMES` frames, of which the first is packet `base` of the replay. Appends its events, by packet.
    pub fn take(&mut self, base: u64, frames: &[Frame<'_>], events: &mut Vec<Event>) {
        let used = frames.len().div_ceil(PIECE_FRAMES).min(self.pieces.len());
        let Some(pieces) = self.pieces.get_mut(..used) else { return };
        let options = self.options;
        let mut work: Vec<_> = (0_u32..).step_by(PIECE_FRAMES).zip(pieces.iter_mut().zip(frames.chunks(PIECE_FRAMES))).collect();
        each_on_its_thread(&mut work, self.threads, |(first, (piece, frames))| piece.refill(frames, *first, options));
        let pieces = &*pieces;
        let mut work: Vec<_> = self.shards.iter_mut().enumerate().collect();
        each_on_its_thread(&mut work, self.threads, |(at, shard)| {
            for piece in pieces {
                if *at == 0 {
                    shard.worker.take_arps(base, piece, &mut shard.events);
                    shard.worker.take_others(base, piece, frames, &mut shard.events);
                }
                if let Some(bucket) = piece.buckets.get(*at) {
                    shard.worker.take(base, bucket, frames, &mut shard.events);
                }
            }
        });
        for piece in pieces {
            self.frames.add(&piece.counts);
        }
        let start = events.len();
        for shard in &mut self.shards {
            events.append(&mut shard.events);
        }
        if let Some(new) = events.get_mut(start..) {
            // Stable: what one packet caused stays in its order, for it happened in one shard.
            new.sort_by_key(|event| event.number);
        }
    }

    /// Ends every flow; by the flows' own order, since no packet ends them.
    pub fn drain(&mut self, events: &mut Vec<Event>) {
        let mut work: Vec<_> = self.shards.iter_mut().collect();
        each_on_its_thread(&mut work, self.threads, |shard| shard.worker.drain(u64::MAX, &mut shard.events));
        let start = events.len();
        for shard in &mut self.shards {
            events.append(&mut shard.events);
        }
        if let Some(new) = events.get_mut(start..) {
            new.sort_by_cached_key(|event| match &event.what {
                What::Flow(
                    FlowEvent::Ended { record, .. } | FlowEvent::Interim { record, .. } | FlowEvent::Opened { record, .. },
                ) => Some(order_of(record)),
                _ => None,
            });
        }
    }

    #[must_use]
    pub const fn frames(&self) -> &FrameCounts {
        &self.frames
    }

    /// Packets that the capture reader passed over.
    pub const fn count_unreadable(&mut self, packets: u64) {
        self.frames.packets += packets;
        self.frames.unreadable_link += packets;
    }

    #[must_use]
    pub fn stages(&self) -> StageCounts {
        let mut sum = StageCounts::default();
        for shard in &self.shards {
            sum.add(&shard.worker.counts());
        }
        sum
    }
}

fn order_of(record: &FlowRecord) -> impl Ord + use<> {
    let ends = (record.originator, record.originator_port, record.responder, record.responder_port);
    (record.first_seen, ends, record.protocol_number, record.vlan, record.last_seen)
}

/// Does all of `work`, split evenly over `threads`; the last part on the calling thread.
fn each_on_its_thread<T: Send>(work: &mut [T], threads: usize, job: impl Fn(&mut T) + Sync) {
    let share = work.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let mut parts = work.chunks_mut(share).peekable();
        while let Some(part) = parts.next() {
            let mut run = || part.iter_mut().for_each(&job);
            if parts.peek().is_some() {
                scope.spawn(run);
            } else {
                run();
            }
        }
    });
}
