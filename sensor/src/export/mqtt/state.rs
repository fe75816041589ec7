//! The present state as retained messages: key figures, coverage, and each asset when it changes.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use sensor_model::{Asset, AssetId, FlowMap, Scope, TapCoverage, Visibility};
use serde::Serialize;
use serde_json::json;

use crate::export::outbox::Message;
use crate::export::topics;
use crate::live::snapshot::Snapshot;

/// Assets told in one round; the rest follows in the next ones.
const ASSETS_A_ROUND: usize = 200;
/// Badly seen hosts that are named; all are counted.
const NAMED_HOSTS: usize = 100;

/// What the broker has of us.
#[derive(Debug, Default)]
pub struct KnownState {
    assets: HashMap<AssetId, u64>,
    hasher: RandomState,
}

impl KnownState {
    /// Messages that bring the broker up to date.
    pub fn news(&mut self, sensor: &str, snapshot: &Snapshot) -> Vec<Message> {
        let mut messages = vec![
            Message { topic: topics::kpi(sensor), payload: json!(snapshot.status).to_string() },
            Message { topic: topics::coverage(sensor), payload: json!(coverage(&snapshot.map)).to_string() },
        ];
        let mut told = 0;
        for asset in &snapshot.map.assets {
            // Group addresses are no things, and the Internet is not ours to publish.
            if asset.scope != Scope::Internal || told == ASSETS_A_ROUND {
                continue;
            }
            let payload = json!(Identity::from(asset)).to_string();
            let print = self.hasher.hash_one(&payload);
            if self.assets.insert(asset.id.clone(), print) != Some(print) {
                messages.push(Message { topic: topics::asset(sensor, &asset.id), payload });
                told += 1;
            }
        }
        messages
    }
}

/// The retained `status`.
pub fn status(sensor: &str, state: &str) -> String {
    json!({ "sensor": sensor, "state": state, "version": env!("CARGO_PKG_VERSION") }).to_string()
}

/// What an asset is, without the counts that change all the time.
#[derive(Serialize)]
struct Identity<'a> {
    id: &'a AssetId,
    label: &'a str,
    macs: Vec<String>,
    addresses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    visibility: Visibility,
    first_seen: String,
}

impl<'a> From<&'a Asset> for Identity<'a> {
    fn from(asset: &'a Asset) -> Self {
        Self {
            id: &asset.id,
            label: &asset.label,
            macs: asset.macs.iter().map(ToString::to_string).collect(),
            addresses: asset.addresses.iter().map(|used| used.address.to_string()).collect(),
            vendor: asset.vendor.as_ref().map(|claim| claim.value.as_str()),
            model: asset.model.as_ref().map(|claim| claim.value.as_str()),
            role: asset.role.as_ref().map(|claim| claim.value.as_str()),
            visibility: asset.coverage.visibility,
            first_seen: asset.first_seen.to_string(),
        }
    }
}

#[derive(Serialize)]
struct CoverageSummary<'a> {
    /// Hosts of ours by how they are seen.
    hosts: BTreeMap<&'static str, u64>,
    badly_seen: Vec<&'a str>,
    /// The same hosts by the likely cause.
    causes: BTreeMap<&'static str, u64>,
    #[serde(flatten)]
    tap: &'a TapCoverage,
}

fn coverage(map: &FlowMap) -> CoverageSummary<'_> {
    let (hosts, causes) = (BTreeMap::new(), BTreeMap::new());
    let mut summary = CoverageSummary { hosts, badly_seen: Vec::new(), causes, tap: &map.coverage };
    for asset in map.assets.iter().filter(|asset| asset.scope == Scope::Internal) {
        let visibility = asset.coverage.visibility;
        *summary.hosts.entry(visibility.as_str()).or_default() += 1;
        if let Some(cause) = asset.coverage.cause {
            *summary.causes.entry(cause.as_str()).or_default() += 1;
        }
        if visibility != Visibility::BothWays && summary.badly_seen.len() < NAMED_HOSTS {
            summary.badly_seen.push(&asset.label);
        }
    }
    summary
}
