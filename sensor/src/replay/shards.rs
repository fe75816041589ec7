//! Pieces of a capture through a fixed number of flow tables by any number of threads, with the same output for every number.
//!
//! The traffic is cut into pieces of so many frames, and into shards; both numbers are fixed. A flow table sees the packets of its shard
//! in the same batches whoever carries them: one thread takes piece after piece while they are in its cache; several first decode their
//! pieces, each its own, then take the shards, each its own. Events and lines are put back into packet order at the end.

use std::thread;

use sensor_capture::Frame;
use sensor_flow::{FlowEvent, FlowId, FragmentLimits, Fragments, join_paths};
use sensor_model::{DuplicatePath, Timestamp};
use sensor_wire::Options;

use super::lines::{Line, Lines};
use crate::counts::{FrameCounts, StageCounts};
use crate::event::{Event, What};
use crate::export::conn_log::push_line;
use crate::sort::Sorted;
use crate::worker::{Limits, Worker};

/// Flow tables; more than the workers anybody will ask for.
pub const SHARDS: usize = 16;
/// Few enough that what was decoded is still in the cache when the tables take it.
pub const PIECE_FRAMES: usize = 2_048;
/// The hash seed of replays: fixed, so that even a full table evicts the same flows in every run.
const SEED: u64 = 0x5eed;

/// What some pieces came to, in packet order.
#[derive(Debug, Default)]
pub struct News {
    /// Empty where nobody listens to the map.
    pub events: Vec<Event>,
    /// Whole lines of `conn.log`.
    pub lines: Vec<u8>,
}

#[derive(Debug)]
struct Shard {
    worker: Worker,
    events: Vec<Event>,
    lines: Lines,
}

impl Shard {
    /// Lines for the flows that ended; where nobody listens, the events are done with.
    fn write_ends(&mut self, from: usize, keeps_events: bool) {
        for event in self.events.get(from..).unwrap_or_default() {
            if let What::Flow(FlowEvent::Ended { record, .. }) = &event.what {
                self.lines.push(event.number, record);
            }
        }
        if !keeps_events {
            self.events.clear();
        }
    }
}

#[derive(Debug)]
pub struct Shards {
    options: Options,
    threads: usize,
    keeps_events: bool,
    /// One for each piece that is worked on at the same time.
    sorted: Vec<Sorted>,
    fragments: Fragments,
    shards: Vec<Shard>,
    frames: FrameCounts,
}

impl Shards {
    #[must_use]
    pub fn new(limits: &Limits, options: Options, threads: usize) -> Self {
        let shard = |number: usize| Shard {
            worker: Worker::new(u16::try_from(number).unwrap_or(u16::MAX), limits, SEED),
            events: Vec::new(),
            lines: Lines::default(),
        };
        Self {
            options,
            threads: threads.clamp(1, SHARDS),
            keeps_events: limits.tells_everything(),
            sorted: Vec::new(),
            fragments: Fragments::new(&FragmentLimits::default(), SEED),
            shards: (0..SHARDS).map(shard).collect(),
            frames: FrameCounts::default(),
        }
    }

    /// Takes pieces of `PIECE_FRAMES` frames each (the last of a capture may be shorter).
    pub fn take(&mut self, pieces: &[Vec<Frame<'_>>], news: &mut News) {
        let new = pieces.len().saturating_sub(self.sorted.len());
        self.sorted.extend((0..new).map(|_| Sorted::new(SHARDS)));
        let (options, keeps_events) = (self.options, self.keeps_events);
        let after = |base: &mut u64, frames: &Vec<Frame<'_>>| Some(std::mem::replace(base, *base + frames.len() as u64));
        let bases: Vec<u64> = pieces.iter().scan(self.frames.packets, after).collect();
        let mut work: Vec<_> = self.sorted.iter_mut().zip(pieces).collect();
        each_on_its_thread(&mut work, self.threads, |(sorted, frames)| sorted.refill(frames, options));
        for (sorted, _) in self.sorted.iter_mut().zip(pieces) {
            sorted.place_fragments(&mut self.fragments);
        }
        let sorted = &self.sorted;
        let mut work: Vec<_> = self.shards.iter_mut().enumerate().collect();
        each_on_its_thread(&mut work, self.threads, |(at, shard)| {
            for ((sorted, frames), base) in sorted.iter().zip(pieces).zip(&bases) {
                take_piece(shard, *at, *base, sorted, frames, keeps_events);
            }
        });
        for (sorted, _) in self.sorted.iter().zip(pieces) {
            self.frames.add(&sorted.counts);
        }
        self.put_in_order(news);
    }

    fn put_in_order(&mut self, news: &mut News) {
        let start = news.events.len();
        for shard in &mut self.shards {
            news.events.append(&mut shard.events);
        }
        if let Some(new) = news.events.get_mut(start..) {
            // Stable: what one packet caused stays in its order, for it happened in one shard.
            new.sort_by_key(|event| event.number);
        }
        let mut lines: Vec<Line<'_>> = self.shards.iter().flat_map(|shard| shard.lines.iter()).collect();
        lines.sort_by_key(|line| line.number);
        lines.iter().for_each(|line| news.lines.extend_from_slice(line.text));
        self.shards.iter_mut().for_each(|shard| shard.lines.clear());
    }

    /// What copies told of mirrors and routers.
    pub fn duplicate_paths(&self) -> Vec<DuplicatePath> {
        join_paths(self.shards.iter().flat_map(|shard| shard.worker.duplicate_paths()))
    }

    /// Every flow that has not ended, those that began first in front: shard and number.
    pub fn by_age(&self) -> Vec<(Timestamp, usize, FlowId)> {
        let of_shard = |(at, shard): (usize, &Shard)| {
            let flows = shard.worker.by_age();
            flows.into_iter().map(move |(first_seen, flow)| (first_seen, at, flow))
        };
        let mut flows: Vec<_> = self.shards.iter().enumerate().flat_map(of_shard).collect();
        flows.sort_unstable_by_key(|(first_seen, shard, flow)| (*first_seen, *shard, flow.0));
        flows
    }

    /// The last records of some of the flows, in the order given.
    pub fn last_records(&self, flows: &[(Timestamp, usize, FlowId)], news: &mut News) {
        if self.threads == 1 {
            return flows.iter().for_each(|(_, at, flow)| self.last_record(*at, *flow, news));
        }
        let share = flows.len().div_ceil(self.threads).max(1);
        let mut work: Vec<_> = flows.chunks(share).map(|part| (part, News::default())).collect();
        each_on_its_thread(&mut work, self.threads, |(part, news)| {
            part.iter().for_each(|(_, at, flow)| self.last_record(*at, *flow, news));
        });
        for (_, part) in &mut work {
            news.events.append(&mut part.events);
            news.lines.append(&mut part.lines);
        }
    }

    fn last_record(&self, at: usize, flow: FlowId, news: &mut News) {
        let Some((shard, record)) = self.shards.get(at).and_then(|shard| Some((shard, shard.worker.record_of(flow)?))) else {
            return;
        };
        push_line(&mut news.lines, &record);
        if self.keeps_events {
            news.events.push(shard.worker.last_event(flow, record));
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

/// One piece, whose first frame is packet `base` of the replay, through one shard, which is number `at`.
fn take_piece(shard: &mut Shard, at: usize, base: u64, sorted: &Sorted, frames: &[Frame<'_>], keeps_events: bool) {
    let before = shard.events.len();
    if at == 0 {
        shard.worker.take_others(base, sorted, frames, &mut shard.events);
    }
    if let Some(bucket) = sorted.buckets.get(at) {
        shard.worker.take(base, bucket, frames, &mut shard.events);
    }
    shard.write_ends(before, keeps_events);
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
