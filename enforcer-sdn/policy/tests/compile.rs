//! What is compiled decides like what the policy means, packet by packet.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/packets.rs"]
mod packets;
#[path = "common/random.rs"]
mod random;

use enforcer_packetset::Packet;
use enforcer_policy::resolve::resolve;
use enforcer_policy::{Action, EnforcementPoint, Gap, Mode, Policy, Sees, Side, Verdict, compile, semantics};
use proptest::prelude::*;
use sensor_model::FlowMap;

use common::{asset, at, map, plant};
use packets::any_packet;
use random::{any_policy, small_map};

fn policy(text: &str) -> enforcer_policy::Policy {
    let found = enforcer_policy::read(&[enforcer_policy::SourceFile { name: "p.yaml".into(), text: text.into() }]);
    found.unwrap_or_else(|findings| panic!("{}", findings.iter().map(|finding| format!("{finding}\n")).collect::<String>()))
}

fn router() -> EnforcementPoint {
    EnforcementPoint::new("router", "nftables")
}

/// What must happen to the packet, and how often a denial must be logged without being done.
fn wanted(policy: &Policy, map: &FlowMap, packet: &Packet, now: sensor_model::Timestamp) -> (Action, usize) {
    let resolution = resolve(policy, Some(map)).unwrap();
    match semantics::decide(policy, &resolution, packet, now) {
        Some(decision) if decision.verdict == Verdict::Deny && decision.mode == Mode::Enforce => (Action::Deny, 0),
        Some(decision) if decision.verdict == Verdict::Deny && decision.mode == Mode::Simulate => (Action::Allow, 1),
        _ => (Action::Allow, 0),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_ruleset_decides_like_the_policy(text in any_policy(), packets in prop::collection::vec(any_packet(), 60), summer in any::<bool>()) {
        let (policy, map) = (policy(&text), small_map());
        let now = at(if summer { "2026-07-01T12:00:00Z" } else { "2026-12-01T12:00:00Z" });
        let compiled = compile(&policy, &map, &router(), now).unwrap();
        for packet in &packets {
            let (action, decided) = compiled.ruleset.decide(packet);
            let before = compiled.ruleset.rules.iter().take_while(|rule| decided.is_none_or(|decided| rule.id != decided.id));
            let logged = before.filter(|rule| rule.action == Action::Log && rule.selector.contains(packet)).count();
            prop_assert_eq!((action, logged), wanted(&policy, &map, packet, now), "{}\n{}\n{:#?}", packet, text, compiled.ruleset.rules);
        }
    }

    #[test]
    fn every_rule_selects_something_and_has_its_own_id(text in any_policy()) {
        let compiled = compile(&policy(&text), &small_map(), &router(), at("2026-12-01T12:00:00Z")).unwrap();
        let mut ids = std::collections::HashSet::new();
        for rule in &compiled.ruleset.rules {
            prop_assert!(!rule.selector.source.is_empty() && !rule.selector.destination.is_empty() && !rule.selector.week.is_never());
            prop_assert!(rule.id.len() <= 48 && rule.id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{}", rule.id);
            prop_assert!(ids.insert(rule.id.clone()), "{}", rule.id);
        }
    }
}

const ENFORCED: &str = "
apiVersion: cordon/v1
kind: Policy
metadata: {name: p, owner: o}
zones:
  - {name: plcs, mode: enforce, members: [{role: plc}]}
  - {name: stations, mode: observe, members: [{role: hmi}, {role: historian}]}
rules:
  - {name: poll, from: stations, to: plcs, services: [modbus], action: allow, operations: [modbus.read_*]}
  - {name: visit, from: outside, to: plcs, services: [ssh], action: allow, expires: 2026-12-24,
     schedule: {days: [tue], from: \"02:00\", to: \"04:00\", timeZone: Europe/Berlin}}
";

#[test]
fn a_ruleset_lists_rules_then_defaults() {
    let compiled = compile(&policy(ENFORCED), &plant(), &router(), at("2026-11-23T00:00:00Z")).unwrap();
    let ids: Vec<&str> = compiled.ruleset.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["established", "poll", "visit", "plcs-intra", "plcs-default-out", "plcs-default-in"]);
    assert_eq!(compiled.valid_until, Some(at("2026-12-25T00:00:00Z")));
    assert_eq!(
        compiled.gaps,
        [Gap::Operations { rule: "poll".into(), operations: vec!["modbus.read_*".into()], services: vec!["modbus".into()] }]
    );
    assert_eq!(compiled.ruleset.rules[2].selector.week.minutes().ranges(), [(1440 + 60, 1440 + 179)]);
}

#[test]
fn time_ends_a_ruleset_at_the_clock_change() {
    let text = ENFORCED.replace(", expires: 2026-12-24", "");
    let compiled = compile(&policy(&text), &plant(), &router(), at("2026-11-23T00:00:00Z")).unwrap();
    assert_eq!(compiled.valid_until, Some(at("2027-03-28T01:00:00Z")));
    let summer = compile(&policy(&text), &plant(), &router(), at("2027-03-28T01:00:00Z")).unwrap();
    assert_eq!(summer.ruleset.rules[2].selector.week.minutes().ranges(), [(1440, 1440 + 119)]);
    assert_ne!(summer.digest, compiled.digest);
}

#[test]
fn an_enforced_zone_without_members_is_an_error_and_never_everybody() {
    let findings = compile(&policy(ENFORCED), &map(vec![asset("x", &["10.0.0.1"], None)]), &router(), at("2026-11-23T00:00:00Z"));
    assert_eq!(
        findings.unwrap_err()[0].to_string().lines().next(),
        Some("p.yaml:6:12: error: zone `plcs` is in `enforce` and has no members [zone-empty]")
    );
}

#[test]
fn a_rule_whose_side_is_empty_admits_nobody() {
    let text = ENFORCED.replace("[{role: hmi}, {role: historian}]", "[{role: camera}]");
    let compiled = compile(&policy(&text), &plant(), &router(), at("2026-11-23T00:00:00Z")).unwrap();
    assert!(compiled.ruleset.rules.iter().all(|rule| rule.id != "poll"));
    assert!(compiled.gaps.contains(&Gap::NoPacket { rule: "poll".into() }));
}

#[test]
fn neighbours_on_one_side_are_a_gap() {
    let side = |name: &str, prefix: &str| Side {
        name: name.into(),
        addresses: prefix.parse::<enforcer_packetset::Prefix>().unwrap().into(),
    };
    let sees = Sees::Between(vec![side("cell", "10.10.1.0/24"), side("office", "10.10.2.0/24")]);
    let compiled =
        compile(&policy(ENFORCED), &plant(), &EnforcementPoint { sees, ..router() }, at("2026-11-23T00:00:00Z")).unwrap();
    let same = Gap::SameSide { from: "plcs".into(), to: "stations".into(), side: "cell".into() };
    assert!(compiled.gaps.contains(&same), "{:?}", compiled.gaps);
    assert!(!compiled.gaps.iter().any(|gap| matches!(gap, Gap::SameSide { side, .. } if side == "office")));
}

#[test]
fn observe_renders_nothing() {
    let text = ENFORCED.replace("mode: enforce", "mode: observe");
    assert!(compile(&policy(&text), &plant(), &router(), at("2026-11-23T00:00:00Z")).unwrap().ruleset.rules.is_empty());
}
