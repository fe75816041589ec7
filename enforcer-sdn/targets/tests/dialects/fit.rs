//! What of a random ruleset a dialect can say: the ruleset that it is tried with.

use std::net::IpAddr;

use enforcer_packetset::{AddressSet, FlagSet, HeadingSet, L4, PortSet, RangeSet, Selector, StateSet, WeekSet};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{Capability, FlagWords, RenderOptions, Rendering, Target};

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

/// A ruleset about what the zone sends, and nothing else.
fn sent(ruleset: Ruleset) -> Ruleset {
    if ruleset.rules.last().is_some_and(|rule| rule.id == "rest-out") {
        return ruleset;
    }
    let is_wanted = |rule: &PointRule| rule.action != Action::Log && rule.id != "rest" && rule.id != "established";
    let kept = ruleset.rules.into_iter().filter(is_wanted).map(|rule| {
        let Selector { source, destination, .. } = rule.selector;
        let peers = if destination.is_full() { source } else { destination };
        let selector = Selector { source: zone(), destination: peers, ..rule.selector };
        PointRule { selector, log: false, ..rule }
    });
    let selector = Selector { source: zone(), ..Selector::any() };
    let rest = PointRule { id: "rest-out".into(), selector, action: Action::Deny, log: false, origin: Vec::new() };
    Ruleset { rules: kept.chain([rest]).collect(), ..ruleset }
}

/// A ruleset of the form that the dialect is for: some know the allowed peers of one zone and nothing else.
fn shape(target: &Target, ruleset: Ruleset) -> Ruleset {
    if target.name.starts_with("edl-") {
        return listed(target, ruleset);
    }
    if target.name == "radius-dacl" {
        return sent(ruleset);
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

/// What is left of a ruleset when the dialect has said which rules it cannot say, and its rendering.
pub fn fit(target: &Target, ruleset: Ruleset) -> (Ruleset, Rendering) {
    let mut ruleset = shape(target, ruleset);
    if !target.capability.stateful {
        // Of any state it would allow everything.
        ruleset.rules.retain(|rule| rule.id != "established");
    }
    for rule in &mut ruleset.rules {
        if !target.capability.stateful {
            rule.selector.state = StateSet::Any;
        }
        if !target.capability.schedule {
            rule.selector.week = WeekSet::always();
        }
        fit_flags(&target.capability, &mut rule.selector);
        fit_link(&target.capability, &mut rule.selector);
    }
    if admits_established(target) {
        let selector = Selector { state: StateSet::Established, ..Selector::any() };
        let first = PointRule { id: "established".into(), selector, action: Action::Allow, log: false, origin: Vec::new() };
        if ruleset.rules.first() != Some(&first) {
            ruleset.rules.insert(0, first);
        }
        for rule in ruleset.rules.iter_mut().skip(1).filter(|rule| rule.selector.state == StateSet::Established) {
            rule.selector.state = StateSet::New;
        }
    }
    loop {
        match (target.render)(&ruleset, &RenderOptions::default()) {
            Ok(rendering) => return (ruleset, rendering),
            Err(error) => {
                let before = ruleset.rules.len();
                ruleset.rules.retain(|rule| rule.id != error.rule);
                assert!(ruleset.rules.len() < before, "an error names its rule: {error}");
            }
        }
    }
}

fn fit_flags(capability: &Capability, selector: &mut Selector) {
    match capability.tcp_flags {
        FlagWords::Any => {}
        FlagWords::AckOrRst if !selector.flags.is_full() => selector.flags = FlagSet::ack_or_rst(),
        FlagWords::AckOrRst | FlagWords::None => selector.flags = FlagSet::full(),
    }
}

fn fit_link(capability: &Capability, selector: &mut Selector) {
    let mut link = (*selector.link).clone();
    if !capability.link.vlan {
        link.vlan = RangeSet::full();
    }
    if !capability.link.mac {
        link.source_mac = RangeSet::full();
        link.destination_mac = RangeSet::full();
    }
    if !capability.link.heading {
        link.heading = HeadingSet::Any;
    }
    selector.link = link.into();
}

/// Whether packets of an admitted connection pass the device before any rule is asked, so that it can say nothing else of them.
fn admits_established(target: &Target) -> bool {
    let deny = PointRule { id: "deny".into(), selector: Selector::any(), action: Action::Deny, log: false, origin: Vec::new() };
    let ruleset = Ruleset { point: "test".into(), rules: vec![deny] };
    target.capability.stateful && (target.render)(&ruleset, &RenderOptions::default()).is_err()
}
