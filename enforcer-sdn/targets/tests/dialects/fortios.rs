//! What FortiOS policies mean beyond what we write ourselves.

use enforcer_packetset::{L4, PortSet, RangeSet, Selector};
use enforcer_policy::Action;
use enforcer_targets::Way;

use crate::claims::{addresses, between, differs, established, holds, refused, ruleset, tcp, udp};

const TARGET: &str = "fortios";

const OBJECTS: &str = r#"#config-version=FGT60F-7.2.0-FW-build1157
config firewall address
    edit "hmi"
        set uuid 00000000-0000-0000-0000-000000000001
        set subnet 192.0.2.10 255.255.255.255
    next
    edit "plc range"
        set type iprange
        set start-ip 198.51.100.0
        set end-ip 198.51.100.31
    next
    edit "plc-spare"
        set subnet 198.51.100.16/28
    next
end
config firewall address6
    edit "plc6"
        set ip6 2001:db8:2::/64
    next
end
config firewall addrgrp
    edit "plc"
        set member "plc range"
        set exclude enable
        set exclude-member "plc-spare"
    next
end
config firewall service custom
    edit "PING"
        set protocol ICMP
        set icmptype 8
        unset icmpcode
    next
    edit "mix"
        set tcp-portrange 502 5000-5010:1024-65535
        set udp-portrange 161
    next
end
config firewall service group
    edit "ot"
        set member "mix" "PING"
    next
end
"#;

fn policy(settings: &[&str]) -> String {
    let lines: String = settings.iter().map(|setting| format!("        set {setting}\n")).collect();
    format!("{OBJECTS}config firewall policy\n    edit 7\n{lines}    next\nend\n")
}

const INTERFACES: [&str; 3] = ["srcintf any", "dstintf any", "schedule \"always\""];

fn anywhere(more: &[&str]) -> String {
    policy(&[&INTERFACES[..], more].concat())
}

#[test]
fn objects_groups_and_port_ranges_with_sources_are_read() {
    let plc = ["198.51.100.0/28"];
    let high = L4::Tcp { source: RangeSet::range(1024, 65535), destination: RangeSet::range(5000, 5010) };
    let ping = L4::Icmp { types: RangeSet::of(8), codes: RangeSet::full() };
    let mut rules = vec![established()];
    for l4 in [tcp(&[(502, 502)]), high, udp(&[(161, 161)]), ping] {
        rules.push((between(&["192.0.2.10"], &plc, l4), Action::Allow, true));
    }
    rules.push((Selector::any(), Action::Deny, false));
    let text = anywhere(&[
        "name \"ot\"",
        "srcaddr \"hmi\"",
        "dstaddr \"plc\"",
        "action accept",
        "service \"ot\"",
        "logtraffic all",
        "logtraffic-start enable",
        "nat enable",
    ]);
    assert!(holds(TARGET, &ruleset(rules), &text).is_empty());
}

#[test]
fn a_policy_without_an_action_denies_and_policy_0_denies_the_rest() {
    let denied = ruleset(vec![established(), (Selector::any(), Action::Deny, false)]);
    holds(TARGET, &denied, &anywhere(&["srcaddr all", "dstaddr all", "service ALL", "logtraffic utm"]));
    holds(TARGET, &denied, "config firewall policy\nend\n");
    let accepted = anywhere(&["srcaddr all", "dstaddr all", "service ALL", "action accept"]);
    let difference = differs(TARGET, &denied, &accepted);
    assert_eq!(difference.way, Way::AdmitsDenied);
    assert!(difference.packet.source.is_ipv4(), "`all` of `srcaddr` is IPv4 only");
    let off = anywhere(&["srcaddr all", "dstaddr all", "service ALL", "action accept", "status disable"]);
    holds(TARGET, &denied, &off);
}

#[test]
fn negated_addresses_and_services_are_all_others() {
    let v4 = addresses(&["0.0.0.0/0"]);
    let others = v4.difference(&addresses(&["192.0.2.10"]));
    let deny = |l4| (Selector { source: others.clone(), destination: v4.clone(), l4, ..Selector::any() }, Action::Deny, true);
    let not_web = L4::Tcp { source: PortSet::full(), destination: RangeSet::from_ranges([(80, 80), (443, 443)]).complement() };
    let mut rules = vec![established(), deny(not_web)];
    rules.extend((0..=255).filter(|number| *number != 6).map(|number| deny(L4::Protocol(number))));
    rules.push((Selector::any(), Action::Deny, false));
    let text = anywhere(&[
        "srcaddr hmi",
        "srcaddr-negate enable",
        "dstaddr all",
        "service HTTP HTTPS",
        "service-negate enable",
        "logtraffic all",
    ]);
    holds(TARGET, &ruleset(rules), &text);
}

#[test]
fn one_pair_of_interfaces_is_read_with_a_remark() {
    let wanted = ruleset(vec![
        established(),
        (between(&["0.0.0.0/0"], &["198.51.100.0/28"], L4::Any), Action::Allow, false),
        (Selector::any(), Action::Deny, false),
    ]);
    let settings =
        ["srcintf port1", "dstintf port2", "srcaddr all", "dstaddr plc", "action accept", "schedule always", "service ALL"];
    assert_eq!(holds(TARGET, &wanted, &policy(&settings)).len(), 1);
}

#[test]
fn what_is_not_understood_is_refused_at_its_place() {
    let first = OBJECTS.lines().count() + 3;
    let whole = ["srcaddr all", "dstaddr all", "service ALL"];
    for (setting, column) in [
        ("schedule night", 22),
        ("av-profile default", 13),
        ("internet-service enable", 13),
        ("groups staff", 13),
        ("action ipsec", 20),
        ("logtraffic some", 24),
        ("srcaddr nosuch", 21),
        ("srcaddr plc6", 21),
        ("service nosuch", 21),
        ("srcaddr all", 13),
    ] {
        let key = setting.split(' ').next().unwrap();
        let settings: Vec<&str> = INTERFACES.iter().chain(&whole).copied().filter(|other| !other.starts_with(key)).collect();
        let text = if setting == "srcaddr all" {
            anywhere(&["srcaddr all", "srcaddr all"])
        } else {
            policy(&[&[setting][..], &settings].concat())
        };
        let line = if setting == "srcaddr all" { first + 4 } else { first };
        refused(TARGET, &[(&text, line, column)]);
    }
    let edit = first - 1;
    for missing in ["srcintf", "schedule", "service", "dstaddr"] {
        let settings: Vec<&str> = INTERFACES.iter().chain(&whole).copied().filter(|other| !other.starts_with(missing)).collect();
        refused(TARGET, &[(&policy(&settings), edit, 10)]);
    }
    refused(
        TARGET,
        &[
            ("config firewall address\nedit a\nset type moon\nnext\nend", 3, 10),
            ("config firewall address\nedit a\nset subnet 10.0.0.1 255.0.0.0\nnext\nend", 3, 5),
            ("config firewall address\nedit a\nset subnet 10.0.0.0 255.0.255.0\nnext\nend", 3, 21),
            ("config firewall address\nedit a\nnext\nend", 2, 6),
            ("config firewall service custom\nedit a\nset tcp-portrange 90-80\nnext\nend", 3, 19),
            ("config firewall service custom\nedit a\nset protocol ICMP\nset tcp-portrange 80\nnext\nend", 2, 6),
            ("config vdom\nedit root\nconfig firewall policy\nend", 1, 8),
            ("config system moon\nedit a\nnext\nend", 1, 15),
            ("config firewall policy\nedit 1\nnext", 1, 8),
            ("config firewall policy\nedit 1\nedit 2\nnext\nend", 3, 1),
            ("config firewall policy\nedit 1\nnext\npurge\nend", 4, 1),
        ],
    );
}
