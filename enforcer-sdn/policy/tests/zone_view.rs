//! A point at one zone decides like the policy on what the zone sends and gets, and has no opinion on anything else.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "shared with other tests")]
mod common;
#[path = "common/packets.rs"]
mod packets;
#[path = "common/random.rs"]
mod random;

use enforcer_packetset::Packet;
use enforcer_policy::resolve::resolve;
use enforcer_policy::{
    Action, EnforcementPoint, Gap, Mode, Policy, Quarantine, SourceFile, Verdict, compile, read, read_quarantined, semantics,
};
use proptest::prelude::*;
use sensor_model::{AssetId, FlowMap, Timestamp};

use common::at;
use packets::any_packet;
use random::{any_policy, small_map};

fn policy(text: &str) -> Policy {
    let found = read(&[SourceFile { name: "p.yaml".into(), text: text.into() }]);
    found.unwrap_or_else(|findings| panic!("{}", findings.iter().map(|finding| format!("{finding}\n")).collect::<String>()))
}

fn standing_at(zones: &[&str]) -> EnforcementPoint {
    EnforcementPoint { zones: zones.iter().map(ToString::to_string).collect(), ..EnforcementPoint::new("port", "x") }
}

/// Denied or not, and how often logged without a denial.
fn wanted(
    policy: &Policy,
    map: &FlowMap,
    packet: &Packet,
    (zones, one_way): (&[usize], bool),
    now: Timestamp,
) -> (Action, usize) {
    let resolution = resolve(policy, Some(map)).unwrap();
    let (from, to) = semantics::zones_of(&resolution, packet.source, packet.destination);
    let is_own = [from, to.filter(|_| !one_way)].into_iter().flatten().any(|zone| zones.contains(&zone));
    match semantics::decide(policy, &resolution, packet, now).filter(|_| is_own) {
        Some(decision) if decision.verdict == Verdict::Deny && decision.mode == Mode::Enforce => (Action::Deny, 0),
        Some(decision) if decision.verdict == Verdict::Deny && decision.mode == Mode::Simulate => (Action::Allow, 1),
        _ => (Action::Allow, 0),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_point_at_a_zone_decides_like_the_policy_for_its_hosts_alone(text in any_policy(), packets in prop::collection::vec(any_packet(), 60), more in 1usize..3, one_way in any::<bool>()) {
        let (policy, map, now) = (policy(&text), small_map(), at("2026-07-01T12:00:00Z"));
        for first in 0..policy.zones.len() {
            let named: Vec<&str> = policy.zones.iter().cycle().skip(first).take(more).map(|zone| zone.name.value.as_str()).collect();
            let zones: Vec<usize> = (0..more).flat_map(|nth| policy.within((first + nth) % policy.zones.len())).collect();
            // A zone without members has no point.
            let Ok(compiled) = compile(&policy, &map, &EnforcementPoint { one_way, ..standing_at(&named) }, now) else { continue };
            for packet in &packets {
                let (action, decided) = compiled.ruleset.decide(packet);
                let before = compiled.ruleset.rules.iter().take_while(|rule| decided.is_none_or(|decided| rule.id != decided.id));
                let logged = before.filter(|rule| rule.action == Action::Log && rule.selector.contains(packet)).count();
                prop_assert_eq!((action, logged), wanted(&policy, &map, packet, (&zones, one_way), now), "{} at {:?}\n{}\n{:#?}", packet, named, text, compiled.ruleset.rules);
            }
        }
    }
}

const CELLS: &str = "apiVersion: cordon/v1
kind: Policy
metadata: {name: cells, owner: ot}
zones:
  - {name: plcs, mode: enforce, members: [{prefix: 10.1.0.0/24}]}
  - {name: scada, mode: enforce, members: [{prefix: 10.2.0.0/24}]}
  - {name: office, mode: enforce, members: [{prefix: 10.3.0.0/24}]}
rules:
  - {name: poll, from: scada, to: plcs, services: [tcp/502], action: allow, owner: ot, reason: polling}
  - {name: read, from: office, to: scada, services: [tcp/443], action: allow, owner: ot, reason: reading}
";

fn nobody_seen() -> FlowMap {
    enforcer_policy::merge(&[])
}

#[test]
fn a_point_at_one_zone_has_its_rules_only_and_says_what_is_left_to_others() {
    let compiled = compile(&policy(CELLS), &nobody_seen(), &standing_at(&["plcs"]), at("2026-07-01T12:00:00Z")).unwrap();
    let ids: Vec<&str> = compiled.ruleset.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["established", "poll", "plcs-intra", "plcs-default-out", "plcs-default-in"]);
    let left = Gap::Elsewhere { at: vec!["plcs".into()], zones: vec!["scada".into(), "office".into()] };
    assert_eq!(compiled.gaps, [left]);
}

#[test]
fn who_is_in_quarantine_stays_behind_the_point() {
    let now = at("2026-07-01T12:00:00Z");
    let address = "10.1.0.7".parse().unwrap();
    let shut_in = Quarantine {
        asset: AssetId::of_ip(address),
        label: "plc-7".into(),
        addresses: vec![address],
        since: now,
        expires: at("2026-07-02T12:00:00Z"),
        owner: "ot".into(),
        reason: "odd".into(),
        ticket: None,
    };
    let policy = read_quarantined(&[SourceFile { name: "p.yaml".into(), text: CELLS.into() }], &[shut_in], now).unwrap();
    let compiled = compile(&policy, &nobody_seen(), &standing_at(&["plcs"]), now).unwrap();
    let probe = Packet::new("10.2.0.1".parse().unwrap(), address, 6, (40000, 502), enforcer_packetset::ConnectionState::New, 0);
    let (action, rule) = compiled.ruleset.decide(&probe);
    assert_eq!((action, rule.map(|rule| rule.id.as_str())), (Action::Deny, Some("q-ip-10-1-0-7-in")));
}

#[test]
fn a_zone_that_the_policy_does_not_have_or_nobody_is_in_is_an_error_with_advice() {
    let now = at("2026-07-01T12:00:00Z");
    let message = |zone: &str| {
        let text = CELLS.replace("  - {name: office", "  - {name: empty, members: [{role: hmi}]}\n  - {name: office");
        compile(&policy(&text), &nobody_seen(), &standing_at(&[zone]), now).unwrap_err()[0].to_string()
    };
    assert!(message("plc").contains("point `port` stands at zone `plc`, which the policy does not have; did you mean `plcs`?"));
    assert!(message("empty").contains("stands at `empty`, and nobody is there"), "{}", message("empty"));
}
