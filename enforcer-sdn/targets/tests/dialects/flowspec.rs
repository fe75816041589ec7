//! Flow specifications of other hands: the order is the standard's and not the text's, and what is not about packets, or not sure, is refused.

use enforcer_packetset::{FlagSet, L4, Limits, RangeSet, Selector, compare};
use enforcer_policy::{Action, Ruleset};
use enforcer_targets::{RenderOptions, Way, find};

use crate::claims::{addresses, between, differs, holds, refused, ruleset, tcp, udp};
use crate::rulesets::{Random, cases, fit, ruleset as random_ruleset};

const ALL: &str = "0.0.0.0/0";

/// A `flow` section with these routes.
fn flow(routes: &[&str]) -> String {
    let one = |(at, route): (usize, &&str)| {
        let (matches, actions) = route.split_once(" then ").unwrap();
        format!("route r{at} {{ match {{ {matches} }} then {{ {actions} }} }}\n")
    };
    format!("flow {{\n{}}}\n", routes.iter().enumerate().map(one).collect::<String>())
}

fn v4(selector: Selector) -> Selector {
    let all = addresses(&[ALL]);
    Selector { source: selector.source.intersection(&all), destination: selector.destination.intersection(&all), ..selector }
}

#[test]
fn the_longer_destination_is_asked_first_whatever_the_order_of_the_lines() {
    let host = "destination 192.0.2.1/32; then accept;";
    let network = "destination 192.0.2.0/24; then discard;";
    let from = "source 10.0.0.0/8; then discard;";
    let wanted = ruleset(vec![
        (between(&[ALL], &["192.0.2.1"], L4::Any), Action::Allow, false),
        (between(&[ALL], &["192.0.2.0/24"], L4::Any), Action::Deny, false),
        (between(&["10.0.0.0/8"], &[ALL], L4::Any), Action::Deny, false),
    ]);
    holds("flowspec", &wanted, &flow(&[host, network, from]));
    holds("flowspec", &wanted, &flow(&[from, network, host]));
    // Somebody who takes the lines for a list:
    let as_a_list = ruleset(vec![
        (between(&["10.0.0.0/8"], &[ALL], L4::Any), Action::Deny, false),
        (between(&[ALL], &["192.0.2.1"], L4::Any), Action::Allow, false),
        (between(&[ALL], &["192.0.2.0/24"], L4::Any), Action::Deny, false),
    ]);
    let difference = differs("flowspec", &as_a_list, &flow(&[from, host, network]));
    assert_eq!((difference.way, difference.line), (Way::AdmitsDenied, Some(3)));
}

/// 0x01 0x06 0x81 0x11 is below 0x81 0x06, so the longer list is asked first, though the shorter one was meant as its exception.
#[test]
fn numbers_are_ordered_by_their_bytes() {
    let tcp = "destination 192.0.2.1/32; protocol =tcp; then accept;";
    let both = "destination 192.0.2.1/32; protocol [ =tcp =udp ]; then discard;";
    let denied = |number| (between(&[ALL], &["192.0.2.1"], L4::Protocol(number)), Action::Deny, false);
    holds("flowspec", &ruleset(vec![denied(6), denied(17)]), &flow(&[tcp, both]));
    // One byte for 80, two for 8080: 0x81 is below 0x91.
    let low = "protocol =6; destination-port =80; source-port >=1024; then accept;";
    let high = "protocol =6; destination-port >=80&<=8080; then discard;";
    let wanted = ruleset(vec![(between(&[ALL], &[ALL], tcp_to(80, 8080)), Action::Deny, false)]);
    holds("flowspec", &wanted, &flow(&[low, high]));
}

fn tcp_to(first: u16, last: u16) -> L4 {
    tcp(&[(first, last)])
}

#[test]
fn other_spellings_mean_the_same() {
    let wanted = ruleset(vec![
        (Selector { flags: FlagSet::of(2), ..v4(between(&["10.1.0.0/16"], &[ALL], L4::Protocol(6))) }, Action::Deny, false),
        (
            v4(between(&["10.0.0.0/8"], &[ALL], L4::Tcp { source: RangeSet::of(179), destination: RangeSet::full() })),
            Action::Deny,
            true,
        ),
        (
            v4(between(&["10.0.0.0/8"], &[ALL], L4::Tcp { source: RangeSet::full(), destination: RangeSet::of(179) })),
            Action::Deny,
            true,
        ),
        (between(&[ALL], &["192.0.2.1"], L4::Icmp { types: RangeSet::of(8), codes: RangeSet::full() }), Action::Deny, false),
        (between(&["::/0"], &["2001:db8::/32"], udp(&[(53, 53)])), Action::Deny, false),
    ]);
    let text = "\
neighbor 198.51.100.1 {
    description to-the-edge; # ours
    router-id 198.51.100.2;
    local-as 65001;
    peer-as 65002;
    hold-time 180;
    capability { asn4 enable; route-refresh; }
    family {
        ipv4 unicast;
        ipv4 flow;
        ipv6 flow;
    }
    flow {
        route a {
            match {
                source-ipv4 10.0.0.0/8;
                protocol tcp;
                port bgp;
            }
            then {
                rate-limit 0;
                action sample;
            }
        }
        route b { match { source 10.1.0.0/16; tcp-flags [ =0x02&!fin+rst+push+ack+urg+ece+cwr ]; } then { discard; } }
        route c { match { destination 192.0.2.1/32; source 0.0.0.0/0; icmp-type echo-request; } then { action sample-terminal; } }
        route d { match { destination 192.0.2.1/32; protocol [ icmp =0x01 ]; icmp-type <9&>7; icmp-code [ <5 >=5 ]; } then { discard; } }
        route e { match { destination 2001:db8::/32/0; next-header udp; destination-port domain; } then { discard; } }
    }
}
";
    // What is sampled on the way to its denial is logged.
    let mut wanted = wanted;
    wanted.rules[3].log = true;
    holds("flowspec", &wanted, text);
    let without = text.replace("        ipv6 flow;\n", "");
    refused("flowspec", &[(&without, 8, 5)]);
}

#[test]
fn what_is_not_sure_is_refused_at_its_place() {
    let one =
        |matches: &str, actions: &str| format!("flow {{\nroute r {{ match {{\n{matches}\n}} then {{\n{actions}\n}} }}\n}}\n");
    for (matches, column) in [
        ("fragment is-fragment;", 1),
        ("packet-length >1000;", 1),
        ("dscp 3;", 1),
        ("destination 192.0.2.1/24;", 13),
        ("destination 192.0.2.1;", 13),
        ("destination 2001:db8::/64/8;", 13),
        ("destination 192.0.2.0/24; source 2001:db8::/32;", 34),
        ("destination 192.0.2.0/24; destination 10.0.0.0/8;", 27),
        ("destination 192.0.2.0/24 10.0.0.0/8;", 26),
        ("protocol tcp+udp;", 10),
        ("protocol =256;", 10),
        ("destination-port =80 =443;", 22),
        ("destination-port [ =80, =443 ];", 23),
        ("destination-port 80", 1),
        ("tcp-flags ack+ack;", 11),
        ("tcp-flags [ =0x102 ];", 13),
        ("destination \"192.0.2.0/24\";", 13),
    ] {
        refused("flowspec", &[(&one(matches, "discard;"), 3, column)]);
    }
    for (actions, column) in [
        ("rate-limit 9600;", 12),
        ("redirect 65000:1;", 1),
        ("mark 10;", 1),
        ("accept; discard;", 9),
        ("extended-community rate-limit:0:0;", 1),
        ("action log;", 8),
    ] {
        refused("flowspec", &[(&one("destination 192.0.2.0/24;", actions), 5, column)]);
    }
    let twice = "destination 192.0.2.0/24; then discard;";
    let again = "destination 192.0.2.0/24; then accept;";
    refused(
        "flowspec",
        &[
            (&flow(&[twice, again]), 3, 7),
            (&flow(&["next-header =6; then discard;"]), 2, 20),
            (&flow(&["destination 2001:db8::1/128; icmp-type echo-request; then discard;"]), 2, 49),
            (&flow(&["destination 2001:db8::1/128; next-header =44; then discard;"]), 2, 49),
            (&one("destination 192.0.2.0/24;", ""), 2, 7),
            ("flow {\nroute r { match { destination\n192.0.2.0/24; } then { discard; } }\n}\n", 2, 19),
            ("flow {\nroute r { then { discard; } }\n}\n", 2, 1),
            ("flow {\n}\nflow {\n}\n", 3, 1),
            ("process x {\nrun /bin/true;\n}\n", 1, 1),
            ("flow {\n", 1, 1),
            ("flow {\n}\n}\n", 3, 1),
            ("", 1, 1),
        ],
    );
}

#[test]
fn what_cannot_be_said_names_rule_and_feature() {
    let target = find("flowspec").unwrap();
    let error = |selector: Selector| {
        let ruleset = ruleset(vec![(selector, Action::Deny, false)]);
        (target.render)(&ruleset, &RenderOptions::default()).unwrap_err().to_string()
    };
    let sctp = L4::Sctp { source: RangeSet::full(), destination: RangeSet::of(80) };
    assert!(error(between(&[ALL], &[ALL], sctp)).starts_with("rule `r-0`: flowspec cannot say ports of SCTP"));
    let header = error(between(&["::/0"], &["::/0"], L4::Protocol(44)));
    assert!(header.contains("this protocol number over IPv6"), "{header}");
    let many: Vec<String> = (0..128).map(|host| format!("10.0.{host}.1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(error(between(&many, &many, L4::Any)).contains("a rule of more than 1024 routes"));
}

/// The order of bytes is not relied on: routes of one pair of prefixes and one protocol that do different things share no packet, unless one
/// of them is about all of the protocol and so lacks what the other has.
#[test]
fn rendered_routes_need_no_order_of_numbers() {
    let target = find("flowspec").unwrap();
    let mut random = Random(8);
    let mut compared = 0;
    for _ in 0..cases("CORDON_ORDERS", 30) {
        let mut made = random_ruleset(&mut random, 8);
        for rule in &mut made.rules {
            // Few prefixes, so that many rules are about one pair.
            let (from, to) = (random.pick(&[&[ALL, "::/0"][..], &["10.0.0.0/8", "fd00::/8"]]), ["192.0.2.0/24", "2001:db8::/32"]);
            (rule.selector.source, rule.selector.destination) = (addresses(from), addresses(&to));
            let mut ports = || {
                let first = random.below(30_000) as u16;
                RangeSet::range(first, first + random.below(30_000) as u16)
            };
            rule.selector.l4 = L4::Tcp { source: ports(), destination: ports() };
        }
        let (ruleset, rendering) = fit(target, made);
        holds("flowspec", &ruleset, &rendering.text);
        let routes: Vec<(&str, Vec<&str>)> = rendering
            .text
            .lines()
            .filter(|line| line.trim_start().starts_with("route "))
            .map(|line| (line, line.split_once("match { ").unwrap().1.split_once("}").unwrap().0.trim().split("; ").collect()))
            .collect();
        for (at, (one, parts)) in routes.iter().enumerate() {
            let head =
                |parts: &[&str]| parts.iter().position(|part| part.starts_with("protocol") || part.starts_with("next-header"));
            let Some(end) = head(parts) else { continue };
            // Routes of one pair of prefixes stand together.
            for (other, others) in
                routes[at + 1..].iter().take_while(|(_, others)| others[..end.min(others.len())] == parts[..end])
            {
                let is_one_protocol = head(others) == Some(end) && others[end] == parts[end];
                if !is_one_protocol || parts.len() == end + 1 || others.len() == end + 1 {
                    continue;
                }
                let steps = |line: &str| (target.parse)(&format!("flow {{\n{line}\n}}\n")).unwrap().steps;
                let (first, second) = (steps(one), steps(other));
                if first[0].effect != second[0].effect {
                    compared += 1;
                    let (ways, back) = ([first.clone(), second.clone()].concat(), [second, first].concat());
                    assert!(compare(&ways, &back, Limits::default()).unwrap().is_ok(), "{one}\n{other}");
                }
            }
        }
    }
    assert!(compared > 10, "only {compared} pairs");
}

#[test]
fn what_the_routes_behind_say_already_is_not_announced_again() {
    let target = find("flowspec").unwrap();
    let plc = &["192.0.2.0/24"];
    let wanted: Ruleset = ruleset(vec![
        (between(&["10.0.0.1"], plc, tcp(&[(502, 502)])), Action::Allow, false),
        (between(&["10.0.0.0/8"], plc, tcp(&[(502, 502)])), Action::Deny, false),
        (between(&[ALL], plc, L4::Any), Action::Deny, false),
        (between(&[ALL], &["192.0.2.7"], L4::Any), Action::Deny, false),
    ]);
    let rendering = (target.render)(&wanted, &RenderOptions::default()).unwrap();
    let ids: Vec<&str> = rendering.lines.iter().map(|line| line.rule.as_str()).collect();
    assert_eq!(ids, ["r-0", "r-2"], "{}", rendering.text);
    holds("flowspec", &wanted, &rendering.text);
}

#[test]
fn what_is_left_of_a_rule_is_no_route_that_is_there() {
    let target = find("flowspec").unwrap();
    let plc = &["192.0.2.0/24"];
    let low = L4::Tcp { source: RangeSet::range(0, 1023), destination: RangeSet::of(443) };
    let wanted = ruleset(vec![
        (between(&[ALL], plc, tcp(&[(80, 80)])), Action::Deny, false),
        (between(&[ALL], plc, low), Action::Allow, false),
        (between(&[ALL], plc, tcp(&[(80, 80), (443, 443)])), Action::Deny, false),
    ]);
    let rendering = (target.render)(&wanted, &RenderOptions::default()).unwrap();
    assert_eq!(rendering.lines.len(), 2, "{}", rendering.text);
    holds("flowspec", &wanted, &rendering.text);
}
