//! `time-range` and `clock` lines: minutes of the UTC week in which an entry is in force. They are read before the lists, for devices show
//! them behind.
//!
//! A device knows local time. Where the text says how far its clock is from UTC, windows are moved by that; where it says nothing the clock is
//! on UTC, as the device's own default is. A clock that changes in summer has no fixed distance, so windows on it are refused.
//! A window ends with the last second of its last minute (ASA CLI Configuration Guide, "Scheduling Extended Access List Activation").

use std::collections::BTreeMap;

use enforcer_packetset::WeekSet;

use crate::target::ParseError;
use crate::words::{Words, number};

const DAY: u16 = 24 * 60;
const WEEK: i32 = 7 * 24 * 60;

/// How a dialect writes a time of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    /// `17:59`.
    Minutes,
    /// `17:59:59` or `18:00:00`.
    Seconds,
}

/// What the text says of the device's clock, and its time ranges.
#[derive(Default)]
pub(crate) struct Clock {
    /// Minutes that it is ahead of UTC.
    ahead: Option<i32>,
    /// Why its windows have no fixed place in the UTC week.
    moves: Option<ParseError>,
    ranges: BTreeMap<String, Result<Vec<(u16, u16)>, ParseError>>,
}

impl Clock {
    pub(crate) fn read<'a>(lines: impl IntoIterator<Item = (usize, &'a str)>, times: Times) -> Result<Self, ParseError> {
        let mut clock = Self::default();
        let mut open: Option<String> = None;
        for (line, text) in lines {
            let mut words = Words::new(line, text);
            match (words.peek(), &open) {
                ("time-range", _) => {
                    words.next();
                    let name = words.some("a time range's name")?;
                    if clock.ranges.insert(name.to_owned(), Ok(Vec::new())).is_some() {
                        return Err(words.error(format!("a second time range `{name}`"), "give one definition of it"));
                    }
                    words.end("a time range begins with its name")?;
                    open = Some(name.to_owned());
                }
                ("clock", _) if words.indent() == 0 => {
                    clock.zone(&mut words)?;
                    open = None;
                }
                (word, Some(name)) if !word.is_empty() && !word.starts_with('!') => {
                    if !is_of_range(&words) {
                        open = None;
                        continue;
                    }
                    let range = clock.ranges.entry(name.clone()).or_insert_with(|| Ok(Vec::new()));
                    match (window(&mut words, times), &mut *range) {
                        (Ok(more), Ok(windows)) => windows.extend(more),
                        (Err(error), Ok(_)) => *range = Err(error),
                        (_, Err(_)) => {}
                    }
                }
                _ => {}
            }
        }
        Ok(clock)
    }

    /// `clock timezone NAME HOURS [MINUTES]`, `clock summer-time`.
    fn zone(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        words.next();
        match words.next() {
            "timezone" => {
                words.some("a time zone's name")?;
                let text = words.some("the hours from UTC")?;
                let (digits, sign) = text.strip_prefix('-').map_or((text, 1), |digits| (digits, -1));
                let hours = number::<i32>(digits).filter(|hours| *hours <= 23);
                let minutes = if words.peek().is_empty() { Some(0) } else { number::<i32>(words.next()) };
                let (Some(hours), Some(minutes)) = (hours, minutes.filter(|minutes| *minutes < 60)) else {
                    return Err(
                        words.error("a time zone without its distance from UTC", "write clock timezone NAME HOURS MINUTES")
                    );
                };
                self.ahead = Some(sign * (hours * 60 + minutes));
                words.end("a time zone has a name, hours and minutes")
            }
            "summer-time" => {
                let advice = "its windows are at other times of the UTC week in summer, and the policy's are those of today: \
                              keep the device's clock on UTC, or leave the schedule to a point that has the policy's clock";
                self.moves = Some(words.error("time ranges on a clock that changes in summer", advice));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// When the range of the next word is open.
    pub(crate) fn week(&self, words: &mut Words<'_>) -> Result<WeekSet, ParseError> {
        let name = words.some("a time range's name")?;
        let windows = match self.ranges.get(name) {
            Some(Ok(windows)) if windows.is_empty() => {
                return Err(words.error(format!("time range `{name}` says no time"), "give its `periodic` lines"));
            }
            Some(Ok(windows)) => windows,
            Some(Err(error)) => return Err(error.clone()),
            None => {
                let advice = "give its definition: an entry whose range a device does not know may be in force at any time";
                return Err(words.error(format!("time range `{name}` is not in the text"), advice));
            }
        };
        if let Some(error) = &self.moves {
            return Err(error.clone());
        }
        let ahead = self.ahead.unwrap_or(0);
        let minute = |value: i32| u16::try_from(value).ok();
        let ranges = windows.iter().flat_map(|&(first, last)| {
            let start = (i32::from(first) - ahead).rem_euclid(WEEK);
            let end = start + i32::from(last) - i32::from(first);
            [(start, end.min(WEEK - 1)), (0, end - WEEK)]
        });
        Ok(WeekSet::from_ranges(ranges.filter_map(|(first, last)| Some((minute(first)?, minute(last)?)))))
    }

    /// What a proof with windows rests on, where the text does not say it.
    pub(crate) fn note(&self) -> Option<String> {
        let is_silent = !self.ranges.is_empty() && self.ahead.is_none();
        is_silent
            .then(|| "the text sets no time zone, so its time ranges are read as UTC: the device's clock must be on it".into())
    }
}

/// Whether the line stands in a time range: `periodic`, `absolute`, a remark, with or without a number.
pub(crate) fn is_of_range(words: &Words<'_>) -> bool {
    let word = if number::<u32>(words.peek()).is_some() { words.peek_second() } else { words.peek() };
    ["periodic", "absolute", "remark"].contains(&word)
}

/// The windows of one line in minutes of the device's week, both ends included.
fn window(words: &mut Words<'_>, times: Times) -> Result<Vec<(u16, u16)>, ParseError> {
    if number::<u32>(words.peek()).is_some() {
        words.next();
    }
    match words.next() {
        "periodic" => {}
        "remark" => return Ok(Vec::new()),
        _ => {
            let advice =
                "a policy's windows come every week: leave dates to the rule's `expires`, and the entry out when it has passed";
            return Err(words.error("a time range with dates", advice));
        }
    }
    let mut days = Vec::new();
    while let Some(named) = days_of(words.peek()) {
        words.next();
        days.extend(named);
    }
    if days.is_empty() {
        return Err(words.error_ahead("a window without its days", "write `daily`, `weekdays`, `weekend` or names of days"));
    }
    let start = time(words, times, true)?;
    words.expect("to", "write FROM to UNTIL")?;
    let until = days_of(words.peek());
    if until.is_some() {
        words.next();
    }
    let end = time(words, times, false)?;
    words.end("a window has days, a time, `to` and a time")?;
    match until.as_deref() {
        // From one day until another, and all that is between.
        Some([last]) if days.len() == 1 && days != [*last] => {
            let (first, last) = (days.first().copied().unwrap_or(0) * DAY + start, last * DAY + end);
            Ok(if first <= last { vec![(first, last)] } else { vec![(first, 7 * DAY - 1), (0, last)] })
        }
        Some(until) if days != *until => Err(words.error("a window from several days until another", "write one window a line")),
        _ if end < start => Err(words
            .error("a window that ends before it begins", "write two, until 23:59 and from 0:00, or name the day it ends on")),
        _ => Ok(days.iter().map(|day| (day * DAY + start, day * DAY + end)).collect()),
    }
}

/// Monday is 0.
fn days_of(word: &str) -> Option<Vec<u16>> {
    let days = match word.to_ascii_lowercase().as_str() {
        "daily" => 0..7,
        "weekdays" => 0..5,
        "weekend" => 5..7,
        "monday" => 0..1,
        "tuesday" => 1..2,
        "wednesday" => 2..3,
        "thursday" => 3..4,
        "friday" => 4..5,
        "saturday" => 5..6,
        "sunday" => 6..7,
        _ => return None,
    };
    Some(days.collect())
}

/// A minute of the day: the first or the last of a window.
fn time(words: &mut Words<'_>, times: Times, is_start: bool) -> Result<u16, ParseError> {
    let word = words.some("a time")?;
    let field = |text: &str, most: u16| -> Option<u16> {
        let is_clean = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|value| is_clean && *value <= most)
    };
    let parts: Vec<&str> = word.split(':').collect();
    let minute = match (parts.as_slice(), times) {
        ([hours, minutes], Times::Minutes) => {
            field(hours, 23).zip(field(minutes, 59)).map(|(hours, minutes)| hours * 60 + minutes)
        }
        ([hours, minutes, seconds], Times::Seconds) => {
            let whole = field(hours, 23).zip(field(minutes, 59)).map(|(hours, minutes)| hours * 60 + minutes);
            match (whole, field(seconds, 59), is_start) {
                (Some(minute), Some(0), true) | (Some(minute), Some(59), false) => Some(minute),
                // The whole minute is the one before; of the second itself nothing is said.
                (Some(minute), Some(0), false) => minute.checked_sub(1),
                _ => None,
            }
        }
        _ => None,
    };
    minute.ok_or_else(|| {
        let advice = match times {
            Times::Minutes => "write HH:MM",
            Times::Seconds => "write HH:MM:SS, whole minutes: from second 0 until second 59 or 0",
        };
        words.error(format!("`{word}` is no time of the day that is read"), advice)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(text: &str, times: Times) -> Result<Vec<(u16, u16)>, (usize, usize)> {
        let clock = Clock::read((1..).zip(text.lines()), times).unwrap();
        let week = clock.week(&mut Words::new(99, "x")).map(|week| week.minutes().ranges().to_vec());
        week.map_err(|error| (error.line, error.column))
    }

    #[test]
    fn windows_are_minutes_of_the_utc_week() {
        let of = |lines: &str| minutes(&format!("time-range x\n{lines}"), Times::Minutes);
        assert_eq!(of(" periodic Monday 8:00 to 17:59"), Ok(vec![(480, 1079)]));
        assert_eq!(of(" periodic weekend 00:00 to 23:59"), Ok(vec![(5 * DAY, 7 * DAY - 1)]));
        assert_eq!(of(" periodic monday wednesday 0:00 to 0:00"), Ok(vec![(0, 0), (2 * DAY, 2 * DAY)]));
        assert_eq!(of(" periodic friday 22:00 to sunday 6:00"), Ok(vec![(4 * DAY + 1320, 6 * DAY + 360)]));
        assert_eq!(of(" periodic sunday 22:00 to monday 6:00"), Ok(vec![(0, 360), (6 * DAY + 1320, 7 * DAY - 1)]));
        assert_eq!(of(" periodic daily 0:00 to 11:59\n periodic daily 12:00 to 23:59"), Ok(vec![(0, 7 * DAY - 1)]));
        let nx = |lines: &str| minutes(&format!("time-range x\n{lines}"), Times::Seconds);
        assert_eq!(nx("  10 periodic monday 08:00:00 to 18:00:00"), Ok(vec![(480, 1079)]));
        assert_eq!(nx("  10 periodic monday 08:00:00 to 17:59:59"), Ok(vec![(480, 1079)]));
    }

    #[test]
    fn a_clock_beside_utc_moves_its_windows() {
        let of = |zone: &str| minutes(&format!("{zone}\ntime-range x\n periodic monday 0:30 to 1:29\n"), Times::Minutes);
        assert_eq!(of("clock timezone UTC 0 0"), Ok(vec![(30, 89)]));
        assert_eq!(of("clock timezone CET 1 0"), Ok(vec![(0, 29), (7 * DAY - 30, 7 * DAY - 1)]));
        assert_eq!(of("clock timezone NST -3 30"), Ok(vec![(240, 299)]));
        assert_eq!(of("clock summer-time CEST recurring"), Err((1, 7)));
    }

    #[test]
    fn what_has_no_place_in_a_week_is_refused_there() {
        let of = |line: &str| minutes(&format!("time-range x\n {line}"), Times::Minutes);
        assert_eq!(of("absolute end 23:59 31 December 2027"), Err((2, 2)));
        assert_eq!(of("periodic daily 22:00 to 6:00"), Err((2, 26)));
        assert_eq!(of("periodic weekdays 8:00 to sunday 6:00"), Err((2, 35)));
        assert_eq!(of("periodic 8:00 to 6:00"), Err((2, 11)));
        assert_eq!(of("periodic daily 24:00 to 6:00"), Err((2, 17)));
        assert_eq!(minutes("time-range x\n", Times::Minutes), Err((99, 1)));
        assert_eq!(minutes("time-range y\n periodic daily 0:00 to 23:59\n", Times::Minutes), Err((99, 1)));
        assert_eq!(minutes("time-range x\n periodic monday 08:00:30 to 18:00:00", Times::Seconds), Err((2, 18)));
    }
}
