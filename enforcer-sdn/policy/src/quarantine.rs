//! One asset shut in for a while: written as a policy document of its own, so that every other room sees nothing special.
//!
//! The asset gets a zone in `enforce` above all priorities, and two rules that are asked before all others: it works whatever zone
//! and mode the asset was in. The zone follows the asset by its id and keeps the addresses that it had: until the end nobody else
//! may use them either.

use std::net::IpAddr;

use enforcer_packetset::Prefix;
use sensor_model::{AssetId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::diagnostic::Diagnostic;
use crate::document::Policy;
use crate::read::{self, API_VERSION, MAX_ZONE_NAME};
use crate::source::SourceFile;

/// An asset that may talk to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// Id in the flow map.
    pub asset: AssetId,
    /// As people know it.
    pub label: String,
    /// The addresses that it had when it was shut in.
    pub addresses: Vec<IpAddr>,
    pub since: Timestamp,
    /// From this moment on it is free.
    pub expires: Timestamp,
    pub owner: String,
    pub reason: String,
    pub ticket: Option<String>,
}

impl Quarantine {
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        now < self.expires
    }

    /// Name of its zone; its rules begin with it.
    #[must_use]
    pub fn zone_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
        let name: String = format!("q-{}", self.asset).to_lowercase().chars().map(plain).collect();
        let name = name.trim_end_matches('-');
        // A rule adds `-out`, and a long IPv6 address must stay different from its neighbours.
        if name.len() <= MAX_ZONE_NAME {
            return name.to_owned();
        }
        let digest: String = Sha256::digest(self.asset.as_str()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let kept: String = name.chars().take(MAX_ZONE_NAME - 1 - digest.len()).collect();
        format!("{kept}-{digest}")
    }

    /// The document that says it.
    #[must_use]
    pub fn document(&self) -> SourceFile {
        // A JSON string is a YAML string, whatever stands in it.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let zone = self.zone_name();
        let mut text = format!(
            "apiVersion: {API_VERSION}\nkind: Policy\nmetadata: {{name: {zone}}}\nzones:\n  - name: {zone}\n    mode: enforce\n    \
             priority: {}\n    intraZone: deny\n    owner: {}\n    members:\n      - asset: {}\n",
            i32::MAX,
            quoted(&self.owner),
            quoted(self.asset.as_str())
        );
        for address in &self.addresses {
            let prefix = Prefix::host(*address);
            text += &format!("      - prefix: {}/{}\n", prefix.network(), prefix.length());
        }
        text += "rules:\n";
        let expires = self.expires;
        let (owner, reason) = (quoted(&self.owner), quoted(&self.reason));
        for (ending, from, to) in [("in", "any", zone.as_str()), ("out", zone.as_str(), "any")] {
            text += &format!(
                "  - name: {zone}-{ending}\n    tier: admin\n    from: {from}\n    to: {to}\n    services: [any]\n    action: deny\n    \
                 log: true\n    expires: {expires}\n    owner: {owner}\n    reason: {reason}\n"
            );
            if let Some(ticket) = &self.ticket {
                text += &format!("    ticket: {}\n", quoted(ticket));
            }
        }
        SourceFile { name: format!("quarantine of {}", self.asset), text }
    }
}

/// Reads a policy and the quarantines that are active at `now`, whose rules are asked before all others.
///
/// # Errors
/// See [`read`](crate::read).
pub fn read_quarantined(files: &[SourceFile], quarantines: &[Quarantine], now: Timestamp) -> Result<Policy, Vec<Diagnostic>> {
    let active = quarantines.iter().filter(|quarantine| quarantine.is_active(now)).map(Quarantine::document);
    let all: Vec<SourceFile> = files.iter().cloned().chain(active).collect();
    if files.is_empty() {
        return read::read(files);
    }
    let mut policy = read::read(&all)?;
    let own = files.len();
    // Stable: the policy's own rules keep their order.
    policy.rules.sort_by_key(|rule| rule.name.span.file < own);
    policy.quarantines =
        (0..policy.zones.len()).filter(|at| policy.zones.get(*at).is_some_and(|zone| zone.name.span.file >= own)).collect();
    Ok(policy)
}
