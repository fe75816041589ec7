//! A child process that ends with its value, and whose lines can be waited for.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::deadline::{wait_for, wait_until};

/// A running program. Both outputs are kept by line, so that a failure can show them.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Arc<Mutex<Vec<String>>>,
    errors: Arc<Mutex<Vec<String>>>,
    title: String,
}

impl Running {
    /// # Errors
    /// When the program does not exist or may not be run.
    pub fn start(title: &str, mut command: Command) -> Result<Self> {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.with_context(|| format!("starting {title}: {command:?}"))?;
        let stdin = child.stdin.take();
        let lines = collect(child.stdout.take());
        let errors = collect(child.stderr.take());
        Ok(Self { child, stdin, lines, errors, title: title.to_owned() })
    }

    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far, by line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it complained so far.
    #[must_use]
    pub fn complaints(&self) -> String {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// The first line of either output that `wanted` takes.
    ///
    /// # Errors
    /// When none came in time, or the program ended before; the text carries its stderr.
    pub fn wait_for_line(&mut self, what: &str, limit: Duration, wanted: impl Fn(&str) -> bool) -> Result<String> {
        wait_for(what, limit, || {
            let ended = self.child.try_wait()?;
            let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let found = self.lines().into_iter().chain(errors).find(|line| wanted(line));
            match (found, ended) {
                (None, Some(status)) => bail!("{} ended with {status} before {what}: {}", self.title, self.complaints()),
                (found, _) => Ok(found),
            }
        })
        .with_context(|| format!("{}: {}", self.title, self.complaints()))
    }

    /// Sends a line and gives the next one it prints.
    ///
    /// # Errors
    /// When it has ended or does not answer within two seconds.
    pub fn ask(&mut self, question: &str) -> Result<String> {
        let before = self.lines().len();
        let stdin = self.stdin.as_mut().with_context(|| format!("{} takes no questions", self.title))?;
        writeln!(stdin, "{question}").with_context(|| format!("{} has ended: {}", self.title, self.complaints()))?;
        wait_for(&format!("an answer of {}", self.title), Duration::from_secs(2), || Ok(self.lines().get(before).cloned()))
    }

    /// Tells it that nothing more comes on its standard input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Ends it as a crash would: no handler runs.
    pub fn kill_hard(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end (SIGTERM).
    pub fn request_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks it to read its configuration again (SIGHUP).
    pub fn request_reload(&self) {
        self.signal(Signal::HUP);
    }

    /// Keeps all its threads from running, as a busy machine would, until [`resume`](Self::resume).
    ///
    /// # Errors
    /// When a thread still runs after two seconds, or the process is gone.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP);
        wait_for(&format!("{} to stand still", self.title), Duration::from_secs(2), || {
            for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
                // man 5 proc: the state stands behind the name, whose brackets may hold anything.
                let stat = std::fs::read_to_string(task?.path().join("stat"))?;
                if !stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T')) {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
    }

    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits for its end by itself.
    ///
    /// # Errors
    /// When it still runs after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        wait_for(&format!("the end of {}", self.title), limit, || Ok(self.child.try_wait()?))
    }

    #[must_use]
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Hosts end when their stdin does; the rest gets a chance to say goodbye, then no more.
        self.stdin = None;
        self.request_stop();
        let stopped = wait_until("its end", Duration::from_millis(500), || matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)));
        if stopped.is_err() {
            self.kill_hard();
        }
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    if let Some(pipe) = pipe {
        let kept = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
    }
    lines
}
