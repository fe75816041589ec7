//! What holds for every one of these dialects: known mis-compilations are found, and no text makes a parser panic.

use enforcer_packetset::{FlagSet, L4, Selector};
use enforcer_targets::{RenderOptions, Way, find};

use super::{ALL, ALL4, allow, between, deny, differs, established, holds, ruleset, tcp, udp};
use crate::rulesets::{Random, cases, fit};

/// Each dialect with a text around entries for IPv4.
const FRAMES: &[(&str, &str, &str, &str)] = &[
    ("arista-eos", "ip access-list a\n", "", ""),
    ("aruba-aoscx", "access-list ip a\n", "", ""),
    ("cisco-asa", "", "access-list a extended ", "access-list a extended deny ip any any log disable\n"),
    ("cisco-ios", "ip access-list extended a\n", "", ""),
    ("cisco-nxos", "ip access-list a\n", "", ""),
    ("cisco-vacl", "ip access-list extended a\n", "", "vlan access-map m 10\n match ip address a\n action forward\n"),
];

fn text((_, head, before, tail): (&str, &str, &str, &str), entries: &[&str]) -> String {
    let entries: Vec<String> = entries.iter().map(|entry| format!("{before}{entry}\n")).collect();
    format!("{head}{}{tail}", entries.concat())
}

/// What is allowed, the rest of what the text speaks of denied.
fn wanted(target: &str, allowed: &[Selector]) -> enforcer_policy::Ruleset {
    let is_asa = target == "cisco-asa";
    let rest = if is_asa { ALL } else { ALL4 };
    let first = is_asa.then(established);
    let allowed = allowed.iter().cloned().map(allow);
    ruleset(first.into_iter().chain(allowed).chain([deny(between(rest, rest, L4::Any), false)]).collect())
}

#[test]
fn known_miscompilations_are_found_in_every_list() {
    let ssh = |source: &[&str]| between(source, ALL4, tcp(&[(22, 22)]));
    for &frame in FRAMES {
        let target = frame.0;
        // A source of nobody, and a source of IPv6 addresses only, that became everybody.
        let open = if target == "cisco-asa" { "permit tcp any4 any4 eq 22" } else { "permit tcp any any eq 22" };
        holds(target, &wanted(target, &[ssh(ALL4)]), &text(frame, &[open]));
        let nobody = wanted(target, &[]);
        let difference = differs(target, &nobody, &text(frame, &[open, "permit udp any any eq 9"]));
        assert_eq!(difference.way, Way::AdmitsDenied, "{target}");
        // Two services whose ports were opened on both protocols.
        let crossed = ["permit tcp any any eq 10123", "permit udp any any eq 10456", "permit tcp any any eq 10456"];
        let both = if target == "cisco-asa" { ALL } else { ALL4 };
        let services = [between(both, both, tcp(&[(10123, 10123)])), between(both, both, udp(&[(10456, 10456)]))];
        holds(target, &wanted(target, &services), &text(frame, &crossed[..2]));
        let difference = differs(target, &wanted(target, &services), &text(frame, &crossed));
        let packet = difference.packet;
        assert_eq!((difference.way, packet.protocol, packet.destination_port), (Way::AdmitsDenied, 6, 10456), "{target}");
        // Answers that became requests.
        let lost = differs(target, &wanted(target, &answers(target)), &text(frame, &["permit tcp any any"]));
        assert_eq!(lost.way, Way::AdmitsDenied, "{target}");
        if target != "cisco-asa" {
            holds(target, &wanted(target, &answers(target)), &text(frame, &["permit tcp any any established"]));
        }
    }
}

/// A stateful device knows answers by itself.
fn answers(target: &str) -> Vec<Selector> {
    if target == "cisco-asa" {
        return Vec::new();
    }
    vec![Selector { flags: FlagSet::ack_or_rst(), ..between(ALL4, ALL4, L4::Protocol(6)) }]
}

#[test]
fn no_text_makes_a_parser_panic() {
    let mut random = Random(8);
    for &(name, ..) in FRAMES {
        let target = find(name).unwrap();
        let mut refused = 0;
        let wanted = cases("CORDON_SOUPS", 100);
        for _ in 0..wanted {
            let (_, rendering) = fit(target, crate::rulesets::ruleset(&mut random, 4));
            let mut words: Vec<&str> = rendering.text.split_inclusive([' ', '\n', '/', '.']).collect();
            let odd = [
                "object-group ",
                "network x\n",
                "range ",
                "eq ",
                "0 ",
                "host ",
                "::/",
                "é",
                "\n",
                "log ",
                "match ",
                "\t",
                "vlan ",
            ];
            for _ in 0..1 + random.below(12) {
                let (at, other) = (random.below(words.len() as u64) as usize, random.below(words.len() as u64) as usize);
                match random.below(4) {
                    0 => words.swap(at, other),
                    1 => words.insert(at, odd[random.below(odd.len() as u64) as usize]),
                    2 => words.truncate(at.max(1)),
                    _ => words[at] = words[other],
                }
            }
            refused += u64::from((target.parse)(&words.concat()).is_err());
        }
        assert!(refused > wanted / 2, "{name}: only {refused} of {wanted} were refused");
        // And nothing at all, and only beginnings.
        let rendering = (target.render)(&ruleset(Vec::new()), &RenderOptions::default()).unwrap().text;
        for end in (0..rendering.len()).filter(|&end| rendering.is_char_boundary(end)) {
            let _ = (target.parse)(&rendering[..end]);
        }
    }
}

#[test]
fn a_running_configuration_around_a_list_is_understood_and_what_filters_beside_it_is_not() {
    let counters =
        [("cisco-ios", "(12 matches)"), ("cisco-nxos", "[match=12]"), ("arista-eos", "[match 12 packets, 0:00:05 ago]")];
    for (target, counter) in counters {
        let frame = FRAMES.iter().find(|frame| frame.0 == target).copied().unwrap();
        let entries = text(frame, &[&format!("permit tcp any any eq 22 {counter}"), "deny ip any any"]);
        let bind = if target == "cisco-ios" { "ip access-group a in" } else { "ip access-group a out" };
        let around = format!(
            "!\nversion 15.2\nhostname plant-1\n{entries}!\ninterface Vlan10\n description cell 10 (do not touch)\n \
             ip address 192.0.2.1 255.255.255.0\n {bind}\n no shutdown\n!\nend\n"
        );
        holds(target, &wanted(target, &[between(ALL4, ALL4, tcp(&[(22, 22)]))]), &around);
        for line in [
            "ip verify unicast source reachable-via rx",
            "service-policy input x",
            "mac access-group m in",
            "zone-member security x",
        ] {
            let filtered = around.replace(" no shutdown", &format!(" {line}"));
            let error = (find(target).unwrap().parse)(&filtered).unwrap_err();
            assert_eq!(error.line, filtered.lines().position(|found| found.trim() == line).unwrap() + 1, "{target}: {error}");
        }
        for counter in ["(x matches)", "[match]", "(12 matches) log"] {
            let broken = text(frame, &[&format!("permit tcp any any eq 22 {counter}")]);
            assert!((find(target).unwrap().parse)(&broken).is_err(), "{target}: {counter}");
        }
    }
}
