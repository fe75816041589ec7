//! nft's words around frames: what is asked in another place than it seems, and what is refused.

use enforcer_packetset::{L4, LinkFields, Mac, RangeSet, Selector, VlanId};
use enforcer_policy::Action;

use crate::claims::{between, holds, refused, ruleset, tcp};

fn bridge(rules: &str) -> String {
    format!(
        "table bridge t\ndelete table bridge t\ntable bridge t {{\nchain forward {{\ntype filter hook forward priority -200\n{rules}\n}}\n}}\n"
    )
}

fn ingress(devices: &str) -> String {
    format!(
        "table netdev t {{\nchain c {{\ntype filter hook ingress {devices} priority 0; policy accept;\nip version 4 drop\n}}\n}}\n"
    )
}

#[test]
fn tags_and_mac_addresses_narrow_a_rule() {
    let vlan = RangeSet::from_ranges([(VlanId::new(10).unwrap(), VlanId::new(20).unwrap())]);
    let link = LinkFields { vlan, source_mac: RangeSet::of(Mac::from_octets([2, 0, 0, 0, 0, 1])), ..LinkFields::any() };
    let selector = Selector { link: link.into(), ..between(&["10.0.0.1"], &["10.0.0.0/8"], tcp(&[(502, 502)])) };
    let wanted = ruleset(vec![(selector, Action::Deny, false)]);
    let text = "ether saddr 02:00:00:00:00:01 vlan id 10-20 ip saddr 10.0.0.1 ip daddr 10.0.0.0/8 tcp dport 502 drop";
    for target in ["nftables-bridge", "nftables-bridge-stateless"] {
        assert!(holds(target, &wanted, &bridge(text)).is_empty());
    }
}

#[test]
fn a_rule_that_drops_arp_is_remarked() {
    let wanted = ruleset(vec![(Selector::any(), Action::Deny, false)]);
    let target = "nftables-bridge-stateless";
    assert!(holds(target, &wanted, &bridge("ip version 4 drop\nip6 version 6 drop")).is_empty());
    assert!(holds(target, &wanted, &bridge("meta protocol { ip, ip6 } drop")).is_empty());
    assert!(holds(target, &wanted, &bridge("meta protocol arp accept\ndrop")).is_empty());
    assert!(holds(target, &wanted, &bridge("drop"))[0].contains("ARP is dropped"));
}

#[test]
fn interfaces_are_named_or_left_to_the_load() {
    let ipv4 = between(&["0.0.0.0/0"], &["0.0.0.0/0"], L4::Any);
    let wanted = ruleset(vec![(ipv4, Action::Deny, false)]);
    for devices in ["device eth0", "device \"eth0\"", "devices = { eth0, eth1 }", "devices = $interfaces"] {
        holds("nftables-netdev", &wanted, &ingress(devices));
    }
    refused("nftables-netdev", &[(&ingress(""), 3, 27), (&ingress("devices { eth0 }"), 3, 34)]);
}

#[test]
fn what_is_asked_in_another_place_than_it_seems_is_refused() {
    let words = ["icmp type 8 drop", "meta nfproto ipv4 drop", "vlan id 0 drop", "vlan id != 5 drop", "ip version 6 drop"];
    for word in words {
        let error = (enforcer_targets::find("nftables-bridge").unwrap().parse)(&bridge(word)).unwrap_err();
        assert_eq!(error.line, 6, "{word}: {error}");
    }
    let connections = bridge("ct state established,related accept");
    assert!((enforcer_targets::find("nftables-bridge").unwrap().parse)(&connections).is_ok());
    refused("nftables-bridge-stateless", &[(&connections, 6, 1)]);
    refused("nftables", &[(&bridge("drop"), 1, 7)]);
}
