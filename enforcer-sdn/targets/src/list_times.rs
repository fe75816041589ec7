//! A rule's times as a named time range, for renderers. Its name says what it holds, so that a range of one name is the same one in every
//! rendering, whatever its lists are called, and may be defined beside an older one. Times are UTC: the text says so, and that the device's clock must be.

use enforcer_packetset::WeekSet;
use enforcer_policy::{PointRule, Ruleset};

use crate::day_windows::day_windows;
use crate::list_entries::Writer;

/// How a dialect writes a time of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeWords {
    /// It has none.
    None,
    /// `17:59`, and its last second is open too.
    Minutes,
    /// `17:59:59`, behind a number.
    Seconds,
}

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// What stands behind an entry of the rule; nothing where it always holds.
pub(crate) fn reference(rule: &PointRule) -> String {
    if rule.selector.week.is_always() { String::new() } else { format!(" time-range {}", name(&rule.selector.week)) }
}

/// The ranges that the rules need, each once, in the order in which they need them.
pub(crate) fn definitions(words: TimeWords, ruleset: &Ruleset, out: &mut Writer) {
    let mut written: Vec<&WeekSet> = Vec::new();
    for week in ruleset.rules.iter().map(|rule| &rule.selector.week).filter(|week| !week.is_always()) {
        if written.contains(&week) {
            continue;
        }
        if written.is_empty() {
            out.line("! times are UTC, and so must the device's clock be");
        }
        written.push(week);
        out.line(&format!("time-range {}", name(week)));
        for (at, (days, range)) in (1..).zip(day_windows(week)) {
            out.line(&window(words, at, &days, range));
        }
    }
}

fn window(words: TimeWords, at: u32, days: &[usize], (first, last): (u16, u16)) -> String {
    let days = match days {
        [0, 1, 2, 3, 4, 5, 6] => "daily".into(),
        [0, 1, 2, 3, 4] => "weekdays".into(),
        [5, 6] => "weekend".into(),
        _ => days.iter().filter_map(|&day| DAYS.get(day).copied()).collect::<Vec<_>>().join(" "),
    };
    let (from, to) = ((first / 60, first % 60), (last / 60, last % 60));
    if words == TimeWords::Seconds {
        return format!("  {}0 periodic {days} {:02}:{:02}:00 to {:02}:{:02}:59", at, from.0, from.1, to.0, to.1);
    }
    format!(" periodic {days} {}:{:02} to {}:{:02}", from.0, from.1, to.0, to.1)
}

/// FNV-1a over the minutes. Two sets of one name would be read back as one, and so not proven.
fn name(week: &WeekSet) -> String {
    let minutes = week.minutes().ranges().iter().flat_map(|&(first, last)| [first, last]);
    let hash =
        minutes.flat_map(u16::to_be_bytes).fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("cordon-{hash:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_the_shortest_words() {
        let of = |words, days: &[usize]| window(words, 1, days, (480, 1079));
        assert_eq!(of(TimeWords::Minutes, &[0, 1, 2, 3, 4]), " periodic weekdays 8:00 to 17:59");
        assert_eq!(of(TimeWords::Minutes, &[0, 6]), " periodic monday sunday 8:00 to 17:59");
        assert_eq!(of(TimeWords::Seconds, &[5, 6]), "  10 periodic weekend 08:00:00 to 17:59:59");
    }
}
