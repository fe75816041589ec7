//! Packets from the queue that received them to the worker that owns their flow, for ports that do not bring both directions of a
//! flow to one queue. A full inbox never stops the sender: the packets are dropped and counted.

use std::ops::Range;

use crossbeam_channel::{Receiver, Sender, bounded};
use sensor_capture::live::BATCH;
use sensor_capture::{Frame, Waker};
use sensor_wire::LinkType;
use serde::Serialize;

use crate::sort::Bucket;

/// What a worker handed to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HandoverCounts {
    pub handed_packets: u64,
    /// Found the inbox of their worker full.
    pub dropped_packets: u64,
    /// Taken from the own inbox.
    pub taken_packets: u64,
}

impl HandoverCounts {
    pub const fn add(&mut self, other: &Self) {
        self.handed_packets += other.handed_packets;
        self.dropped_packets += other.dropped_packets;
        self.taken_packets += other.taken_packets;
    }
}

/// One worker's end of the exchange.
#[derive(Debug)]
pub struct Exchange {
    /// By worker; there is none to itself.
    outboxes: Vec<Option<Sender<Parcel>>>,
    wakers: Vec<Waker>,
    inbox: Receiver<Parcel>,
    /// By worker: emptied parcels go back to who filled them, for their memory.
    returns: Vec<Sender<Parcel>>,
    returned: Receiver<Parcel>,
    spare: Option<Parcel>,
    number: usize,
    pub counts: HandoverCounts,
}

/// Packets of one batch that belong to one other worker, with copies of their frames.
#[derive(Debug, Default)]
struct Parcel {
    from: usize,
    bucket: Bucket,
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

/// Parcels taken before the own queue is looked at again.
const PARCELS_AT_ONCE: usize = 64;

impl Exchange {
    /// One end for each waker; at most `capacity` batches wait in each inbox.
    #[must_use]
    pub fn between(wakers: &[Waker], capacity: usize) -> Vec<Self> {
        let inboxes: Vec<_> = wakers.iter().map(|_| bounded(capacity.max(1))).collect();
        let returns: Vec<_> = wakers.iter().map(|_| bounded(capacity.max(1))).collect();
        let end = |number: usize, inbox: &Receiver<Parcel>, returned: &Receiver<Parcel>| Self {
            outboxes: inboxes.iter().enumerate().map(|(to, (sender, _))| (to != number).then(|| sender.clone())).collect(),
            wakers: wakers.to_vec(),
            inbox: inbox.clone(),
            returns: returns.iter().map(|(sender, _)| sender.clone()).collect(),
            returned: returned.clone(),
            spare: None,
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

    /// Empties `bucket`, whose packets came with `frames`, into the inbox of worker `to`.
    pub fn hand_over(&mut self, to: usize, bucket: &mut Bucket, frames: &[Frame<'_>]) {
        let count = bucket.observations.len() as u64;
        let Some(Some(outbox)) = self.outboxes.get(to) else { return };
        if count == 0 {
            return;
        }
        if outbox.is_full() {
            self.counts.dropped_packets += count;
            return;
        }
        let mut parcel = self.spare.take().or_else(|| self.returned.try_recv().ok()).unwrap_or_default();
        parcel.fill(self.number, bucket, frames);
        match outbox.try_send(parcel) {
            Ok(()) => {
                self.counts.handed_packets += count;
                if let Some(waker) = self.wakers.get(to) {
                    waker.wake();
                }
            }
            Err(error) => {
                self.counts.dropped_packets += count;
                self.spare = Some(error.into_inner());
            }
        }
    }

    /// Shows what lies in the inbox; gives how many packets that were.
    pub fn take(&mut self, mut visit: impl FnMut(&Bucket, &[Frame<'_>])) -> usize {
        let mut taken = 0;
        for _ in 0..PARCELS_AT_ONCE {
            let Ok(parcel) = self.inbox.try_recv() else { break };
            taken += self.open(parcel, &mut visit);
        }
        taken
    }

    /// Hands over nothing from now on, and shows what comes until nobody else does.
    pub fn take_last(&mut self, mut visit: impl FnMut(&Bucket, &[Frame<'_>])) {
        self.outboxes.clear();
        while let Ok(parcel) = self.inbox.recv() {
            self.open(parcel, &mut visit);
        }
    }

    fn open(&mut self, parcel: Parcel, visit: &mut impl FnMut(&Bucket, &[Frame<'_>])) -> usize {
        let mut frames = [Frame { seen_at_nanos: 0, wire_len: 0, link: LinkType::Ethernet, bytes: &[] }; BATCH];
        for (frame, copied) in frames.iter_mut().zip(&parcel.frames) {
            let bytes = parcel.bytes.get(copied.bytes.clone()).unwrap_or_default();
            *frame = Frame { seen_at_nanos: copied.seen_at_nanos, wire_len: copied.wire_len, link: copied.link, bytes };
        }
        visit(&parcel.bucket, frames.get(..parcel.frames.len()).unwrap_or_default());
        let taken = parcel.bucket.observations.len();
        self.counts.taken_packets += taken as u64;
        if let Some(back) = self.returns.get(parcel.from) {
            // Where the sender has enough of them this one is dropped.
            let _ = back.try_send(parcel);
        }
        taken
    }
}

impl Parcel {
    fn fill(&mut self, from: usize, bucket: &mut Bucket, frames: &[Frame<'_>]) {
        self.from = from;
        self.bucket.observations.clear();
        self.bucket.places.clear();
        self.frames.clear();
        self.bytes.clear();
        std::mem::swap(&mut self.bucket.observations, &mut bucket.observations);
        for place in bucket.places.drain(..) {
            let Some(frame) = frames.get(place as usize) else { continue };
            let start = self.bytes.len();
            self.bytes.extend_from_slice(frame.bytes);
            self.bucket.places.push(self.frames.len() as u32);
            let (seen_at_nanos, wire_len, link) = (frame.seen_at_nanos, frame.wire_len, frame.link);
            self.frames.push(Copied { seen_at_nanos, wire_len, link, bytes: start..self.bytes.len() });
        }
    }
}

#[cfg(test)]
mod tests {
    use sensor_wire::Options;

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

    /// Ends of an exchange whose queues need nobody to wake them.
    fn ends(count: usize, capacity: usize) -> Vec<Exchange> {
        let bells: Vec<Waker> = (0..count).map(|_| Waker::new().unwrap()).collect();
        Exchange::between(&bells, capacity)
    }

    #[test]
    fn packets_arrive_with_the_bytes_of_their_own_frames() {
        let datagrams: Vec<_> = (1..=40).map(datagram).collect();
        let (frames, mut sorted) = (frames(&datagrams), Sorted::new(2));
        sorted.refill(&frames, Options::default());
        let wanted: Vec<Vec<u8>> = sorted.buckets[1].places.iter().map(|place| datagrams[*place as usize].clone()).collect();
        assert!(!wanted.is_empty() && wanted.len() < 40, "both workers own some of the flows");
        let mut ends = ends(2, 4);
        let (mut second, mut first) = (ends.pop().unwrap(), ends.pop().unwrap());

        first.hand_over(1, &mut sorted.buckets[1], &frames);
        let mut seen = Vec::new();
        let taken = second.take(|bucket, frames| {
            for (observation, place) in bucket.observations.iter().zip(&bucket.places) {
                let frame = frames[*place as usize];
                assert_eq!(observation.packet.payload(frame.bytes), &frame.bytes[42..]);
                assert_eq!((frame.seen_at_nanos, frame.wire_len), (7, 60));
                seen.push(frame.bytes.to_vec());
            }
        });

        assert_eq!((taken, seen), (wanted.len(), wanted));
        assert!(sorted.buckets[1].observations.is_empty() && sorted.buckets[1].places.is_empty());
    }

    #[test]
    fn a_slow_worker_loses_what_finds_its_inbox_full_and_every_packet_is_counted_once() {
        let datagrams: Vec<_> = (1..=60).map(datagram).collect();
        let (frames, mut sorted) = (frames(&datagrams), Sorted::new(2));
        let mut ends = ends(2, 3);
        let (mut second, mut first) = (ends.pop().unwrap(), ends.pop().unwrap());
        let mut sent = 0;
        for _ in 0..5 {
            sorted.refill(&frames, Options::default());
            sent += sorted.buckets[1].observations.len() as u64;
            first.hand_over(1, &mut sorted.buckets[1], &frames);
        }
        drop(first.outboxes.drain(..));
        second.take_last(|_, _| ());

        assert_eq!(first.counts.handed_packets, sent / 5 * 3);
        assert_eq!(first.counts.dropped_packets, sent / 5 * 2);
        assert_eq!(second.counts.taken_packets, first.counts.handed_packets);
    }
}
