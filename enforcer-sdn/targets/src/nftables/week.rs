//! Minutes of the week as `meta day` and `meta hour` say them, for the renderer: never across midnight.

use enforcer_packetset::WeekSet;

use crate::day_windows::{DAY, day_windows};

/// From Monday, as a week set counts.
const NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The matches, each with a trailing space, whose union is the set; one empty match for the whole week.
pub(super) fn windows(week: &WeekSet) -> Vec<String> {
    let named = |days: Vec<usize>| days.into_iter().filter_map(|day| NAMES.get(day).copied()).collect::<Vec<_>>();
    day_windows(week).into_iter().map(|(days, range)| window(&named(days), range)).collect()
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
