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
    end_with_the_reader();
    match command::run(&Cli::parse(), started) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            error.chain().find_map(|cause| cause.downcast_ref::<Failure>()).map_or(Exit::Error, |failure| failure.exit).into()
        }
    }
}

/// `enforcer-sdn ... | head` ends when the reader does, without a word: `println!` would panic. Not by the signal's default action,
/// which would also end an `apply` whose `nft` gave up early.
fn end_with_the_reader() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if message.starts_with("failed printing to stdout") {
            std::process::exit(1);
        }
        told(panic);
    }));
}
