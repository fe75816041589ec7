//! Minutes of the week as `-m time` says them, for the renderer: UTC, never across midnight.

use enforcer_packetset::WeekSet;

use crate::day_windows::{DAY, day_windows};

/// From Monday, as a week set counts.
const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The matches, each with a trailing space, whose union is the set; one empty match for the whole week.
pub(super) fn windows(week: &WeekSet) -> Vec<String> {
    if week.is_always() {
        return vec![String::new()];
    }
    let named = |days: Vec<usize>| days.into_iter().filter_map(|day| NAMES.get(day).copied()).collect::<Vec<_>>();
    day_windows(week).into_iter().map(|(days, range)| window(&named(days), range)).collect()
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
