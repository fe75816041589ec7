//! The demo: from a mirror port to an enforced rule, played on real wires; without root, on a capture.

mod live;
mod replayed;
mod screen;

use std::process::ExitCode;

use anyhow::{Context, Result};
use harness::namespace::Namespace;

use screen::Screen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let screen = Screen::new();
    match words.as_slice() {
        ["broker", listen] => harness::broker::serve(listen.parse().context("the broker's address")?),
        ["--without-root"] => replayed::play(&screen),
        [] if Namespace::available() => live::play(&screen),
        [] => replayed::play(&screen),
        _ => anyhow::bail!("usage: demo [--without-root]"),
    }
}
