//! Captures made from a seed, with the truth about them: equal arguments give equal bytes, on any machine.

mod elephants;
mod imix;
mod mirrored;
mod mirrors;
mod plant;
mod random;
mod recorder;
mod small;
mod talk;
mod watched;

use std::path::Path;

use anyhow::{Context, Result, bail};

pub use mirrored::{Mirrored, Sighting};
pub use mirrors::{LATEST_NANOS, Mirror};
pub use random::Random;
pub use recorder::{FlowTruth, Recorder, Truth};
pub use talk::{Talk, Way};
pub use watched::{Damage, Left, NETWORKS, Trade, Watched, WatchedHost, vlan_of};

/// One kind of capture.
pub struct Recipe {
    pub name: &'static str,
    pub about: &'static str,
    /// What `count` means, and what it is when nobody says.
    pub counts: (&'static str, u64),
    pub make: fn(&mut Recorder, count: u64, random: &mut Random) -> Result<()>,
}

/// Every capture that can be made. A new one is a file and a line here.
pub const RECIPES: &[Recipe] = &[plant::QUIET, plant::INTRUDED, imix::RECIPE, imix::LONG, small::RECIPE, elephants::RECIPE];

/// Writes the capture, and the truth about it where a file for it is named.
///
/// # Errors
/// When there is no such recipe, or the folder cannot be written.
pub fn generate(recipe: &str, count: Option<u64>, seed: u64, capture: &Path, truth: Option<&Path>) -> Result<Truth> {
    let Some(recipe) = RECIPES.iter().find(|known| known.name == recipe) else {
        let names: Vec<&str> = RECIPES.iter().map(|known| known.name).collect();
        bail!("no recipe `{recipe}`; there are {}", names.join(", "));
    };
    let mut recorder = Recorder::create(capture).with_context(|| format!("writing {}", capture.display()))?;
    (recipe.make)(&mut recorder, count.unwrap_or(recipe.counts.1), &mut Random::new(seed))?;
    let found = recorder.finish()?;
    if let Some(path) = truth {
        serde_json::to_writer(std::io::BufWriter::new(std::fs::File::create(path)?), &found)?;
    }
    Ok(found)
}
