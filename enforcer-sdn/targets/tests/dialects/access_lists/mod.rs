//! Lists that look like Cisco's, as devices and other generators write them: what they say, and what they do unwritten.

mod asa;
mod every;
mod ios;
mod running;
mod switches;
mod times;
mod written;

use enforcer_packetset::{AddressSet, L4, PortSet, Prefix, RangeSet, Selector, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{Difference, NotProven, find, prove};

pub fn addresses(prefixes: &[&str]) -> AddressSet {
    prefixes.iter().map(|text| text.parse::<Prefix>().unwrap()).collect()
}

pub fn between(source: &[&str], destination: &[&str], l4: L4) -> Selector {
    Selector { source: addresses(source), destination: addresses(destination), l4, ..Selector::any() }
}

pub const ALL4: &[&str] = &["0.0.0.0/0"];
pub const ALL: &[&str] = &["0.0.0.0/0", "::/0"];

pub fn tcp(ports: &[(u16, u16)]) -> L4 {
    L4::Tcp { source: PortSet::full(), destination: RangeSet::from_ranges(ports.iter().copied()) }
}

pub fn udp(ports: &[(u16, u16)]) -> L4 {
    L4::Udp { source: PortSet::full(), destination: RangeSet::from_ranges(ports.iter().copied()) }
}

pub fn icmp(kind: u8) -> L4 {
    L4::Icmp { types: RangeSet::of(kind), codes: RangeSet::full() }
}

pub fn allow(selector: Selector) -> PointRule {
    PointRule { id: "allow".into(), selector, action: Action::Allow, log: false, origin: Vec::new() }
}

pub fn deny(selector: Selector, log: bool) -> PointRule {
    PointRule { id: "deny".into(), selector, action: Action::Deny, log, origin: Vec::new() }
}

pub fn ruleset(rules: Vec<PointRule>) -> Ruleset {
    let rules = rules.into_iter().enumerate().map(|(at, rule)| PointRule { id: format!("{}-{at}", rule.id), ..rule });
    Ruleset { point: "test".into(), rules: rules.collect() }
}

pub fn rest4() -> PointRule {
    deny(between(ALL4, ALL4, L4::Any), false)
}

pub fn established() -> PointRule {
    allow(Selector { state: StateSet::Established, ..Selector::any() })
}

pub fn holds(target: &str, ruleset: &Ruleset, text: &str) {
    if let Err(error) = prove(find(target).unwrap(), ruleset, text) {
        panic!("{target}: {error}\n{text}");
    }
}

pub fn differs(target: &str, ruleset: &Ruleset, text: &str) -> Difference {
    match prove(find(target).unwrap(), ruleset, text) {
        Err(NotProven::Differs(difference)) => *difference,
        other => panic!("{target}: expected a difference, not {other:?}\n{text}"),
    }
}

/// Each text is refused at the word behind `«`.
pub fn refused(target: &str, texts: &[&str]) {
    for marked in texts {
        let (before, after) = marked.split_once('«').unwrap();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
        match (find(target).unwrap().parse)(&format!("{before}{after}")) {
            Err(error) => assert_eq!((error.line, error.column), (line, column), "{target}: {marked}: {error}"),
            Ok(parsed) => panic!("{target}: {marked} was read as {parsed:?}"),
        }
    }
}
