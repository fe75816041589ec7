//! Three answers, never two: what the map cannot tell is not called allowed, and not called cut.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use enforcer_policy::{Outcome, Policy, Proof, SourceFile, Standing, read, simulate};
use sensor_model::{Activity, Conversation, FlowMap, IpProtocol, Operation, Visibility};

use common::{asset, at, conversation, map, plant};

const NOW: &str = "2026-11-23T00:00:00Z";

fn policy(rules: &str) -> Policy {
    let text = format!(
        "apiVersion: cordon/v1\nkind: Policy\nmetadata: {{name: p, owner: o}}\nzones:\n  - {{name: a, members: [{{asset: one}}]}}\n  - {{name: b, members: [{{asset: two}}]}}\nrules:\n{rules}"
    );
    read(&[SourceFile { name: "p".into(), text }]).unwrap()
}

fn hosts() -> FlowMap {
    map(vec![asset("one", &["10.0.0.1"], None), asset("two", &["10.0.1.1"], None), asset("three", &["10.0.2.1"], None)])
}

fn judged(policy: &Policy, map: &mut FlowMap, conversation: Conversation) -> (Outcome, String) {
    map.conversations = vec![conversation];
    let impact = simulate(policy, map, at(NOW)).unwrap();
    (impact.conversations[0].outcome, impact.conversations[0].why.clone())
}

const BACKUP: &str = "  - {name: backup, from: a, to: b, services: [ssh], action: allow, schedule: {days: [tue], from: \"02:00\", to: \"04:00\", timeZone: Europe/Berlin}}\n";

#[test]
fn a_backup_in_its_window_is_allowed_and_outside_of_it_denied() {
    let mut map = hosts();
    let ssh = |hours: &[u8], last: &str| Conversation {
        activity: Activity { hours: hours.iter().map(|hour| (*hour, 1)).collect(), days: 2 },
        last_seen: at(last),
        ..conversation(&hosts(), "one", "two", (IpProtocol::Tcp, 22), true)
    };
    let winter = "2026-11-20T00:00:00Z";
    assert_eq!(judged(&policy(BACKUP), &mut map, ssh(&[25, 26], winter)).0, Outcome::Allowed);
    let (outcome, why) = judged(&policy(BACKUP), &mut map, ssh(&[25, 27], winter));
    assert_eq!((outcome, why.as_str()), (Outcome::Denied, "no rule allows `a` to `b` (10.0.0.1 to 10.0.1.1) at Tue 03h UTC"));
    // Recorded over the clock change: 00:00 UTC was 02:00 in summer.
    let all_year = Conversation { first_seen: at("2026-07-01T00:00:00Z"), ..ssh(&[24, 25, 26], winter) };
    assert_eq!(judged(&policy(BACKUP), &mut map, all_year).0, Outcome::Allowed);
}

#[test]
fn an_hour_that_a_window_covers_in_part_cannot_be_known() {
    let rules = BACKUP.replace("02:00", "02:30");
    let talk = Conversation {
        activity: Activity { hours: vec![(25, 1)], days: 1 },
        ..conversation(&hosts(), "one", "two", (IpProtocol::Tcp, 22), true)
    };
    assert_eq!(judged(&policy(&rules), &mut hosts(), talk.clone()).0, Outcome::CannotKnow);
    // Whatever the minute, a later rule says the same.
    let both = format!("{rules}  - {{name: always, from: a, to: b, services: [ssh], action: allow}}\n");
    assert_eq!(judged(&policy(&both), &mut hosts(), talk).0, Outcome::Allowed);
}

#[test]
fn a_policy_without_zones_has_no_opinion_on_anything() {
    let text = "{apiVersion: cordon/v1, kind: Policy, metadata: {name: p}}";
    let policy = read(&[SourceFile { name: "p".into(), text: text.into() }]).unwrap();
    let summary = simulate(&policy, &plant(), at(NOW)).unwrap().summary;
    assert_eq!((summary.no_opinion, summary.conversations), (10, 10));
}

#[test]
fn what_touches_no_zone_has_no_opinion() {
    let (outcome, _) =
        judged(&policy("  []\n"), &mut hosts(), conversation(&hosts(), "three", "three", (IpProtocol::Tcp, 22), true));
    assert_eq!(outcome, Outcome::NoOpinion);
}

#[test]
fn an_address_that_moved_on_is_judged_where_its_asset_is_now() {
    let mut map = hosts();
    let talk = conversation(&map, "one", "two", (IpProtocol::Tcp, 22), true);
    // Asset `three` took 10.0.1.1 over; `two` is at 10.0.3.3 now.
    for asset in &mut map.assets {
        let (address, seen) = match asset.label.as_str() {
            "two" => ("10.0.3.3", "2026-11-22T00:00:00Z"),
            "three" => ("10.0.1.1", "2026-11-22T00:00:01Z"),
            _ => continue,
        };
        let mut moved = asset.addresses[0].clone();
        (moved.address, moved.last_seen) = (address.parse().unwrap(), at(seen));
        asset.addresses.push(moved);
    }
    let allow = policy("  - {name: in, from: a, to: b, services: [ssh], action: allow}\n");
    let (outcome, why) = judged(&allow, &mut map, talk);
    assert_eq!((outcome, why.as_str()), (Outcome::Allowed, "rule `in` allows `a` to `b`"));
}

#[test]
fn operations_beyond_a_rule_are_told() {
    let mut talk = conversation(&hosts(), "one", "two", (IpProtocol::Tcp, 502), true);
    talk.operations =
        ["modbus.read_coils", "modbus.write_single_coil"].map(|name| Operation { name: name.into(), times: 1 }).into();
    let mut map = hosts();
    map.conversations = vec![talk];
    let policy = policy("  - {name: poll, from: a, to: b, services: [modbus], action: allow, operations: [modbus.read_*]}\n");
    let impact = simulate(&policy, &map, at(NOW)).unwrap();
    assert_eq!(impact.conversations[0].beyond, ["modbus.write_single_coil"]);
}

#[test]
fn a_rule_is_proven_unproven_or_beyond_the_tap() {
    let rules = format!(
        "{BACKUP}  - {{name: used, from: a, to: b, services: [https], action: allow}}\n  - {{name: unused, from: b, to: a, services: [https], action: allow}}\n"
    );
    let mut map = hosts();
    map.conversations = vec![conversation(&map, "one", "two", (IpProtocol::Tcp, 443), true)];
    let proofs = |map: &FlowMap, rules: &str| {
        simulate(&policy(rules), map, at(NOW))
            .unwrap()
            .rules
            .iter()
            .map(|rule| (rule.proof, rule.why.clone()))
            .collect::<Vec<_>>()
    };
    let found = proofs(&map, &rules);
    assert_eq!(found[0], (Proof::Unproven, "no traffic from 2026-11-01T00:00:00.000000Z to 2026-11-22T00:00:00.000000Z".into()));
    assert_eq!(found[1], (Proof::Confirmed, "decides 1 recorded conversation".into()));
    assert_eq!(found[2].0, Proof::Unproven);
    map.first_seen = at("2026-11-18T00:00:00Z");
    assert_eq!(proofs(&map, &rules)[0].1, "it was never due: its schedule did not open while the map was recorded");
    for asset in &mut map.assets {
        asset.coverage.visibility = Visibility::BroadcastOnly;
    }
    assert_eq!(proofs(&map, &rules)[2].0, Proof::CannotKnow);
}

#[test]
fn an_attempt_and_a_server_that_the_tap_does_not_see_are_not_the_same() {
    let mut map = hosts();
    map.conversations = vec![conversation(&map, "one", "two", (IpProtocol::Tcp, 443), false)];
    let standing = |map: &FlowMap| simulate(&policy("  []\n"), map, at(NOW)).unwrap().conversations[0].standing;
    assert_eq!(standing(&map), Standing::Attempt);
    map.assets.iter_mut().for_each(|asset| asset.coverage.visibility = Visibility::ReceivesOnly);
    assert_eq!(standing(&map), Standing::CannotKnow);
}
