//! A Linux router with nftables.

use std::path::Path;

use anyhow::Result;

use super::{DataPlane, Plane};
use crate::firewall::Firewall;

pub(super) const PLANE: Plane =
    Plane { target: "nftables", driver: Some("nft"), has_flags: true, most_lines: None, tools: &["nft", "conntrack"], build };

struct Nftables(Firewall);

fn build() -> Result<Box<dyn DataPlane>> {
    Ok(Box::new(Nftables(Firewall::build()?)))
}

impl DataPlane for Nftables {
    fn firewall(&self) -> &Firewall {
        &self.0
    }

    fn load(&self, text: &Path) -> Result<()> {
        self.0.load(text)
    }
}
