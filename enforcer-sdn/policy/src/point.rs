//! A device that can hold rules, what crosses it, and what the policy asks for that it cannot do.

use std::fmt;

use enforcer_packetset::AddressSet;

/// A device that can hold rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnforcementPoint {
    pub name: String,
    /// Name of the dialect it takes.
    pub target: String,
    pub sees: Sees,
    /// Knows which packets belong to a connection that it admitted.
    pub stateful: bool,
}

/// Which packets cross a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sees {
    /// Every packet, also between neighbours (a host's own filter, a switch port filter).
    Everything,
    /// Packets between two different sides. What is in none of them is one more side: the uplink.
    Between(Vec<Side>),
}

/// What is behind one interface of a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub name: String,
    pub addresses: AddressSet,
}

/// Something that the policy says and the point cannot do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Hosts of the two zones are on one side: what they say to each other never crosses the point. Equal names: within the zone.
    SameSide { from: String, to: String, side: String },
    /// Hosts in no zone are on one side with hosts of the zone.
    Neighbours { zone: String, side: String },
    /// The rule allows named operations; the point allows the whole service.
    Operations { rule: String, operations: Vec<String>, services: Vec<String> },
    /// The point does not know connections, so the answers need rules of their own.
    Stateless,
    /// The rule's zones have no members of one family, or none at all: it selects no packet here.
    NoPacket { rule: String },
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameSide { from, to, side } if from == to => {
                write!(
                    f,
                    "no device can enforce rules within zone `{from}` on side `{side}`: its traffic does not cross this point"
                )
            }
            Self::SameSide { from, to, side } => write!(
                f,
                "no device can enforce rules between `{from}` and `{to}` where both are on side `{side}`: it does not cross this point"
            ),
            Self::Neighbours { zone, side } => {
                write!(f, "hosts in no zone on side `{side}` reach zone `{zone}` without crossing this point")
            }
            Self::Operations { rule, operations, services } => write!(
                f,
                "rule `{rule}` allows only {}; this point lets all of {} through",
                operations.join(", "),
                services.join(", ")
            ),
            Self::Stateless => f.write_str("this point does not know connections: answers need rules of their own"),
            Self::NoPacket { rule } => write!(f, "rule `{rule}` selects no packet: its zones have no members that can meet"),
        }
    }
}
