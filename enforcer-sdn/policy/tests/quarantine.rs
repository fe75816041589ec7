//! A quarantined asset talks to nobody, whatever the policy says of its zone; nobody else notices; the end ends it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use enforcer_packetset::{ConnectionState, Packet, PacketSet};
use enforcer_policy::resolve::resolve;
use enforcer_policy::semantics::{Decider, decide};
use enforcer_policy::{
    EnforcementPoint, Mode, Outcome, Policy, Quarantine, SourceFile, Verdict, check, compile, read, read_quarantined, simulate,
};
use sensor_model::{AssetId, IpProtocol, Strength, Timestamp};

use common::{asset, at, conversation, map, plant};

const NOW: &str = "2026-11-23T00:00:00Z";

fn quarantine(address: &str, reason: &str) -> Quarantine {
    Quarantine {
        asset: AssetId::of_ip(address.parse().unwrap()),
        label: "x".into(),
        addresses: vec![address.parse().unwrap()],
        since: at(NOW),
        expires: at("2026-11-24T00:00:00Z"),
        owner: "soc".into(),
        reason: reason.into(),
        ticket: None,
    }
}

fn files() -> Vec<SourceFile> {
    let text = "apiVersion: cordon/v1\nkind: Policy\nmetadata: {name: plant, owner: o}\nzones:\n  - {name: plcs, members: [{prefix: 10.0.0.0/24}]}\n  - {name: one, mode: enforce, members: [{asset: ip-10.0.1.1}]}\nrules:\n  - {name: all, tier: admin, from: any, to: any, services: [any], action: allow}\n";
    vec![SourceFile { name: "p".into(), text: text.into() }]
}

fn policy(quarantines: &[Quarantine], now: Timestamp) -> Policy {
    read_quarantined(&files(), quarantines, now).unwrap_or_else(|found| panic!("{}", found[0]))
}

fn word(policy: &Policy, source: &str, destination: &str) -> (Verdict, Option<Mode>, String) {
    let hosts = hosts();
    let resolution = resolve(policy, Some(&hosts)).unwrap();
    let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
    let packet = Packet { source, destination, state: ConnectionState::New, ..PacketSet::full().witness().unwrap() };
    let Some(decision) = decide(policy, &resolution, &packet, at(NOW)) else { return (Verdict::Allow, None, "-".into()) };
    let rule = match decision.decider {
        Decider::Rule(at) => policy.rules[at].name.value.clone(),
        _ => "default".into(),
    };
    (decision.verdict, Some(decision.mode), rule)
}

fn hosts() -> sensor_model::FlowMap {
    let mut hosts = map(vec![
        asset("plc", &["10.0.0.1"], Some(("plc", Strength::Confirmed))),
        asset("one", &["10.0.1.1"], None),
        asset("far", &["192.0.2.1"], None),
    ]);
    hosts.conversations = vec![conversation(&hosts, "one", "plc", (IpProtocol::Tcp, 80), true)];
    hosts
}

#[test]
fn it_works_in_an_observe_zone_before_every_rule_and_both_ways() {
    let policy = policy(&[quarantine("10.0.0.1", "odd: \"x\"\n# and\ttabs \u{2028}")], at(NOW));
    for (source, destination) in
        [("10.0.0.1", "192.0.2.1"), ("192.0.2.1", "10.0.0.1"), ("10.0.1.1", "10.0.0.1"), ("10.0.0.1", "10.0.0.2")]
    {
        let (verdict, mode, rule) = word(&policy, source, destination);
        assert_eq!((verdict, mode), (Verdict::Deny, Some(Mode::Enforce)), "{source} {destination}");
        assert!(rule.starts_with("q-ip-10-0-0-1-"), "{rule}");
    }
    assert_eq!(word(&policy, "10.0.0.2", "192.0.2.1"), (Verdict::Allow, Some(Mode::Observe), "all".into()));
    assert_eq!(policy.name, "plant");
    assert!(policy.rules[0].reason.as_ref().unwrap().contains("# and\ttabs"));
}

#[test]
fn the_last_member_of_a_zone_may_be_shut_in() {
    let shut = policy(&[quarantine("10.0.1.1", "r")], at(NOW));
    let point = EnforcementPoint::new("r", "nftables");
    let compiled = compile(&shut, &hosts(), &point, at(NOW)).unwrap();
    assert_eq!(compiled.valid_until, Some(at("2026-11-24T00:00:00Z")));
    assert!(check(&shut, Some(&hosts()), at(NOW)).iter().all(|finding| finding.code != "zone-empty"));
    let nobody = [SourceFile { text: files()[0].text.replace("ip-10.0.1.1", "nosuch"), name: "p".into() }];
    let empty = read_quarantined(&nobody, &[quarantine("10.0.1.1", "r")], at(NOW)).unwrap();
    assert_eq!(compile(&empty, &hosts(), &point, at(NOW)).unwrap_err()[0].code, "zone-empty");
}

#[test]
fn the_end_ends_it_and_without_any_nothing_changes() {
    let one = [quarantine("10.0.0.1", "r")];
    let after = policy(&one, at("2026-11-24T00:00:00Z"));
    let plain = read(&files()).unwrap();
    assert_eq!((after.zones.len(), after.rules.len()), (plain.zones.len(), plain.rules.len()));
    assert!(policy(&[], at(NOW)).quarantines.is_empty());
}

#[test]
fn long_ids_get_names_of_their_own() {
    let six = |address: &str| quarantine(address, "r").zone_name();
    let (a, b) = (six("2001:db8:1111:2222:3333:4444:5555:6666"), six("2001:db8:1111:2222:3333:4444:5555:6667"));
    assert!(a.len() <= 32 && b.len() <= 32 && a != b, "{a} {b}");
    let both = policy(
        &[quarantine("2001:db8:1111:2222:3333:4444:5555:6666", "r"), quarantine("2001:db8:1111:2222:3333:4444:5555:6667", "r")],
        at(NOW),
    );
    assert_eq!(both.quarantines.len(), 2);
}

#[test]
fn only_its_own_conversations_are_stopped() {
    let text = include_str!("../../../config/policy/plant.yaml");
    let files = [SourceFile { name: "plant.yaml".into(), text: text.into() }];
    let shut = read_quarantined(&files, &[quarantine("10.10.1.10", "r")], at(NOW)).unwrap();
    let (before, after) = (read(&files).unwrap(), shut);
    let fates = |policy: &Policy| simulate(policy, &plant(), at(NOW)).unwrap().conversations;
    let plc = AssetId::of_ip("10.10.1.10".parse().unwrap());
    let mut stopped = 0;
    for (was, is) in fates(&before).iter().zip(&fates(&after)) {
        if is.client == plc || is.server == plc {
            assert_eq!((is.outcome, is.mode), (Outcome::Denied, Some("enforce")));
            stopped += 1;
        } else {
            assert_eq!(is, was);
        }
    }
    assert!(stopped > 3);
}
