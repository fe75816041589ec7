//! Access to enforcement points: read what runs, replace it as one transaction, cut connections that are no longer allowed.
//!
//! A driver is one file here and one line in [`registry`]. Nothing outside a driver knows how a device is reached.

mod conntrack;
mod exabgp;
mod iptables;
mod nft;
mod ovs;
mod registry;
#[cfg(test)]
mod template;
mod via;

use anyhow::Result;
use enforcer_packetset::Packet;

use crate::config::Point;

pub use registry::open;

/// What a device runs of ours. None: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Running(pub Option<String>);

/// What `cut` did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Connections looked at.
    pub examined: u64,
    /// Connections that the new rules deny, removed from the device's state.
    pub removed: u64,
}

/// One enforcement point, reached.
pub trait Driver {
    /// The text that the device runs now, in the dialect's own words.
    fn read_back(&self) -> Result<Running>;

    /// Replaces what runs by `text`, all or nothing.
    fn apply(&self, text: &str) -> Result<()>;

    /// Puts back what `read_back` gave, all or nothing.
    fn restore(&self, checkpoint: &Running) -> Result<()>;

    /// Ends the tracked connections whose opening packet `denied` names.
    fn cut(&self, denied: &dyn Fn(&Packet) -> bool) -> Result<Cut>;
}

/// A kind of access.
pub struct DriverKind {
    /// `driver` in the configuration.
    pub name: &'static str,
    /// The dialect that it loads.
    pub target: &'static str,
    pub open: fn(&Point) -> Result<Box<dyn Driver>>,
}
