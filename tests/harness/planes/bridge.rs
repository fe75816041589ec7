//! A Linux bridge over both wires, with nftables where frames are forwarded or where they come in.

use std::path::Path;

use anyhow::Result;

use super::{DataPlane, Plane};
use crate::firewall::Firewall;
use crate::namespace;

/// Kernels may be built without connection tracking on bridges, so the dialect that has it is no plane.
pub(super) const BRIDGE: Plane = Plane {
    target: "nftables-bridge-stateless",
    driver: Some("nft-bridge-stateless"),
    has_flags: true,
    most_lines: None,
    tools: &["nft"],
    build,
};
pub(super) const NETDEV: Plane = Plane { target: "nftables-netdev", driver: None, ..BRIDGE };

struct Bridge(Firewall);

fn build() -> Result<Box<dyn DataPlane>> {
    let firewall = Firewall::wires()?;
    let run = |words: &str| firewall.router.run("ip", &words.split(' ').collect::<Vec<_>>());
    run("link add bridge0 type bridge")?;
    for wire in ["left", "right"] {
        run(&format!("link set {wire} master bridge0"))?;
    }
    run("link set bridge0 up")?;
    Ok(Box::new(Bridge(firewall)))
}

impl DataPlane for Bridge {
    fn firewall(&self) -> &Firewall {
        &self.0
    }

    fn load(&self, text: &Path) -> Result<()> {
        self.0.router.run("nft", &["flush", "ruleset"])?;
        // Only a text for interfaces asks for their names.
        let mut command = self.0.router.command("nft");
        namespace::run(command.env("TZ", "UTC").args(["-D", "interfaces={ left, right }", "-f"]).arg(text)).map(|_| ())
    }
}
