//! The demo: from a mirror port to an enforced rule, played on real wires; without root, on a capture.

mod replayed;
mod screen;

use std::process::ExitCode;

use anyhow::{Context, Result};
use harness::broker::Broker;
use harness::namespace::Namespace;
use harness::plant::BROKER;
use harness::story::{self, millis};

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
        [] if Namespace::available() => live(&screen),
        [] => replayed::play(&screen),
        _ => anyhow::bail!("usage: demo [--without-root]"),
    }
}

fn live(screen: &Screen) -> Result<()> {
    let own_path = std::env::current_exe()?;
    let figures = story::play(screen, |namespace, _| Broker::embedded(namespace, &own_path, BROKER))?;
    screen.summary(&format!(
        "{} assets and {} conversations from {} mirrored frames, {} sent; alert after {}; blocked after {}, a live connection cut after {}, \
         {} legitimate requests broken; unconfirmed apply gone {} after its timer",
        figures.assets,
        figures.conversations,
        figures.frames.received,
        figures.frames.sent,
        millis(figures.alert),
        millis(figures.block),
        millis(figures.cut),
        figures.broken,
        millis(figures.rollback)
    ));
    Ok(())
}
