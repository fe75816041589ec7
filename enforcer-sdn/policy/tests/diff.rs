//! Two policies apart: the packets that change sides in words, the sentences that were written differently, and nothing else.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use enforcer_packetset::Limits;
use enforcer_policy::resolve::resolve;
use enforcer_policy::{
    EnforcementPoint, How, Names, Policy, SourceFile, compile, decide_by, difference, merge, moved, read, revisions,
};
use sensor_model::Timestamp;

const BASE: &str = "apiVersion: cordon/v1
kind: Policy
metadata: {name: p, owner: o}
zones:
  - {name: office, mode: enforce, members: [{prefix: 10.0.0.0/24}]}
  - {name: plant, mode: enforce, members: [{prefix: 10.0.1.0/24}, {prefix: 'fd00::/64'}]}
  - {name: lab, mode: enforce, members: [{prefix: 10.0.2.0/24}]}
rules:
  - {name: web, from: office, to: plant, services: [https], action: allow}
  - {name: night, from: lab, to: plant, services: [ssh], action: allow, schedule: {days: [mon], from: '01:00', to: '02:00', timeZone: UTC}}
";

fn policy(text: &str) -> Policy {
    read(&[SourceFile { name: "p".into(), text: text.into() }])
        .unwrap_or_else(|found| panic!("{}", found.iter().map(|finding| format!("{finding}\n")).collect::<String>()))
}

/// The words of everything that changes, and whether there is more.
fn words(before: &str, after: &str) -> (Vec<String>, bool) {
    let now: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
    let (old, new) = (policy(before), policy(after));
    let point = EnforcementPoint::new("r", "nftables");
    let ruleset = |policy: &Policy| compile(policy, &merge(&[]), &point, now).unwrap().ruleset;
    let (was, is) = (ruleset(&old), ruleset(&new));
    let Some(difference) = difference(&was, &is, Limits::default()).unwrap() else { return (Vec::new(), false) };
    let resolutions = [resolve(&new, None).unwrap(), resolve(&old, None).unwrap()];
    let names = Names::of(&[(&new, &resolutions[0]), (&old, &resolutions[1])]);
    let found = moved(&difference, &decide_by(&was), &decide_by(&is), &names, 20);
    let rule = |rule: &Option<String>| rule.clone().unwrap_or_else(|| "-".into());
    let said = found
        .sets
        .iter()
        .map(|one| format!("{} {one} ({} / {})", one.becomes.sign(), rule(&one.rule_before), rule(&one.rule_after)));
    (said.collect(), found.is_cut)
}

#[test]
fn packets_that_change_are_told_by_zone_service_and_time() {
    for (from, to, wanted) in [
        ("[https]", "[https]", vec![]),
        ("[https]", "[https, tcp/80-81]", vec!["+ now allowed: office -> plant: tcp/80-81 (office-default-out / web)"]),
        ("from: office", "from: [office, lab]", vec!["+ now allowed: lab -> plant: tcp/443 (lab-default-out / web)"]),
        (
            "from: office",
            "from: any",
            vec![
                "+ now allowed: lab, outside -> plant: tcp/443 (lab-default-out / web)",
                "+ now allowed: outside -> plant: tcp/443 over IPv6 (plant-default-in / web)",
            ],
        ),
        (
            "from: '01:00'",
            "from: '00:00'",
            vec!["+ now allowed: lab -> plant: tcp/22, Mon 00:00 to Mon 00:59 UTC (lab-default-out / night)"],
        ),
        (
            "services: [https], action: allow",
            "services: [https], action: deny",
            vec!["- now denied: office -> plant: tcp/443 (web / web)"],
        ),
        (
            "services: [ssh]",
            "services: [any]",
            vec!["+ now allowed: lab -> plant: any but tcp, Mon 01:00 to Mon 01:59 UTC (lab-default-out / night)"],
        ),
        (
            "action: allow}\n  - {name: night",
            "action: allow, log: true}\n  - {name: night",
            vec!["~ now logged: office -> plant: tcp/443 (web / web)"],
        ),
        ("{prefix: 10.0.2.0/24}", "{prefix: 10.0.2.0/25}", vec![]),
    ] {
        assert!(BASE.contains(from), "{from}");
        let (said, is_cut) = words(BASE, &BASE.replace(from, to));
        assert!(!is_cut);
        if from.contains("10.0.2.0") {
            assert!(said.iter().any(|line| line.starts_with("+ now allowed: ")), "{said:?}");
        } else if to.contains("[any]") {
            assert!(
                said.iter()
                    .all(|line| line.starts_with("+ now allowed: lab -> plant: ") && line.contains("Mon 01:00 to Mon 01:59")),
                "{said:?}"
            );
        } else {
            assert_eq!(said, wanted, "{from} -> {to}");
        }
    }
}

#[test]
fn sentences_that_differ_are_told_by_name_and_field() {
    let told = |after: &str| -> Vec<String> {
        let found = revisions(&policy(BASE), &policy(after));
        found
            .iter()
            .map(|one| {
                let how = match &one.how {
                    How::Added => "added".to_owned(),
                    How::Removed => "removed".to_owned(),
                    How::Moved => "moved".to_owned(),
                    How::Changed(fields) => fields
                        .iter()
                        .map(|(field, before, after)| format!("{field}: {before} -> {after}"))
                        .collect::<Vec<_>>()
                        .join("; "),
                };
                format!("{} {} {how}", one.what, one.name)
            })
            .collect()
    };
    assert!(told(BASE).is_empty());
    assert_eq!(told(&BASE.replace("name: web", "name: tls")), ["rule web removed", "rule tls added"]);
    assert_eq!(told(&BASE.replace("from: office", "from: lab")), ["rule web from: office -> lab"]);
    assert_eq!(
        told(&BASE.replace("mode: enforce, members: [{prefix: 10.0.2.0/24}]", "members: [{prefix: 10.0.2.0/25}]")),
        ["zone lab mode: enforce -> observe; members: prefix 10.0.2.0/24 -> prefix 10.0.2.0/25"]
    );
    assert_eq!(
        told(&BASE.replace("name: night,", "name: night, tier: admin,")),
        ["rule night tier: app -> admin", "rule web moved"]
    );
    assert_eq!(
        told(&format!("{BASE}guardrails:\n  - {{name: g, assert: never, from: lab, to: office, services: [any]}}\n")),
        ["guardrail g added"]
    );
}
