//! A worker with its counts and its way to the hub: what stays when the capture is opened anew. A full way never stops it: the events are
//! dropped and counted.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Sender, TrySendError};
use sensor_capture::Frame;
use sensor_flow::join_paths;
use sensor_model::{DuplicatePath, Timestamp};

use super::exchange::HandoverCounts;
use crate::counts::{FrameCounts, StageCounts};
use crate::event::Event;
use crate::sort::{Bucket, Sorted};
use crate::worker::{Limits, Worker};

/// Events wait at most this long for more of them.
const FLUSH_AFTER: Duration = Duration::from_millis(20);
const FLUSH_EVENTS: usize = 4_096;
/// What copies told is passed on at most this often.
const TELL_OF_COPIES_AFTER: Duration = Duration::from_secs(1);
/// Counts are told this often even when nothing happens.
const COUNT_AFTER: Duration = Duration::from_millis(500);
/// Slots that a quiet lane examines for idle flows at a time.
const QUIET_SWEEP_SLOTS: usize = 16_384;

/// What a lane tells the hub.
#[derive(Debug)]
pub struct Batch {
    pub lane: usize,
    pub events: Vec<Event>,
    pub counts: LaneCounts,
    /// All that copies told so far; none where they told nothing new.
    pub duplicates: Option<Vec<DuplicatePath>>,
}

/// Totals since the start, so a lost batch loses no count.
#[derive(Clone, Copy, Debug, Default)]
pub struct LaneCounts {
    pub frames: FrameCounts,
    pub stages: StageCounts,
    pub handover: HandoverCounts,
    pub events_made: u64,
    /// In batches that found the hub's queue full.
    pub events_dropped: u64,
}

impl LaneCounts {
    pub fn add(&mut self, other: &Self) {
        self.frames.add(&other.frames);
        self.stages.add(&other.stages);
        self.handover.add(&other.handover);
        self.events_made += other.events_made;
        self.events_dropped += other.events_dropped;
    }
}

#[derive(Debug)]
pub struct Lane {
    number: usize,
    worker: Worker,
    sender: Sender<Batch>,
    /// Of workers and exchanges that came before.
    before: LaneCounts,
    duplicates_before: Vec<DuplicatePath>,
    /// Copies that the hub was told of, and when.
    copies_told: (u64, Option<Instant>),
    frames: FrameCounts,
    /// Packets taken so far, own ones and those of other queues.
    taken: u64,
    events: Vec<Event>,
    events_made: u64,
    events_dropped: u64,
    flushed_at: Instant,
}

impl Lane {
    #[must_use]
    pub fn new(number: usize, limits: &Limits, sender: Sender<Batch>) -> Self {
        Self {
            number,
            worker: new_worker(number, limits),
            sender,
            before: LaneCounts::default(),
            duplicates_before: Vec::new(),
            copies_told: (0, None),
            frames: FrameCounts::default(),
            taken: 0,
            events: Vec::new(),
            events_made: 0,
            events_dropped: 0,
            flushed_at: Instant::now(),
        }
    }

    #[must_use]
    pub const fn number(&self) -> usize {
        self.number
    }

    /// Frames of the own queue after decoding: counts them, and looks at what is no flow.
    pub fn count(&mut self, sorted: &Sorted, frames: &[Frame<'_>]) {
        self.worker.take_others(self.taken, sorted, frames, &mut self.events);
        self.frames.add(&sorted.counts);
    }

    /// Packets of flows that this lane owns.
    pub fn take(&mut self, bucket: &Bucket, frames: &[Frame<'_>]) {
        self.worker.take(self.taken, bucket, frames, &mut self.events);
        self.taken += frames.len() as u64;
    }

    /// Nothing came: time for flows that are idle.
    pub fn rest(&mut self) {
        self.worker.sweep(now(), QUIET_SWEEP_SLOTS, self.taken, &mut self.events);
    }

    /// Ends all flows, and begins anew with other limits: packets of a flow may come to another lane from now on.
    pub fn begin_anew(&mut self, limits: &Limits) {
        self.worker.drain(self.taken, &mut self.events);
        self.before.stages.add(&StageCounts { flows_active: 0, ..self.worker.counts() });
        self.duplicates_before = self.duplicates();
        self.worker = new_worker(self.number, limits);
        self.copies_told.1 = None;
        self.flush(HandoverCounts::default());
    }

    /// Ends all flows for good; waits until the hub has room for the last events.
    pub fn end(mut self) {
        self.worker.drain(u64::MAX, &mut self.events);
        self.copies_told.1 = None;
        let last = self.batch(HandoverCounts::default());
        let _ = self.sender.send(last);
    }

    /// Remembers what an exchange that is over counted.
    pub fn remember(&mut self, handover: HandoverCounts) {
        self.before.handover.add(&handover);
    }

    /// Tells the hub when it is time to.
    pub fn flush_when_due(&mut self, handover: HandoverCounts) {
        let waited = self.flushed_at.elapsed();
        if self.events.len() >= FLUSH_EVENTS || waited >= COUNT_AFTER || (!self.events.is_empty() && waited >= FLUSH_AFTER) {
            self.flush(handover);
        }
    }

    fn flush(&mut self, handover: HandoverCounts) {
        self.flushed_at = Instant::now();
        let batch = self.batch(handover);
        match self.sender.try_send(batch) {
            Ok(()) => {}
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                self.events_dropped += batch.events.len() as u64;
                self.copies_told.0 = 0;
            }
        }
    }

    fn batch(&mut self, handover: HandoverCounts) -> Batch {
        let events = std::mem::take(&mut self.events);
        self.events_made += events.len() as u64;
        let mut counts = self.before;
        counts.add(&LaneCounts {
            frames: self.frames,
            stages: self.worker.counts(),
            handover,
            events_made: self.events_made,
            events_dropped: self.events_dropped,
        });
        Batch { lane: self.number, events, counts, duplicates: self.news_of_copies(counts.stages.duplicates.total()) }
    }

    fn news_of_copies(&mut self, copies: u64) -> Option<Vec<DuplicatePath>> {
        let (told, told_at) = self.copies_told;
        let is_due = told_at.is_none_or(|at| at.elapsed() >= TELL_OF_COPIES_AFTER);
        (copies > told && is_due).then(|| {
            self.copies_told = (copies, Some(Instant::now()));
            self.duplicates()
        })
    }

    /// What copies told this worker and those before it.
    fn duplicates(&self) -> Vec<DuplicatePath> {
        join_paths(self.duplicates_before.iter().cloned().chain(self.worker.duplicate_paths()))
    }
}

fn new_worker(number: usize, limits: &Limits) -> Worker {
    Worker::new(u16::try_from(number).unwrap_or(u16::MAX), limits, random_seed())
}

/// The clock that frames are stamped with.
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
}

/// Unknown to whoever sends crafted flows.
pub fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;
    use sensor_wire::{LinkType, Options};

    use super::*;
    use crate::config::Config;

    fn datagram(host: u8) -> Vec<u8> {
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, host, 8, 0];
        frame.extend([0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, host, 10, 0, 1, 1, 0, host, 0, 9, 0, 9, 0, 0, host]);
        frame
    }

    fn feed(lane: &mut Lane, hosts: impl Iterator<Item = u8>) {
        let datagrams: Vec<_> = hosts.map(datagram).collect();
        let frame = |bytes| Frame { seen_at_nanos: 7, wire_len: 60, link: LinkType::Ethernet, bytes };
        let frames: Vec<_> = datagrams.iter().map(|bytes| frame(bytes.as_slice())).collect();
        let mut sorted = Sorted::new(1);
        sorted.refill(&frames, Options::default());
        lane.count(&sorted, &frames);
        lane.take(&sorted.buckets[0], &frames);
    }

    #[test]
    fn every_event_reaches_the_hub_or_is_counted_as_dropped_from_its_full_queue() {
        // Given a hub that takes nothing while ten batches come, and room for three.
        let limits = Config::load(None).unwrap().limits(1);
        let (sender, hub) = bounded(3);
        let mut lane = Lane::new(0, &limits, sender);
        for host in 1..=10 {
            feed(&mut lane, std::iter::once(host));
            lane.flush(HandoverCounts::default());
        }
        let first: Vec<Batch> = hub.try_iter().collect();
        lane.end();
        let last = hub.try_recv().unwrap();

        let taken = first.iter().chain([&last]).map(|batch| batch.events.len() as u64).sum::<u64>();
        assert_eq!(first.len(), 3);
        assert!(last.counts.events_dropped >= 7, "{:?}", last.counts);
        assert_eq!(last.counts.events_made, taken + last.counts.events_dropped);
        assert_eq!((last.counts.frames.packets, last.counts.stages.flow_packets), (10, 10));
    }

    #[test]
    fn counts_go_on_when_the_lane_begins_anew() {
        let limits = Config::load(None).unwrap().limits(1);
        let (sender, hub) = bounded(10);
        let mut lane = Lane::new(3, &limits, sender);
        feed(&mut lane, 1..=5);
        lane.remember(HandoverCounts { handed_packets: 4, ..HandoverCounts::default() });
        lane.begin_anew(&limits);
        feed(&mut lane, 1..=2);
        lane.end();

        let last = hub.try_iter().last().unwrap();
        assert_eq!((last.lane, last.counts.frames.packets, last.counts.stages.flow_packets), (3, 7, 7));
        assert_eq!((last.counts.stages.flows_ended, last.counts.stages.flows_active), (7, 0));
        assert_eq!(last.counts.handover.handed_packets, 4);
    }
}
