//! What a ruleset takes on a point, and whether the point holds it.

use std::collections::BTreeMap;

use anyhow::Result;
use enforcer_targets::cost::{Cost, Entries, Hardware};
use serde::{Deserialize, Serialize};

use crate::command::counted;
use crate::exit::{Exit, failure};

/// Rules that a message about capacity names, the most expensive first.
const NAMED_RULES: usize = 5;

/// What a point holds, from its data sheet. What is not said is not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Of both IP versions together.
    pub entries: Option<usize>,
    /// In a table of their own.
    pub v4: Option<usize>,
    pub v6: Option<usize>,
    /// Ranges of ports are cut into blocks, as a TCAM needs them.
    #[serde(default)]
    pub expands_ranges: bool,
    /// Entries that IPv6 takes where IPv4 takes one.
    #[serde(default = "one")]
    pub v6_width: usize,
    /// Put rules together where that changes nothing for any packet.
    #[serde(default)]
    pub compress: bool,
}

const fn one() -> usize {
    1
}

impl Capacity {
    pub const KEYS: &[&str] = &["entries", "v4", "v6", "expands_ranges", "v6_width", "compress"];

    pub const fn hardware(&self) -> Hardware {
        Hardware { expands_ranges: self.expands_ranges, v6_width: self.v6_width }
    }
}

/// What a plan says of a point's entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bill {
    pub total: usize,
    pub v4: usize,
    pub v6: usize,
    /// For the whole point, where it is known.
    pub capacity: Option<usize>,
    /// By rule id; the ends of lists and shared sets are in the total only.
    pub rules: BTreeMap<String, usize>,
}

impl Bill {
    pub fn new(cost: &Cost, capacity: Option<&Capacity>) -> Self {
        let Entries { v4, v6, .. } = cost.total();
        Self {
            total: cost.total().total(),
            v4,
            v6,
            capacity: capacity.and_then(|capacity| capacity.entries),
            rules: cost.rules.iter().map(|(rule, entries)| (rule.clone(), entries.total())).collect(),
        }
    }

    /// For people.
    pub fn words(&self) -> String {
        let of = self.capacity.map_or_else(String::new, |capacity| format!(" of {capacity}"));
        let versions = if self.v4 + self.v6 > 0 { format!(" (IPv4 {}, IPv6 {})", self.v4, self.v6) } else { String::new() };
        format!("{}{of} {}{versions}", self.total, if self.total == 1 { "entry" } else { "entries" })
    }

    /// The most expensive rules first.
    pub fn dearest(&self) -> Vec<(&str, usize)> {
        let mut rules: Vec<(&str, usize)> = self.rules.iter().map(|(rule, entries)| (rule.as_str(), *entries)).collect();
        rules.sort_by_key(|&(rule, entries)| (std::cmp::Reverse(entries), rule));
        rules
    }
}

/// Refuses what a point cannot hold, with the bill.
pub fn check(point: &str, cost: &Cost, capacity: Option<&Capacity>) -> Result<()> {
    let Some(capacity) = capacity else { return Ok(()) };
    let total = cost.total();
    let needs = [
        ("", total.total(), capacity.entries),
        ("IPv4 ", total.v4.saturating_add(total.either), capacity.v4),
        ("IPv6 ", total.v6.saturating_add(total.either), capacity.v6),
    ];
    let over: Vec<String> = needs
        .into_iter()
        .filter_map(|(kind, needed, holds)| {
            holds.filter(|&holds| needed > holds).map(|holds| format!("{needed} {kind}entries and holds {holds}"))
        })
        .collect();
    if over.is_empty() {
        return Ok(());
    }
    let bill = Bill::new(cost, Some(capacity));
    let dearest: Vec<String> =
        bill.dearest().into_iter().take(NAMED_RULES).map(|(rule, entries)| format!("`{rule}` {entries}")).collect();
    let advice =
        if capacity.compress { "use fewer prefixes and ports" } else { "set `compress = true`, or use fewer prefixes and ports" };
    Err(failure(
        Exit::OverCapacity,
        format!(
            "enforcement point `{point}` needs {} ({}, the dearest: {}); nothing was written; {advice}",
            over.join(", "),
            counted(bill.rules.len(), "rule"),
            dearest.join(", ")
        ),
    ))
}
