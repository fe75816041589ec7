//! The user's document as values: zones, services, rules. Built by `read` only, so every name in it is known and every value possible.

use std::fmt;

pub use enforcer_packetset::Verdict;
use enforcer_packetset::{L4, Prefix};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sensor_model::{MacAddr, Role, Timestamp};

use crate::glob::Glob;
use crate::source::{Sources, Span, Spanned};

/// How far a zone's policy reaches, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Nothing is rendered.
    #[default]
    Observe,
    /// What would be denied is logged and let through.
    Simulate,
    /// What no rule allows is denied.
    Enforce,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::Observe, Self::Simulate, Self::Enforce];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Simulate => "simulate",
            Self::Enforce => "enforce",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who has the first word. All rules of a tier are asked before the next tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    Admin,
    #[default]
    App,
    Baseline,
}

impl Tier {
    pub const ALL: [Self; 3] = [Self::Admin, Self::App, Self::Baseline];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::App => "app",
            Self::Baseline => "baseline",
        }
    }
}

/// The whole policy, from one or many files.
#[derive(Clone, Debug)]
pub struct Policy {
    pub name: String,
    pub owner: Option<String>,
    pub zones: Vec<Zone>,
    pub services: Vec<Service>,
    /// In the order of the text. `rules_in_order` gives the order of decision.
    pub rules: Vec<Rule>,
    pub guardrails: Vec<Guardrail>,
    /// Zones that are quarantines, as indices: what they take from another zone is not missed there.
    pub quarantines: Vec<usize>,
    pub sources: Sources,
}

impl Policy {
    /// Indices of `rules` in the order in which they are asked: by tier, then as written.
    #[must_use]
    pub fn rules_in_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rules.len()).collect();
        order.sort_by_key(|&at| self.rules.get(at).map(|rule| rule.tier));
        order
    }

    /// The zone itself and every zone inside it, at any depth, ascending.
    #[must_use]
    pub fn within(&self, zone: usize) -> Vec<usize> {
        let mut found = vec![zone];
        let mut next = 0;
        while let Some(&at) = found.get(next) {
            let inner = self.zones.get(at).map_or(&[][..], |zone| &zone.inner);
            let new: Vec<usize> = inner.iter().copied().filter(|below| !found.contains(below)).collect();
            found.extend(new);
            next += 1;
        }
        found.sort_unstable();
        found
    }
}

/// A group of assets with one mode.
#[derive(Clone, Debug)]
pub struct Zone {
    pub name: Spanned<String>,
    pub mode: Mode,
    pub owner: Option<String>,
    pub description: Option<String>,
    /// An asset is a member when any of these holds.
    pub members: Vec<Member>,
    /// Zones inside it, as indices, direct ones only. Their addresses are theirs; a rule that names this zone means them too.
    pub inner: Vec<usize>,
    /// And none of these.
    pub except: Vec<Member>,
    /// The higher one gets an address that two zones claim.
    pub priority: i32,
    /// What happens between two members where no rule says otherwise.
    pub intra_zone: Verdict,
}

impl Zone {
    /// Made of other zones only, so that it has no address of its own.
    #[must_use]
    pub const fn is_group(&self) -> bool {
        self.members.is_empty() && !self.inner.is_empty()
    }
}

/// Every key that is given must hold.
#[derive(Clone, Debug)]
pub struct Member {
    /// Id or label of the asset.
    pub asset: Option<Glob>,
    pub role: Option<Role>,
    pub vendor: Option<Glob>,
    /// Alone: every address of the prefix, whether anybody was seen there or not.
    pub prefix: Option<Prefix>,
    pub mac: Option<MacAddr>,
    /// Any of the asset's names.
    pub name: Option<Glob>,
    pub span: Span,
}

impl Member {
    /// True when only addresses matter, so that no flow map is needed.
    #[must_use]
    pub const fn is_prefix_only(&self) -> bool {
        self.asset.is_none() && self.role.is_none() && self.vendor.is_none() && self.mac.is_none() && self.name.is_none()
    }
}

/// A name for protocols and ports.
#[derive(Clone, Debug)]
pub struct Service {
    pub name: Spanned<String>,
    pub l4: Vec<L4>,
}

/// One side of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// Every address.
    Any,
    /// Every address that is in no zone.
    Outside,
    /// Index into `Policy::zones`.
    Zone(usize),
}

/// One sentence of the policy: who may, or may not, start what with whom.
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: Spanned<String>,
    pub from: Spanned<Vec<Peer>>,
    pub to: Spanned<Vec<Peer>>,
    /// Merged: one entry a protocol, its ports together.
    pub l4: Vec<L4>,
    /// As written.
    pub services: Spanned<Vec<String>>,
    pub action: Verdict,
    pub owner: Option<String>,
    pub reason: Option<String>,
    pub ticket: Option<String>,
    pub review_by: Option<Spanned<Date>>,
    /// From this moment on the rule is gone.
    pub expires: Option<Spanned<Timestamp>>,
    pub schedule: Option<Spanned<Schedule>>,
    pub log: bool,
    /// Operations in the protocol's words (`modbus.read_*`); empty: all.
    pub operations: Vec<Glob>,
    pub tier: Tier,
}

/// A weekly window in local time. One that passes midnight belongs to the day it begins on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Monday first.
    pub days: [bool; 7],
    /// Minute of the day, 0 to 1439.
    pub from: u16,
    /// Minute of the day, 0 to 1440; not included. Before `from`: on the next day. Equal: never.
    pub to: u16,
    /// IANA name, as written.
    pub zone_name: String,
    pub time_zone: TimeZone,
}

/// What must hold whatever the rules say: checked whenever the policy is compiled, and no rule of its own.
#[derive(Clone, Debug)]
pub struct Guardrail {
    pub name: Spanned<String>,
    pub assertion: Assertion,
    pub from: Spanned<Vec<Peer>>,
    pub to: Spanned<Vec<Peer>>,
    pub l4: Vec<L4>,
    pub services: Spanned<Vec<String>>,
    /// None: at every time.
    pub schedule: Option<Spanned<Schedule>>,
    pub owner: Option<String>,
    pub reason: Option<String>,
    pub ticket: Option<String>,
}

/// What a guardrail asserts about all its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assertion {
    /// The policy allows none of them.
    Never,
    /// The policy allows all of them.
    Always,
}

impl Assertion {
    pub const ALL: [Self; 2] = [Self::Never, Self::Always];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Always => "always",
        }
    }
}
