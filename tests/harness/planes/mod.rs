//! Data planes that a dialect's text is tried on: each carries packets between the two wires of a [`Firewall`].
//!
//! A plane is one file here and one line in [`PLANES`].

mod bridge;
mod faucet;
mod flowspec;
mod iptables;
mod nftables;
mod openflow;

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::binary;
use crate::firewall::Firewall;
use crate::namespace::Namespace;

/// Every data plane.
pub const PLANES: &[Plane] = &[
    nftables::PLANE,
    iptables::PLANE,
    openflow::STATEFUL,
    openflow::STATELESS,
    bridge::BRIDGE,
    bridge::NETDEV,
    faucet::PLANE,
    flowspec::PLANE,
];

/// A kind of data plane.
#[derive(Clone, Copy, Debug)]
pub struct Plane {
    /// The dialect that it takes.
    pub target: &'static str,
    /// The enforcer's access to it; None where it has none and the text is put there by hand.
    pub driver: Option<&'static str>,
    /// Its dialect tells an answer over TCP by its flags, or follows connections.
    pub has_flags: bool,
    /// The most lines of a rendering that it takes in a moment; None: thousands.
    pub most_lines: Option<usize>,
    /// Programs that must be there; with a `/`, in the repository.
    pub tools: &'static [&'static str],
    pub build: fn() -> Result<Box<dyn DataPlane>>,
}

/// One that carries packets now. It is gone when its value is.
pub trait DataPlane {
    fn firewall(&self) -> &Firewall;

    /// Replaces whatever rules there are, and forgets connections.
    ///
    /// # Errors
    /// When the text is refused.
    fn load(&self, text: &Path) -> Result<()>;

    /// Waits until what the enforcer's driver put on the device is in force where the packets are: at once, but where somebody else carries it on.
    ///
    /// # Errors
    /// When it does not arrive.
    fn settle(&self) -> Result<()> {
        Ok(())
    }

    /// What stands before a command so that it runs where the rules are.
    fn via(&self) -> Vec<String> {
        ["ip", "netns", "exec", self.firewall().router.name()].map(str::to_owned).to_vec()
    }
}

impl Plane {
    /// Whether it can be built here; says so when not.
    #[must_use]
    pub fn is_available(&self) -> bool {
        let missing: Vec<&str> = self.tools.iter().copied().filter(|tool| !is_installed(tool)).collect();
        let has_root = Namespace::available();
        if !has_root || !missing.is_empty() {
            eprintln!(
                "NOT CHECKED on a real data plane of `{}`: needs root, iproute2 and {} (tests/packages.sh test installs them)",
                self.target,
                self.tools.join(", ")
            );
        }
        has_root && missing.is_empty()
    }
}

fn is_installed(tool: &str) -> bool {
    if tool.contains('/') {
        return binary::repository().join(tool).is_file();
    }
    let found = Command::new("sh").args(["-c", "PATH=$PATH:/usr/sbin:/sbin command -v \"$0\"", tool]).output();
    found.is_ok_and(|output| output.status.success())
}
