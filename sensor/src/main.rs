//! The sensor daemon: wiring only. Start at `worker.rs`.

mod alert;
mod cli;
mod config;
mod conversations;
mod counts;
mod dedup;
mod event;
mod export;
#[cfg(test)]
mod fixtures;
mod http;
mod hub;
mod link_layer;
mod live;
mod orientation;
mod recent;
mod replay;
mod selftest;
mod service_ports;
mod sessions;
mod sort;
mod store;
mod view;
mod worker;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::thread::available_parallelism;

use anyhow::{Result, bail};
use clap::Parser;
use sensor_model::FlowMap;
use tracing_subscriber::EnvFilter;

use cli::{Checksums, Cli, Command};
use config::Config;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let unfulfilled = if matches!(command, Command::Selftest(_)) { ExitCode::from(2) } else { ExitCode::FAILURE };
    match dispatch(command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => unfulfilled,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// True when all that was asked was done.
fn dispatch(command: Command) -> Result<bool> {
    match command {
        Command::Replay { files, out, workers, no_decap, no_map, checksums, dedup, config } => {
            let mut config = Config::load(config.as_deref())?;
            config.wire.decap &= !no_decap;
            config.wire.verify_checksums = checksums.map_or(config.wire.verify_checksums, |wanted| wanted == Checksums::Verify);
            // A file is read as it is, unless asked: what it holds twice was sent twice or mirrored twice, and the user knows.
            config.capture.dedup = dedup.unwrap_or(config::Dedup::Off);
            let workers = workers.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from);
            replay::run(&replay::Job { files, out, workers, with_map: !no_map }, &config)
        }
        Command::Run { interface, capture, config: file } => {
            let read = || -> Result<Config> {
                let mut config = Config::load(file.as_deref())?;
                config.capture.path = capture.unwrap_or(config.capture.path);
                Ok(config)
            };
            let config = read()?;
            let Some(interface) = interface.or_else(|| config.capture.interface.clone()) else {
                bail!("no port to listen at; give --interface IF, or set `capture.interface`");
            };
            start_log();
            live::run(&interface, &config, &read)
        }
        Command::Selftest(arguments) => selftest::run(&arguments),
        Command::Status(read) => done(view::status::show(&read.source.into(), read.output)),
        Command::Assets(read) => done(view::assets::show(&flow_map(read.source)?, read.output)),
        Command::Conversations(read) => done(view::conversations::show(&flow_map(read.source)?, read.output)),
        Command::Why { asset, read } => done(view::why::show(&flow_map(read.source)?, &asset, read.output)),
        Command::Coverage(read) => done(view::coverage::show(&flow_map(read.source)?, read.output)),
        Command::Export { form, source } => done(view::export::show(&flow_map(source)?, &form)),
        Command::Check { config } => {
            Config::load(Some(&config))?;
            println!("{}: good", config.display());
            Ok(true)
        }
    }
}

fn done(result: Result<()>) -> Result<bool> {
    result.map(|()| true)
}

fn flow_map(source: view::SourceArgs) -> Result<FlowMap> {
    view::Source::from(source).flow_map()
}

/// Logs for operators, on stderr; `RUST_LOG` changes what is told.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,rumqttc=off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
