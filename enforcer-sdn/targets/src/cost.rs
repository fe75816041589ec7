//! What a ruleset takes on a device: entries, rule by rule, so that a point's capacity can be checked before anything is written.

use std::collections::BTreeMap;

use enforcer_packetset::{AddressSet, FlagSet, L4, Number, PortSet, RangeSet, Selector};
use enforcer_policy::Ruleset;

use crate::target::Rendering;

/// How the device stores what a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardware {
    /// A TCAM compares bits under a mask, so a range of ports is cut into blocks, and flags of which any may be set into single bits.
    pub expands_ranges: bool,
    /// Entries that IPv6 takes where IPv4 takes one.
    pub v6_width: usize,
}

impl Default for Hardware {
    fn default() -> Self {
        Self { expands_ranges: false, v6_width: 1 }
    }
}

/// A number of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    pub v4: usize,
    pub v6: usize,
    /// For both IP versions at once.
    pub either: usize,
}

impl Entries {
    #[must_use]
    pub const fn total(self) -> usize {
        self.v4.saturating_add(self.v6).saturating_add(self.either)
    }

    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            v4: self.v4.saturating_add(other.v4),
            v6: self.v6.saturating_add(other.v6),
            either: self.either.saturating_add(other.either),
        }
    }
}

/// The bill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// By rule id.
    pub rules: BTreeMap<String, Entries>,
    /// What no single rule is the cause of: the last entries of a list, sets that several rules use.
    pub rest: Entries,
}

impl Cost {
    #[must_use]
    pub fn total(&self) -> Entries {
        self.rules.values().fold(self.rest, |sum, entries| sum.plus(*entries))
    }
}

/// A rendered line is an entry.
#[must_use]
pub fn lines(_: &Ruleset, rendering: &Rendering, _: &Hardware) -> Cost {
    let mut cost = Cost::default();
    for line in &rendering.lines {
        cost.rules.entry(line.rule.clone()).or_default().either += 1;
    }
    cost
}

/// A rule is an entry however much it lists, and so is the last one: what a device with objects and sessions counts.
#[must_use]
pub fn policies(_: &Ruleset, rendering: &Rendering, _: &Hardware) -> Cost {
    let one = Entries { v4: 0, v6: 0, either: 1 };
    Cost { rules: rendering.lines.iter().map(|line| (line.rule.clone(), one)).collect(), rest: one }
}

/// Addresses stand in tables, and each range of ports and each ICMP type makes a rule of its own.
#[must_use]
pub fn with_tables(ruleset: &Ruleset, rendering: &Rendering, hardware: &Hardware) -> Cost {
    let mut cost = policies(ruleset, rendering, hardware);
    for rule in &ruleset.rules {
        if let Some(entries) = cost.rules.get_mut(&rule.id) {
            entries.either = fields(&rule.selector, hardware.expands_ranges);
        }
    }
    cost
}

/// Each source prefix with each destination prefix with each range of ports: what a device without sets stores, also where its language
/// has object groups.
#[must_use]
pub fn products(ruleset: &Ruleset, _: &Rendering, hardware: &Hardware) -> Cost {
    let mut cost = Cost::default();
    for rule in &ruleset.rules {
        let fields = fields(&rule.selector, hardware.expands_ranges);
        let pairs =
            |is_ipv6| prefixes(&rule.selector.source, is_ipv6).saturating_mul(prefixes(&rule.selector.destination, is_ipv6));
        let (has_v4, has_v6) = match rule.selector.l4 {
            L4::Icmp { .. } => (true, false),
            L4::Icmp6 { .. } => (false, true),
            _ => (true, true),
        };
        let entries = Entries {
            v4: if has_v4 { pairs(false).saturating_mul(fields) } else { 0 },
            v6: if has_v6 { pairs(true).saturating_mul(fields).saturating_mul(hardware.v6_width) } else { 0 },
            either: 0,
        };
        let sum = cost.rules.entry(rule.id.clone()).or_default();
        *sum = sum.plus(entries);
    }
    cost
}

fn prefixes(set: &AddressSet, is_ipv6: bool) -> usize {
    let of_version = if is_ipv6 {
        AddressSet { v4: RangeSet::empty(), v6: set.v6.clone() }
    } else {
        AddressSet { v4: set.v4.clone(), v6: RangeSet::empty() }
    };
    of_version.prefixes().len()
}

/// Entries for one pair of prefixes.
fn fields(selector: &Selector, expands: bool) -> usize {
    let ports = |set: &PortSet| if expands { blocks(set, 16) } else { set.ranges().len() };
    let each = |set: &RangeSet<u8>| {
        if set.is_full() {
            return 1;
        }
        set.ranges().iter().map(|&(first, last)| usize::from(last - first) + 1).sum()
    };
    let l4 = match &selector.l4 {
        L4::Any | L4::Protocol(_) => 1,
        L4::Tcp { source, destination } | L4::Udp { source, destination } | L4::Sctp { source, destination } => {
            ports(source).saturating_mul(ports(destination))
        }
        L4::Icmp { types, codes } | L4::Icmp6 { types, codes } => each(types).saturating_mul(each(codes)),
    };
    let link = &selector.link;
    let vlans = if expands { blocks(&link.vlan, 12) } else { link.vlan.ranges().len() };
    let macs = blocks(&link.source_mac, 48).saturating_mul(blocks(&link.destination_mac, 48));
    l4.saturating_mul(flags(selector.flags, expands)).saturating_mul(vlans).saturating_mul(macs)
}

fn flags(set: FlagSet, expands: bool) -> usize {
    match (set.as_masked(), set.as_any_bit()) {
        (Some(_), _) => 1,
        (None, Some(mask)) if expands => mask.count_ones() as usize,
        (None, Some(_)) => 1,
        (None, None) => set.bytes().count(),
    }
}

/// The fewest values under a mask that cover the set: what a TCAM needs.
fn blocks<T: Number + Into<u128>>(set: &RangeSet<T>, width: u32) -> usize {
    if set.is_full() {
        return 1;
    }
    set.ranges().iter().map(|&(first, last)| blocks_of(first.into(), last.into(), width)).sum()
}

fn blocks_of(first: u128, last: u128, width: u32) -> usize {
    let mut count = 0;
    let mut at = first;
    while at <= last {
        // The largest block that begins here and ends within.
        let aligned = at.trailing_zeros().min(width);
        let size = (0..=aligned).rev().map(|bits| 1u128 << bits).find(|size| last - at >= size - 1).unwrap_or(1);
        count += 1;
        at += size;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use enforcer_packetset::Prefix;
    use enforcer_policy::{Action, PointRule};

    #[test]
    fn a_range_costs_its_blocks() {
        for ((first, last), wanted) in
            [((0u16, 65535u16), 1), ((80, 80), 1), ((1024, 65535), 6), ((1, 65534), 30), ((8000, 8099), 3), ((5, 9), 3)]
        {
            assert_eq!(blocks(&RangeSet::range(first, last), 16), wanted, "{first}-{last}");
        }
    }

    #[test]
    fn the_bill_is_the_product_of_prefixes_ports_and_width() {
        let set = |texts: &[&str]| texts.iter().map(|text| text.parse::<Prefix>().unwrap()).collect::<AddressSet>();
        let selector = Selector {
            source: set(&["10.0.0.0/24", "10.0.2.0/24", "fd00::/64"]),
            destination: set(&["10.9.0.1", "fd00:9::1", "fd00:9::8"]),
            l4: L4::Tcp { source: RangeSet::full(), destination: RangeSet::range(1024, 65535) },
            flags: FlagSet::ack_or_rst(),
            ..Selector::any()
        };
        let rule = PointRule { id: "r".into(), selector, action: Action::Allow, log: false, origin: Vec::new() };
        let ruleset = Ruleset { point: "p".into(), rules: vec![rule] };
        let nothing = Rendering { text: String::new(), lines: Vec::new() };
        let plain = products(&ruleset, &nothing, &Hardware::default());
        assert_eq!(plain.rules["r"], Entries { v4: 2, v6: 2, either: 0 });
        let tcam = products(&ruleset, &nothing, &Hardware { expands_ranges: true, v6_width: 2 });
        // 6 blocks of ports, and one entry for ACK beside one for RST.
        assert_eq!((tcam.rules["r"], tcam.total().total()), (Entries { v4: 24, v6: 48, either: 0 }, 72));
    }
}
