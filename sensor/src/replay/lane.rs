//! A part of the flow tables with all it takes to work on them alone: it goes through every piece itself and keeps what is its own.

use std::ops::Range;

use sensor_capture::Frame;
use sensor_flow::{FlowEvent, FlowId, FragmentLimits, Fragments};
use sensor_model::{DuplicatePath, FlowRecord, Timestamp};
use sensor_wire::Options;

use super::lines::Lines;
use crate::counts::{FrameCounts, StageCounts};
use crate::event::{Event, What};
use crate::sort::Sorted;
use crate::worker::{Limits, Worker};

/// Flow tables; more than the workers anybody will ask for.
pub const SHARDS: usize = 16;
/// The hash seed of replays: fixed, so that even a full table evicts the same flows in every run.
const SEED: u64 = 0x5eed;

/// What a piece came to in the tables of one lane.
#[derive(Debug, Default)]
pub struct Told {
    /// Empty where nobody listens to the map.
    pub events: Vec<Event>,
    pub lines: Lines,
}

/// Some of the flow tables.
#[derive(Debug)]
pub struct Lane {
    options: Options,
    keeps_events: bool,
    sorted: Sorted,
    fragments: Fragments,
    /// Number of the first table.
    first: usize,
    workers: Vec<Worker>,
    /// Of the next packet of the replay.
    number: u64,
    /// Those that this lane counts: every frame is one lane's.
    frames: FrameCounts,
}

impl Lane {
    /// The lanes of so many threads: every table is in one.
    pub fn all(limits: &Limits, options: Options, threads: usize) -> Vec<Self> {
        let threads = threads.clamp(1, SHARDS);
        let start = |at: usize| at * SHARDS / threads;
        (0..threads).map(|at| Self::new(start(at)..start(at + 1), limits, options)).collect()
    }

    fn new(tables: Range<usize>, limits: &Limits, options: Options) -> Self {
        let worker = |number: usize| Worker::new(u16::try_from(number).unwrap_or(u16::MAX), limits, SEED);
        Self {
            options,
            keeps_events: limits.tells_everything(),
            sorted: Sorted::keeping(tables.clone(), SHARDS),
            fragments: Fragments::new(&FragmentLimits::default(), SEED),
            first: tables.start,
            workers: tables.map(worker).collect(),
            number: 0,
            frames: FrameCounts::default(),
        }
    }

    /// Takes the next piece of the capture: every lane takes all of them, in order. `owners` is for a lane that is not alone; see
    /// [`crate::sort::find_owners`].
    pub fn take(&mut self, frames: &[Frame<'_>], owners: Option<&[u8]>, told: &mut Told) {
        let base = self.number;
        self.number += frames.len() as u64;
        match owners {
            Some(owners) => self.sorted.refill_part(frames, owners, self.options),
            None => self.sorted.refill(frames, self.options),
        }
        self.sorted.place_fragments(&mut self.fragments);
        for (at, (worker, bucket)) in self.workers.iter_mut().zip(&self.sorted.buckets).enumerate() {
            let before = told.events.len();
            if self.first + at == 0 {
                worker.take_others(base, &self.sorted, frames, &mut told.events);
            }
            worker.take(base, bucket, frames, &mut told.events);
            told.write_ends(before, self.keeps_events);
        }
        self.frames.add(&self.sorted.counts);
    }

    pub const fn frames(&self) -> &FrameCounts {
        &self.frames
    }

    /// Packets that the capture reader passed over.
    pub const fn count_unreadable(&mut self, packets: u64) {
        self.number += packets;
        if self.first == 0 {
            self.frames.packets += packets;
            self.frames.unreadable_link += packets;
        }
    }

    pub fn add_stages(&self, sum: &mut StageCounts) {
        self.workers.iter().for_each(|worker| sum.add(&worker.counts()));
    }

    /// What copies told of mirrors and routers.
    pub fn duplicate_paths(&self) -> impl Iterator<Item = DuplicatePath> {
        self.workers.iter().flat_map(Worker::duplicate_paths)
    }

    /// Flows that have not ended: when they began, table and number.
    pub fn flows(&self) -> impl Iterator<Item = (Timestamp, usize, FlowId)> {
        let numbered = self.workers.iter().zip(self.first..);
        numbered.flat_map(|(worker, table)| worker.by_age().into_iter().map(move |(since, flow)| (since, table, flow)))
    }

    fn worker(&self, table: usize) -> Option<&Worker> {
        self.workers.get(table.wrapping_sub(self.first))
    }

    /// Asks for the memory of a flow of one of its tables; elsewhere it does nothing.
    pub fn prefetch(&self, table: usize, flow: FlowId) {
        if let Some(worker) = self.worker(table) {
            worker.prefetch(flow);
        }
    }

    /// What is known of a flow of one of its tables.
    pub fn record_of(&self, table: usize, flow: FlowId) -> Option<FlowRecord> {
        self.worker(table)?.record_of(flow)
    }

    /// The end of a flow that no packet ended; None where nobody listens.
    pub fn last_event(&self, table: usize, flow: FlowId, record: FlowRecord) -> Option<Event> {
        self.worker(table).filter(|_| self.keeps_events).map(|worker| worker.last_event(flow, record))
    }
}

impl Told {
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
