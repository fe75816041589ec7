//! How well the tap sees a host, and the likely reason when it does not.

use serde::{Deserialize, Serialize};

/// Which of a host's packets reach the tap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    BothWays,
    SendsOnly,
    ReceivesOnly,
    /// Only broadcast and multicast frames: its unicast is switched past the tap.
    BroadcastOnly,
    #[default]
    Never,
}

impl Visibility {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BothWays => "both ways",
            Self::SendsOnly => "sends only",
            Self::ReceivesOnly => "receives only",
            Self::BroadcastOnly => "broadcast only",
            Self::Never => "never",
        }
    }
}

/// Why a host is seen badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageCause {
    /// The mirror copies one direction only.
    OneDirectionMirror,
    /// The host's switch port is not among the mirrored ports.
    PortNotMirrored,
    /// Nobody answered: the host may not exist.
    NoAnswer,
    /// The mirror or the sensor lost packets.
    Loss,
}

/// How a host is seen, with the counts behind the word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    pub visibility: Visibility,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CoverageCause>,
    /// Unicast packets sent by the host.
    pub sent_packets: u64,
    /// Unicast packets sent to the host.
    pub received_packets: u64,
    /// Broadcast and multicast packets sent by the host.
    pub group_packets: u64,
}
