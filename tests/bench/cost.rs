//! CPU time of programs that this process started.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};

/// The kernel counts in hundredths on every machine that we build for (man 5 proc, sysconf(_SC_CLK_TCK)).
const TICKS_PER_SECOND: f64 = 100.0;

/// softflowd ends itself and its process group with SIGTERM when a file is read.
const SIGTERM: i32 = 15;

/// Runs a program to its end. Gives its CPU seconds, user and system, all threads; None when it is missing or fails.
pub fn of_program(mut command: Command) -> Option<f64> {
    let before = children_seconds()?;
    // A group of its own: what a program sends to its group must not reach us.
    let ended = command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match ended {
        Ok(status) if status.success() || status.signal() == Some(SIGTERM) => Some(children_seconds()? - before),
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

fn children_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // man 5 proc: the name in brackets may hold blanks; cutime and cstime are the 14th and 15th field after it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(13)? + ticks(14)?) / TICKS_PER_SECOND)
}
