//! Brings the packets of several queues into the order in which they came: an answer must not overtake its question, only because
//! the question's queue was emptied later.

use std::collections::VecDeque;

use sensor_capture::Frame;
use sensor_capture::live::BATCH;
use sensor_wire::LinkType;

use super::parcel::Parcel;
use crate::sort::Bucket;

/// Parcels of each queue, those that came first in front.
#[derive(Debug)]
pub struct Merge {
    lines: Vec<Line>,
    parcels: usize,
    bucket: Bucket,
}

#[derive(Debug, Default)]
struct Line {
    parcels: VecDeque<Parcel>,
    /// The next packet: which of the parcels, and where in it.
    parcel: usize,
    packet: usize,
}

impl Line {
    fn next(&self) -> Option<i64> {
        self.parcels.get(self.parcel)?.seen_at(self.packet)
    }

    fn advance(&mut self) {
        self.packet += 1;
        if self.parcels.get(self.parcel).is_some_and(|parcel| self.packet >= parcel.len()) {
            (self.parcel, self.packet) = (self.parcel + 1, 0);
        }
    }
}

impl Merge {
    #[must_use]
    pub fn of(queues: usize) -> Self {
        Self { lines: (0..queues).map(|_| Line::default()).collect(), parcels: 0, bucket: Bucket::default() }
    }

    pub fn push(&mut self, parcel: Parcel) {
        if parcel.len() > 0
            && let Some(line) = self.lines.get_mut(parcel.from)
        {
            line.parcels.push_back(parcel);
            self.parcels += 1;
        }
    }

    /// Parcels that wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.parcels
    }

    /// When the first packet that waits arrived.
    #[must_use]
    pub fn first(&self) -> Option<i64> {
        self.lines.iter().filter_map(Line::next).min()
    }

    /// The parcel that waits longest.
    #[must_use]
    pub fn oldest(&self) -> Option<&Parcel> {
        self.lines.iter().filter_map(|line| line.parcels.front()).min_by_key(|parcel| parcel.filled_at)
    }

    /// Shows the packets that arrived up to `horizon`, in order, a batch at a time; gives back parcels that are through.
    pub fn release(&mut self, horizon: i64, mut visit: impl FnMut(&Bucket, &[Frame<'_>]), mut give_back: impl FnMut(Parcel)) {
        while self.show_batch(horizon, &mut visit) > 0 {
            for line in &mut self.lines {
                self.parcels -= line.parcel;
                line.parcels.drain(..line.parcel).for_each(&mut give_back);
                line.parcel = 0;
            }
        }
    }

    fn show_batch(&mut self, horizon: i64, visit: &mut impl FnMut(&Bucket, &[Frame<'_>])) -> usize {
        let Self { lines, bucket, .. } = self;
        bucket.observations.clear();
        bucket.places.clear();
        // First which packets, then their frames: those are borrowed from the lines.
        let mut chosen = [(0, 0, 0); BATCH];
        let mut count = 0;
        for choice in &mut chosen {
            let nexts = lines.iter().enumerate().filter_map(|(number, line)| Some((line.next()?, number)));
            let Some((_, number)) = nexts.min().filter(|(seen_at, _)| *seen_at <= horizon) else { break };
            let Some(line) = lines.get_mut(number) else { break };
            *choice = (number, line.parcel, line.packet);
            line.advance();
            count += 1;
        }
        let mut frames = [Frame { seen_at_nanos: 0, wire_len: 0, link: LinkType::Ethernet, bytes: &[] }; BATCH];
        for (place, (frame, (number, parcel, packet))) in (0..).zip(frames.iter_mut().zip(chosen).take(count)) {
            let found = lines.get(number).and_then(|line| line.parcels.get(parcel)?.packet(packet));
            let Some((observation, bytes)) = found else { continue };
            *frame = bytes;
            bucket.observations.push(observation);
            bucket.places.push(place);
        }
        if count > 0 {
            visit(bucket, frames.get(..count).unwrap_or_default());
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use sensor_wire::Options;

    use super::*;
    use crate::sort::Sorted;

    /// A parcel of packets that came to queue `from` at these times.
    fn parcel(from: usize, times: &[i64]) -> Parcel {
        let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        bytes.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 1, 1, 0, 7, 0, 9, 0, 8, 0, 0]);
        let frame = |time: &i64| Frame { seen_at_nanos: *time, wire_len: 60, link: LinkType::Ethernet, bytes: &bytes };
        let frames: Vec<_> = times.iter().map(frame).collect();
        let mut sorted = Sorted::new(1);
        sorted.refill(&frames, Options::default());
        let mut parcel = Parcel::empty();
        parcel.fill(from, &mut sorted.buckets[0], &frames);
        parcel
    }

    fn released(merge: &mut Merge, horizon: i64) -> (Vec<i64>, usize) {
        let (mut times, mut back) = (Vec::new(), 0);
        merge.release(
            horizon,
            |bucket, frames| {
                assert_eq!(bucket.observations.len(), frames.len());
                for (observation, place) in bucket.observations.iter().zip(&bucket.places) {
                    assert_eq!(observation.seen_at.as_nanos(), frames[*place as usize].seen_at_nanos);
                    times.push(observation.seen_at.as_nanos());
                }
            },
            |_| back += 1,
        );
        (times, back)
    }

    #[test]
    fn packets_of_three_queues_come_in_the_order_of_their_times_up_to_the_horizon() {
        let mut merge = Merge::of(3);
        for (from, times) in [(0, vec![1, 4, 9]), (2, vec![2, 3]), (1, vec![5, 20]), (0, vec![10, 11]), (2, vec![12])] {
            merge.push(parcel(from, &times));
        }
        assert_eq!(merge.first(), Some(1));
        assert_eq!(released(&mut merge, 10), (vec![1, 2, 3, 4, 5, 9, 10], 2));
        assert_eq!((merge.first(), merge.len()), (Some(11), 3));
        merge.push(parcel(2, &[13]));
        assert_eq!(released(&mut merge, i64::MAX), (vec![11, 12, 13, 20], 4));
        assert_eq!((merge.first(), merge.len()), (None, 0));
    }

    #[test]
    fn more_than_a_batch_is_shown_whole_and_an_empty_parcel_is_none() {
        let mut merge = Merge::of(2);
        merge.push(parcel(0, &[]));
        for start in 0..10_i64 {
            merge.push(parcel(0, &(start * 100..start * 100 + 50).collect::<Vec<_>>()));
            merge.push(parcel(1, &(start * 100 + 25..start * 100 + 75).collect::<Vec<_>>()));
        }
        let (times, back) = released(&mut merge, i64::MAX);
        assert!(times.is_sorted());
        assert_eq!((times.len(), back), (1_000, 20));
    }
}
