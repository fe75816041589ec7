//! What Junos filters mean beyond what we write ourselves.

use enforcer_packetset::{FlagSet, L4, PortSet, RangeSet, Selector};
use enforcer_policy::Action;
use enforcer_targets::Way;

use crate::claims::{addresses, between, differs, holds, refused, ruleset, tcp, udp};

const TARGET: &str = "junos-filter";

fn only_v4() -> Selector {
    Selector { source: addresses(&["0.0.0.0/0"]), destination: addresses(&["0.0.0.0/0"]), ..Selector::any() }
}

fn filter(terms: &str) -> String {
    format!("firewall {{ family inet {{ filter f {{\n{terms}\n}} }} }}")
}

#[test]
fn braces_and_set_lines_of_a_running_configuration_are_the_same_filter() {
    let wanted = ruleset(vec![
        (between(&["10.0.0.0/8"], &["192.0.2.0/25"], tcp(&[(80, 80), (8000, 8010)])), Action::Allow, true),
        (only_v4(), Action::Deny, false),
    ]);
    let curly = "## Last commit: 2026-01-05 10:00:00 UTC by nobody
        policy-options { prefix-list plant { 192.0.2.0/26; 192.0.2.64/26; } }
        firewall {
            family inet {
                filter f {
                    interface-specific;
                    term web {
                        from {
                            source-address { 10.0.0.0/8; /* all */ }
                            destination-prefix-list { plant; }
                            protocol tcp;
                            destination-port [ http 8000-8010 ];
                        }
                        then { count web; log; accept; }
                    }
                }
            }
        }";
    holds(TARGET, &wanted, curly);
    let set = "set policy-options prefix-list plant 192.0.2.0/26
set policy-options prefix-list plant 192.0.2.64/26
delete firewall family inet filter f
set firewall family inet filter f interface-specific
set firewall family inet filter f term web from source-address 10.0.0.0/8
set firewall family inet filter f term web from destination-prefix-list plant
set firewall family inet filter f term web from protocol tcp
set firewall family inet filter f term web from destination-port http
set firewall family inet filter f term web from destination-port 8000-8010
set firewall family inet filter f term web then count web
set firewall family inet filter f term web then syslog
set firewall family inet filter f term web then accept
";
    holds(TARGET, &wanted, set);
    // `show configuration firewall` leaves the first word out.
    holds(TARGET, &wanted, &set.replace(" firewall ", " "));
}

#[test]
fn a_term_without_then_or_with_a_count_only_accepts() {
    let wanted = ruleset(vec![
        (between(&["10.0.0.1"], &["0.0.0.0/0"], L4::Any), Action::Allow, false),
        (between(&["10.0.0.2"], &["0.0.0.0/0"], L4::Any), Action::Allow, true),
        (only_v4(), Action::Deny, false),
    ]);
    let text = "term a { from { source-address { 10.0.0.1/32; } } }
        term b { from { source-address { 10.0.0.2; } } then { count b; log; } }";
    holds(TARGET, &wanted, &filter(text));
    let notes = holds(TARGET, &wanted, &filter(&format!("{text} term c {{ then {{ reject tcp-reset; }} }}")));
    assert_eq!(notes, ["the text has no IPv6 filter, so all of IPv6 is allowed"]);
}

#[test]
fn the_longest_prefix_decides_whatever_the_order() {
    let matched = addresses(&["10.0.0.0/9", "10.192.0.0/10", "10.128.1.0/24"]);
    let wanted =
        ruleset(vec![(Selector { source: matched, ..only_v4() }, Action::Allow, false), (only_v4(), Action::Deny, false)]);
    for list in ["10.128.0.0/10 except; 10.0.0.0/8; 10.128.1.0/24;", "10.128.1.0/24; 10.0.0.0/8; 10.128.0.0/10 except;"] {
        holds(TARGET, &wanted, &filter(&format!("term a {{ from {{ source-address {{ {list} }} }} then accept; }}")));
    }
}

#[test]
fn port_and_address_match_either_side() {
    let dns = |source: PortSet, destination: PortSet| L4::Udp { source, destination };
    let host = addresses(&["10.0.0.1"]);
    let wanted = ruleset(vec![
        (Selector { l4: dns(PortSet::of(53), PortSet::full()), ..only_v4() }, Action::Allow, false),
        (Selector { l4: dns(PortSet::full(), PortSet::of(53)), ..only_v4() }, Action::Allow, false),
        (Selector { source: host.clone(), ..only_v4() }, Action::Allow, false),
        (Selector { destination: host, ..only_v4() }, Action::Allow, false),
        (only_v4(), Action::Deny, false),
    ]);
    let text = "term a { from { protocol udp; port domain; } then accept; }
        term b { from { address { 10.0.0.1/32; } } then accept; }";
    holds(TARGET, &wanted, &filter(text));
}

#[test]
fn except_fields_are_all_other_values() {
    let others = RangeSet::from_ranges([(0, 21), (23, 65535)]);
    let wanted = ruleset(vec![
        (Selector { l4: L4::Tcp { source: PortSet::full(), destination: others.clone() }, ..only_v4() }, Action::Deny, false),
        (Selector { l4: L4::Udp { source: others.clone(), destination: others }, ..only_v4() }, Action::Deny, false),
    ]);
    let text = "term a { from { protocol tcp; destination-port-except ssh; } then discard; }
        term b { from { protocol udp; port-except 22; } then discard; }
        term c { then accept; }";
    holds(TARGET, &wanted, &filter(text));
}

#[test]
fn established_is_ack_or_rst_of_tcp_and_initial_is_syn_without_ack() {
    let flags = |set| Selector { l4: L4::Protocol(6), flags: set, ..only_v4() };
    let wanted = ruleset(vec![
        (flags(FlagSet::ack_or_rst()), Action::Allow, false),
        (flags(FlagSet::masked(FlagSet::SYN, FlagSet::SYN | FlagSet::ACK)), Action::Deny, true),
        (flags(FlagSet::masked(FlagSet::FIN, FlagSet::FIN | FlagSet::PSH)), Action::Deny, true),
        (only_v4(), Action::Deny, false),
    ]);
    let text = "term a { from { protocol tcp; tcp-established; } then accept; }
        term b { from { protocol tcp; tcp-initial; } then { log; discard; } }
        term c { from { protocol 6; tcp-flags \"(fin & !push)\"; } then { log; discard; } }";
    holds(TARGET, &wanted, &filter(text));
    let lost = text.replace(" tcp-established;", "");
    assert_eq!(differs(TARGET, &wanted, &filter(&lost)).way, Way::AdmitsDenied);
}

#[test]
fn ports_that_crossed_protocols_are_found() {
    let (hmi, plc) = (&["192.0.2.10"][..], &["198.51.100.0/28"][..]);
    let wanted = ruleset(vec![
        (between(hmi, plc, tcp(&[(10123, 10123)])), Action::Allow, false),
        (between(hmi, plc, udp(&[(10456, 10456)])), Action::Allow, false),
        (only_v4(), Action::Deny, false),
    ]);
    let text = "term mix { from { source-address { 192.0.2.10/32; } destination-address { 198.51.100.0/28; }
        protocol [ tcp udp ]; destination-port [ 10123 10456 ]; } then accept; } term rest { then { discard; } }";
    let difference = differs(TARGET, &wanted, &filter(text));
    assert_eq!(difference.way, Way::AdmitsDenied);
    assert!(matches!((difference.packet.protocol, difference.packet.destination_port), (6, 10456) | (17, 10123)));
    assert_eq!(difference.line, Some(2));
}

#[test]
fn next_header_is_remarked_because_an_extension_header_escapes_it() {
    let only_v6 = Selector { source: addresses(&["::/0"]), destination: addresses(&["::/0"]), ..Selector::any() };
    let wanted =
        ruleset(vec![(Selector { l4: L4::Protocol(6), ..only_v6.clone() }, Action::Allow, false), (only_v6, Action::Deny, true)]);
    let text = |condition| {
        format!(
            "family inet6 {{ filter f {{ term a {{ from {{ {condition} tcp; }} then accept; }} term b {{ then {{ log; discard; }} }} }} }}"
        )
    };
    assert_eq!(holds(TARGET, &wanted, &text("payload-protocol")).len(), 1, "there is no IPv4 filter");
    assert_eq!(holds(TARGET, &wanted, &text("next-header")).len(), 2);
}

#[test]
fn what_is_not_understood_is_refused_at_its_place() {
    let condition = |text: &str| filter(&format!("term a {{ from {{ {text} }} then accept; }}"));
    for (text, column) in [
        ("destination-port 80;", 17),
        ("protocol [ tcp icmp ]; port 80;", 40),
        ("icmp-type 8;", 17),
        ("protocol tcp; destination-port www;", 48),
        ("protocol tcp; destination-port 80; destination-port-except 81;", 52),
        ("protocol tcp; port 80; source-port 80;", 31),
        ("source-address { 10.0.0.0/8 except; }", 34),
        ("source-address { 10.0.0.1/8; }", 34),
        ("source-address { 2001:db8::/32; }", 34),
        ("source-prefix-list { nosuch; }", 38),
        ("address { 10.0.0.1; } source-address { 10.0.0.2; }", 27),
        ("tcp-established;", 17),
        ("protocol [ tcp udp ]; tcp-initial;", 39),
        ("protocol tcp; tcp-flags psh;", 41),
        ("ttl 1;", 17),
        ("next-header tcp;", 17),
        ("is-fragment;", 17),
        ("protocol tcp; destination-port 90-80;", 48),
    ] {
        refused(TARGET, &[(&condition(text), 2, column)]);
    }
    refused(
        TARGET,
        &[
            (&filter("term a { then { accept; discard; } }"), 2, 25),
            (&filter("term a { from { protocol tcp; } then { next term; } }"), 2, 40),
            (&filter("term a { then { policer p; } }"), 2, 17),
            (&filter("inactive: term a { then accept; }"), 1, 33),
            (&filter("apply-groups x;"), 2, 1),
            ("firewall { family inet { filter f { } } }", 1, 33),
            ("firewall { family inet { filter f { term a; } filter g { term a; } } }", 1, 54),
            ("firewall { family ethernet-switching { filter f { term a; } } }", 1, 19),
            ("set system host-name x", 1, 5),
            ("set firewall filter f term a then accept\ndelete firewall filter f", 2, 24),
            (
                "policy-options { prefix-list x { apply-path \"interfaces <*>\"; } }\nfirewall { filter f { term a { from { prefix-list { x; } } } } }",
                1,
                34,
            ),
        ],
    );
}
