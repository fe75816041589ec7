//! What security policies mean beyond what we write ourselves.

use enforcer_packetset::{ConnectionState, L4, RangeSet, Selector};
use enforcer_policy::Action;
use enforcer_targets::{RenderOptions, Way, find};

use crate::claims::{addresses, between, differs, established, holds, refused, ruleset, tcp, udp};

const TARGET: &str = "junos-srx";

const OBJECTS: &str = "
security {
    replace: address-book {
        global {
            address HMI_0 192.0.2.10/32;
            address HMI_1 2001:db8:1::10/128;
            address PLC_0 198.51.100.0/28;
            address PLC_1 { range-address 198.51.100.16 { to { 198.51.100.31; } } }
            address-set HMI { address HMI_0; address HMI_1; }
            address-set PLC { address PLC_0; address PLC_1; }
            address-set ALL { address-set HMI; address-set PLC; }
        }
    }
}
applications {
    application mix-1 { term t1 protocol tcp destination-port 10123; }
    application mix-2 { term t1 protocol tcp destination-port 10456; term t2 protocol udp destination-port 10456; }
    application ping { protocol icmp; icmp-type 8; inactivity-timeout 60; }
    application-set mix { application mix-1; application mix-2; }
}";

fn text(policies: &str) -> String {
    format!("{OBJECTS}\nsecurity {{ policies {{ {policies} }} }}")
}

fn global(matched: &str, then: &str) -> String {
    text(&format!("global {{ policy p {{ match {{ {matched} }} then {{ {then} }} }} }}"))
}

#[test]
fn global_policies_with_sets_and_applications_are_read() {
    let plc = ["198.51.100.0/27"];
    let wanted = ruleset(vec![
        established(),
        (between(&["192.0.2.10"], &plc, tcp(&[(10123, 10123), (10456, 10456)])), Action::Allow, true),
        (between(&["192.0.2.10"], &plc, udp(&[(10456, 10456)])), Action::Allow, true),
        (between(&["192.0.2.10"], &plc, L4::Icmp { types: RangeSet::of(8), codes: RangeSet::full() }), Action::Allow, true),
        (between(&["192.0.2.10"], &plc, tcp(&[(22, 22)])), Action::Allow, true),
        (Selector::any(), Action::Deny, false),
    ]);
    let matched = "source-address HMI; destination-address PLC; application [ mix ping junos-ssh ];";
    let notes = holds(TARGET, &wanted, &global(matched, "permit; log { session-close; } count;"));
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn a_peer_that_made_an_emptied_source_any_is_found() {
    let wanted = ruleset(vec![established(), (Selector::any(), Action::Deny, false)]);
    let difference =
        differs(TARGET, &wanted, &global("source-address any; destination-address PLC; application junos-https;", "permit;"));
    assert_eq!(difference.way, Way::AdmitsDenied);
    assert_eq!((difference.packet.destination_port, difference.packet.state), (443, ConnectionState::New));
}

#[test]
fn the_default_denies_unless_it_is_set() {
    let host = between(&["192.0.2.10"], &["0.0.0.0/0"], L4::Any);
    let matched = "source-address HMI_0; destination-address any-ipv4; application any;";
    let denied = ruleset(vec![established(), (host.clone(), Action::Deny, true)]);
    let with_default =
        global(matched, "reject; log { session-init; }").replace("policies {", "policies { default-policy { permit-all; }");
    holds(TARGET, &denied, &with_default);
    let allowed = ruleset(vec![established(), (host, Action::Allow, false), (Selector::any(), Action::Deny, false)]);
    holds(TARGET, &allowed, &global(matched, "permit;"));
}

#[test]
fn an_excluded_address_is_all_but_the_named_ones() {
    let others = addresses(&["0.0.0.0/0", "::/0"]).difference(&addresses(&["192.0.2.10", "2001:db8:1::10", "198.51.100.0/27"]));
    let wanted = ruleset(vec![
        established(),
        (Selector { source: others, ..Selector::any() }, Action::Allow, false),
        (Selector::any(), Action::Deny, false),
    ]);
    let matched = "source-address ALL; source-address-excluded; destination-address any; application any;";
    holds(TARGET, &wanted, &global(matched, "permit;"));
}

#[test]
fn one_pair_of_zones_is_read_with_a_remark_and_two_are_refused() {
    let wanted = ruleset(vec![established(), (Selector::any(), Action::Allow, false)]);
    let policy = "{ policy p { match { source-address any; destination-address any; application any; } then { permit; } } }";
    let notes = holds(TARGET, &wanted, &text(&format!("from-zone plant to-zone office {policy}")));
    assert_eq!(notes, ["read as what happens to packets that come from zone `plant` and leave to zone `office`"]);
    let two = format!("security {{ policies {{ from-zone a to-zone b {policy}\nfrom-zone b to-zone a {policy} }} }}");
    refused(TARGET, &[(&two, 2, 11)]);
}

#[test]
fn a_ruleset_that_denies_established_packets_is_refused() {
    let error = (find(TARGET).unwrap().render)(
        &ruleset(vec![(Selector::any(), Action::Deny, false), established()]),
        &RenderOptions::default(),
    );
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("rule `r-0`: junos-srx cannot say a rule about established packets"), "{error}");
}

#[test]
fn what_is_not_understood_is_refused_at_its_place() {
    let policy = "set security policies global policy p";
    let whole = |more: &str| {
        format!(
            "{policy} match source-address any\n{policy} match destination-address any\n{policy} match application any\n{policy} {more}\n"
        )
    };
    for (more, column) in [
        ("then deny\nset policies global policy p then count", 5),
        ("then permit tunnel ipsec-vpn x", 51),
        ("then log session-end", 48),
        ("scheduler-name night", 39),
        ("match dynamic-application junos:HTTP", 45),
        ("match from-zone plant\nset security policies global policy p then permit", 55),
        ("match source-address", 59),
    ] {
        let line = if more.starts_with("then deny") { 5 } else { 4 };
        refused(TARGET, &[(&whole(more), line, column)]);
    }
    refused(
        TARGET,
        &[
            (&whole("match application junos-sip\nset security policies global policy p then permit"), 4, 57),
            (&whole("then deny\nset security policies global policy p then log session-close"), 5, 48),
            (&whole("description x"), 1, 37),
            ("set security zones functional-zone nosuch", 1, 36),
            ("set security zones security-zone a screen s", 1, 36),
            ("set applications application a application-protocol ftp", 1, 32),
            ("set security nat static rule-set a", 1, 18),
        ],
    );
    let unresolved = |objects: &str| {
        format!(
            "{objects}\n{}",
            whole("then permit\n").replace("address any", "address s").replace("application any", "application s")
        )
    };
    refused(
        TARGET,
        &[
            (&unresolved("set security address-book global address-set s address-set s"), 1, 60),
            (&unresolved("set security address-book global address-set s address t"), 1, 56),
            (
                &unresolved(
                    "set security address-book global address s 10.0.0.0/8\nset applications application-set s application-set s",
                ),
                2,
                52,
            ),
            (
                &unresolved(
                    "set security address-book global address s 10.0.0.0/8\nset applications application s destination-port 80",
                ),
                2,
                30,
            ),
            (
                &unresolved(
                    "set security address-book global address s 10.0.0.0/8\nset applications application s protocol gre destination-port 80",
                ),
                2,
                30,
            ),
        ],
    );
}
