//! What RouterOS rules mean beyond what we write ourselves.

use enforcer_packetset::{FlagSet, L4, PortSet, RangeSet, Selector};
use enforcer_policy::Action;
use enforcer_targets::Way;

use crate::claims::{addresses, between, differs, established, holds, refused, ruleset, tcp, udp};

const TARGET: &str = "routeros";

fn only_v4() -> Selector {
    Selector { source: addresses(&["0.0.0.0/0"]), destination: addresses(&["0.0.0.0/0"]), ..Selector::any() }
}

fn only_v6() -> Selector {
    Selector { source: addresses(&["::/0"]), destination: addresses(&["::/0"]), ..Selector::any() }
}

#[test]
fn an_export_with_lists_continuations_and_the_routers_own_rules_is_read() {
    let wanted = ruleset(vec![
        established(),
        (between(&["192.0.2.10"], &["198.51.100.0/28"], tcp(&[(502, 502), (5000, 5010)])), Action::Allow, true),
        (between(&["2001:db8:1::/64"], &["2001:db8:2::/64"], udp(&[(161, 161)])), Action::Allow, false),
        (Selector::any(), Action::Deny, false),
    ]);
    let text = "# 2026-01-05 10:00:00 by RouterOS 7.16
# software id = ABCD-EFGH
/ip firewall address-list
add address=198.51.100.0-198.51.100.15 comment=\"the plant\" list=plc
add address=10.0.0.1 disabled=yes list=plc
/ip firewall filter
add action=accept chain=input connection-state=established,related,untracked
add action=accept chain=forward connection-state=\\
    established,related
add action=passthrough chain=forward comment=\"only counts; \\\"x\\\"\"
add action=accept chain=forward dst-address-list=plc dst-port=502,5000-5010 \\
    log=yes log-prefix=\"ot \" protocol=tcp src-address=192.0.2.10
add action=drop chain=forward disabled=yes protocol=tcp
add action=reject chain=forward reject-with=icmp-admin-prohibited
/ipv6 firewall filter
add action=accept chain=forward connection-state=related,established
add action=accept chain=forward dst-address=2001:db8:2::/64 dst-port=161 protocol=udp src-address=2001:db8:1::/64
add action=drop chain=forward
";
    assert_eq!(
        holds(TARGET, &wanted, text),
        ["1 rules are not asked about packets that pass through: those of `input`, `output` and chains behind them"]
    );
}

#[test]
fn what_no_rule_matches_is_accepted_in_each_version() {
    let wanted = ruleset(vec![(only_v4(), Action::Deny, false)]);
    holds(TARGET, &wanted, "/ip firewall filter add action=drop chain=forward\n");
    holds(TARGET, &wanted, "/ip/firewall/filter\nadd action=drop chain=forward\n");
    let everything = ruleset(vec![(Selector::any(), Action::Deny, false)]);
    let difference = differs(TARGET, &everything, "/ip firewall filter\nadd action=drop chain=forward\n");
    assert_eq!((difference.way, difference.line), (Way::AdmitsDenied, None));
    assert!(difference.packet.source.is_ipv6());
}

#[test]
fn negations_logs_ports_of_either_side_and_flags_are_read() {
    let outside = addresses(&["0.0.0.0/0"]).difference(&addresses(&["10.0.0.0/8"]));
    let not_web = L4::Tcp { source: PortSet::full(), destination: RangeSet::from_ranges([(80, 80), (443, 443)]).complement() };
    let dns = |source, destination| L4::Udp { source, destination };
    let syn = FlagSet::masked(FlagSet::SYN, FlagSet::SYN | FlagSet::ACK);
    let wanted = ruleset(vec![
        (Selector { source: outside.clone(), ..only_v4() }, Action::Log, true),
        (Selector { source: outside, l4: not_web, ..only_v4() }, Action::Deny, false),
        (Selector { l4: dns(PortSet::of(53), PortSet::full()), ..only_v4() }, Action::Allow, false),
        (Selector { l4: dns(PortSet::full(), PortSet::of(53)), ..only_v4() }, Action::Allow, false),
        (Selector { l4: L4::Protocol(6), flags: syn, ..only_v4() }, Action::Deny, false),
        (Selector { l4: L4::Icmp { types: RangeSet::of(3), codes: RangeSet::range(0, 4) }, ..only_v4() }, Action::Deny, false),
        (Selector { l4: L4::Icmp6 { types: RangeSet::of(128), codes: RangeSet::of(0) }, ..only_v6() }, Action::Deny, false),
    ]);
    let text = "/ip firewall filter
add action=log chain=forward src-address=!10.0.0.0/8
add action=drop chain=forward dst-port=!80,443 protocol=tcp src-address-list=!inside
add action=accept chain=forward port=53 protocol=udp
add action=drop chain=forward protocol=tcp tcp-flags=syn,!ack
add action=drop chain=forward icmp-options=3:0-4 protocol=icmp
/ip firewall address-list
add address=10.0.0.0/9 list=inside
add address=10.128.0.0/9 list=inside
/ipv6 firewall filter
add action=drop chain=forward icmp-options=128:0 protocol=icmpv6
";
    holds(TARGET, &wanted, text);
}

#[test]
fn a_rule_that_forgets_the_known_connections_is_found() {
    let wanted = ruleset(vec![established(), (only_v4(), Action::Deny, false)]);
    let difference = differs(TARGET, &wanted, "/ip firewall filter\nadd action=drop chain=forward\n");
    assert_eq!(difference.way, Way::DeniesAllowed);
}

#[test]
fn what_is_not_understood_is_refused_at_its_place() {
    for (rule, column) in [
        ("add action=accept", 1),
        ("add action=fasttrack-connection chain=forward", 12),
        ("add action=jump chain=forward jump-target=ot", 43),
        ("add action=drop chain=forward in-interface=ether1", 31),
        ("add action=accept chain=forward connection-state=established", 50),
        ("add action=drop chain=forward connection-state=new", 48),
        ("add action=accept chain=forward connection-state=old", 50),
        ("add action=fasttrack-connection chain=forward connection-state=established,related", 12),
        ("add action=drop #comment=x chain=forward", 17),
        ("add action=accept chain=forward dst-port=80", 33),
        ("add action=accept chain=forward protocol=!tcp", 42),
        ("add action=accept chain=forward protocol=tcp dst-port=90-80", 55),
        ("add action=accept chain=forward src-address=2001:db8::1", 45),
        ("add action=accept chain=forward src-address=10.0.0.1/8", 45),
        ("add action=accept chain=forward src-address-list=nosuch", 50),
        ("add action=accept chain=forward protocol=icmp icmp-options=255:0", 60),
        ("add action=accept chain=forward tcp-flags=syn", 33),
        ("add action=accept chain=forward protocol=tcp tcp-flags=syn,!syn", 56),
        ("add action=accept chain=forward time=8h-17h,mon", 33),
        ("add action=accept chain=forward chain=forward", 33),
        ("add action=accept chain=forward src-address", 44),
        ("set 0 disabled=yes", 1),
        ("move 1 0", 1),
    ] {
        refused(TARGET, &[(&format!("/ip firewall filter\n{rule}\n"), 2, column)]);
    }
    refused(
        TARGET,
        &[
            ("add action=drop chain=forward", 1, 1),
            ("/ip firewall nat\nadd action=dst-nat chain=dstnat to-addresses=10.0.0.1", 2, 1),
            ("/system identity\nremove 0", 2, 1),
            (
                "/ip firewall address-list\nadd address=plc.example list=x\n/ip firewall filter\nadd chain=forward src-address-list=x",
                2,
                13,
            ),
            ("/ip firewall address-list\nadd address=10.0.0.1 list=x timeout=1d", 2, 29),
            ("/ip firewall address-list\nadd list=x", 2, 1),
        ],
    );
}
