//! A set of UTC days in little memory: runs of days, since traffic comes in runs.

use smallvec::SmallVec;

/// Most runs kept; beyond it the oldest ones live on as a number only, so a year of monthly jobs stays small.
const MAX_RUNS: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// First and last day of each run, ascending, never touching.
    runs: SmallVec<[(i32, i32); 2]>,
    /// Days that are known by number only.
    forgotten: u32,
}

impl Days {
    /// `count` days of which the last is known.
    #[must_use]
    pub fn remembered(count: u32, last: i64) -> Self {
        let last = small(last);
        let runs = (count > 0).then_some((last, last)).into_iter().collect();
        Self { runs, forgotten: count.saturating_sub(1) }
    }

    pub fn mark(&mut self, day: i64) {
        self.mark_small(small(day));
    }

    fn mark_small(&mut self, day: i32) {
        let at = self.runs.partition_point(|(_, last)| *last < day);
        if self.runs.get(at).is_some_and(|(first, _)| *first <= day) {
            return;
        }
        let joins_next = self.runs.get(at).is_some_and(|(first, _)| *first == day + 1);
        let joins_previous = at > 0 && self.runs.get(at - 1).is_some_and(|(_, last)| *last == day - 1);
        match (joins_previous, joins_next) {
            (true, true) => {
                let (_, last) = self.runs.remove(at);
                if let Some(previous) = self.runs.get_mut(at - 1) {
                    previous.1 = last;
                }
            }
            (true, false) => self.runs.get_mut(at - 1).into_iter().for_each(|run| run.1 = day),
            (false, true) => self.runs.get_mut(at).into_iter().for_each(|run| run.0 = day),
            (false, false) => self.runs.insert(at, (day, day)),
        }
        if self.runs.len() > MAX_RUNS {
            let (first, last) = self.runs.remove(0);
            self.forgotten = self.forgotten.saturating_add(length(first, last));
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (first, last) in &other.runs {
            (*first..=*last).for_each(|day| self.mark_small(day));
        }
        // Days known by number only may be the same ones on both sides: the larger number is certain, the sum is not.
        self.forgotten = self.forgotten.max(other.forgotten);
    }

    #[must_use]
    pub fn count(&self) -> u32 {
        self.runs.iter().fold(self.forgotten, |sum, (first, last)| sum.saturating_add(length(*first, *last)))
    }
}

fn length(first: i32, last: i32) -> u32 {
    last.abs_diff(first) + 1
}

/// A packet time lies within 107,000 days of 1970.
fn small(day: i64) -> i32 {
    i32::try_from(day).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_in_any_order_count_once_and_join_into_runs() {
        let mut days = Days::default();
        for day in [5, 3, 4, 5, 9, 3] {
            days.mark(day);
        }
        assert_eq!(days.runs[..], [(3, 5), (9, 9)]);
        assert_eq!(days.count(), 4);
    }

    #[test]
    fn merging_counts_a_common_day_once() {
        let (mut left, mut right) = (Days::default(), Days::default());
        (1..=3).for_each(|day| left.mark(day));
        (3..=4).for_each(|day| right.mark(day));
        left.merge(&right);
        assert_eq!(left.count(), 4);
    }

    #[test]
    fn a_full_set_keeps_the_count_right() {
        let mut days = Days::default();
        (0..200).for_each(|step| days.mark(step * 2));
        assert_eq!((days.count(), days.runs.len()), (200, MAX_RUNS));
    }
}
