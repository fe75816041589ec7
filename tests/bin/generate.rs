//! Makes captures and the truth about them: `generate RECIPE CAPTURE [--count N] [--seed N] [--truth FILE]`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use harness::generate::{RECIPES, generate};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [recipe, capture, options @ ..] = arguments.as_slice() else {
        println!("usage: generate RECIPE CAPTURE [--count N] [--seed N] [--truth FILE]\n\nrecipes:");
        for recipe in RECIPES {
            println!("  {:<10} {} (count: {}, {})", recipe.name, recipe.about, recipe.counts.0, recipe.counts.1);
        }
        return Ok(());
    };
    let (mut count, mut seed, mut truth) = (None, 1, None);
    for option in options.chunks(2) {
        match option {
            [name, value] if name == "--count" => count = Some(value.parse().context("--count")?),
            [name, value] if name == "--seed" => seed = value.parse().context("--seed")?,
            [name, value] if name == "--truth" => truth = Some(PathBuf::from(value)),
            other => bail!("unknown option `{}`; run `generate` to see what there is", other.join(" ")),
        }
    }
    let found = generate(recipe, count, seed, Path::new(capture), truth.as_deref())?;
    println!("{capture}: {} packets, {} bytes, {} flows", found.packets, found.bytes, found.flows.len());
    Ok(())
}
