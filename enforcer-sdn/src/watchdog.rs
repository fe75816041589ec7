//! The timer of an applied plan: a process of its own, so that it survives `kill -9` of the enforcer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::config::Config;
use crate::{apply, clock, store};

/// How often the watchdog looks whether somebody confirmed. The deadline itself is met to the millisecond.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Between attempts to roll back when a device cannot be reached.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// How a watchdog is started: this program again, with the same configuration.
#[derive(Clone, Debug)]
pub struct Arm {
    pub config: Option<PathBuf>,
}

impl Arm {
    /// Starts the watchdog and waits until it is armed. Gives its process id.
    pub fn start(&self, plan: &str) -> Result<u32> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = Command::new(program);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        // A group of its own: the terminal's Ctrl-C, meant for us, does not reach it.
        command.args(["watchdog", plan]).process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("cannot start the watchdog; nothing was applied")?;
        let mut armed = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut armed).context("the watchdog does not speak; nothing was applied")?;
        }
        if armed.trim() != "armed" {
            bail!("the watchdog did not arm; nothing was applied");
        }
        let id = child.id();
        // Whoever stays longer than the watchdog, as `serve` does, must not keep it as a dead process.
        thread::spawn(move || child.wait());
        Ok(id)
    }
}

/// The watchdog's own life: wait for the deadline or a confirmation, then roll back or go.
pub fn run(config: &Config, plan: &str) -> Result<()> {
    let ignored = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGHUP, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&ignored)).context("cannot ignore signals")?;
    }
    let Some(pending) = store::pending(&config.state)?.filter(|pending| pending.applied.plan.id == plan) else {
        bail!("plan {plan} does not wait for a confirmation");
    };
    say_armed()?;
    // The wall clock names the deadline, the monotonic clock keeps it: nobody prolongs an apply by setting the clock back.
    let deadline = Instant::now() + pending.deadline.since(clock::now());
    while let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        thread::sleep(left.min(LOOK_INTERVAL));
        if store::pending(&config.state)?.is_none_or(|pending| pending.applied.plan.id != plan) {
            return Ok(());
        }
    }
    while let Err(error) = apply::expire(config, plan) {
        // stderr is null when armed by `apply`; under `serve` or by hand it tells.
        eprintln!("cannot roll back yet: {error:#}");
        thread::sleep(RETRY_INTERVAL);
    }
    Ok(())
}

/// The line that the parent waits for.
fn say_armed() -> Result<()> {
    let mut stdout = std::io::stdout();
    stdout.write_all(b"armed\n").and_then(|()| stdout.flush()).context("cannot tell that the watchdog is armed")
}
