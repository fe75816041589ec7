//! A learned policy is read back, cuts nothing that was answered, and gives nothing to those who only tried.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use enforcer_policy::{LearnOptions, Mode, Outcome, Proof, SourceFile, Standing, learn, read, simulate};
use proptest::prelude::*;
use sensor_model::{Activity, Conversation, FlowMap, IpProtocol, Scope, Timestamp};

use common::{asset, at, conversation, map, plant};

fn options() -> LearnOptions {
    LearnOptions {
        name: "plant".into(),
        owner: Some("ot@example.org".into()),
        review_by: Some("2027-06-30".parse().unwrap()),
        ..LearnOptions::default()
    }
}

/// Set `CORDON_BLESS=1` to write what is now right, then review it like code.
fn golden(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("CORDON_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(wanted == text, "{} differs from what came out:\n{text}", path.display());
}

#[test]
fn the_plant_gives_the_reviewed_proposal() {
    golden("plant.yaml", &learn(&[plant()], &options()).unwrap().text);
}

#[test]
fn the_plant_keeps_what_was_answered_and_cuts_the_scan() {
    let map = plant();
    let proposal = learn(std::slice::from_ref(&map), &LearnOptions { mode: Mode::Enforce, ..options() }).unwrap();
    let policy = read(&[SourceFile { name: "learned".into(), text: proposal.text }]).unwrap();
    let impact = simulate(&policy, &map, at("2026-11-23T00:00:00Z")).unwrap();
    assert_eq!((impact.summary.legitimate_denied, impact.summary.denied, impact.summary.allowed), (0, 3, 7));
    assert!(impact.conversations.iter().all(|fate| (fate.outcome == Outcome::Denied) == (fate.standing == Standing::Attempt)));
    assert!(impact.rules.iter().all(|rule| rule.proof == Proof::Confirmed));
    assert_eq!(proposal.not_proposed.len(), 3);
}

#[test]
fn equal_maps_in_any_order_and_number_give_equal_text() {
    let (a, mut b) = (plant(), plant());
    b.conversations.truncate(3);
    let once = learn(&[a.clone(), b.clone()], &options()).unwrap().text;
    assert_eq!(
        learn(&[b, a.clone(), a], &options()).unwrap().text.lines().skip(2).collect::<Vec<_>>(),
        once.lines().skip(2).collect::<Vec<_>>()
    );
}

#[test]
fn a_name_from_the_wire_cannot_write_policy() {
    let text = learn(&[plant()], &options()).unwrap().text;
    assert!(text.contains("laptop?rules: []"));
    assert_eq!(text.matches("\nrules:").count(), 1);
}

#[test]
fn a_host_that_calls_itself_like_the_id_of_another_does_not_take_its_place() {
    let victim = asset("plc", &["10.0.0.1"], None);
    let thief = asset(victim.id.as_str(), &["10.0.0.66"], None);
    let map = map(vec![victim, thief]);
    let text = "{apiVersion: cordon/v1, kind: Policy, metadata: {name: p}, zones: [{name: z, members: [{asset: ip-10.0.0.1}]}]}";
    let resolution =
        enforcer_policy::resolve::resolve(&read(&[SourceFile { name: "p".into(), text: text.into() }]).unwrap(), Some(&map))
            .unwrap();
    assert_eq!(resolution.zone_of("10.0.0.66".parse().unwrap()), None);
    assert_eq!(resolution.zone_of("10.0.0.1".parse().unwrap()), Some(0));
}

/// A map with addresses that move, several families and subnets, groups, strangers, all protocols, any hours.
fn any_map() -> impl Strategy<Value = FlowMap> {
    let role =
        prop::sample::select(vec![None, Some("plc"), Some("hmi"), Some("workstation"), Some("router"), Some("no-such-role")]);
    let address = prop::sample::select(vec![
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.3",
        "10.0.1.1",
        "10.0.1.2",
        "192.168.7.1",
        "8.8.8.8",
        "0.0.0.0",
        "fe80::1",
        "fe80::2",
        "2001:db8::1",
        "2001:db8:0:1::1",
        "::",
        "224.0.0.251",
        "ff02::fb",
        "10.0.0.255",
    ]);
    let scope = prop::sample::select(vec![Scope::Internal, Scope::Internal, Scope::External, Scope::Group]);
    let assets = prop::collection::vec((prop::collection::btree_set(address, 1..4), role, scope, 0u8..3), 2..8);
    let protocol = prop::sample::select(vec![
        IpProtocol::Tcp,
        IpProtocol::Udp,
        IpProtocol::Icmp,
        IpProtocol::Sctp,
        IpProtocol::Other(47),
        IpProtocol::Other(0),
    ]);
    let talk = (
        any::<[prop::sample::Index; 2]>(),
        protocol,
        0u16..256,
        any::<bool>(),
        prop::collection::btree_set(0u8..168, 0..4),
        any::<u8>(),
    );
    (assets, prop::collection::vec(talk, 0..20)).prop_map(|(assets, talks)| {
        let assets = assets.into_iter().enumerate().map(|(nth, (addresses, role, scope, age))| {
            let texts: Vec<&str> = addresses.into_iter().collect();
            let mut made = asset(&format!("host-{nth}"), &texts, role.map(|role| (role, sensor_model::Strength::Probable)));
            made.id = sensor_model::AssetId(format!("mac-00000000000{nth}"));
            made.scope = scope;
            made.addresses.iter_mut().for_each(|used| used.last_seen = Timestamp::from_nanos(i64::from(age)));
            made
        });
        let mut map = map(assets.collect());
        for ([client, server], protocol, port, answered, hours, pick) in talks {
            let (client, server) = (client.get(&map.assets).label.clone(), server.get(&map.assets).label.clone());
            let mut made: Conversation = conversation(&map, &client, &server, (protocol, port), answered);
            made.activity = Activity { hours: hours.into_iter().map(|hour| (hour, 1)).collect(), days: 1 };
            // Some used only one of their addresses.
            if pick % 3 == 0 {
                made.client_addresses.truncate(1);
                made.server_addresses.truncate(1);
            }
            map.conversations.push(made);
        }
        map
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_was_answered_is_never_cut_by_what_was_learned(map in any_map()) {
        let proposal = learn(std::slice::from_ref(&map), &LearnOptions { mode: Mode::Enforce, ..options() });
        let proposal = proposal.unwrap_or_else(|findings| panic!("{}", findings[0]));
        let policy = read(&[SourceFile { name: "learned".into(), text: proposal.text.clone() }]);
        let policy = policy.unwrap_or_else(|findings| panic!("{}\n{}", findings[0], proposal.text));
        let impact = simulate(&policy, &map, at("2026-11-23T00:00:00Z")).unwrap();
        prop_assert_eq!(impact.summary.legitimate_denied, 0, "{:?}\n{}", impact.conversations, proposal.text);
        prop_assert_eq!(proposal.rules, policy.rules.len());
        prop_assert_eq!(impact.summary.rules_unproven, 0, "a rule without traffic\n{}", proposal.text);
    }
}
