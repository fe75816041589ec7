//! Rendered rules on a real router decide as `simulate` says, for policies and packets that nobody picked.

use std::collections::BTreeMap;
use std::net::IpAddr;

use harness::enforcer::{Enforcer, code};
use harness::firewall::{Firewall, LEFT_V4, LEFT_V6, Opening, RIGHT_V4, RIGHT_V6};
use harness::generate::Random;
use harness::packet::{TCP, UDP};
use harness::scratch::Scratch;
use serde_json::Value;

use crate::made_policy::{flow_map, opening, policy};
use crate::on_wires;

const POLICIES: u64 = 12;
const PACKETS: usize = 1000;

/// Client, server, protocol and port of a conversation: what the simulation is about.
type Question = (String, String, String, u64);

fn question(one: &Opening) -> Question {
    let protocol = match one.protocol {
        TCP => "tcp",
        UDP => "udp",
        _ => "icmp",
    };
    (format!("ip-{}", one.source), format!("ip-{}", one.destination), protocol.to_owned(), u64::from(one.destination_port))
}

/// Whether packets of each conversation get through, as `simulate` says.
fn simulated(enforcer: &Enforcer<'_>) -> BTreeMap<Question, bool> {
    let arguments = ["simulate", "--policy", "policy.yaml", "--flowmap", "flowmap.json", "--output", "json"];
    let answer = enforcer.run(&arguments).unwrap().expect_code(&[code::DONE, code::TRAFFIC_WOULD_BREAK]).unwrap();
    let said: Value = serde_json::from_str(&answer.stdout).unwrap();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let verdict = |fate: &Value| {
        let key = (
            word(&fate["client"]),
            word(&fate["server"]),
            word(&fate["service"]["protocol"]),
            fate["service"]["port"].as_u64().unwrap(),
        );
        // Only a zone in `enforce` stops anything.
        (key, !(fate["outcome"] == "denied" && fate["mode"] == "enforce"))
    };
    said["conversations"].as_array().unwrap().iter().map(verdict).collect()
}

#[test]
fn a_router_with_the_rendered_rules_decides_as_simulated() {
    if !on_wires() {
        return;
    }
    let firewall = Firewall::build().unwrap();
    let (mut random, mut denied) = (Random::new(20_260_601), 0);
    for round in 0..POLICIES {
        let scratch = Scratch::create("verdicts").unwrap();
        let openings: Vec<Opening> = (0..PACKETS).map(|_| opening(&mut random)).collect();
        let text = policy(&mut random);
        scratch.write("policy.yaml", &text).unwrap();
        scratch.write("flowmap.json", &serde_json::to_string(&flow_map(&openings)).unwrap()).unwrap();
        let sides: [(&str, &[&str]); 2] = [("left", &[LEFT_V4, LEFT_V6]), ("right", &[RIGHT_V4, RIGHT_V6])];
        let enforcer = Enforcer::configure_between(&scratch, &[], &sides).unwrap();
        let render =
            ["render", "--target", "nftables", "--policy", "policy.yaml", "--flowmap", "flowmap.json", "--out", "rules.nft"];
        enforcer.run(&render).unwrap().expect_code(&[code::DONE]).unwrap();
        let expected = simulated(&enforcer);

        firewall.load(&scratch.file("rules.nft")).unwrap();
        let passed = firewall.passed(&openings).unwrap();

        for (one, passed) in openings.iter().zip(passed) {
            let allowed = expected[&question(one)];
            assert_eq!(
                passed,
                allowed,
                "round {round}, {one:?}\n{text}\n{}",
                std::fs::read_to_string(scratch.file("rules.nft")).unwrap()
            );
            denied += usize::from(!passed);
        }
    }
    // A router that lets everything through, or nothing, would prove little.
    let all = PACKETS * POLICIES as usize;
    assert!(denied > all / 10 && denied < all * 9 / 10, "{denied} of {all} denied");
}

#[test]
fn the_firewall_stage_tells_what_a_rule_set_lets_through() {
    if !on_wires() {
        return;
    }
    let firewall = Firewall::build().unwrap();
    let scratch = Scratch::create("stage").unwrap();
    let rules = "table inet t {\n chain c {\n type filter hook forward priority filter; policy accept;\n tcp dport 502 drop\n \
                 ip saddr 10.20.0.0/28 drop\n ip6 daddr fd10::/120 udp dport 53 drop\n }\n}\n";
    firewall.load(&scratch.write("rules.nft", rules).unwrap()).unwrap();
    let mut random = Random::new(3);
    let openings: Vec<Opening> = (0..1000).map(|_| opening(&mut random)).collect();

    let passed = firewall.passed(&openings).unwrap();

    let is_denied = |one: &Opening| {
        let in_denied_prefix = matches!(one.source, IpAddr::V4(v4) if v4.octets()[1] == 20 && v4.octets()[3] < 16);
        let is_denied_v6 = matches!(one.destination, IpAddr::V6(v6) if v6.segments()[0] == 0xfd10);
        in_denied_prefix
            || (one.protocol == TCP && one.destination_port == 502)
            || (is_denied_v6 && one.protocol == UDP && one.destination_port == 53)
    };
    for (one, passed) in openings.iter().zip(&passed) {
        assert_eq!(*passed, !is_denied(one), "{one:?}");
    }
    assert!(passed.iter().filter(|passed| !**passed).count() > 100);
}
