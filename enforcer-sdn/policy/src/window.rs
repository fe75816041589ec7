//! Schedules in local time to minutes of the UTC week, at one moment: an offset holds until the zone's next transition.
//!
//! Time zones come from the database inside the binary, so that one policy means the same on every machine.

use enforcer_packetset::WeekSet;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use sensor_model::Timestamp;

use crate::document::Schedule;

const DAY: i64 = 24 * 60;
const WEEK: i64 = 7 * DAY;
const MINUTE_NANOS: i64 = 60_000_000_000;
/// Clock changes considered in one conversation's life: two a year for fifty years.
const MAX_TRANSITIONS: usize = 100;

/// The zone of an IANA name, without regard to case.
pub fn time_zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// Every IANA name, for suggestions.
pub fn time_zone_names() -> Vec<String> {
    TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect()
}

fn moment(at: Timestamp) -> jiff::Timestamp {
    // Every i64 of nanoseconds is within jiff's range.
    jiff::Timestamp::from_nanosecond(at.as_nanos().into()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

fn offset_minutes(zone: &TimeZone, at: Timestamp) -> i64 {
    // Zones of today have whole minutes; seconds were local mean time.
    i64::from(zone.to_offset(moment(at)).seconds()).div_euclid(60)
}

/// When the schedule is open, with the offset that is in force at `now`.
pub fn open_at(schedule: &Schedule, now: Timestamp) -> WeekSet {
    open_with_offset(schedule, offset_minutes(&schedule.time_zone, now))
}

/// When it was open under any offset in force from `first` to `last`.
pub fn open_between(schedule: &Schedule, first: Timestamp, last: Timestamp) -> WeekSet {
    let mut offsets = vec![offset_minutes(&schedule.time_zone, first)];
    let changes = schedule.time_zone.following(moment(first)).take_while(|change| change.timestamp() <= moment(last));
    offsets.extend(changes.take(MAX_TRANSITIONS).map(|change| i64::from(change.offset().seconds()).div_euclid(60)));
    offsets.sort_unstable();
    offsets.dedup();
    let windows = offsets.into_iter().map(|offset| open_with_offset(schedule, offset));
    windows.fold(WeekSet::never(), |all, window| {
        WeekSet::from_ranges(all.minutes().ranges().iter().chain(window.minutes().ranges()).copied())
    })
}

fn open_with_offset(schedule: &Schedule, offset: i64) -> WeekSet {
    let (from, mut to) = (i64::from(schedule.from), i64::from(schedule.to));
    if from == to {
        return WeekSet::never();
    }
    if to < from {
        to += DAY;
    }
    let days = schedule.days.iter().zip(0i64..).filter(|(open, _)| **open);
    let ranges = days.flat_map(|(_, day)| {
        let first = (day * DAY + from - offset).rem_euclid(WEEK);
        let last = first + (to - from) - 1;
        // A window over Sunday midnight UTC is two ranges.
        [(first, last.min(WEEK - 1)), (0, last - WEEK)]
    });
    let minute = |value: i64| u16::try_from(value).ok();
    WeekSet::from_ranges(ranges.filter_map(|(first, last)| Some((minute(first)?, minute(last)?))))
}

/// When the offset of the zone changes next.
pub fn next_change(schedule: &Schedule, now: Timestamp) -> Option<Timestamp> {
    let current = schedule.time_zone.to_offset(moment(now));
    let change = schedule.time_zone.following(moment(now)).take(MAX_TRANSITIONS).find(|change| change.offset() != current)?;
    i64::try_from(change.timestamp().as_nanosecond()).ok().map(Timestamp::from_nanos)
}

/// Minute of the UTC week.
#[must_use]
pub fn minute_of_week(at: Timestamp) -> u16 {
    let minute = at.as_nanos().div_euclid(MINUTE_NANOS).rem_euclid(60);
    u16::from(at.hour_of_week()) * 60 + u16::try_from(minute).unwrap_or(0)
}

/// When the schedule next opens at or after `now`, within a year.
pub fn next_opening(schedule: &Schedule, now: Timestamp) -> Option<Timestamp> {
    let mut at = now;
    for _ in 0..60 {
        let open = open_at(schedule, at);
        let until = next_change(schedule, at).unwrap_or(Timestamp::MAX);
        let minute = minute_of_week(at);
        if open.contains(minute) {
            return Some(at);
        }
        let waits = open.minutes().ranges().iter().map(|&(first, _)| (i64::from(first) - i64::from(minute)).rem_euclid(WEEK));
        let wait = waits.min()?;
        let start = at.as_nanos().div_euclid(MINUTE_NANOS).saturating_add(wait).saturating_mul(MINUTE_NANOS);
        if start < until.as_nanos() {
            return Some(Timestamp::from_nanos(start));
        }
        at = until;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(days: &[usize], from: u16, to: u16, zone: &str) -> Schedule {
        let mut open = [false; 7];
        days.iter().for_each(|&day| open[day] = true);
        Schedule { days: open, from, to, zone_name: zone.into(), time_zone: time_zone(zone).unwrap() }
    }

    #[test]
    fn a_tuesday_window_moves_with_daylight_saving() {
        let backup = schedule(&[1], 120, 240, "Europe/Berlin");
        assert_eq!(open_at(&backup, at("2026-01-15T00:00:00Z")).minutes().ranges(), [(1440 + 60, 1440 + 179)]);
        assert_eq!(open_at(&backup, at("2026-07-15T00:00:00Z")).minutes().ranges(), [(1440, 1440 + 119)]);
        assert_eq!(next_change(&backup, at("2026-01-15T00:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
        assert_eq!(next_change(&backup, at("2026-03-29T01:00:00Z")), Some(at("2026-10-25T01:00:00Z")));
        assert_eq!(next_change(&schedule(&[0], 0, 1, "UTC"), at("2026-01-15T00:00:00Z")), None);
    }

    #[test]
    fn a_window_past_midnight_belongs_to_the_day_it_begins_on() {
        let night = schedule(&[6], 22 * 60, 6 * 60, "UTC");
        assert_eq!(open_at(&night, at("2026-01-01T00:00:00Z")).minutes().ranges(), [(0, 359), (6 * 1440 + 1320, 10079)]);
    }

    #[test]
    fn a_zone_ahead_of_utc_opens_on_the_day_before() {
        let monday = schedule(&[0], 0, 60, "Asia/Kolkata");
        assert_eq!(open_at(&monday, at("2026-01-01T00:00:00Z")).minutes().ranges(), [(6 * 1440 + 1110, 6 * 1440 + 1169)]);
    }

    #[test]
    fn a_life_over_a_clock_change_was_open_under_both_offsets() {
        let backup = schedule(&[1], 120, 240, "Europe/Berlin");
        let open = open_between(&backup, at("2026-01-01T00:00:00Z"), at("2026-07-01T00:00:00Z"));
        assert_eq!(open.minutes().ranges(), [(1440, 1440 + 179)]);
    }

    #[test]
    fn the_hour_that_spring_takes_away_does_not_open() {
        // 2026-03-29 02:00 becomes 03:00 in Berlin.
        let lost = schedule(&[6], 135, 165, "Europe/Berlin");
        assert_eq!(next_opening(&lost, at("2026-03-28T00:00:00Z")), Some(at("2026-04-05T00:15:00Z")));
    }

    #[test]
    fn equal_ends_never_open_and_a_whole_day_does() {
        assert!(open_at(&schedule(&[0], 60, 60, "UTC"), Timestamp::ZERO).is_never());
        assert!(open_at(&schedule(&[0, 1, 2, 3, 4, 5, 6], 0, 1440, "America/New_York"), Timestamp::ZERO).is_always());
        assert_eq!(next_opening(&schedule(&[0], 60, 60, "UTC"), Timestamp::ZERO), None);
    }
}
