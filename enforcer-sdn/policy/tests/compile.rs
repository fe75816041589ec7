//! What is compiled decides like what the policy means, packet by packet.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::net::IpAddr;

use enforcer_packetset::{ConnectionState, Packet};
use enforcer_policy::resolve::resolve;
use enforcer_policy::{Action, EnforcementPoint, Gap, Mode, Policy, Sees, Side, Verdict, compile, semantics};
use proptest::prelude::*;
use sensor_model::FlowMap;

use common::{asset, at, map, plant};

fn policy(text: &str) -> enforcer_policy::Policy {
    let found = enforcer_policy::read(&[enforcer_policy::SourceFile { name: "p.yaml".into(), text: text.into() }]);
    found.unwrap_or_else(|findings| panic!("{}", findings.iter().map(|finding| format!("{finding}\n")).collect::<String>()))
}

fn router() -> EnforcementPoint {
    EnforcementPoint { name: "router".into(), target: "nftables".into(), sees: Sees::Everything, stateful: true }
}

const HOSTS: [&str; 8] =
    ["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.1.9", "2001:db8::1", "2001:db8::2", "192.0.2.1", "2001:db8:f::1"];

fn small_map() -> FlowMap {
    map(vec![
        asset("a", &["10.0.0.1", "2001:db8::1"], None),
        asset("b", &["10.0.0.2", "2001:db8::2"], None),
        asset("c", &["10.0.1.1"], None),
    ])
}

fn any_policy() -> impl Strategy<Value = String> {
    let word = |words: &'static [&'static str]| prop::sample::select(words);
    let mode = || word(&["observe", "simulate", "enforce"]);
    let peers = || prop::collection::vec(word(&["za", "zb", "zc", "any", "outside"]), 1..3);
    let services = prop::collection::vec(
        word(&[
            "modbus",
            "dns",
            "ping",
            "tcp",
            "udp/100-200",
            "icmp",
            "icmp6/echo-request",
            "ip/47",
            "any",
            "tcp/500-600",
            "sctp/7",
        ]),
        1..3,
    );
    let schedule = word(&[
        "",
        ", schedule: {days: [tue], from: \"02:00\", to: \"04:00\", timeZone: Europe/Berlin}",
        ", schedule: {days: [sun, mon], from: \"22:00\", to: \"06:00\", timeZone: America/New_York}",
    ]);
    let rule = (
        peers(),
        peers(),
        services,
        word(&["allow", "deny"]),
        word(&["admin", "app", "baseline"]),
        schedule,
        word(&["", ", expires: 2020-01-01"]),
    );
    let zone = || (mode(), word(&["allow", "deny"]));
    ((zone(), zone(), zone()), prop::collection::vec(rule, 0..7)).prop_map(|((za, zb, zc), rules)| {
        let mut text = String::from("apiVersion: cordon/v1\nkind: Policy\nmetadata: {name: p}\nzones:\n");
        for (name, (mode, intra), members) in
            [("za", za, "[{asset: a}]"), ("zb", zb, "[{asset: b}, {asset: c}]"), ("zc", zc, "[{prefix: 10.0.0.0/16}]")]
        {
            let priority = if name == "zc" { -1 } else { 0 };
            text +=
                &format!("  - {{name: {name}, mode: {mode}, intraZone: {intra}, priority: {priority}, members: {members}}}\n");
        }
        text += "rules:\n";
        for (nth, (from, to, services, action, tier, schedule, expires)) in rules.into_iter().enumerate() {
            text += &format!(
                "  - {{name: r{nth}, from: [{}], to: [{}], services: [{}], action: {action}, tier: {tier}{schedule}{expires}}}\n",
                from.join(", "),
                to.join(", "),
                services.join(", ")
            );
        }
        text.replace("rules:\n", if text.ends_with("rules:\n") { "rules: []\n" } else { "rules:\n" })
    })
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let family = prop::sample::select(vec![true, false]);
    let host = || any::<prop::sample::Index>();
    let protocol = prop::sample::select(vec![6u8, 6, 17, 1, 58, 47, 132, 99]);
    let port = || prop::sample::select(vec![0u16, 7, 8, 53, 100, 128, 200, 502, 600, 60000]);
    let state = prop::sample::select(vec![ConnectionState::New, ConnectionState::New, ConnectionState::Established]);
    (family, host(), host(), protocol, port(), port(), state, 0u16..10080).prop_map(
        |(is_ipv4, source, destination, protocol, source_port, destination_port, state, minute_of_week)| {
            let hosts: Vec<IpAddr> =
                HOSTS.iter().map(|text| text.parse::<IpAddr>().unwrap()).filter(|ip| ip.is_ipv4() == is_ipv4).collect();
            let (source, destination) = (*source.get(&hosts), *destination.get(&hosts));
            Packet::new(source, destination, protocol, (source_port, destination_port), state, minute_of_week)
        },
    )
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
