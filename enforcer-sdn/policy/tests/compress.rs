//! A compressed ruleset does with every packet what the ruleset did.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/random.rs"]
mod random;

use enforcer_packetset::{Limits, compare};
use enforcer_policy::{EnforcementPoint, Policy, Ruleset, compile};
use proptest::prelude::*;

use common::{at, plant};
use random::{any_policy, small_map};

fn policy(text: &str) -> Policy {
    let found = enforcer_policy::read(&[enforcer_policy::SourceFile { name: "p.yaml".into(), text: text.into() }]);
    found.unwrap_or_else(|findings| panic!("{}", findings.iter().map(|finding| format!("{finding}\n")).collect::<String>()))
}

fn both(policy: &Policy, map: &sensor_model::FlowMap, stateful: bool) -> (Ruleset, Ruleset) {
    let point = EnforcementPoint { stateful, log_only: stateful, ..EnforcementPoint::new("p", "x") };
    let now = at("2026-12-01T12:00:00Z");
    let plain = compile(policy, map, &point, now).unwrap().ruleset;
    (plain, compile(policy, map, &EnforcementPoint { compress: true, ..point }, now).unwrap().ruleset)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_packet_fares_otherwise(text in any_policy(), stateful in any::<bool>()) {
        let (plain, smaller) = both(&policy(&text), &small_map(), stateful);
        prop_assert!(smaller.rules.len() <= plain.rules.len());
        prop_assert!(compare(&plain.steps(), &smaller.steps(), Limits::default()).unwrap().is_ok(), "{}", text);
        let known: Vec<&String> = plain.rules.iter().map(|rule| &rule.id).collect();
        prop_assert!(smaller.rules.iter().all(|rule| known.contains(&&rule.id)), "a rule keeps the name of its first part");
        for name in smaller.rules.iter().flat_map(|rule| &rule.origin) {
            prop_assert!(plain.rules.iter().any(|rule| rule.origin.contains(name)));
        }
    }
}

const SPLIT: &str = "
apiVersion: cordon/v1
kind: Policy
metadata: {name: p, owner: o}
zones:
  - {name: plcs, mode: enforce, intraZone: deny, members: [{role: plc}]}
  - {name: stations, mode: observe, members: [{role: hmi}, {role: historian}]}
rules:
  - {name: read, from: stations, to: plcs, services: [tcp/502], action: allow}
  - {name: elsewhere, from: outside, to: plcs, services: [udp/161], action: allow}
  - {name: more, from: stations, to: plcs, services: [tcp/503], action: allow}
  - {name: again, from: stations, to: plcs, services: [tcp/502-503], action: allow}
  - {name: logged, from: stations, to: plcs, services: [tcp/504], action: allow, log: true}
";

#[test]
fn rules_that_say_one_thing_become_one_and_what_logs_stays_apart() {
    let (plain, smaller) = both(&policy(SPLIT), &plant(), true);
    let ids = |ruleset: &Ruleset| ruleset.rules.iter().map(|rule| rule.id.clone()).collect::<Vec<_>>();
    assert_eq!(
        ids(&plain),
        ["established", "read", "elsewhere", "more", "again", "logged", "plcs-default-out", "plcs-default-in"]
    );
    assert_eq!(ids(&smaller), ["established", "elsewhere", "again", "logged", "plcs-default-out", "plcs-default-in"]);
    assert_eq!(smaller.rules[2].origin, ["again", "more", "read"]);
    let apart = SPLIT.replace("tcp/502-503", "tcp/504");
    let (_, united) =
        both(&policy(&apart.replace("tcp/504], action: allow, log", "tcp/505], action: allow, log")), &plant(), true);
    assert_eq!(united.rules[1].origin, ["read", "more", "again"]);
}
