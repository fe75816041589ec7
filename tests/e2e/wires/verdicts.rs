//! Rendered rules on a real router decide as the policy says, for packets that nobody picked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use harness::firewall::{Firewall, Opening};
use harness::generate::Random;
use harness::packet::{ICMP, TCP, UDP};
use harness::scratch::Scratch;

use crate::on_wires;

fn opening(random: &mut Random) -> Opening {
    let leftward = random.chance(50);
    let host = |side: bool, random: &mut Random| -> (u8, u16) { (if side { 10 } else { 20 }, random.below(64) as u16) };
    let (source, destination) = (host(leftward, random), host(!leftward, random));
    let is_v6 = random.chance(30);
    let address = |(side, host): (u8, u16)| -> IpAddr {
        if is_v6 {
            Ipv6Addr::new(if side == 10 { 0xfd10 } else { 0xfd20 }, 0, 0, 0, 0, 0, 0, host).into()
        } else {
            Ipv4Addr::new(10, side, 0, host as u8).into()
        }
    };
    let protocol = [TCP, TCP, UDP][random.below(3) as usize];
    Opening {
        source: address(source),
        destination: address(destination),
        protocol,
        source_port: 1024 + random.below(60_000) as u16,
        destination_port: [22, 53, 80, 102, 161, 443, 445, 502, 503, 3389][random.below(10) as usize],
    }
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
    let mut openings: Vec<Opening> = (0..1000).map(|_| opening(&mut random)).collect();
    openings.push(Opening { protocol: ICMP, source_port: 0, destination_port: 8, ..opening(&mut Random::new(4)) });

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
