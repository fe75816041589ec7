//! Each lint finds what it is for, where it is, and is silent about a sound policy.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use enforcer_packetset::Limits;
use enforcer_policy::resolve::resolve;
use enforcer_policy::{
    EnforcementPoint, LINTS, Policy, SourceFile, changes, check, compile, difference, explain, explain_conversation, read,
};
use sensor_model::{FlowMap, Strength};

use common::{asset, at, conversation, map, plant};

const NOW: &str = "2026-11-23T00:00:00Z";

fn policy(body: &str) -> Policy {
    let text = format!("apiVersion: cordon/v1\nkind: Policy\n{body}");
    read(&[SourceFile { name: "p".into(), text }])
        .unwrap_or_else(|found| panic!("{}", found.iter().map(|finding| format!("{finding}\n")).collect::<String>()))
}

fn with_rules(rules: &str) -> Policy {
    policy(&format!(
        "metadata: {{name: p, owner: o}}\nzones:\n  - {{name: a, members: [{{prefix: 10.0.0.0/24}}]}}\n  - {{name: b, members: [{{prefix: 10.0.1.0/24}}]}}\nrules:\n{rules}"
    ))
}

/// `line: severity code: message` of every finding.
fn found(policy: &Policy, map: Option<&FlowMap>) -> Vec<String> {
    let findings = check(policy, map, at(NOW));
    findings.iter().map(|one| format!("{}: {} {}: {}", one.line(), one.severity.as_str(), one.code, one.message)).collect()
}

#[test]
fn the_registry_is_sorted_and_every_code_is_its_own() {
    let files: Vec<&str> = LINTS.iter().map(|lint| lint.code).collect();
    let mut sorted = files.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), files.len());
}

#[test]
fn the_shipped_policy_is_clean_but_for_what_this_plant_lacks() {
    let text = include_str!("../../../config/policy/plant.yaml");
    let policy = read(&[SourceFile { name: "plant.yaml".into(), text: text.into() }]).unwrap();
    assert_eq!(
        found(&policy, Some(&plant())),
        [
            "44: warning weak-identity: zone `it-services` selects `monitor` by a role that only a port number suggests",
            "71: note operations: rule `scada-polls-plcs` allows only modbus.read_*; a device that knows only ports lets all of modbus through",
        ]
    );
}

#[test]
fn rules_that_never_decide() {
    for (rules, wanted) in [
        (
            "  - {name: one, from: a, to: b, services: [tcp], action: deny}\n  - {name: two, from: a, to: b, services: [ssh], action: allow}\n",
            vec!["9: warning shadowed: rule `two` never decides: `one` takes all its packets"],
        ),
        (
            "  - {name: one, from: a, to: b, services: [tcp/1-100], action: allow}\n  - {name: two, from: [a, outside], to: b, services: [tcp/101-200], action: allow}\n  - {name: three, from: a, to: b, services: [tcp/50-150], action: allow}\n",
            vec!["10: note redundant: rule `three` adds nothing: `one`, `two` says it already"],
        ),
        (
            "  - {name: one, from: a, to: b, services: [ssh], action: deny}\n  - {name: two, from: a, to: [a, b], services: [ssh], action: allow}\n",
            vec!["9: note overlap: a part of rule `two` is decided otherwise by `one`, which is asked first"],
        ),
        // Another tier is asked first, whatever the order of the text.
        (
            "  - {name: one, from: a, to: b, services: [ssh], action: allow}\n  - {name: two, from: any, to: b, services: [any], action: deny, tier: admin}\n",
            vec!["8: warning shadowed: rule `one` never decides: `two` takes all its packets"],
        ),
        // Closed at other times, so something is left.
        (
            "  - {name: one, from: a, to: b, services: [ssh], action: allow, schedule: {from: \"01:00\", to: \"02:00\", timeZone: UTC}}\n  - {name: two, from: a, to: b, services: [ssh], action: allow}\n",
            vec![],
        ),
        (
            "  - {name: one, from: outside, to: outside, services: [ssh], action: allow}\n",
            vec!["8: warning unreachable: rule `one` can match no packet: a policy has no opinion on what is outside its zones"],
        ),
        (
            "  - {name: one, from: any, to: any, services: [dns], action: allow}\n",
            vec!["8: warning any-any: rule `one` allows dns from any to any"],
        ),
        (
            "  - {name: one, from: a, to: b, services: [dns], action: allow, expires: 2026-11-22}\n  - {name: two, from: a, to: b, services: [ntp], action: allow, expires: 2026-11-23}\n",
            vec!["8: warning expired: rule `one` ended at 2026-11-23T00:00:00.000000Z and does nothing"],
        ),
        (
            "  - {name: one, from: a, to: b, services: [dns], action: allow, reviewBy: 2026-11-22}\n  - {name: two, from: a, to: b, services: [ntp], action: allow, reviewBy: 2026-11-23}\n",
            vec!["8: warning review-passed: rule `one` was to be reviewed by 2026-11-22"],
        ),
        (
            "  - {name: one, from: a, to: b, services: [dns], action: allow, schedule: {from: \"02:00\", to: \"02:00\", timeZone: UTC}}\n",
            vec!["8: warning never-opens: the schedule of rule `one` never opens: it begins and ends at the same minute"],
        ),
        (
            "  - {name: one, from: a, to: b, services: [dns], action: allow, expires: 2026-11-24, schedule: {days: [fri], from: \"02:00\", to: \"03:00\", timeZone: UTC}}\n",
            vec!["8: warning never-opens: the schedule of rule `one` never opens: the rule expires before it opens"],
        ),
    ] {
        assert_eq!(found(&with_rules(rules), None), wanted, "{rules}");
    }
}

#[test]
fn rules_without_an_owner() {
    let text = "metadata: {name: p}\nzones: [{name: a, members: [{prefix: 10.0.0.0/24}]}]\nrules:\n  - {name: one, from: a, to: any, services: [ssh], action: deny}\n  - {name: two, from: a, to: any, services: [dns], action: deny, owner: x}\n";
    assert_eq!(found(&policy(text), None), ["6: warning ownerless: rule `one` has no owner"]);
}

#[test]
fn zones_and_assets() {
    let body = |zones: &str| policy(&format!("metadata: {{name: p, owner: o}}\nzones:\n{zones}"));
    let hosts = map(vec![
        asset("plc", &["10.0.0.1"], Some(("plc", Strength::Port))),
        asset("cam", &["10.0.0.2"], Some(("camera", Strength::Confirmed))),
    ]);
    for (zones, wanted) in [
        (
            "  - {name: a, members: [{role: plc}]}\n  - {name: b, members: [{role: camera}]}\n",
            vec!["5: warning weak-identity: zone `a` selects `plc` by a role that only a port number suggests"],
        ),
        (
            "  - {name: a, members: [{asset: plc}]}\n  - {name: b, mode: enforce, members: [{role: printer}]}\n",
            vec!["6: error zone-empty: zone `b` has no members", "0: warning asset-in-no-zone: 1 asset in no zone: `cam`"],
        ),
        (
            "  - {name: a, members: [{prefix: 10.0.0.0/30}]}\n  - {name: b, members: [{asset: cam}]}\n",
            vec!["6: error zone-overlap: zones `a` and `b` both claim 10.0.0.2 (ip-10.0.0.2)"],
        ),
        ("  - {name: a, members: [{prefix: 10.0.0.0/30}]}\n  - {name: b, priority: 1, members: [{asset: cam}]}\n", vec![]),
    ] {
        assert_eq!(found(&body(zones), Some(&hosts)), wanted, "{zones}");
    }
    let nested = body("  - {name: a, members: [{prefix: 10.0.0.0/30}]}\n  - {name: b, priority: 1, members: [{asset: cam}]}\n");
    let resolution = resolve(&nested, Some(&hosts)).unwrap();
    let zone = |address: &str| resolution.zone_of(address.parse().unwrap());
    assert_eq!((zone("10.0.0.1"), zone("10.0.0.2"), zone("10.0.0.4")), (Some(0), Some(1), None));
}

#[test]
fn lints_do_not_change_what_is_compiled() {
    let policy = with_rules(
        "  - {name: one, from: any, to: any, services: [any], action: allow}\n  - {name: two, from: a, to: b, services: [ssh], action: deny}\n",
    );
    let point = EnforcementPoint::new("r", "nftables");
    let before = compile(&policy, &plant(), &point, at(NOW)).unwrap();
    assert!(!check(&policy, Some(&plant()), at(NOW)).is_empty());
    assert_eq!(compile(&policy, &plant(), &point, at(NOW)).unwrap(), before);
}

#[test]
fn an_explanation_names_the_rule_its_place_and_those_passed_over() {
    let hosts = map(vec![asset("one", &["10.0.0.1"], None), asset("two", &["10.0.1.1"], None)]);
    let rules = "  - {name: web, from: a, to: b, services: [https], action: allow}\n  - {name: nightly, from: a, to: b, services: [ssh], action: allow, schedule: {from: \"01:00\", to: \"02:00\", timeZone: UTC}}\n  - {name: no-ssh, from: a, to: any, services: [ssh], action: deny}\n";
    let talk = conversation(&hosts, "one", "two", (sensor_model::IpProtocol::Tcp, 22), true);
    let told = explain_conversation(&with_rules(rules), &hosts, &talk, at(NOW)).unwrap();
    let wanted = [
        "tcp 10.0.0.1 port 49152 -> 10.0.1.1 port 22 (new, Fri 08:00 UTC)",
        "  from `one` in zone `a`",
        "  to   `two` in zone `b`",
        "  rule `web` does not match: it is about other services",
        "  rule `nightly` does not match: its schedule is closed at that time",
        "  denied by rule `no-ssh` (p:10); mode observe",
    ];
    assert_eq!(told.iter().map(ToString::to_string).collect::<Vec<_>>(), [wanted.join("\n")]);
    let stranger = enforcer_packetset::Packet {
        source: "192.0.2.1".parse().unwrap(),
        destination: "192.0.2.2".parse().unwrap(),
        ..told[0].packet
    };
    assert!(
        explain(&with_rules(rules), &hosts, &stranger, at(NOW))
            .unwrap()
            .to_string()
            .ends_with("no opinion: neither end is in a zone")
    );
}

#[test]
fn a_changed_rule_shows_the_conversations_that_it_cuts() {
    let text = "metadata: {name: p, owner: o}\nzones: [{name: plcs, mode: enforce, members: [{role: plc}]}]\nrules: [{name: in, from: any, to: plcs, services: [modbus, snmp], action: allow}]\n";
    let point = EnforcementPoint::new("r", "nftables");
    let (wide, narrow) = (policy(text), policy(&text.replace(", snmp", "")));
    let ruleset = |policy: &Policy| compile(policy, &plant(), &point, at(NOW)).unwrap().ruleset;
    let changed = changes(&ruleset(&wide), &ruleset(&narrow), &plant());
    assert_eq!(changed.len(), 1);
    assert!(changed[0].is_cut && changed[0].service.port == 161);
    assert_eq!((changed[0].rule_before.as_deref(), changed[0].rule_after.as_deref()), (Some("in-udp"), Some("plcs-default-in")));
    assert!(changes(&ruleset(&wide), &ruleset(&wide), &plant()).is_empty());
    let exact = difference(&ruleset(&wide), &ruleset(&narrow), Limits::default()).unwrap().unwrap();
    let witness = exact.closed.witness().unwrap();
    assert_eq!((witness.destination.to_string(), witness.protocol, witness.destination_port), ("10.10.1.10".into(), 17, 161));
    assert!(exact.opened.witness().is_none());
    assert_eq!(difference(&ruleset(&wide), &ruleset(&wide), Limits::default()), Ok(None));
}
