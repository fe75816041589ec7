//! Whole running configurations: the list that is bound counts, what is beside it is known to be harmless or stops the proof.

mod texts;

use enforcer_packetset::L4;
use enforcer_policy::Ruleset;
use enforcer_targets::{ParseError, Way, find, prove};

use super::{ALL, ALL4, allow, between, deny, differs, established, holds, rest4, ruleset, tcp, udp};
use texts::{ALL_TEXTS, AOSCX, ASA, EOS, IOS, NXOS, VACL};

fn wanted(target: &str) -> Ruleset {
    let cells = &["10.1.0.0/16", "10.2.0.9/32"];
    let rules = vec![
        allow(between(cells, &["192.0.2.10/32"], tcp(&[(1433, 1433)]))),
        allow(between(cells, ALL4, udp(&[(123, 123)]))),
        rest4(),
    ];
    let first = (target == "cisco-asa").then(established);
    ruleset(first.into_iter().chain(rules).collect())
}

/// The text with other lines behind one of its own; the number of the first of them.
fn with(text: &str, behind: &str, lines: &str) -> (String, usize) {
    let at = text.find(behind).unwrap() + behind.len();
    (format!("{}{lines}{}", &text[..at], &text[at..]), text[..at].matches('\n').count() + 1)
}

fn error_of(target: &str, text: &str) -> ParseError {
    match (find(target).unwrap().parse)(text) {
        Err(error) => error,
        Ok(_) => panic!("{target} was read\n{text}"),
    }
}

#[test]
fn a_whole_running_configuration_is_the_list_that_it_binds() {
    for &(target, text, _) in ALL_TEXTS {
        holds(target, &wanted(target), text);
        let wider = text.replace("1433", "1434");
        assert_eq!(differs(target, &wanted(target), &wider).way, Way::AdmitsDenied, "{target}");
    }
    // Where it judges, and where not, stands beside the proof.
    let notes = prove(find("cisco-ios").unwrap(), &wanted("cisco-ios"), IOS).unwrap().notes.join("\n");
    assert!(notes.contains("judges what passes Vlan10 in"), "{notes}");
    assert!(notes.contains("no IPv4 list judges what passes GigabitEthernet1/0/1, Vlan99"), "{notes}");
}

#[test]
fn what_filters_beside_the_lists_stops_the_proof_at_its_line() {
    let in_interface = |target: &str| -> Vec<&str> {
        match target {
            "cisco-asa" => vec!["policy-route route-map x", "zone-member x"],
            "aruba-aoscx" => {
                vec!["apply policy x in", "aaa authentication port-access mac-auth", "port-access onboarding-method x"]
            }
            _ => vec![
                "service-policy input x",
                "ip verify unicast source reachable-via rx",
                "mac access-group x in",
                "zone-member security x",
                "ip nat inside",
                "ip policy route-map x",
                "switchport port-security",
                "switchport protected",
                "storm-control broadcast level 1.00",
                "crypto map x",
                "source template x",
                "anything else",
            ],
        }
    };
    let beside = |target: &str| -> Vec<&str> {
        match target {
            "cisco-asa" => vec![
                "nat (cells,outside) source dynamic any interface",
                "service-policy global_policy global",
                "crypto map x interface outside",
                "sysopt connection permit-vpn",
                "shun 10.0.0.1",
                "anything else",
            ],
            _ => vec![
                "zone-pair security x source a destination b",
                "ip nat inside source list 1 interface Vlan10 overload",
                "service-policy input x",
                "ip dhcp snooping",
                "ip arp inspection vlan 10",
                "cts role-based enforcement",
                "mac address-table static 0000.0000.0001 vlan 10 drop",
                "anything else",
            ],
        }
    };
    for &(target, text, behind) in ALL_TEXTS {
        let indent = behind.len() - behind.trim_start().len();
        for line in in_interface(target) {
            let (changed, at) = with(text, behind, &format!("{}{line}\n", " ".repeat(indent)));
            let error = error_of(target, &changed);
            assert_eq!((error.line, error.column), (at, indent + 1), "{target}: {line}: {error}");
            assert!(error.advice.contains("cut"), "{error}");
        }
        for line in beside(target) {
            let changed = text.replacen("hostname", &format!("{line}\nhostname"), 1);
            let at = text.lines().position(|line| line.starts_with("hostname")).unwrap() + 1;
            let error = error_of(target, &changed);
            assert_eq!((error.line, error.column), (at, 1), "{target}: {line}: {error}");
            assert!(error.advice.contains("cut"), "{error}");
        }
    }
    let (both, at) = with(IOS, "ntp server 10.9.0.2\n", "vlan filter m vlan-list 10\n");
    assert_eq!(error_of("cisco-ios", &both).line, at);
    let (both, at) = with(VACL, " ip address 10.1.0.1 255.255.0.0\n", " ip access-group VTY in\n");
    assert_eq!(error_of("cisco-vacl", &both).line, at);
}

#[test]
fn of_two_lists_that_are_bound_none_is_chosen() {
    for (target, text, behind, line, column) in [
        ("cisco-ios", IOS, " ip access-group CELL in\n", " ip access-group QOS out\n", 18),
        ("cisco-ios", IOS, " shutdown\n", " ip access-group VTY in\n", 18),
        ("cisco-nxos", NXOS, "  switchport access vlan 10\n", "  ip port access-group COPP in\n", 24),
        ("arista-eos", EOS, "   ip access-group CELL in\n", "   ip access-group VTY out\n", 20),
        ("aruba-aoscx", AOSCX, "    no routing\n", "    apply access-list ip MGMT in\n", 26),
        ("cisco-asa", ASA, "access-group CELL in interface cells\n", "access-group SPLIT global\n", 14),
        ("cisco-vacl", VACL, "vlan filter CELLS vlan-list 10\n", "vlan filter OTHER vlan-list 20\n", 13),
    ] {
        let (changed, at) = with(text, behind, line);
        let error = error_of(target, &changed);
        assert_eq!((error.line, error.column), (at, column), "{target}: {error}");
    }
    // The same list at two places is one.
    let (changed, _) = with(IOS, " ip access-group CELL in\n", " ip access-group CELL out\n");
    holds("cisco-ios", &wanted("cisco-ios"), &changed);
}

#[test]
fn a_list_that_is_bound_nowhere_does_nothing() {
    for (target, text, binding, name) in [
        ("cisco-ios", IOS, " ip access-group CELL in\n", "VTY"),
        ("cisco-asa", ASA, "access-group CELL in interface cells\n", "SPLIT"),
    ] {
        let text = text.replace(binding, "");
        let error = error_of(target, &text);
        let first = text.lines().position(|line| line.contains("access-list") && line.contains(name)).unwrap() + 1;
        assert_eq!(error.line, first, "{target}: {error}");
        assert!(error.what.contains("filters nothing"), "{error}");
    }
    // A list for IPv6 beside one for IPv4 that alone is bound: IPv6 passes.
    let unbound = format!("ipv6 access-list SIX\n deny ipv6 any any\n{IOS}");
    holds("cisco-ios", &wanted("cisco-ios"), &unbound);
    let six = deny(between(&["::/0"], &["::/0"], L4::Any), false);
    let mut both = wanted("cisco-ios");
    both.rules.push(six);
    assert_eq!(differs("cisco-ios", &both, &unbound).way, Way::AdmitsDenied);
    let bound = unbound.replace(" ip access-group CELL in\n", " ip access-group CELL in\n ipv6 traffic-filter SIX in\n");
    holds("cisco-ios", &both, &bound);
}

#[test]
fn a_line_that_is_not_understood_matters_where_it_is_in_force() {
    // It stands in a list that other lines refer to.
    assert!(IOS.contains("dscp ef"));
    let (changed, at) =
        with(IOS, " 20 permit tcp object-group CELLS host 192.0.2.10 eq 1433\n", " 25 permit udp any any dscp ef\n");
    let error = error_of("cisco-ios", &changed);
    assert_eq!((error.line, error.column), (at, 24), "{error}");
    let bound = IOS.replace("ip access-group CELL in", "ip access-group QOS in");
    let at = IOS.lines().position(|line| line.contains("permit udp any any dscp")).unwrap() + 1;
    assert_eq!(error_of("cisco-ios", &bound).line, at);
}

#[test]
fn an_object_that_is_translated_is_told() {
    let (changed, at) = with(ASA, "mtu outside 1500\n", "object network press\n nat (cells,outside) static 198.51.100.9\n");
    let error = error_of("cisco-asa", &changed);
    assert_eq!((error.line, error.column), (at + 1, 2), "{error}");
    assert!(error.advice.contains("addresses"), "{error}");
}

#[test]
fn two_lists_without_a_binding_are_no_list() {
    let text = "ip access-list extended a\n permit ip any any\nip access-list extended b\n deny ip any any\n";
    let error = error_of("cisco-ios", text);
    assert_eq!((error.line, error.column), (3, 25), "{error}");
    // With everything of the policy in the first of them, the second still has a say in what the device does.
    let all = ruleset(vec![allow(between(ALL, ALL, L4::Any))]);
    assert!(prove(find("cisco-ios").unwrap(), &all, text).is_err());
}
