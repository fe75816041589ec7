//! Minutes of the week as `-m time` says them, for the renderer: UTC, never across midnight.

use enforcer_packetset::{RangeSet, WeekSet};

const DAY: u16 = 24 * 60;
/// From Monday, as a week set counts.
const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The matches, each with a trailing space, whose union is the set; one empty match for the whole week.
pub(super) fn windows(week: &WeekSet) -> Vec<String> {
    if week.is_always() {
        return vec![String::new()];
    }
    let mut shared: Vec<(RangeSet<u16>, Vec<&str>)> = Vec::new();
    for (name, start) in NAMES.into_iter().zip((0..).step_by(DAY.into())) {
        let of_day = week.minutes().intersection(&RangeSet::range(start, start + DAY - 1));
        let minutes = RangeSet::from_ranges(of_day.ranges().iter().map(|&(first, last)| (first - start, last - start)));
        match shared.iter_mut().find(|(known, _)| *known == minutes) {
            Some((_, days)) => days.push(name),
            None => shared.push((minutes, vec![name])),
        }
    }
    shared.iter().flat_map(|(minutes, days)| minutes.ranges().iter().map(|&range| window(days, range))).collect()
}

fn window(days: &[&str], (first, last): (u16, u16)) -> String {
    let mut text = String::from("-m time ");
    if (first, last) != (0, DAY - 1) {
        // A minute ends at its second 59.
        text += &format!("--timestart {:02}:{:02}:00 --timestop {:02}:{:02}:59 ", first / 60, first % 60, last / 60, last % 60);
    }
    if days.len() < NAMES.len() {
        text += &format!("--weekdays {} ", days.join(","));
    }
    text
}
