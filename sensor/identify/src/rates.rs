//! Loss against rate: whether what is missing is missing when much is sent, as behind a mirror port that is too slow.

use std::collections::BTreeMap;

use sensor_model::Timestamp;

const INTERVAL_NANOS: i64 = 5_000_000_000;
/// Six hours; older ones say nothing of how it is now.
const MAX_INTERVALS: usize = 4_096;
/// How much faster the busy half must be, and how much more it must lose, for the rate to be the reason.
const FASTER: f64 = 1.5;
const MORE_LOSS: f64 = 3.0;
/// Bytes that the busy half must have lost, and that the quiet half would have lost at the same ratio: a few segments.
const TELLING_BYTES: f64 = 10_000.0;

#[derive(Clone, Copy, Debug, Default)]
struct Interval {
    wire_bytes: u64,
    stream_bytes: u64,
    missed_bytes: u64,
}

/// Intervals by packet time.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    intervals: BTreeMap<i64, Interval>,
}

impl Rates {
    pub fn add(&mut self, at: Timestamp, wire_bytes: i64, stream_bytes: i64, missed_bytes: i64) {
        let interval = self.intervals.entry(at.as_nanos().div_euclid(INTERVAL_NANOS)).or_default();
        interval.wire_bytes = interval.wire_bytes.saturating_add_signed(wire_bytes);
        interval.stream_bytes = interval.stream_bytes.saturating_add_signed(stream_bytes);
        interval.missed_bytes = interval.missed_bytes.saturating_add_signed(missed_bytes);
        if self.intervals.len() > MAX_INTERVALS {
            self.intervals.pop_first();
        }
    }

    pub fn loss_grows_with_rate(&self) -> bool {
        let mut by_rate: Vec<&Interval> = self.intervals.values().filter(|interval| interval.wire_bytes > 0).collect();
        by_rate.sort_by_key(|interval| (interval.wire_bytes, interval.stream_bytes, interval.missed_bytes));
        let (quiet, busy) = by_rate.split_at(by_rate.len() / 2);
        let sum = |half: &[&Interval], of: fn(&Interval) -> u64| half.iter().map(|interval| of(interval) as f64).sum::<f64>();
        let [quiet, busy] = [quiet, busy].map(|half| {
            let rate = sum(half, |interval| interval.wire_bytes) / half.len().max(1) as f64;
            (rate, sum(half, |interval| interval.stream_bytes), sum(half, |interval| interval.missed_bytes))
        });
        if quiet.1 <= 0.0 || busy.1 <= 0.0 {
            return false;
        }
        let ratio = busy.2 / busy.1;
        busy.0 >= FASTER * quiet.0
            && busy.2 >= TELLING_BYTES
            && ratio * quiet.1 >= TELLING_BYTES
            && ratio >= MORE_LOSS * (quiet.2 / quiet.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grows(missed: impl Fn(i64) -> i64) -> bool {
        let mut rates = Rates::default();
        for number in 0..12 {
            let bytes = if number % 2 == 0 { 1_000_000 } else { 9_000_000 };
            rates.add(Timestamp::from_nanos(number * INTERVAL_NANOS), bytes, bytes, missed(bytes));
        }
        rates.loss_grows_with_rate()
    }

    #[test]
    fn loss_only_when_busy_grows_with_the_rate_and_even_loss_does_not() {
        assert!(grows(|bytes| if bytes > 5_000_000 { bytes / 20 } else { 0 }));
        assert!(!grows(|bytes| bytes / 20));
        assert!(!grows(|_| 0));
    }
}
