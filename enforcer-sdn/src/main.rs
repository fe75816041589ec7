//! `enforcer-sdn`: the world around the pure rooms. Reads documents, reaches devices, keeps the timer.

mod apply;
mod capacity;
mod cli;
mod clock;
mod command;
mod config;
mod documents;
mod driver;
mod exit;
mod plan;
mod store;
mod watchdog;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::exit::{Exit, Failure};

fn main() -> ExitCode {
    let started = std::time::Instant::now();
    match command::run(&Cli::parse(), started) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            error.chain().find_map(|cause| cause.downcast_ref::<Failure>()).map_or(Exit::Error, |failure| failure.exit).into()
        }
    }
}
