//! Mis-compilations of public policy compilers, by hand: the proof must find each, and with the right packet.

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, Prefix, RangeSet, Selector, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{Difference, NotProven, Way, find, prove};

fn addresses(prefixes: &[&str]) -> AddressSet {
    prefixes.iter().map(|text| text.parse::<Prefix>().unwrap()).collect()
}

fn rule(id: &str, selector: Selector, action: Action) -> PointRule {
    PointRule { id: id.into(), selector, action, log: false, origin: Vec::new() }
}

fn between(source: &[&str], destination: &[&str], l4: L4) -> Selector {
    Selector { source: addresses(source), destination: addresses(destination), l4, ..Selector::any() }
}

fn tcp(port: u16) -> L4 {
    L4::Tcp { source: PortSet::full(), destination: PortSet::of(port) }
}

fn ruleset(allowed: Vec<PointRule>) -> Ruleset {
    let mut rules = allowed;
    rules.push(rule("deny-rest", Selector::any(), Action::Deny));
    Ruleset { point: "test".into(), rules }
}

fn text(rules: &str) -> String {
    format!("table inet t_1 {{\n\tchain forward {{\n\t\ttype filter hook forward priority 0; policy drop;\n{rules}\n\t}}\n}}\n")
}

fn difference(ruleset: &Ruleset, rules: &str) -> Difference {
    match prove(find("nftables").unwrap(), ruleset, &text(rules)) {
        Err(NotProven::Differs(difference)) => *difference,
        other => panic!("expected a difference, not {other:?}"),
    }
}

fn holds(ruleset: &Ruleset, rules: &str) {
    if let Err(error) = prove(find("nftables").unwrap(), ruleset, &text(rules)) {
        panic!("{error}");
    }
}

#[test]
fn an_emptied_source_that_became_any_is_found() {
    let wanted = ruleset(Vec::new());
    let difference = difference(&wanted, "ip daddr 10.0.0.0/8 accept");
    assert_eq!(difference.way, Way::AdmitsDenied);
    assert!(addresses(&["10.0.0.0/8"]).contains(difference.packet.destination));
    assert_eq!((difference.rule.as_deref(), difference.line), (Some("deny-rest"), Some(4)));
}

#[test]
fn an_ipv6_source_that_became_any_for_ipv4_is_found() {
    let wanted =
        ruleset(vec![rule("v6", between(&["2001:db8::/32"], &["10.0.0.0/8", "2001:db8:1::/48"], tcp(22)), Action::Allow)]);
    holds(&wanted, "ip6 saddr 2001:db8::/32 ip6 daddr 2001:db8:1::/48 tcp dport 22 accept");
    let difference = difference(
        &wanted,
        "ip6 saddr 2001:db8::/32 ip6 daddr 2001:db8:1::/48 tcp dport 22 accept\nip daddr 10.0.0.0/8 tcp dport 22 accept",
    );
    assert_eq!(difference.way, Way::AdmitsDenied);
    assert!(difference.packet.source.is_ipv4() && difference.packet.destination_port == 22);
}

#[test]
fn ports_that_crossed_protocols_are_found() {
    let (a, b) = (&["10.0.0.1"][..], &["10.0.0.2"][..]);
    let udp = L4::Udp { source: PortSet::full(), destination: PortSet::of(10456) };
    let wanted =
        ruleset(vec![rule("tcp", between(a, b, tcp(10123)), Action::Allow), rule("udp", between(a, b, udp), Action::Allow)]);
    holds(
        &wanted,
        "ip saddr 10.0.0.1 ip daddr 10.0.0.2 udp dport 10456 accept\nip saddr 10.0.0.1 ip daddr 10.0.0.2 tcp dport 10123 accept",
    );
    let difference =
        difference(&wanted, "ip saddr 10.0.0.1 ip daddr 10.0.0.2 meta l4proto { tcp, udp } th dport { 10123, 10456 } accept");
    assert_eq!(difference.way, Way::AdmitsDenied);
    assert!(matches!((difference.packet.protocol, difference.packet.destination_port), (6, 10456) | (17, 10123)));
}

#[test]
fn a_lost_established_is_found_both_ways() {
    let reply = Selector { state: StateSet::Established, ..between(&["10.0.0.2"], &["10.0.0.1"], L4::Protocol(6)) };
    let wanted = ruleset(vec![rule("reply", reply, Action::Allow)]);
    holds(&wanted, "ct state established,related ip saddr 10.0.0.2 ip daddr 10.0.0.1 meta l4proto 6 accept");
    let difference_open = difference(&wanted, "ip saddr 10.0.0.2 ip daddr 10.0.0.1 meta l4proto 6 accept");
    assert_eq!(difference_open.way, Way::AdmitsDenied);
    assert_eq!(difference(&wanted, "").way, Way::DeniesAllowed);
}

#[test]
fn one_table_without_its_removal_is_remarked() {
    let wanted = ruleset(Vec::new());
    let target = find("nftables").unwrap();
    assert_eq!(prove(target, &wanted, &text("")).unwrap().notes.len(), 1);
    let replacing = format!("table inet t_1\ndelete table inet t_1\n{}", text(""));
    assert!(prove(target, &wanted, &replacing).unwrap().notes.is_empty());
}

#[test]
fn a_log_that_is_lost_is_found() {
    let mut wanted = ruleset(Vec::new());
    wanted.rules[0].log = true;
    assert_eq!(difference(&wanted, "").way, Way::LogsTooLittle);
    holds(&wanted, "log prefix \"x\" drop");
    // A log before a match sees more than the verdict.
    assert_eq!(difference(&ruleset(Vec::new()), "log ip saddr 10.0.0.1 drop").way, Way::LogsTooMuch);
}

#[test]
fn comparisons_names_and_chains_of_the_device_itself_are_understood() {
    let ports = RangeSet::from_ranges([(22, 22), (1024, 65535)]);
    let tcp = L4::Tcp { source: PortSet::full(), destination: ports };
    let wanted = ruleset(vec![rule("high", between(&["10.0.0.0/8"], &["0.0.0.0/0"], tcp), Action::Allow)]);
    holds(
        &wanted,
        "ip saddr 10.0.0.0/8 tcp dport >= 1024 accept\n ip saddr 10.0.0.0/8 tcp dport ssh continue comment \"seen\"\n ip saddr 10.0.0.0/8 tcp dport { ssh } accept",
    );
    let text = text("ip saddr 10.0.0.0/8 tcp dport { ssh, 1024-65535 } accept");
    let both = text
        .replace("chain", "chain input { type filter hook input priority 0; policy drop; ct state vmap { new : drop }\n}\nchain");
    let proof = prove(find("nftables").unwrap(), &wanted, &both).unwrap();
    assert!(proof.notes.iter().any(|note| note.contains("chain input")), "{:?}", proof.notes);
}

#[test]
fn other_peoples_spellings_are_understood() {
    let icmp = L4::Icmp { types: RangeSet::of(8), codes: RangeSet::full() };
    let wanted = ruleset(vec![
        rule("ping", between(&["10.0.0.0/8"], &["0.0.0.0/0"], icmp), Action::Allow),
        rule(
            "web",
            between(
                &["10.0.0.0/8"],
                &["192.0.2.0/25"],
                L4::Tcp { source: PortSet::full(), destination: RangeSet::from_ranges([(80, 80), (443, 443)]) },
            ),
            Action::Allow,
        ),
    ]);
    holds(
        &wanted,
        "ip saddr 10.0.0.0 - 10.255.255.255 icmp type { echo-request } counter packets 7 bytes 9 accept # handle 4
        ip daddr 192.0.2.0/25 ip saddr == 10.0.0.0/8 tcp dport { 80,
            443 } counter accept comment \"web; #1\"
        reject with icmpx type admin-prohibited",
    );
}

#[test]
fn what_is_not_understood_is_an_error_with_its_place() {
    let target = find("nftables").unwrap();
    for (rules, column) in [
        ("iifname \"eth0\" accept", 1),
        ("limit rate 5/second accept", 1),
        ("jump other", 1),
        ("ct state new accept", 1),
        ("ct state != established,related drop", 10),
        ("tcp dport nosuch accept", 11),
        // nft refuses what excludes itself, or loads what no packet meets.
        ("ip6 saddr 2001:db8::1 ip protocol { tcp, udp } accept", 23),
        ("meta nfproto ipv6 ip daddr 10.0.0.1 accept", 19),
        ("tcp dport 53 udp dport 53 accept", 14),
        ("icmp type 8 icmpv6 type 128 accept", 13),
        ("udp dport 53 reject with tcp reset", 14),
        // What stands there in an ICMP message is its checksum.
        ("icmp type 8 th dport 80 accept", 1),
        ("tcp dport > 65535 accept", 13),
        ("ip saddr 10.0.0.1/8 accept", 10),
        ("ip saddr @nosuch accept", 10),
        ("ip6 nexthdr tcp accept", 1),
        ("meta hour \"08:00\"-\"17:00\" accept", 11),
        ("tcp dport 9-7 accept", 11),
        ("accept accept", 8),
        ("ip saddr . ip daddr { 10.0.0.1 . 10.0.0.2 } accept", 10),
        ("tcp flags sny accept", 11),
        ("meta l4proto { 1, 6 } th dport 80 accept", 1),
        ("ct state vmap { established : accept }", 10),
        ("log level audit", 11),
        ("tcp dport 080 accept", 11),
    ] {
        match (target.parse)(&text(rules)) {
            Err(error) => assert_eq!((error.line, error.column), (4, column), "{rules}: {error}"),
            Ok(parsed) => panic!("{rules} was read as {parsed:?}"),
        }
    }
    for text in [
        "table inet a_1 { chain c { type filter hook prerouting priority 0; } }",
        "table inet a_1 { chain c { type nat hook forward priority 0; } }",
        "table inet a_1 { chain c { accept } }",
        "table bridge a_1 { }",
        "table inet a_1 { }\ntable inet b_1 { }",
        "table inet a_1 { flags dormant; }",
        "table inet a_1 { map m { } }",
        "table inet a_1 { set s { type ipv4_addr; flags timeout; } }",
        "table inet a_1 { set s { type ipv4_addr; elements = { 10.0.0.1 timeout 5s } } }",
        "table inet a_1 {",
        "table inet a_1 { chain c { type filter hook forward priority 0; accept",
        "include \"x\"",
        "add rule inet a b accept",
        "garbage",
    ] {
        assert!((target.parse)(text).is_err(), "{text}");
    }
}

#[test]
fn a_way_back_that_lost_its_flags_is_found() {
    let target = find("cisco-ios").unwrap();
    let only_v4 = Selector { source: addresses(&["0.0.0.0/0"]), destination: addresses(&["0.0.0.0/0"]), ..Selector::any() };
    let answers = Selector { l4: L4::Protocol(6), flags: FlagSet::ack_or_rst(), ..only_v4.clone() };
    let rules = vec![rule("answers", answers, Action::Allow), rule("rest", only_v4, Action::Deny)];
    let wanted = Ruleset { point: "test".into(), rules };
    let list = "ip access-list extended a\n permit tcp any any established\n";
    assert!(prove(target, &wanted, list).is_ok());
    let Err(NotProven::Differs(difference)) = prove(target, &wanted, &list.replace(" established", "")) else {
        panic!("the text admits openings");
    };
    assert_eq!((difference.way, difference.packet.flags), (Way::AdmitsDenied, FlagSet::SYN));
}
