//! Minutes of the week as `meta day` and `meta hour` say them, for the renderer: never across midnight.

use enforcer_packetset::{RangeSet, WeekSet};

const DAY: u16 = 24 * 60;
/// From Monday, as a week set counts.
const NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The matches, each with a trailing space, whose union is the set; one empty match for the whole week.
pub(super) fn windows(week: &WeekSet) -> Vec<String> {
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
    let days = match days {
        [day] => format!("meta day \"{day}\" "),
        _ if days.len() == NAMES.len() => String::new(),
        _ => format!("meta day {{ \"{}\" }} ", days.join("\", \"")),
    };
    if (first, last) == (0, DAY - 1) {
        return days;
    }
    // A range of seconds, both ends included: a minute ends at its second 59.
    format!("{days}meta hour \"{:02}:{:02}:00\"-\"{:02}:{:02}:59\" ", first / 60, first % 60, last / 60, last % 60)
}
