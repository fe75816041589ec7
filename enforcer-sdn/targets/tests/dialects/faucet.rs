//! Faucet's words: other people's spellings, and what is refused rather than guessed.

use enforcer_packetset::{FlagSet, L4, RangeSet, Selector};
use enforcer_policy::{Action, Ruleset};
use enforcer_targets::{RenderOptions, Way, find};

use crate::claims::{addresses, between, differs, holds, refused, ruleset, tcp};

/// Web and ping to one host; nothing else.
fn wanted() -> Ruleset {
    let ping = L4::Icmp { types: RangeSet::of(8), codes: RangeSet::full() };
    ruleset(vec![
        (between(&["10.0.0.0/8"], &["192.0.2.1"], tcp(&[(80, 80), (4840, 4843)])), Action::Allow, false),
        (between(&["0.0.0.0/0"], &["192.0.2.1"], ping), Action::Allow, false),
        (Selector::any(), Action::Deny, false),
    ])
}

const THEIRS: &str = "\
acls:
    office-vlan-protect:
        - rule:
            dl_type: 0x806
            actions:
                allow: True
        - rule:
            description: web
            cookie: 7
            dl_type: 0x800
            nw_proto: 6
            nw_src: 10.0.0.0/255.0.0.0
            ipv4_dst: 192.0.2.1
            tcp_dst: 80
            actions:
                allow: 1
        - rule:
            eth_type: '0x800'
            ip_proto: '6'
            ipv4_src: '10.0.0.0/8'
            ipv4_dst: 192.0.2.1/32
            tcp_dst: 4840/0xfffc
            actions: {allow: 1}
        - rule: {dl_type: 2048, nw_proto: 1, nw_dst: 192.0.2.1, icmpv4_type: 8, actions: {allow: 1}}
";

#[test]
fn lists_of_other_hands_are_understood() {
    assert!(holds("faucet", &wanted(), THEIRS).is_empty());
    // Everything at the end is dropped anyway.
    assert!(holds("faucet", &wanted(), &format!("{THEIRS}        - rule: {{actions: {{allow: 0}}}}\n")).is_empty());
    let with_rules = THEIRS.replace("protect:", "protect:\n      exact_match: false\n      rules:");
    assert!(holds("faucet", &wanted(), &with_rules).is_empty());
}

#[test]
fn arp_that_is_dropped_is_remarked() {
    let notes = holds("faucet", &wanted(), &THEIRS.replace("0x806", "0x88cc"));
    assert_eq!(notes.len(), 1, "{notes:?}");
}

#[test]
fn a_packet_shows_what_a_list_does_otherwise() {
    let open = format!("{THEIRS}        - rule: {{dl_type: 0x800, actions: {{allow: 1}}}}\n");
    let difference = differs("faucet", &wanted(), &open);
    assert_eq!((difference.way, difference.line), (Way::AdmitsDenied, Some(25)));
    let shut = differs("faucet", &wanted(), &THEIRS.replace("0xfffc", "0xfffe"));
    assert_eq!(shut.way, Way::DeniesAllowed);
    assert!(addresses(&["192.0.2.1"]).contains(shut.packet.destination) && shut.packet.destination_port > 4841);
}

#[test]
fn what_is_not_understood_is_refused_at_its_place() {
    let rule = |content: &str| format!("acls:\n  a:\n  - rule: {{{content}}}\n");
    for (content, column) in [
        ("eth_type: 0x800", 11),
        ("actions: {}", 21),
        ("actions: {allow: 2}", 29),
        ("actions: {allow: '1'}", 29),
        ("actions: {allow: yes}", 29),
        ("actions: {mirror: 2}", 22),
        ("actions: {allow: 1, output: {port: 2}}", 32),
        ("eth_type: 02048, actions: {allow: 1}", 22),
        ("eth_type: 0x10000, actions: {allow: 1}", 22),
        ("eth_type: 0x800, dl_type: 0x800, actions: {allow: 1}", 29),
        ("eth_type: 0x800, eth_type: 0x800, actions: {allow: 1}", 29),
        ("ipv4_src: 10.0.0.1, actions: {allow: 1}", 12),
        ("eth_type: 0x86dd, ipv4_src: 10.0.0.1, actions: {allow: 1}", 30),
        ("eth_type: 0x800, ipv4_src: 10.0.0.1/8, actions: {allow: 1}", 39),
        ("eth_type: 0x800, ipv4_src: 10.0.0.0/255.0.255.0, actions: {allow: 1}", 39),
        ("eth_type: 0x86dd, ipv6_src: 1:2:3:4:5:6:7:8, actions: {allow: 1}", 40),
        ("ip_proto: 6, actions: {allow: 1}", 12),
        ("eth_type: 0x800, tcp_dst: 80, actions: {allow: 1}", 29),
        ("eth_type: 0x800, ip_proto: 17, tcp_dst: 80, actions: {allow: 1}", 43),
        ("eth_type: 0x800, ip_proto: 6, tcp_dst: 80-90, actions: {allow: 1}", 51),
        ("eth_type: 0x800, ip_proto: 6, tcp_dst: 0x11/0xfff0, actions: {allow: 1}", 51),
        ("eth_type: 0x86dd, ip_proto: 1, icmpv4_type: 8, actions: {allow: 1}", 43),
        ("eth_type: 0x800, ip_proto: 1, icmpv4_type: 256, actions: {allow: 1}", 55),
        ("in_port: 1, actions: {allow: 1}", 12),
        ("vlan_vid: 10, actions: {allow: 1}", 12),
        ("eth_src: 02:00:00:00:00:01, actions: {allow: 1}", 12),
        ("eth_type: 0x800, tp_dst: 80, actions: {allow: 1}", 29),
        ("eth_type: 0x800, eth_type/mask: 1, actions: {allow: 1}", 29),
    ] {
        refused("faucet", &[(&rule(content), 3, column)]);
    }
    refused(
        "faucet",
        &[
            ("", 1, 1),
            ("acls: {}\n", 1, 7),
            ("acls: {a: []}\n", 1, 11),
            ("acls: {a: {exact_match: true, rules: [{rule: {actions: {allow: 1}}}]}}\n", 1, 25),
            ("acls: {a: [{actions: {allow: 1}}]}\n", 1, 12),
            ("acls: {a: [{rule: {actions: {allow: 1}}}], b: [{rule: {actions: {allow: 0}}}]}\n", 1, 44),
            ("vlans: {x: {vid: 1}}\nacls: {a: [{rule: {actions: {allow: 1}}}]}\n", 1, 1),
            ("acls: {a: [{rule: {actions: {allow: 1}}}]}\n---\nacls: {a: [{rule: {actions: {allow: 0}}}]}\n", 3, 1),
        ],
    );
}

#[test]
fn what_a_list_cannot_say_names_rule_and_feature() {
    let render = find("faucet").unwrap().render;
    let answers = Selector { flags: FlagSet::ack_or_rst(), ..between(&["10.0.0.1"], &["10.0.0.2"], L4::Protocol(6)) };
    let nothing = between(&["10.0.0.1"], &[], L4::Any);
    let wide = between(
        &["10.0.0.1"],
        &["10.0.0.2"],
        L4::Udp { source: RangeSet::range(1, 65534), destination: RangeSet::range(1, 65534) },
    );
    let many = Selector { source: (0..2u8).map(|host| std::net::IpAddr::from([10, 0, 0, host * 2 + 1])).collect(), ..wide };
    for (selector, log, words) in [
        (answers, false, "rule `r-0`: faucet cannot say TCP flags"),
        (nothing, false, "cannot say a rule that selects no packet"),
        (Selector::any(), true, "cannot say a log entry"),
        (many, false, "cannot say a rule of more than 1024 rules of a list"),
    ] {
        let error = render(&ruleset(vec![(selector, Action::Allow, log)]), &RenderOptions::default()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}
