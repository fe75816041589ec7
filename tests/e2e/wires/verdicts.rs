//! The firewall stage itself: what it says of a rule set that can be read at a glance.

use std::net::IpAddr;

use harness::firewall::{Firewall, Opening};
use harness::generate::Random;
use harness::packet::{TCP, UDP};
use harness::scratch::Scratch;

use crate::made_policy::opening;
use crate::on_wires;

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
