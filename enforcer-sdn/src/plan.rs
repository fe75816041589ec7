//! The plan: what would run where, fixed. `apply` executes it and has no choice left.

use std::path::Path;

use anyhow::{Context, Result, bail};
use sensor_model::{AssetId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::capacity::Bill;
use crate::driver::Running;

/// `Plan::schema` that this code writes and reads.
const SCHEMA: &str = "cordon.plan/1";

/// An immutable change. `id` is the digest of everything else, so an edited plan is no plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub schema: String,
    pub id: String,
    /// The plan that was confirmed when this one was made; None on the first.
    pub parent: Option<String>,
    pub made_at: Timestamp,
    pub policy: Vec<Input>,
    pub flowmaps: Vec<Input>,
    /// A schedule's time zone changes its offset, or a rule expires, at this time: plan again then.
    pub valid_until: Option<Timestamp>,
    /// Observed, answered conversations that the plan cuts, one sentence each.
    pub cuts: Vec<String>,
    /// The author saw `cuts` and wants them.
    pub cuts_accepted: bool,
    /// Assets that are shut in by this plan; `apply` refuses it when others are by then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<AssetId>,
    pub points: Vec<PointPlan>,
}

/// A document that the plan was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    pub name: String,
    pub sha256: String,
}

/// The change of one enforcement point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointPlan {
    pub name: String,
    pub target: String,
    pub driver: String,
    /// Digest of what ran when the plan was made; `apply` refuses when something else runs.
    pub running_sha256: String,
    /// The proven text.
    pub text: String,
    /// For people: what changes, one line each. Empty: nothing does.
    pub changes: Vec<String>,
    /// What the policy wants and this point cannot do.
    pub gaps: Vec<String>,
    /// Entries that the rules take on the device.
    #[serde(default)]
    pub bill: Bill,
}

impl Plan {
    /// Fills schema and id.
    pub fn seal(mut self) -> Result<Self> {
        self.schema = SCHEMA.to_owned();
        self.id = self.digest()?;
        Ok(self)
    }

    /// Reads a plan, and refuses one whose id is not the digest of its content.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the plan `{}`", path.display()))?;
        Self::parse(&text).with_context(|| format!("plan `{}`", path.display()))
    }

    pub fn parse(text: &str) -> Result<Self> {
        let plan: Self = serde_json::from_str(text).context("is not a plan that `enforcer-sdn plan --out` wrote")?;
        if plan.schema != SCHEMA {
            bail!("has schema `{}`, this program reads `{SCHEMA}`; make the plan again", plan.schema);
        }
        if plan.digest()? != plan.id {
            bail!("was changed after it was made (its id is not the digest of its content); make it again");
        }
        Ok(plan)
    }

    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    pub fn changes_anything(&self) -> bool {
        self.points.iter().any(|point| !point.changes.is_empty())
    }

    /// The id as people type it.
    pub fn short_id(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }

    fn digest(&self) -> Result<String> {
        let bare = Self { id: String::new(), ..self.clone() };
        Ok(sha256(serde_json::to_string(&bare)?.as_bytes()))
    }
}

/// Lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Digest of what a device runs; nothing has a digest of its own.
pub fn running_sha256(running: &Running) -> String {
    running.0.as_deref().map_or_else(|| "none".to_owned(), |text| sha256(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let point = PointPlan {
            name: "router".into(),
            target: "nftables".into(),
            driver: "nft".into(),
            running_sha256: "none".into(),
            text: "table inet cordon {\n}\n".into(),
            changes: vec!["adds a rule".into()],
            gaps: vec![],
            bill: Bill::default(),
        };
        let plan = Plan {
            schema: String::new(),
            id: String::new(),
            parent: None,
            made_at: Timestamp::ZERO,
            policy: vec![],
            flowmaps: vec![],
            valid_until: None,
            cuts: vec![],
            cuts_accepted: false,
            quarantined: vec![],
            points: vec![point],
        };
        plan.seal().unwrap()
    }

    #[test]
    fn a_plan_survives_its_own_text() {
        assert_eq!(Plan::parse(&plan().to_json().unwrap()).unwrap(), plan());
    }

    #[test]
    fn an_edited_plan_is_refused() {
        let edited = plan().to_json().unwrap().replace("adds a rule", "adds no rule");
        assert!(Plan::parse(&edited).unwrap_err().to_string().contains("was changed after it was made"));
    }

    #[test]
    fn the_digest_is_the_standard_one() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
