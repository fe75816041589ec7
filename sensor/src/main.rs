//! The sensor daemon: wiring only. Start at `worker.rs`.

mod alert;
mod cli;
mod config;
mod conversations;
mod counts;
mod event;
mod export;
#[cfg(test)]
mod fixtures;
mod hub;
mod orientation;
mod recent;
mod replay;
mod service_ports;
mod sessions;
mod sort;
mod worker;

use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::Parser;

use cli::{Checksums, Cli, Command};
use config::Config;

fn main() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// True when all that was asked was done.
fn dispatch(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Replay { files, out, workers, no_decap, checksums, config } => {
            let mut config = Config::load(config.as_deref())?;
            config.wire.decap &= !no_decap;
            config.wire.verify_checksums = checksums.map_or(config.wire.verify_checksums, |wanted| wanted == Checksums::Verify);
            let workers = workers.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from);
            replay::run(&replay::Job { files, out, workers }, &config)
        }
        Command::Check { config } => {
            Config::load(Some(&config))?;
            println!("{}: good", config.display());
            Ok(true)
        }
    }
}
