//! CPU time of programs that this process started.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};

use crate::spent;

/// softflowd ends itself and its process group with SIGTERM when a file is read.
const SIGTERM: i32 = 15;

/// Runs a program to its end. Gives its CPU seconds, user and system, all threads; None when it is missing or fails.
pub fn of_program(mut command: Command) -> Option<f64> {
    let before = spent::by_children()?;
    // A group of its own: what a program sends to its group must not reach us.
    let ended = command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match ended {
        Ok(status) if status.success() || status.signal() == Some(SIGTERM) => Some(spent::by_children()? - before),
        Ok(status) => {
            eprintln!("{command:?} ended with {status}");
            None
        }
        Err(error) => {
            eprintln!("{:?}: {error}", command.get_program());
            None
        }
    }
}
