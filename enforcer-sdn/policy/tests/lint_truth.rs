//! What lints say is true: a rule that is said never to decide can be taken out, and no packet notices. And asking changes nothing.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod worlds;

use enforcer_packetset::Limits;
use enforcer_policy::{Compiled, EnforcementPoint, LINTS, Policy, SourceFile, check, compile, difference, merge, read};
use proptest::prelude::*;
use sensor_model::Timestamp;

use worlds::world;

/// Lints about rules that decide nothing.
const IDLE: &[&str] = &["shadowed", "redundant", "unreachable", "expired", "never-opens"];

fn policy(body: &str) -> Policy {
    // Guardrails would refuse most random worlds, and every zone must be enforced to be compiled.
    let (rules, _) = body.split_once("guardrails:").unwrap();
    let enforced = rules.replace("members:", "mode: enforce, members:");
    let text = format!("apiVersion: cordon/v1\nkind: Policy\nmetadata: {{name: p}}\n{enforced}");
    read(&[SourceFile { name: "p".into(), text }]).unwrap_or_else(|found| panic!("{}", found[0]))
}

fn compiled(policy: &Policy) -> Compiled {
    let point = EnforcementPoint::new("r", "nftables");
    compile(policy, &merge(&[]), &point, now()).unwrap()
}

fn now() -> Timestamp {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn lints_change_nothing_and_a_rule_that_never_decides_can_go(body in world()) {
        let whole = policy(&body);
        let before = compiled(&whole);
        let found = check(&whole, None, now());
        prop_assert_eq!(&compiled(&whole), &before);
        for finding in found.iter().filter(|finding| IDLE.contains(&finding.code)) {
            prop_assert!(LINTS.iter().any(|lint| lint.code == finding.code));
            let mut without = whole.clone();
            without.rules.retain(|rule| Some(&rule.name.span) != finding.span.as_ref());
            // A schedule's lint points at the schedule.
            if without.rules.len() == whole.rules.len() {
                without.rules.retain(|rule| rule.schedule.as_ref().is_none_or(|schedule| Some(&schedule.span) != finding.span.as_ref()));
            }
            prop_assert_eq!(without.rules.len() + 1, whole.rules.len(), "{}", finding);
            let apart = difference(&before.ruleset, &compiled(&without).ruleset, Limits::default()).unwrap();
            prop_assert!(apart.is_none(), "{}: {}\n{}", finding, apart.unwrap().opened.witness().map_or_else(String::new, |packet| packet.to_string()), body);
        }
    }
}
