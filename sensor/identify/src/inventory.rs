//! The assets of one sensor.

use std::net::IpAddr;

use sensor_model::{Asset, AssetId, Fact, MacAddr, Timestamp};

/// What is ours, and how much to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Prefixes that count as internal besides private and link-local ones, as `(network, length)`.
    pub internal: Vec<(IpAddr, u8)>,
    pub max_assets: usize,
    pub max_evidence_an_asset: usize,
}

/// An IP address heard with a source MAC. Only senders: a destination MAC may be a router's.
#[derive(Clone, Copy, Debug)]
pub struct Sighting {
    pub mac: MacAddr,
    pub ip: IpAddr,
    pub seen_at: Timestamp,
}

/// How one address took part in one flow, for coverage and roles.
#[derive(Clone, Copy, Debug)]
pub struct Presence {
    pub ip: IpAddr,
    /// MAC in the frames it sent, None when it sent none.
    pub mac: Option<MacAddr>,
    pub sent_packets: u64,
    pub received_packets: u64,
    /// The peer is a broadcast or multicast address.
    pub peer_is_group: bool,
    pub seen_at: Timestamp,
}

/// Everything known of the assets. Feed facts in packet order; the same facts give the same inventory.
#[derive(Debug)]
pub struct Inventory {}

impl Inventory {
    #[must_use]
    pub fn new(config: Config) -> Self {
        let _ = config;
        Self {}
    }

    /// A source address under a source MAC.
    pub fn see(&mut self, sighting: Sighting) {
        let _ = sighting;
    }

    /// One observation.
    pub fn learn(&mut self, fact: &Fact) {
        let _ = fact;
    }

    /// New packets of a flow (differences, not totals).
    pub fn count(&mut self, presence: Presence) {
        let _ = presence;
    }

    /// The asset that uses this address now; made when unknown.
    pub fn asset_of(&mut self, ip: IpAddr, seen_at: Timestamp) -> AssetId {
        let _ = seen_at;
        AssetId::of_ip(ip)
    }

    /// Ids that were merged into another since the last call: `(old, new)`, for whoever keeps conversations.
    pub fn take_renamed(&mut self) -> Vec<(AssetId, AssetId)> {
        Vec::new()
    }

    /// Assets by id, labels unique.
    #[must_use]
    pub fn assets(&self) -> Vec<Asset> {
        Vec::new()
    }
}
