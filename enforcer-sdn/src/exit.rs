//! What the process says by its exit code.

use std::fmt;
use std::process::ExitCode;

/// Exit codes; part of the contract with scripts and CI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    Error = 1,
    /// `plan`, `diff`: something would change.
    ChangesPending = 2,
    /// The text is not equal to the policy.
    ProofFailed = 3,
    /// Observed, answered traffic would be cut.
    TrafficWouldBreak = 4,
    OverCapacity = 5,
    /// What runs is not what was confirmed.
    Drift = 6,
    /// The timer ran out before `confirm`.
    RolledBack = 7,
    /// Expired, ownerless or overdue for review.
    Hygiene = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error with an exit code of its own.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Ends the command with `exit` and a message.
pub fn failure(exit: Exit, message: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Failure { exit, message: message.into() })
}
