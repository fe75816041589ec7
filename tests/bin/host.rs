//! One host of the plant; started by the harness inside a namespace.

use anyhow::Result;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    harness::hosts::run_host(&arguments)
}
