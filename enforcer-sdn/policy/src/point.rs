//! A device that can hold rules, what crosses it, and what the policy asks for that it cannot do.

use std::collections::BTreeMap;
use std::fmt;

use enforcer_packetset::AddressSet;

/// A device that can hold rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnforcementPoint {
    pub name: String,
    /// Name of the dialect it takes.
    pub target: String,
    pub sees: Sees,
    /// Zones of the policy that it stands at: it judges only what they send and get. Empty: it stands between all of them.
    pub zones: Vec<String>,
    /// Of what crosses it, it judges only what the hosts of its zones send: a list that comes with a login, an inward port list.
    pub one_way: bool,
    /// What is behind each of the device's own names: zones of the policy, prefixes, or [`crate::device_zones::REST`]. Empty: not known.
    pub device_zones: BTreeMap<String, Vec<String>>,
    /// They are labels: a host may have several, or none. Otherwise they are places, and each host is behind one.
    pub names_overlap: bool,
    /// Knows which packets belong to a connection that it admitted.
    pub stateful: bool,
    /// Can write a log entry without deciding.
    pub log_only: bool,
    pub logs: Logs,
    pub times: Times,
    /// Put rules together where that changes nothing for any packet: the point has little room.
    pub compress: bool,
}

/// What becomes of log entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logs {
    /// They are asked for; a dialect without a log refuses them by name.
    Kept,
    /// Nothing is logged, which is a gap. What passes is the same.
    LeftOut,
}

/// What becomes of rules with a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// They keep it; a dialect without times refuses them by name.
    Kept,
    /// What is allowed for some time is never open, what is denied for some time always closed: less than the policy says, and a gap.
    Narrowed,
}

impl EnforcementPoint {
    /// A point that sees every packet and can do everything.
    #[must_use]
    pub fn new(name: impl Into<String>, target: impl Into<String>) -> Self {
        let (name, target) = (name.into(), target.into());
        Self {
            name,
            target,
            sees: Sees::Everything,
            zones: Vec::new(),
            one_way: false,
            device_zones: BTreeMap::new(),
            names_overlap: false,
            stateful: true,
            log_only: true,
            logs: Logs::Kept,
            times: Times::Kept,
            compress: false,
        }
    }
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
    /// The point stands at some zones: what these others, in `enforce`, send and get elsewhere is not its business.
    Elsewhere { at: Vec<String>, zones: Vec<String> },
    /// The point judges only what the hosts of these zones send.
    OneWay { at: Vec<String> },
    /// The rule allows named operations; the point allows the whole service.
    Operations { rule: String, operations: Vec<String>, services: Vec<String> },
    /// The point does not know connections: these packets pass as answers, whether somebody asked or not.
    Unasked { rule: String, packets: String },
    /// The point does not know connections: ICMP errors pass whether they are about one or not.
    Errors { packets: String },
    /// The rule is about all protocols; without connections only TCP, UDP, SCTP, ICMP and these protocols are answered.
    Unanswered { rule: String, answered: Vec<u8> },
    /// The rule logs openings; without connections every packet of the client looks like one.
    LogsEveryPacket { rule: String },
    /// The rule, or what a zone does by default, asks for log entries, and the point writes none.
    Unlogged { rule: String },
    /// The point has no clock, and the rule has a schedule.
    Narrowed { rule: String, becomes: &'static str },
    /// The rule's zones have no members of one family, or none at all: it selects no packet here.
    NoPacket { rule: String },
}

impl Gap {
    /// Its kind in a word, for those who count or filter.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SameSide { .. } => "same-side",
            Self::Neighbours { .. } => "neighbours",
            Self::Elsewhere { .. } => "elsewhere",
            Self::OneWay { .. } => "one-way",
            Self::Operations { .. } => "operations",
            Self::Unasked { .. } => "unasked",
            Self::Errors { .. } => "errors",
            Self::Unanswered { .. } => "unanswered",
            Self::LogsEveryPacket { .. } => "logs-every-packet",
            Self::Unlogged { .. } => "unlogged",
            Self::Narrowed { .. } => "narrowed",
            Self::NoPacket { .. } => "no-packet",
        }
    }
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
            Self::Elsewhere { at, zones } => write!(
                f,
                "this point stands at `{}` alone: what `{}` and others say to each other is for other points",
                at.join("`, `"),
                zones.join("`, `")
            ),
            Self::OneWay { at } => {
                write!(f, "this point judges what `{}` sends: what is sent to it is for other points", at.join("`, `"))
            }
            Self::Operations { rule, operations, services } => write!(
                f,
                "rule `{rule}` allows only {}; this point lets all of {} through",
                operations.join(", "),
                services.join(", ")
            ),
            Self::Unasked { rule, packets } => {
                write!(f, "rule `{rule}`: as answers also unasked: {packets}; this point does not know connections")
            }
            Self::Errors { packets } => write!(f, "ICMP errors also about no connection: {packets}"),
            Self::Unanswered { rule, answered } => {
                let named: String = answered.iter().map(|number| format!(", ip/{number}")).collect();
                write!(
                    f,
                    "rule `{rule}` is about all protocols; this point lets answers back of tcp, udp, sctp, icmp{named} only"
                )
            }
            Self::LogsEveryPacket { rule } => {
                write!(
                    f,
                    "rule `{rule}` logs every packet of the client, not only the first: this point does not know connections"
                )
            }
            Self::Unlogged { rule } => write!(f, "`{rule}` asks for log entries and this point writes none"),
            Self::Narrowed { rule, becomes } => {
                write!(f, "rule `{rule}` has a schedule and this point no clock: it is {becomes}")
            }
            Self::NoPacket { rule } => write!(f, "rule `{rule}` selects no packet: its zones have no members that can meet"),
        }
    }
}
