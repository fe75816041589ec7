//! Minutes of the week as ranges of one day, for renderers of dialects that say days and times apart.

use enforcer_packetset::{RangeSet, WeekSet};

pub(crate) const DAY: u16 = 24 * 60;

/// Days, 0 = Monday, that have the same minutes, and one range of these minutes, both ends included; never across midnight.
pub(crate) fn day_windows(week: &WeekSet) -> Vec<(Vec<usize>, (u16, u16))> {
    let mut shared: Vec<(RangeSet<u16>, Vec<usize>)> = Vec::new();
    for (day, start) in (0..7).zip((0..).step_by(DAY.into())) {
        let of_day = week.minutes().intersection(&RangeSet::range(start, start + DAY - 1));
        let minutes = RangeSet::from_ranges(of_day.ranges().iter().map(|&(first, last)| (first - start, last - start)));
        match shared.iter_mut().find(|(known, _)| *known == minutes) {
            Some((_, days)) => days.push(day),
            None => shared.push((minutes, vec![day])),
        }
    }
    shared.iter().flat_map(|(minutes, days)| minutes.ranges().iter().map(|&range| (days.clone(), range))).collect()
}
