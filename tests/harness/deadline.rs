//! Waiting for something to become true, with an end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at: short beside everything that is waited for here.
const PACE: Duration = Duration::from_millis(5);

/// Looks until `found` gives a value, and says `what` was missing when time is over.
///
/// # Errors
/// When nothing was found in time, or looking failed.
pub fn wait_for<T>(what: &str, limit: Duration, found: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    wait_at_pace(what, (PACE, limit), found)
}

/// The same where looking costs something that others need: with `pace` between two looks.
///
/// # Errors
/// When nothing was found in time, or looking failed.
pub fn wait_at_pace<T>(
    what: &str,
    (pace, limit): (Duration, Duration),
    mut found: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = found()? {
            return Ok(value);
        }
        if start.elapsed() > limit {
            bail!("waited {limit:?} for {what}");
        }
        std::thread::park_timeout(pace);
    }
}

/// `wait_for` a plain condition.
///
/// # Errors
/// When it did not become true in time.
pub fn wait_until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) -> Result<()> {
    wait_for(what, limit, || Ok(holds().then_some(())))
}
