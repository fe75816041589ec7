//! Packets from the queue that received them to the lane that owns their flow, for ports that do not bring both directions of a flow to
//! one queue. A full inbox never stops the sender: the packets are dropped and counted. What arrives waits until every other queue has
//! shown what came before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use sensor_capture::{Frame, Waker};
use serde::Serialize;

use super::merge::Merge;
use super::parcel::Parcel;
use crate::sort::Bucket;

/// What a lane handed to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HandoverCounts {
    pub handed_packets: u64,
    /// Found the inbox of their lane full.
    pub dropped_packets: u64,
}

impl HandoverCounts {
    pub const fn add(&mut self, other: &Self) {
        self.handed_packets += other.handed_packets;
        self.dropped_packets += other.dropped_packets;
    }
}

/// One lane's end of the exchange.
#[derive(Debug)]
pub struct Exchange {
    /// By lane; there is none to itself.
    outboxes: Vec<Option<Sender<Parcel>>>,
    wakers: Vec<Waker>,
    inbox: Receiver<Parcel>,
    /// By lane: emptied parcels go back to who filled them, for their memory.
    returns: Vec<Sender<Parcel>>,
    returned: Receiver<Parcel>,
    /// By lane: everything that came to its queue before this time has been handed over.
    clear_until: Arc<[AtomicI64]>,
    merge: Merge,
    /// More parcels than these do not wait for their order.
    most_waiting: usize,
    number: usize,
    pub counts: HandoverCounts,
}

/// A frame has its time when the program sees it, and is in its ring when the driver's round is over.
const DRIVER_ROUND_NANOS: i64 = 1_000_000;
/// A thread that does not run for so long holds nobody up.
const PATIENCE: Duration = Duration::from_millis(500);

impl Exchange {
    /// One end for each waker; at most `capacity` batches wait in each inbox.
    #[must_use]
    pub fn between(wakers: &[Waker], capacity: usize) -> Vec<Self> {
        let (lanes, capacity) = (wakers.len(), capacity.max(1));
        let inboxes: Vec<_> = wakers.iter().map(|_| bounded(capacity)).collect();
        let returns: Vec<_> = wakers.iter().map(|_| bounded(capacity)).collect();
        let clear_until: Arc<[AtomicI64]> = wakers.iter().map(|_| AtomicI64::new(i64::MIN)).collect();
        let end = |number: usize, inbox: &Receiver<Parcel>, returned: &Receiver<Parcel>| Self {
            outboxes: inboxes.iter().enumerate().map(|(to, (sender, _))| (to != number).then(|| sender.clone())).collect(),
            wakers: wakers.to_vec(),
            inbox: inbox.clone(),
            returns: returns.iter().map(|(sender, _)| sender.clone()).collect(),
            returned: returned.clone(),
            clear_until: Arc::clone(&clear_until),
            merge: Merge::of(lanes),
            most_waiting: capacity.saturating_mul(lanes),
            number,
            counts: HandoverCounts::default(),
        };
        inboxes
            .iter()
            .zip(&returns)
            .enumerate()
            .map(|(number, ((_, inbox), (_, returned)))| end(number, inbox, returned))
            .collect()
    }

    /// Empties `bucket`, whose packets came with `frames`, into the inbox of lane `to`.
    pub fn hand_over(&mut self, to: usize, bucket: &mut Bucket, frames: &[Frame<'_>]) {
        let count = bucket.observations.len() as u64;
        if count == 0 {
            return;
        }
        // The own packets wait as well.
        let Some(Some(outbox)) = self.outboxes.get(to) else {
            let parcel = self.filled(bucket, frames);
            self.merge.push(parcel);
            return;
        };
        if outbox.is_full() {
            self.counts.dropped_packets += count;
            return;
        }
        let parcel = self.filled(bucket, frames);
        let Some(Some(outbox)) = self.outboxes.get(to) else { return };
        match outbox.try_send(parcel) {
            Ok(()) => {
                self.counts.handed_packets += count;
                if let Some(waker) = self.wakers.get(to) {
                    waker.wake();
                }
            }
            Err(_) => self.counts.dropped_packets += count,
        }
    }

    /// Everything that came to the own queue before `time` has been handed over.
    pub fn clear(&self, time: i64) {
        if let Some(clear_until) = self.clear_until.get(self.number) {
            clear_until.store(time, Ordering::Release);
        }
    }

    /// Shows what has its order.
    pub fn take(&mut self, visit: impl FnMut(&Bucket, &[Frame<'_>])) {
        // First how far the others are, then what they handed over: all up to there is in the inbox by then.
        let horizon = self.horizon();
        self.inbox.try_iter().for_each(|parcel| self.merge.push(parcel));
        let is_held_up = self.merge.oldest().is_some_and(|parcel| parcel.filled_at.elapsed() > PATIENCE);
        let horizon = if is_held_up || self.merge.len() > self.most_waiting { i64::MAX } else { horizon };
        self.release(horizon, visit);
    }

    /// Whether packets wait for other queues; those are woken to say how far they are.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        let Some(first) = self.merge.first() else { return false };
        for (lane, (clear_until, waker)) in self.clear_until.iter().zip(&self.wakers).enumerate() {
            if lane != self.number && clear_until.load(Ordering::Relaxed).saturating_sub(DRIVER_ROUND_NANOS) < first {
                waker.wake();
            }
        }
        true
    }

    /// Hands over nothing from now on, and shows what comes until nobody else does.
    pub fn take_last(&mut self, visit: impl FnMut(&Bucket, &[Frame<'_>])) {
        self.clear(i64::MAX);
        self.outboxes.clear();
        while let Ok(parcel) = self.inbox.recv() {
            self.merge.push(parcel);
        }
        self.release(i64::MAX, visit);
    }

    fn horizon(&self) -> i64 {
        let least = self.clear_until.iter().map(|time| time.load(Ordering::Acquire)).min();
        least.unwrap_or(i64::MAX).saturating_sub(DRIVER_ROUND_NANOS)
    }

    fn release(&mut self, horizon: i64, visit: impl FnMut(&Bucket, &[Frame<'_>])) {
        let returns = &self.returns;
        self.merge.release(horizon, visit, |parcel| {
            if let Some(back) = returns.get(parcel.from) {
                // Where the sender has enough of them this one is dropped.
                let _ = back.try_send(parcel);
            }
        });
    }

    fn filled(&self, bucket: &mut Bucket, frames: &[Frame<'_>]) -> Parcel {
        let mut parcel = self.returned.try_recv().unwrap_or_else(|_| Parcel::empty());
        parcel.fill(self.number, bucket, frames);
        parcel
    }
}

#[cfg(test)]
mod tests {
    use sensor_wire::{LinkType, Options};

    use super::*;
    use crate::sort::Sorted;

    /// UDP from 10.0.0.`host` with a payload of its own number.
    fn datagram(host: u8) -> Vec<u8> {
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, host, 8, 0];
        frame.extend([0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, host, 10, 0, 1, 1, 0, host, 0, 9, 0, 9, 0, 0, host]);
        frame
    }

    fn frames(datagrams: &[Vec<u8>]) -> Vec<Frame<'_>> {
        let frame = |bytes| Frame { seen_at_nanos: 7, wire_len: 60, link: LinkType::Ethernet, bytes };
        datagrams.iter().map(|bytes| frame(bytes.as_slice())).collect()
    }

    /// Two ends of an exchange whose queues need nobody to wake them.
    fn ends(capacity: usize) -> (Exchange, Exchange) {
        let bells: Vec<Waker> = (0..2).map(|_| Waker::new().unwrap()).collect();
        let mut ends = Exchange::between(&bells, capacity);
        let second = ends.pop().unwrap();
        (ends.pop().unwrap(), second)
    }

    #[test]
    fn packets_arrive_with_the_bytes_of_their_own_frames() {
        let datagrams: Vec<_> = (1..=40).map(datagram).collect();
        let (frames, mut sorted) = (frames(&datagrams), Sorted::new(2));
        sorted.refill(&frames, Options::default());
        let wanted: Vec<Vec<u8>> = sorted.buckets[1].places.iter().map(|place| datagrams[*place as usize].clone()).collect();
        assert!(!wanted.is_empty() && wanted.len() < 40, "both lanes own some of the flows");
        let (mut first, mut second) = ends(4);

        first.hand_over(1, &mut sorted.buckets[1], &frames);
        first.clear(i64::MAX);
        second.clear(i64::MAX);
        let mut seen = Vec::new();
        second.take(|bucket, frames| {
            for (observation, place) in bucket.observations.iter().zip(&bucket.places) {
                let frame = frames[*place as usize];
                assert_eq!(observation.packet.payload(frame.bytes), &frame.bytes[42..]);
                assert_eq!((frame.seen_at_nanos, frame.wire_len), (7, 60));
                seen.push(frame.bytes.to_vec());
            }
        });

        assert_eq!(seen, wanted);
        assert!(sorted.buckets[1].observations.is_empty() && sorted.buckets[1].places.is_empty());
    }

    #[test]
    fn own_packets_wait_until_the_other_queue_has_shown_what_came_before() {
        let datagrams = [datagram(1)];
        let (frames, mut sorted) = (frames(&datagrams), Sorted::new(1));
        sorted.refill(&frames, Options::default());
        let (first, mut second) = ends(4);
        second.hand_over(1, &mut sorted.buckets[0], &frames);
        second.clear(i64::MAX);
        let mut seen = 0;
        second.take(|_, frames| seen += frames.len());
        assert_eq!((seen, second.is_waiting()), (0, true));

        first.clear(7 + DRIVER_ROUND_NANOS);
        second.take(|_, frames| seen += frames.len());
        assert_eq!((seen, second.is_waiting()), (1, false));
    }

    #[test]
    fn a_slow_lane_loses_what_finds_its_inbox_full_and_every_packet_is_counted_once() {
        let datagrams: Vec<_> = (1..=60).map(datagram).collect();
        let (frames, mut sorted) = (frames(&datagrams), Sorted::new(2));
        let (mut first, mut second) = ends(3);
        let mut sent = 0;
        for _ in 0..5 {
            sorted.refill(&frames, Options::default());
            sent += sorted.buckets[1].observations.len() as u64;
            first.hand_over(1, &mut sorted.buckets[1], &frames);
        }
        first.take_last_of_nobody();
        let mut taken = 0;
        second.take_last(|bucket, _| taken += bucket.observations.len() as u64);

        assert_eq!(first.counts, HandoverCounts { handed_packets: sent / 5 * 3, dropped_packets: sent / 5 * 2 });
        assert_eq!(taken, first.counts.handed_packets);
    }

    impl Exchange {
        fn take_last_of_nobody(&mut self) {
            self.outboxes.clear();
        }
    }
}
