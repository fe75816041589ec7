//! The enforcer as a user runs it: one command after the other in a folder of documents.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::binary;
use crate::process::Running;
use crate::scratch::Scratch;

/// Exit codes of the design that a story meets.
pub mod code {
    pub const DONE: i32 = 0;
    pub const ERROR: i32 = 1;
    pub const CHANGES_PENDING: i32 = 2;
    pub const PROOF_FAILED: i32 = 3;
    pub const TRAFFIC_WOULD_BREAK: i32 = 4;
    pub const DRIFT: i32 = 6;
    pub const ROLLED_BACK: i32 = 7;
    pub const HYGIENE: i32 = 8;
}

/// What a command gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// As typed, for the transcript.
    pub typed: String,
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// Both outputs, by line.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.stdout.lines().chain(self.stderr.lines())
    }

    /// Itself, when its code is among `codes`.
    ///
    /// # Errors
    /// With both outputs when it is not.
    pub fn expect_code(self, codes: &[i32]) -> Result<Self> {
        if codes.contains(&self.code) {
            return Ok(self);
        }
        bail!("`{}` exited {}, expected {codes:?}\n{}{}", self.typed, self.code, self.stdout, self.stderr)
    }
}

/// A configuration with one enforcement point, and the folder where its documents are.
#[derive(Debug)]
pub struct Enforcer<'a> {
    scratch: &'a Scratch,
}

impl<'a> Enforcer<'a> {
    /// Writes a configuration whose point `router` is reached by putting `via` before every command.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn configure(scratch: &'a Scratch, via: &[&str]) -> Result<Self> {
        Self::configure_between(scratch, via, &[])
    }

    /// The same, with the name and the prefixes of each of the point's sides.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn configure_between(scratch: &'a Scratch, via: &[&str], sides: &[(&str, &[&str])]) -> Result<Self> {
        Self::configure_point(scratch, via, sides, ("nftables", "nft"))
    }

    /// The same, with the point's dialect and driver.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn configure_point(
        scratch: &'a Scratch,
        via: &[&str],
        sides: &[(&str, &[&str])],
        (target, driver): (&str, &str),
    ) -> Result<Self> {
        let quoted = |words: &[&str]| words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let text = format!(
            "state = \"{}\"\n\n[[point]]\nname = \"router\"\ntarget = \"{target}\"\ndriver = \"{driver}\"\nvia = [{}]\n",
            scratch.file("state").display(),
            quoted(via)
        );
        let sides: String = sides.iter().map(|(name, prefixes)| format!("{name} = [{}]\n", quoted(prefixes))).collect();
        let text = if sides.is_empty() { text } else { format!("{text}[point.sides]\n{sides}") };
        scratch.write("enforcer-sdn.toml", &text)?;
        Ok(Self { scratch })
    }

    /// Runs `enforcer-sdn ARGUMENTS`; file names in it are of the folder.
    ///
    /// # Errors
    /// When it cannot be started. A code other than 0 is an answer.
    pub fn run(&self, arguments: &[&str]) -> Result<Answer> {
        let output = self.command(arguments)?.stdin(Stdio::null()).output().context("starting enforcer-sdn")?;
        Ok(Answer {
            typed: format!("enforcer-sdn {}", arguments.join(" ")),
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Starts a command that goes on by itself, as an unconfirmed `apply` does.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, arguments: &[&str]) -> Result<Running> {
        Running::start(&format!("enforcer-sdn {}", arguments.join(" ")), self.command(arguments)?)
    }

    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.scratch.file(name)
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(binary::path("enforcer-sdn")?);
        command.current_dir(self.scratch.path()).args(["--config", "enforcer-sdn.toml"]).args(arguments);
        Ok(command)
    }
}
