//! Times read off at the receiving end of a steady stream: when it stopped, when it came back.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::deadline::wait_for;
use crate::hosts::Host;
use crate::tally::{Count, now_nanos};

/// How long a stream of one packet a millisecond must be silent until we believe that it is cut.
const SILENCE: Duration = Duration::from_millis(300);

/// Waits until `name` has not been counted for a while, and gives the last time that it was.
///
/// # Errors
/// When it still goes on after `limit`.
pub fn wait_for_silence(host: &mut Host, name: &str, silence: Duration, limit: Duration) -> Result<Count> {
    wait_for(&format!("`{name}` to stop"), limit, || {
        let count = host.count(name)?;
        let quiet_for = Duration::from_nanos(now_nanos().saturating_sub(count.last_at_nanos));
        Ok((count.times > 0 && quiet_for >= silence).then_some(count))
    })
}

/// How long after `since_nanos` the last of a one-millisecond stream got through. Zero when it had stopped before.
///
/// # Errors
/// When it still goes on after five seconds.
pub fn time_to_block(host: &mut Host, name: &str, since_nanos: u64) -> Result<Duration> {
    let last = wait_for_silence(host, name, SILENCE, Duration::from_secs(5))?;
    Ok(Duration::from_nanos(last.last_at_nanos.saturating_sub(since_nanos)))
}

/// Waits until `name` is counted once more than in `before`, and gives when.
///
/// # Errors
/// When nothing came within `limit`.
pub fn wait_for_return(host: &mut Host, name: &str, before: Count, limit: Duration) -> Result<u64> {
    wait_for(&format!("`{name}` to come back"), limit, || {
        let count = host.count(name)?;
        Ok((count.times > before.times).then_some(count.last_at_nanos))
    })
}

/// Failures that a host counted, all kinds together.
///
/// # Errors
/// When it has ended.
pub fn failures(host: &mut Host) -> Result<u64> {
    Ok(host.counts()?.iter().filter(|(name, _)| name.ends_with(" failed")).map(|(_, count)| count.times).sum())
}

/// What a process has used so far, as /proc tells (man 5 proc).
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// User and system, all threads.
    pub cpu: Duration,
    pub resident_kib: u64,
}

impl Footprint {
    /// # Errors
    /// When there is no such process.
    pub fn of(process: u32) -> Result<Self> {
        // The process's own file has only its main thread. Threads that ended are missing; an idle process has none.
        let mut nanos = 0;
        for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += text.split_whitespace().next().and_then(|word| word.parse::<u64>().ok()).context("short schedstat")?;
        }
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let resident_kib = resident.split_whitespace().next().and_then(|word| word.parse().ok()).context("no VmRSS")?;
        Ok(Self { cpu: Duration::from_nanos(nanos), resident_kib })
    }
}
