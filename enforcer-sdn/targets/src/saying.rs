//! What renderers ask of a rule before they say it: a plain id, packets that exist, and nothing that the dialect has no word for.

use enforcer_packetset::{AddressSet, L4, PortSet, RangeSet, Selector, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::device_zones::DeviceZones;
use crate::target::RenderError;

/// Longest rule id; a ruleset promises it.
const LONGEST_ID: usize = 48;

/// Speaks for one dialect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Say {
    pub target: &'static str,
}

/// Which IP versions a rule selects packets of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Families {
    pub v4: bool,
    pub v6: bool,
}

impl Families {
    pub const fn has(self, is_ipv6: bool) -> bool {
        if is_ipv6 { self.v6 } else { self.v4 }
    }
}

impl Say {
    pub fn cannot(&self, rule: &PointRule, feature: impl Into<String>, advice: &str) -> RenderError {
        RenderError { rule: rule.id.clone(), target: self.target, feature: feature.into(), advice: advice.into() }
    }

    /// Refuses a name that a device would not take or that a later reader could mistake.
    pub fn name(&self, name: &str, longest: usize) -> Result<(), RenderError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.len() <= longest && name.chars().all(is_plain) {
            return Ok(());
        }
        Err(RenderError {
            rule: "(name)".into(),
            target: self.target,
            feature: format!("the name `{name}`"),
            advice: format!("use letters, digits, `-` and `_`, at most {longest}, beginning with a letter"),
        })
    }

    /// The IP versions of a rule that selects something, and whose id is fit to be written.
    pub fn families(&self, rule: &PointRule) -> Result<Families, RenderError> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if rule.id.is_empty() || rule.id.len() > LONGEST_ID || !rule.id.chars().all(is_plain) {
            return Err(self.cannot(rule, "the rule's id", "use at most 48 of the characters a-z, 0-9 and `-`"));
        }
        let selector = &rule.selector;
        let (source, destination) = (&selector.source, &selector.destination);
        let is_empty = match &selector.l4 {
            L4::Any | L4::Protocol(_) => false,
            L4::Tcp { source, destination } | L4::Udp { source, destination } | L4::Sctp { source, destination } => {
                source.is_empty() || destination.is_empty()
            }
            L4::Icmp { types, codes } | L4::Icmp6 { types, codes } => types.is_empty() || codes.is_empty(),
        };
        // Other packets than TCP have no flags to be restricted.
        let has_flags = matches!(selector.l4, L4::Any | L4::Protocol(6) | L4::Tcp { .. });
        let is_empty = is_empty || selector.flags.is_empty() || !(has_flags || selector.flags.is_full());
        let speaks = |is_ipv6: bool| match selector.l4 {
            L4::Icmp { .. } => !is_ipv6,
            L4::Icmp6 { .. } => is_ipv6,
            _ => true,
        };
        let families = Families {
            v4: speaks(false) && !source.v4.is_empty() && !destination.v4.is_empty(),
            v6: speaks(true) && !source.v6.is_empty() && !destination.v6.is_empty(),
        };
        if is_empty || !(families.v4 || families.v6) || selector.week.is_never() {
            return Err(self.cannot(rule, "a rule that selects no packet", "a set of it is empty: leave it out"));
        }
        if !selector.link.is_any() {
            return Err(self.cannot(
                rule,
                "VLANs, MAC addresses and directions",
                "bind the text where they are what they should be",
            ));
        }
        Ok(families)
    }

    /// Refuses names of the device's own that cannot be written as words.
    pub fn zone_names(&self, zones: &DeviceZones) -> Result<(), RenderError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./ ".contains(c);
        match zones.iter().map(|(name, _)| name).find(|name| name.is_empty() || *name == "any" || !name.chars().all(is_plain)) {
            None => Ok(()),
            Some(name) => Err(RenderError {
                rule: "(device_zones)".into(),
                target: self.target,
                feature: format!("the name `{name}`"),
                advice: "use letters, digits, `-`, `_`, `.`, `/` and blanks".into(),
            }),
        }
    }

    pub fn no_states(&self, rule: &PointRule) -> Result<(), RenderError> {
        if rule.selector.state == StateSet::Any {
            return Ok(());
        }
        Err(self.cannot(rule, "connection states", "compile for a stateless point, with rules for the way back"))
    }

    pub fn no_flags(&self, rule: &PointRule) -> Result<(), RenderError> {
        if rule.selector.flags.is_full() {
            return Ok(());
        }
        Err(self.cannot(rule, "TCP flags", "the point follows connections: compile for it as a stateful one"))
    }

    pub fn no_times(&self, rule: &PointRule) -> Result<(), RenderError> {
        if rule.selector.week.is_always() {
            return Ok(());
        }
        Err(self.cannot(rule, "times", "leave the schedule to a point that has the policy's clock"))
    }

    /// For devices that know sessions: established packets pass there before any rule is asked, and leave no log entry. Gives the rules
    /// that new packets can meet, and refuses a ruleset that wants something else for established ones.
    pub fn new_packets<'r>(&self, ruleset: &'r Ruleset) -> Result<Vec<&'r PointRule>, RenderError> {
        let mut is_settled = false;
        let mut rules = Vec::with_capacity(ruleset.rules.len());
        for rule in &ruleset.rules {
            let is_silent = rule.action == Action::Allow && !rule.log;
            if !is_settled && rule.selector.state != StateSet::New && !is_silent {
                let advice = "an admitted session passes without a rule: begin with `established` allowed";
                return Err(self.cannot(rule, "a rule about established packets", advice));
            }
            if rule.selector.state == StateSet::Established {
                let any = Selector { state: StateSet::Established, ..Selector::any() };
                is_settled |= is_silent && rule.selector == any;
            } else {
                rules.push(rule);
            }
        }
        Ok(rules)
    }
}

/// The addresses of the set that are of these IP versions.
pub(crate) fn of_families(set: &AddressSet, families: Families) -> AddressSet {
    AddressSet {
        v4: if families.v4 { set.v4.clone() } else { RangeSet::empty() },
        v6: if families.v6 { set.v6.clone() } else { RangeSet::empty() },
    }
}

/// Prefixes of the set, each with its length.
pub(crate) fn prefix_texts(set: &AddressSet) -> Vec<String> {
    set.prefixes().iter().map(|prefix| format!("{}/{}", prefix.network(), prefix.length())).collect()
}

/// A name of an object for ports, that says them: an older object with the same name then means the same.
pub(crate) fn named_ports(prefix: &str, protocol: &str, from: Option<&str>, to: Option<&str>) -> String {
    let part = |word: &str, ports: Option<&str>| ports.map_or_else(String::new, |ports| format!("-{word}-{ports}"));
    format!("{prefix}-{protocol}{}{}", part("from", from), part("to", to))
}

/// The device's own names where a rule's packets come from and go to; None where nobody said what is behind them, or all of them are meant.
pub(crate) fn own_names(zones: &DeviceZones, set: &AddressSet) -> Option<Vec<String>> {
    let meeting: Vec<String> = zones.meeting(set).into_iter().map(str::to_owned).collect();
    (!meeting.is_empty() && meeting.len() < zones.iter().count()).then_some(meeting)
}

/// Each source range with each destination range, as `7` or `7-9`; None where every port is meant.
pub(crate) fn port_pairs(source: &PortSet, destination: &PortSet) -> Vec<(Option<String>, Option<String>)> {
    let text = |&(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    let texts = |set: &PortSet| -> Vec<Option<String>> {
        if set.is_full() { vec![None] } else { set.ranges().iter().map(|range| Some(text(range))).collect() }
    };
    let to = texts(destination);
    texts(source).into_iter().flat_map(|from| to.iter().map(move |to| (from.clone(), to.clone()))).collect()
}

/// The members of a set of ICMP types or codes.
pub(crate) fn members(set: &RangeSet<u8>) -> Vec<u8> {
    set.ranges().iter().flat_map(|&(first, last)| first..=last).collect()
}
