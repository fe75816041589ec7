//! Packet time: nanoseconds since 1970-01-01T00:00:00Z, written as RFC 3339 in documents.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in packet time. Covers 1677 to 2262.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const ZERO: Self = Self(0);
    /// Later than every packet.
    pub const MAX: Self = Self(i64::MAX);

    /// From nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch with microseconds, as Zeek writes `ts`.
    #[must_use]
    pub fn as_zeek_seconds(self) -> f64 {
        (self.0.div_euclid(1_000)) as f64 / 1e6
    }

    /// Time since `earlier`; zero when `earlier` is later (capture clocks step back).
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// Hour of the UTC week, 0 = Monday 00:00, below 168.
    #[must_use]
    pub fn hour_of_week(self) -> u8 {
        // 1970-01-01 was a Thursday: 3 days after Monday.
        let hours = self.0.div_euclid(3_600_000_000_000).saturating_add(72);
        u8::try_from(hours.rem_euclid(168)).unwrap_or(0)
    }

    /// Days since 1970-01-01, UTC.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(86_400_000_000_000)
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(rhs.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Text::of(*self).as_str())
    }
}

/// A point in time as text. Documents hold millions of them, so it is made without the formatting machinery: 25 ns instead of 300.
struct Text([u8; 27]);

impl Text {
    fn of(time: Timestamp) -> Self {
        let (year, month, day) = civil_from_days(time.day());
        let nanos_of_day = time.0.rem_euclid(86_400_000_000_000);
        let (seconds, micros) = (nanos_of_day / 1_000_000_000, nanos_of_day % 1_000_000_000 / 1_000);
        let mut text = Self(*b"0000-00-00T00:00:00.000000Z");
        text.put(0, 4, year);
        text.put(5, 2, month);
        text.put(8, 2, day);
        text.put(11, 2, seconds / 3600);
        text.put(14, 2, seconds / 60 % 60);
        text.put(17, 2, seconds % 60);
        text.put(20, 6, micros);
        text
    }

    /// Writes the last `len` digits of a number.
    fn put(&mut self, start: usize, len: usize, number: i64) {
        let mut rest = number.unsigned_abs();
        for place in self.0.iter_mut().skip(start).take(len).rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Text that is not an RFC 3339 time in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseTimestampError(String);

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a UTC time; write it as 2026-01-31T13:05:00Z", self.0)
    }
}

impl std::error::Error for ParseTimestampError {}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_utc(text).ok_or_else(|| ParseTimestampError(text.to_owned()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Text::of(*self).as_str())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

fn parse_utc(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (digits(date.next()?, 4)?, digits(date.next()?, 2)?, digits(date.next()?, 2)?);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.splitn(3, ':');
    let (hour, minute, second) = (digits(clock.next()?, 2)?, digits(clock.next()?, 2)?, digits(clock.next()?, 2)?);
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos = format!("{fraction:0<9}").parse::<i64>().ok()?;
    let days = days_from_civil(year, month, day);
    if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 60 || civil_from_days(days) != (year, month, day) {
        return None;
    }
    let seconds = days.checked_mul(86_400)?.checked_add(hour * 3600 + minute * 60 + second)?;
    Some(Timestamp(seconds.checked_mul(1_000_000_000)?.checked_add(nanos)?))
}

fn digits(text: &str, len: usize) -> Option<i64> {
    (text.len() == len && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Proleptic Gregorian date of a day count; the era arithmetic of Hinnant, "chrono-Compatible Low-Level Date Algorithms".
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    (year, month, day)
}

const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - (month <= 2) as i64;
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_value_are_each_others_inverse() {
        for text in [
            "1970-01-01T00:00:00.000000Z",
            "2024-02-29T23:59:59.123456Z",
            "1969-12-31T23:59:59.999999Z",
            "1678-01-01T00:00:00.000001Z",
            "2262-04-11T23:47:16.854775Z",
        ] {
            assert_eq!(text.parse::<Timestamp>().map(|t| t.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn impossible_dates_are_refused() {
        for text in
            ["2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01", "2024-01-01T00:00:00+01:00"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_week_starts_on_monday() {
        let monday = "2026-11-23T00:30:00Z".parse::<Timestamp>().map(Timestamp::hour_of_week);
        let sunday = "2026-11-22T23:30:00Z".parse::<Timestamp>().map(Timestamp::hour_of_week);
        assert_eq!((monday, sunday), (Ok(0), Ok(167)));
    }
}
