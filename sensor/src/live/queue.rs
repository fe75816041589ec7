//! One receive queue, one thread: polls frames into a worker and hands its events to the hub. A full channel never stops it: the batch is
//! dropped and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Sender, TrySendError};
use sensor_capture::{CaptureError, Queue};
use sensor_model::Timestamp;
use sensor_wire::Options;

use crate::counts::{FrameCounts, StageCounts};
use crate::event::Event;
use crate::sort::Sorted;
use crate::worker::{Limits, Worker};

/// How long a poll waits for frames; also how soon a stop is noticed.
const POLL: Duration = Duration::from_millis(50);
/// Events wait at most this long for more of them.
const FLUSH_AFTER: Duration = Duration::from_millis(20);
const FLUSH_EVENTS: usize = 4_096;
/// Counts are told this often even when nothing happens.
const COUNT_AFTER: Duration = Duration::from_millis(500);
/// Slots that a quiet queue examines for idle flows at each poll.
const QUIET_SWEEP_SLOTS: usize = 16_384;

/// What a queue tells the hub. Counts are totals since the start, so a lost batch loses no count.
#[derive(Debug)]
pub struct Batch {
    pub queue: usize,
    pub events: Vec<Event>,
    pub frames: FrameCounts,
    pub stages: StageCounts,
    /// Events in batches that found the channel full.
    pub dropped_events: u64,
}

#[derive(Debug)]
pub struct QueueThread {
    number: usize,
    queue: Queue,
    worker: Worker,
    options: Options,
    sender: Sender<Batch>,
    stop: Arc<AtomicBool>,
    frames: FrameCounts,
    events: Vec<Event>,
    dropped_events: u64,
    flushed_at: Instant,
}

impl QueueThread {
    #[must_use]
    pub fn new(
        number: usize,
        queue: Queue,
        limits: &Limits,
        options: Options,
        sender: Sender<Batch>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            number,
            queue,
            worker: Worker::new(u16::try_from(number).unwrap_or(u16::MAX), limits, random_seed()),
            options,
            sender,
            stop,
            frames: FrameCounts::default(),
            events: Vec::new(),
            dropped_events: 0,
            flushed_at: Instant::now(),
        }
    }

    /// Until the stop flag is set, or the port is gone. Ends all flows and tells of them.
    pub fn run(mut self) -> Result<(), CaptureError> {
        let mut sorted = Sorted::new(1);
        let ended = loop {
            if self.stop.load(Ordering::Relaxed) {
                break Ok(());
            }
            match self.poll(&mut sorted) {
                Ok(0) => self.worker.sweep(now(), QUIET_SWEEP_SLOTS, self.frames.packets, &mut self.events),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
            self.flush();
        };
        self.worker.drain(u64::MAX, &mut self.events);
        // The hub is emptying the channel: now there is time to wait for room.
        let last = self.batch();
        let _ = self.sender.send(last);
        ended
    }

    fn poll(&mut self, sorted: &mut Sorted) -> Result<usize, CaptureError> {
        let (worker, events, counts, options) = (&mut self.worker, &mut self.events, &mut self.frames, self.options);
        self.queue.poll(POLL, |frames| {
            sorted.refill(frames, options);
            let base = counts.packets;
            worker.take_others(base, sorted, frames, events);
            for bucket in &sorted.buckets {
                worker.take(base, bucket, frames, events);
            }
            counts.add(&sorted.counts);
        })
    }

    fn flush(&mut self) {
        let waited = self.flushed_at.elapsed();
        let is_due =
            self.events.len() >= FLUSH_EVENTS || waited >= COUNT_AFTER || (!self.events.is_empty() && waited >= FLUSH_AFTER);
        if !is_due {
            return;
        }
        self.flushed_at = Instant::now();
        let batch = self.batch();
        match self.sender.try_send(batch) {
            Ok(()) => {}
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                self.dropped_events += batch.events.len() as u64;
            }
        }
    }

    fn batch(&mut self) -> Batch {
        Batch {
            queue: self.number,
            events: std::mem::take(&mut self.events),
            frames: self.frames,
            stages: self.worker.counts(),
            dropped_events: self.dropped_events,
        }
    }
}

/// The clock that frames are stamped with.
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
}

/// Unknown to whoever sends crafted flows.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
