//! What tests of one dialect's words say: this text is that ruleset, differs from it in this way, or is refused at this place.

use enforcer_packetset::{AddressSet, L4, PortSet, Prefix, RangeSet, Selector, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{Difference, NotProven, find, prove};

pub fn addresses(prefixes: &[&str]) -> AddressSet {
    prefixes.iter().map(|text| text.parse::<Prefix>().unwrap()).collect()
}

pub fn between(source: &[&str], destination: &[&str], l4: L4) -> Selector {
    Selector { source: addresses(source), destination: addresses(destination), l4, ..Selector::any() }
}

pub fn tcp(ports: &[(u16, u16)]) -> L4 {
    L4::Tcp { source: PortSet::full(), destination: RangeSet::from_ranges(ports.iter().copied()) }
}

pub fn udp(ports: &[(u16, u16)]) -> L4 {
    L4::Udp { source: PortSet::full(), destination: RangeSet::from_ranges(ports.iter().copied()) }
}

pub fn ruleset(rules: Vec<(Selector, Action, bool)>) -> Ruleset {
    let rule = |(at, (selector, action, log)): (usize, (Selector, Action, bool))| PointRule {
        id: format!("r-{at}"),
        selector,
        action,
        log,
        origin: Vec::new(),
    };
    Ruleset { point: "test".into(), rules: rules.into_iter().enumerate().map(rule).collect() }
}

/// The rule that a ruleset for a stateful point begins with.
pub fn established() -> (Selector, Action, bool) {
    (Selector { state: StateSet::Established, ..Selector::any() }, Action::Allow, false)
}

pub fn holds(target: &str, ruleset: &Ruleset, text: &str) -> Vec<String> {
    match prove(find(target).unwrap(), ruleset, text) {
        Ok(proof) => proof.notes,
        Err(error) => panic!("{error}\n{text}"),
    }
}

pub fn differs(target: &str, ruleset: &Ruleset, text: &str) -> Difference {
    match prove(find(target).unwrap(), ruleset, text) {
        Err(NotProven::Differs(difference)) => *difference,
        other => panic!("expected a difference, not {other:?}\n{text}"),
    }
}

/// Each text is refused at its line and column.
pub fn refused(target: &str, texts: &[(&str, usize, usize)]) {
    for (text, line, column) in texts {
        match (find(target).unwrap().parse)(text) {
            Err(error) => assert_eq!((error.line, error.column), (*line, *column), "{text}: {error}"),
            Ok(parsed) => panic!("{text} was read as {parsed:?}"),
        }
    }
}
