//! Something worth a human.

use serde::{Deserialize, Serialize};

use crate::{AssetId, Service, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What happened; the second half of the MQTT topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    NewAsset,
    NewConversation,
}

impl AlertKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewAsset => "new_asset",
            Self::NewConversation => "new_conversation",
        }
    }
}

/// One alert, complete in itself: a reader needs no second document to act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Same cause, same id: a reader can drop repeats.
    pub id: String,
    pub kind: AlertKind,
    pub severity: Severity,
    pub at: Timestamp,
    pub sensor: String,
    /// One sentence for a person.
    pub summary: String,
    /// Why it was raised and what to look at.
    pub reason: String,
    /// The asset that acted, and its label.
    pub asset: AssetId,
    pub asset_label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<AssetId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
}
