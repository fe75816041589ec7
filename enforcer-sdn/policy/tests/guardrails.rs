//! Guardrails: broken exactly when some packet breaks them, told with that packet, the rule and its place.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod worlds;

use std::net::IpAddr;

use enforcer_packetset::{ConnectionState, Packet, PacketSet};
use enforcer_policy::document::{Assertion, Rule};
use enforcer_policy::resolve::resolve;
use enforcer_policy::semantics::{decide, matches};
use enforcer_policy::{EnforcementPoint, Policy, SourceFile, Verdict, check, compile, merge, read, violations};
use proptest::prelude::*;
use sensor_model::Timestamp;

use worlds::world;

const NOW: &str = "2026-11-23T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Any packet, to take the fields from that a test does not speak of.
fn packet() -> Packet {
    PacketSet::full().witness().unwrap()
}

fn policy(body: &str) -> Policy {
    let text = format!("apiVersion: cordon/v1\nkind: Policy\nmetadata: {{name: p, owner: o}}\n{body}");
    read(&[SourceFile { name: "p".into(), text }])
        .unwrap_or_else(|found| panic!("{}", found.iter().map(|finding| format!("{finding}\n")).collect::<String>()))
}

const ZONES: &str = "zones:
  - {name: guests, members: [{prefix: 10.0.0.0/24}]}
  - {name: plcs, mode: enforce, members: [{prefix: 10.0.1.0/24}]}
  - {name: backup, members: [{asset: nowhere}]}
";

/// Errors of `check` with their place, and that `compile` refuses with the same.
fn errors(body: &str) -> Vec<String> {
    let policy = policy(&format!("{ZONES}{body}"));
    let told = |one: &enforcer_policy::Diagnostic| {
        format!("{}:{}: {} = {}", one.line(), one.column(), one.message, one.help.as_deref().unwrap_or("-"))
    };
    let found = check(&policy, None, at(NOW));
    let found: Vec<String> = found.iter().filter(|one| one.code == "guardrail").map(told).collect();
    let point = EnforcementPoint::new("r", "nftables");
    let compiled = compile(&policy, &merge(&[]), &point, at(NOW));
    assert_eq!(compiled.err().map(|found| found.iter().map(told).collect::<Vec<_>>()).unwrap_or_default(), found);
    found
}

const NEVER: &str = "guardrails:\n  - {name: no-guests, assert: never, from: guests, to: plcs, services: [any], owner: ciso}\n";

#[test]
fn a_rule_that_allows_what_never_may_be_is_named_with_a_packet() {
    let rules = "rules:\n  - {name: trends, from: any, to: plcs, services: [modbus], action: allow}\n";
    assert_eq!(
        errors(&format!("{rules}{NEVER}")),
        [
            "9:12: guardrail `no-guests` (p:11:12) is broken: it says never, and rule `trends` allows `tcp 10.0.0.1 port 49152 -> 10.0.1.1 port 502 (new, Mon 12:00 UTC)` = narrow rule `trends`, or ask its owner ciso to change the guardrail"
        ]
    );
    let denied_before = "rules:\n  - {name: no, from: guests, to: any, services: [modbus], action: deny}\n  - {name: trends, from: any, to: plcs, services: [modbus], action: allow}\n";
    assert!(errors(&format!("{denied_before}{NEVER}")).is_empty());
    let expired = rules.replace("allow}", "allow, expires: 2026-11-01}");
    assert!(errors(&format!("{expired}{NEVER}")).is_empty());
}

#[test]
fn an_always_needs_a_rule_for_all_of_it() {
    let always = "guardrails:\n  - {name: save, assert: always, from: backup, to: plcs, services: [ssh], schedule: {days: [tue], from: \"02:00\", to: \"04:00\", timeZone: Europe/Berlin}}\n";
    let rule = |schedule: &str| {
        format!("rules:\n  - {{name: b, from: backup, to: plcs, services: [ssh], action: allow{schedule}}}\n{always}")
    };
    assert!(errors(&rule("")).is_empty());
    let same = ", schedule: {days: [mon-fri], from: \"01:00\", to: \"05:00\", timeZone: Europe/Berlin}";
    assert!(errors(&rule(same)).is_empty());
    let lacking = errors(&rule(&same.replace("05:00", "03:00")));
    assert_eq!(
        lacking,
        [
            "11:12: guardrail `save` is broken: it says always, and no rule allows tcp/22 from `backup` to `plcs` (no host is known there yet) = add a rule that allows all of it"
        ]
    );
    // A rule for a while is there until it ends, whatever the clocks do later.
    assert!(errors(&rule(", expires: 2026-12-31")).is_empty());
    // In winter 01:00 UTC is 02:00 in Berlin; in summer the window begins before the rule's.
    let winter_only = errors(&rule(", schedule: {days: [tue], from: \"01:00\", to: \"03:00\", timeZone: UTC}"));
    assert_eq!(winter_only.len(), 1, "{winter_only:?}");
    let denied = "rules:\n  - {name: stop, tier: admin, from: any, to: plcs, services: [ssh], action: deny}\n  - {name: b, from: backup, to: plcs, services: [ssh], action: allow}\n";
    let found = errors(&format!("{denied}{always}"));
    assert!(
        found[0].starts_with(
            "9:12: guardrail `save` (p:12:12) is broken: it says always, and rule `stop` denies tcp/22 from `backup`"
        ),
        "{found:?}"
    );
}

#[test]
fn within_a_zone_the_default_breaks_it() {
    let within = "guardrails:\n  - {name: apart, assert: never, from: plcs, to: plcs, services: [smb]}\n";
    let found = errors(within);
    assert!(
        found[0].starts_with(
            "6:12: guardrail `apart` (p:9:12) is broken: it says never, and `intraZone` of `plcs` allows `tcp 10.0.1.1"
        ),
        "{found:?}"
    );
    assert!(found[0].ends_with("= set `intraZone: deny`, or add a rule"), "{found:?}");
}

fn packets() -> Vec<Packet> {
    let hosts: Vec<IpAddr> = ["10.0.0.5", "10.0.1.5", "192.0.2.1", "fd00::5", "fd01::5", "2001:db8::1"]
        .iter()
        .map(|one| one.parse().unwrap())
        .collect();
    let services = [
        (6, 40000, 1),
        (6, 40000, 2),
        (6, 40000, 3),
        (6, 40000, 9),
        (6, 40000, 80),
        (17, 40000, 1),
        (17, 40000, 2),
        (17, 40000, 7),
        (1, 8, 0),
        (1, 0, 0),
        (58, 128, 0),
        (47, 0, 0),
        (50, 0, 0),
    ];
    let mut all = Vec::new();
    for &source in &hosts {
        for &destination in hosts.iter().filter(|other| other.is_ipv4() == source.is_ipv4()) {
            for (protocol, source_port, destination_port) in services {
                for minute_of_week in [11 * 60 + 30, 1440 + 11 * 60 + 30, 4000] {
                    let mut one = packet();
                    (one.source, one.destination, one.protocol) = (source, destination, protocol);
                    (one.source_port, one.destination_port) = (source_port, destination_port);
                    (one.state, one.minute_of_week) = (ConnectionState::New, minute_of_week);
                    all.push(one);
                }
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_guardrail_is_broken_exactly_when_a_packet_breaks_it(body in world()) {
        let policy = policy(&body);
        let now = at(NOW);
        let resolution = resolve(&policy, None).unwrap();
        let found = violations(&policy, &resolution, now).unwrap();
        let template = self::policy(&format!("{ZONES}rules:\n  - {{name: r, from: any, to: any, services: [any], action: deny}}\n")).rules.remove(0);
        let breaks = |guardrail: usize, packet: &Packet, now| {
            let asked = &policy.guardrails[guardrail];
            // A guardrail selects as a rule does.
            let rule = Rule { from: asked.from.clone(), to: asked.to.clone(), l4: asked.l4.clone(), schedule: asked.schedule.clone(), ..template.clone() };
            let zones = (resolution.zone_of(packet.source), resolution.zone_of(packet.destination));
            let wanted = if asked.assertion == Assertion::Never { Verdict::Allow } else { Verdict::Deny };
            let decides = |packet: &Packet| decide(&policy, &resolution, packet, now).is_some_and(|decision| decision.verdict == wanted);
            matches(&rule, zones, packet, now) && decides(packet)
        };
        // Winter and summer.
        let moments = [now, at("2027-06-01T00:00:00Z")];
        for guardrail in 0..policy.guardrails.len() {
            let told: Vec<_> = found.iter().filter(|one| one.guardrail == guardrail).collect();
            for one in &told {
                if let Some(packet) = &one.witness {
                    prop_assert!(moments.iter().any(|now| breaks(guardrail, packet, *now)), "{packet} does not break {guardrail}\n{body}");
                }
            }
            if let Some(packet) = packets().iter().find(|packet| breaks(guardrail, packet, now)) {
                prop_assert!(!told.is_empty(), "{packet} breaks {guardrail} and nobody says so\n{body}");
            }
        }
    }
}
