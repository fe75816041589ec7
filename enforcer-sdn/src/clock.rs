//! Wall time, read in one place. The pure rooms get it as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use sensor_model::Timestamp;

pub fn now() -> Timestamp {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// 0 = Monday 00:00 UTC.
pub fn minute_of_week(at: Timestamp) -> u16 {
    let minute_of_hour = at.as_nanos().div_euclid(60_000_000_000).rem_euclid(60);
    u16::from(at.hour_of_week()) * 60 + u16::try_from(minute_of_hour).unwrap_or(0)
}
