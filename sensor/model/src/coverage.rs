//! How well the tap sees a host, and the likely reason when it does not.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DuplicatePath, VlanId};

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
    /// In the order of their declaration.
    pub const ALL: &'static [Self] = &[Self::BothWays, Self::SendsOnly, Self::ReceivesOnly, Self::BroadcastOnly, Self::Never];

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

/// How much of the other side stands behind a datagram that nobody sends without having been sent one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A datagram of its own.
    Answer,
    /// Several of these need one: the other side took part in a handshake, and acknowledges now and then.
    Dialogue,
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
    /// Some of its conversations are proven to be seen in one direction only, others are whole: paths that differ by direction, or one of
    /// several mirrored ports set to one direction.
    PartlyMirrored,
    /// Its missing direction is its peer's: the peer is seen badly, and this host talks with nobody else.
    UnseenPeer,
    /// What it sends asks for no answer (syslog, traps, flow exports).
    OneWayService,
    /// A direction is missing, and loss alone could explain so few packets.
    TooFewPackets,
    /// Nothing in the traffic tells a missing direction from one that does not exist.
    Unknown,
    /// The VLAN is not among the mirrored ones.
    VlanNotMirrored,
    /// The sensor itself dropped what is missing.
    OwnDrops,
    /// Loss grows with the rate, and the sensor dropped nothing: the mirror's port is too slow for what it copies.
    OversubscribedMirror,
}

impl CoverageCause {
    /// Every cause, in the order of their declaration.
    pub const ALL: &'static [Self] = &[
        Self::OneDirectionMirror,
        Self::PortNotMirrored,
        Self::NoAnswer,
        Self::Loss,
        Self::PartlyMirrored,
        Self::UnseenPeer,
        Self::OneWayService,
        Self::TooFewPackets,
        Self::Unknown,
        Self::VlanNotMirrored,
        Self::OwnDrops,
        Self::OversubscribedMirror,
    ];

    /// As the documents write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneDirectionMirror => "one_direction_mirror",
            Self::PortNotMirrored => "port_not_mirrored",
            Self::NoAnswer => "no_answer",
            Self::Loss => "loss",
            Self::PartlyMirrored => "partly_mirrored",
            Self::UnseenPeer => "unseen_peer",
            Self::OneWayService => "one_way_service",
            Self::TooFewPackets => "too_few_packets",
            Self::Unknown => "unknown",
            Self::VlanNotMirrored => "vlan_not_mirrored",
            Self::OwnDrops => "own_drops",
            Self::OversubscribedMirror => "oversubscribed_mirror",
        }
    }

    /// One line for people.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::OneDirectionMirror => "the mirror copies one direction only",
            Self::PortNotMirrored => "its switch port is not mirrored",
            Self::NoAnswer => "nobody answers: it may not exist",
            Self::Loss => "the mirror or the sensor loses packets",
            Self::PartlyMirrored => "some of its conversations are mirrored in one direction only",
            Self::UnseenPeer => "a peer's direction is not mirrored, and it talks with nobody else",
            Self::OneWayService => "what it sends asks for no answer",
            Self::TooFewPackets => "cannot be told from so few packets",
            Self::Unknown => "cannot be told: nothing shows whether the other direction exists",
            Self::VlanNotMirrored => "the VLAN is not mirrored",
            Self::OwnDrops => "the sensor itself drops packets",
            Self::OversubscribedMirror => "the mirror's port is too slow for what it copies",
        }
    }
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
    /// Packets of the missing direction that its peers prove to exist: a lower bound.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unseen_packets: u64,
    #[serde(default, skip_serializing_if = "Loss::is_unmeasured")]
    pub loss: Loss,
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Packet loss as TCP tells it, over connections seen in both directions: bytes that were acknowledged and never seen, against all bytes
/// of their streams. Connections seen in one direction are left out: what is missing there was not lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Loss {
    pub stream_bytes: u64,
    pub missed_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CoverageCause>,
}

impl Loss {
    /// Fewer bytes of streams than this say nothing of a rate.
    pub const MEASURABLE_BYTES: u64 = 20_000;

    /// The lost part of all, 0 to 1; None where too little TCP was seen.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        (self.stream_bytes >= Self::MEASURABLE_BYTES).then(|| (self.missed_bytes as f64 / self.stream_bytes as f64).min(1.0))
    }

    #[must_use]
    pub const fn is_unmeasured(&self) -> bool {
        self.stream_bytes == 0
    }
}

/// Flows between single hosts, by the directions that were seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FlowSights {
    pub both_ways: u64,
    /// One direction was seen, and it proves that the other one exists.
    pub one_way: u64,
    /// One direction was seen, and the other one may not exist.
    pub unanswered: u64,
}

/// The tags of a frame, outermost first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VlanStack {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<VlanId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_vlan: Option<VlanId>,
}

impl fmt::Display for VlanStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.vlan, self.inner_vlan) {
            (None, _) => f.write_str("untagged"),
            (Some(vlan), None) => write!(f, "{}", vlan.get()),
            (Some(vlan), Some(inner)) => write!(f, "{}.{}", vlan.get(), inner.get()),
        }
    }
}

/// A network whose hosts were heard in a VLAN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NetworkHosts {
    /// In CIDR notation; a guess from addresses, of the usual sizes (/24 and /64).
    pub network: String,
    pub hosts: u64,
}

/// How the tap sees one VLAN.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VlanCoverage {
    #[serde(flatten)]
    pub tags: VlanStack,
    pub visibility: Visibility,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CoverageCause>,
    /// MAC addresses that sent in it.
    pub hosts: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetworkHosts>,
    /// IP packets of its flows to single hosts, and to groups.
    pub packets: u64,
    pub group_packets: u64,
    pub flows: FlowSights,
    #[serde(default, skip_serializing_if = "Loss::is_unmeasured")]
    pub loss: Loss,
    /// VLANs in which the answers to its requests come, or the requests to its answers. A way of tagging, no fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answered_in: Vec<VlanStack>,
    /// Protocols by which switches or hosts spoke of it: `lldp`, `cdp`, `stp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named_by: Vec<String>,
}

/// How much of the network reaches the tap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapCoverage {
    pub flows: FlowSights,
    pub loss: Loss,
    /// By tags.
    pub vlans: Vec<VlanCoverage>,
    /// What frames that came more than once say of mirrors and routers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<DuplicatePath>,
}
