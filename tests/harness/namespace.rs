//! A network namespace that exists as long as its value does.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::cleanup;

/// A network namespace without IPv6, removed with all that runs in it when dropped.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// None needed for reading captures; everything on wires needs root.
    #[must_use]
    pub fn available() -> bool {
        rustix::process::geteuid().is_root()
            && Command::new("ip").args(["netns", "list"]).output().is_ok_and(|out| out.status.success())
    }

    /// # Errors
    /// When `ip netns add` fails: no root, or no iproute2.
    pub fn create(word: &str) -> Result<Self> {
        let name = cleanup::unique_name(word);
        // An older namespace of the same name is from a process whose id we inherited.
        cleanup::remove(&name);
        cleanup::remember(&name);
        run(Command::new("ip").args(["netns", "add", &name]))?;
        let namespace = Self { name };
        // The mirror must carry what the story says and no router solicitations.
        namespace.sysctl("net.ipv6.conf.all.disable_ipv6", "1")?;
        namespace.sysctl("net.ipv6.conf.default.disable_ipv6", "1")?;
        namespace.run("ip", &["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that will run inside.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Runs a command inside, and gives what it printed.
    ///
    /// # Errors
    /// When it cannot start or exits with another code than 0; the text carries its stderr.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        run(self.command(program).args(arguments))
    }

    /// # Errors
    /// When the kernel does not know the key.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        self.run("sysctl", &["-qw", &format!("{key}={value}")]).map(|_| ())
    }

    /// Runs `job` on a thread whose sockets belong to this namespace, and keeps belonging to it after the thread's end.
    ///
    /// # Errors
    /// When the namespace is gone or may not be entered, or the job fails.
    pub fn enter<T: Send>(&self, job: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let file = File::open(format!("/run/netns/{}", self.name)).with_context(|| format!("namespace `{}`", self.name))?;
        let ended = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).context("entering a namespace")?;
                job()
            });
            thread.join()
        });
        // A panic inside is the caller's panic: a failed assertion must not become an error value.
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        cleanup::remove(&self.name);
    }
}

/// Runs a command to its end and gives its stdout.
///
/// # Errors
/// When it cannot start or exits with another code than 0; the text carries its stderr.
pub fn run(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } = command.output().with_context(|| format!("starting {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}: {}", String::from_utf8_lossy(&stderr).trim());
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}
