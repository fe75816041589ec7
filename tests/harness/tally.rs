//! What a host did and when, counted by name: the evidence of every claim about traffic.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// How often something happened, when last, and the longest it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub times: u64,
    /// Nanoseconds since the Unix epoch. One clock for all namespaces of a machine.
    pub last_at_nanos: u64,
    pub slowest_micros: u64,
}

/// Counts by name, sorted.
pub type Counts = BTreeMap<String, Count>;

/// The counts of one host process.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Mutex<Counts>,
}

impl Tally {
    /// Once more, now.
    pub fn add(&self, name: &str) {
        self.add_timed(name, Duration::ZERO);
    }

    /// Once more, now, after it took `took`.
    pub fn add_timed(&self, name: &str, took: Duration) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(name.to_owned()).or_default();
        count.times += 1;
        count.last_at_nanos = now_nanos();
        count.slowest_micros = count.slowest_micros.max(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    #[must_use]
    pub fn snapshot(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Nanoseconds since the Unix epoch.
#[must_use]
pub fn now_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
