//! The document that crosses from sensor to enforcer.

use serde::{Deserialize, Serialize};

use crate::{Asset, AssetId, Conversation, TapCoverage, Timestamp};

/// `FlowMap::schema` that this code writes and reads.
pub const SCHEMA: &str = "cordon.flowmap/1";

/// What one sensor knows at one time. Assets and conversations are sorted, so equal knowledge is equal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowMap {
    pub schema: String,
    pub sensor: String,
    /// First and last packet behind this document.
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub accounting: Accounting,
    #[serde(default)]
    pub coverage: TapCoverage,
    /// By id.
    pub assets: Vec<Asset>,
    /// By client, server, service.
    pub conversations: Vec<Conversation>,
}

impl FlowMap {
    #[must_use]
    pub fn asset(&self, id: &AssetId) -> Option<&Asset> {
        self.assets.binary_search_by(|asset| asset.id.cmp(id)).ok().and_then(|at| self.assets.get(at))
    }
}

/// How much of the traffic is behind the map, so that a reader can judge its silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounting {
    pub packets: u64,
    /// Lost before or inside the sensor, as far as counted.
    pub lost_packets: u64,
    /// Seen but not understood, skip reasons added up.
    pub skipped_packets: u64,
    /// TCP bytes that were acknowledged and never seen.
    pub missed_bytes: u64,
    /// Flows dropped from a full table before their end.
    pub evicted_flows: u64,
}
