//! Rulesets of the forms that some dialects are for: allowed peers of one zone, or whole hosts.

use std::net::IpAddr;

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, RangeSet, Selector, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::Target;

/// A ruleset of the form that the dialect is for: some know the allowed peers of one zone and nothing else.
pub fn shape(target: &Target, ruleset: Ruleset) -> Ruleset {
    if target.name.starts_with("edl-") {
        return listed(target, ruleset);
    }
    let is_shaped = ruleset.rules.last().is_some_and(|rule| rule.id == "rest-in");
    if !["kubernetes", "mud"].contains(&target.name) || is_shaped {
        return ruleset;
    }
    let rule = |id: &str, selector, action| PointRule { id: id.into(), selector, action, log: false, origin: Vec::new() };
    let is_stateful = target.capability.stateful;
    let established = rule("established", Selector { state: StateSet::Established, ..Selector::any() }, Action::Allow);
    let mut rules: Vec<PointRule> = is_stateful.then_some(established).into_iter().collect();
    for (number, PointRule { id, selector, action, .. }) in ruleset.rules.into_iter().enumerate() {
        if action == Action::Log || id == "rest" || id == "established" {
            continue;
        }
        // In a layered ruleset every line is to count.
        let is_layered = id.starts_with("allow-") || id.starts_with("except-");
        // An exception and what it is an exception of go one way.
        let is_outgoing = id.bytes().last().is_some_and(|digit| digit % 2 == 0);
        let peers = if selector.destination.is_full() { selector.source } else { selector.destination };
        let (source, destination) = if is_outgoing { (zone(), peers) } else { (peers, zone()) };
        let (source, destination) = if number % 5 == 4 && !is_layered {
            (zone().union(&source), destination.union(&zone()))
        } else {
            (source, destination)
        };
        let l4 = match selector.l4 {
            other if !is_stateful => other,
            L4::Tcp { destination, .. } => L4::Tcp { source: PortSet::full(), destination },
            L4::Udp { destination, .. } => L4::Udp { source: PortSet::full(), destination },
            L4::Sctp { destination, .. } => L4::Sctp { source: PortSet::full(), destination },
            other => other,
        };
        let flags = if action == Action::Allow { selector.flags } else { FlagSet::full() };
        rules.push(rule(&id, Selector { source, destination, l4, flags, ..Selector::any() }, action));
    }
    rules.push(rule("rest-out", Selector { source: zone(), ..Selector::any() }, Action::Deny));
    rules.push(rule("rest-in", Selector { destination: zone(), ..Selector::any() }, Action::Deny));
    Ruleset { rules, ..ruleset }
}

/// The hosts of a ruleset that is about one zone.
fn zone() -> AddressSet {
    let base: u128 = 0x2001_0db8_0001 << 80;
    AddressSet { v4: RangeSet::range(0x0ac0_0000, 0x0ac0_0007), v6: RangeSet::range(base, base | 0xff) }
}

/// A ruleset about whole hosts of one IP version, and nothing else.
fn listed(target: &Target, ruleset: Ruleset) -> Ruleset {
    let is_deny = target.name == "edl-deny";
    let action = if is_deny { Action::Deny } else { Action::Allow };
    let part = |set: &AddressSet| -> Option<AddressSet> {
        let v4 = AddressSet { v4: set.v4.clone(), v6: RangeSet::empty() };
        let v6 = AddressSet { v4: RangeSet::empty(), v6: set.v6.clone() };
        // Which version a ruleset is about hangs on its length, so that both come.
        let part = if ruleset.rules.len().is_multiple_of(2) { v4 } else { v6 };
        (!part.is_empty() && !part.v4.is_full() && !part.v6.is_full()).then_some(part)
    };
    let all = if ruleset.rules.len().is_multiple_of(2) {
        AddressSet { v4: RangeSet::full(), v6: RangeSet::empty() }
    } else {
        AddressSet { v4: RangeSet::empty(), v6: RangeSet::full() }
    };
    let rule = |id: String, source: &AddressSet, destination: &AddressSet, action| {
        let selector = Selector { source: source.clone(), destination: destination.clone(), ..Selector::any() };
        PointRule { id, selector, action, log: false, origin: Vec::new() }
    };
    let mut rules = Vec::new();
    for known in &ruleset.rules {
        for hosts in [part(&known.selector.destination), part(&known.selector.source)].into_iter().flatten() {
            let at = rules.len();
            rules.push(rule(format!("from-{at}"), &hosts, &all, action));
            rules.push(rule(format!("to-{at}"), &all, &hosts, action));
        }
    }
    if rules.is_empty() {
        let hosts: AddressSet =
            [if all.v4.is_full() { "192.0.2.1" } else { "2001:db8::1" }.parse::<IpAddr>().unwrap()].into_iter().collect();
        rules.push(rule("from-0".into(), &hosts, &all, action));
        rules.push(rule("to-0".into(), &all, &hosts, action));
    }
    if !is_deny {
        rules.push(rule("everybody-else".into(), &all, &all, Action::Deny));
    }
    Ruleset { point: ruleset.point, rules }
}
