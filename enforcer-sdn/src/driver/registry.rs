//! The drivers there are.

use anyhow::{Result, bail};

use crate::config::Point;
use crate::driver::{Driver, DriverKind, exabgp, iptables, nft, ovs};

/// In the order of the documentation.
const DRIVERS: &[DriverKind] =
    &[iptables::KIND, nft::KIND, nft::BRIDGE, nft::STATELESS_BRIDGE, ovs::KIND, ovs::STATELESS, exabgp::KIND];

/// Opens the driver that the point names.
pub fn open(point: &Point) -> Result<Box<dyn Driver>> {
    let known: Vec<&str> = DRIVERS.iter().map(|kind| kind.name).collect();
    let Some(kind) = DRIVERS.iter().find(|kind| kind.name == point.driver) else {
        bail!("enforcement point `{}`: unknown driver `{}`; known: {}", point.name, point.driver, known.join(", "));
    };
    if kind.target != point.target {
        bail!(
            "enforcement point `{}`: driver `{}` loads `{}`, not `{}`; change `target`",
            point.name,
            kind.name,
            kind.target,
            point.target
        );
    }
    (kind.open)(point)
}
