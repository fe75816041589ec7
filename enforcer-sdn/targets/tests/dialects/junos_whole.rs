//! Whole Junos configurations: filters and policies among everything else that a device has.

use enforcer_packetset::Selector;
use enforcer_policy::Action;
use enforcer_targets::find;

use crate::claims::{addresses, between, established, holds, refused, ruleset, tcp};
use crate::rulesets::{Random, cases, fit, ruleset as any_ruleset};

/// A router with one filter on what it forwards, and another before itself.
const ROUTER: &str = r#"## Last commit: 2026-03-01 04:05:06 CET by nobody
version 22.4R3.25;
groups {
    re0 { system { host-name edge-a; } interfaces { fxp0 { unit 0 { family inet { address 172.31.0.1/24; } } } } }
}
apply-groups [ re0 ];
system {
    root-authentication { encrypted-password "$6$x;{ y"; ## SECRET-DATA
    }
    login { message "Keep out { or; else }"; }
    services { ssh; netconf { ssh; } }
}
chassis { aggregated-devices { ethernet { device-count 4; } } }
interfaces {
    ge-0/0/0 {
        description "to the plant";
        vlan-tagging;
        unit 10 {
            vlan-id 10;
            family inet { filter { input plant; } address 10.1.0.1/16 { vrrp-group 1 { virtual-address 10.1.0.3; } } }
            family inet6 { address 2001:db8:1::1/64; }
        }
        unit 20 { vlan-id 20; family inet { address 10.2.0.1/16; } }
    }
    lo0 { unit 0 { family inet { filter { input protect-re; } address 10.0.0.1/32; } } }
}
snmp { community public { authorization read-only; } }
routing-options { static { route 0.0.0.0/0 next-hop 10.2.0.254; } router-id 10.0.0.1; }
protocols { bgp { group up { neighbor 10.2.0.254 { peer-as 65001; family inet { unicast; } } } } lldp { interface all; } }
policy-options {
    prefix-list bgp-neighbours { apply-path "protocols bgp group <*> neighbor <*>"; }
    prefix-list plant { 10.1.0.0/16; }
    policy-statement export { term 1 { from { route-filter 10.0.0.0/8 orlonger; } then accept; } then reject; }
}
class-of-service { schedulers { x { transmit-rate percent 10; } } }
firewall {
    family inet {
        filter plant {
            term web { from { source-prefix-list { plant; } protocol tcp; destination-port https; } then accept; }
            term rest { then { syslog; discard; } }
        }
        filter protect-re {
            term bgp { from { source-prefix-list { bgp-neighbours; } protocol tcp; port bgp; } then { policer slow; accept; } }
        }
    }
    family mpls { filter labels { term all { then accept; } } }
    policer slow { if-exceeding { bandwidth-limit 1m; burst-size-limit 15k; } then discard; }
}
"#;

fn only_v4() -> Selector {
    Selector { source: addresses(&["0.0.0.0/0"]), destination: addresses(&["0.0.0.0/0"]), ..Selector::any() }
}

#[test]
fn of_a_router_the_filter_counts_that_an_interface_binds() {
    let web = Selector { destination: addresses(&["0.0.0.0/0"]), ..between(&["10.1.0.0/16"], &[], tcp(&[(443, 443)])) };
    let wanted = ruleset(vec![(web, Action::Allow, false), (only_v4(), Action::Deny, true)]);
    let notes = holds("junos-filter", &wanted, ROUTER);
    assert_eq!(
        notes,
        [
            "the IPv4 filter judges what passes ge-0/0/0.10 input",
            "no IPv4 filter judges what passes ge-0/0/0.20",
            "the text has no IPv6 filter, so all of IPv6 is allowed"
        ]
    );
}

#[test]
fn of_two_bound_filters_or_one_that_is_not_there_neither_is_proven() {
    let unit = "family inet { address 10.2.0.1/16; }";
    let with = |binding: &str| ROUTER.replace(unit, &format!("family inet {{ {binding} }}"));
    refused(
        "junos-filter",
        &[
            (&with("filter { output protect-re; }"), 23, 61),
            (&ROUTER.replace("input plant", "input plants"), 20, 42),
            (&with("filter { input-list [ a b ]; }"), 23, 45),
            (&ROUTER.replace("filter { input plant; }", ""), 38, 16),
        ],
    );
    // A filter that is not in force may be anything; one that is may not.
    refused("junos-filter", &[(&ROUTER.replace("input plant", "input protect-re"), 43, 103)]);
}

#[test]
fn a_filter_before_the_device_itself_is_not_one_of_what_passes() {
    let own = "set interfaces lo0 unit 0 family inet filter input own\nset firewall family inet filter own term a then accept\n";
    refused("junos-filter", &[(own, 2, 33)]);
}

#[test]
fn what_decides_beside_filters_is_refused_at_its_place() {
    for (more, column) in [
        ("routing-options { flow { route r { then discard; } } }", 19),
        ("protocols { bgp { group g { family inet { flow; } } } }", 43),
        ("protocols { dot1x { authenticator { interface { ge-0/0/9; } } } }", 13),
        ("interfaces { ge-0/0/1 { unit 0 { family inet { rpf-check; } } } }", 48),
        ("interfaces { ge-0/0/1 { unit 0 { family ethernet-switching { filter { input x; } } } } }", 62),
        ("interfaces { ge-0/0/1 { unit 0 { filter { input x; } } } }", 34),
        ("vlans { plant { forwarding-options { filter { input x; } } } }", 17),
        ("forwarding-options { family inet { filter { input x; } } }", 22),
        ("security { policies { default-policy { deny-all; } } }", 12),
        ("security { zones { security-zone a { interfaces { all; } } } }", 12),
        ("services { service-set s { nat-rules r; } }", 12),
        ("logical-systems { a { system { host-name b; } } }", 1),
        ("groups { g { firewall { family inet { filter plant { term a { then accept; } } } } } }", 1),
        ("groups { g { policy-options { prefix-list plant { 10.3.0.0/16; } } } }", 1),
        ("groups { g { interfaces { <*> { unit 10 { family inet { filter { input x; } } } } } } }", 1),
        ("interfaces { ge-0/0/1 { nosuch 1; } }", 25),
        ("nosuch { a; }", 1),
    ] {
        let line = ROUTER.lines().count() + 1;
        refused("junos-filter", &[(&format!("{ROUTER}{more}\n"), line, column)]);
    }
}

/// A firewall in `set` lines.
const FIREWALL: &str = r#"set version 22.4R3.25
set groups node0 system host-name fw-a
set groups node1 system host-name fw-b
set apply-groups "${node}"
set system login message "no entry [ really ]"
set chassis cluster redundancy-group 1 node 0 priority 200
set security log mode stream
set security ike proposal p authentication-method pre-shared-keys
set security ipsec vpn v bind-interface st0.0
set security alg ftp disable
set security flow tcp-mss all-tcp mss 1350
set security screen ids-option untrust-screen icmp ping-death
set security address-book global address plc 10.1.0.0/16
set security nat source rule-set out from zone trust
set security nat source rule-set out to zone untrust
set security nat source rule-set out rule r match source-address 0.0.0.0/0
set security nat source rule-set out rule r then source-nat interface
set security zones functional-zone management interfaces fxp0.0
set security zones security-zone trust tcp-rst
set security zones security-zone trust host-inbound-traffic system-services all
set security zones security-zone trust interfaces reth0.0
set security zones security-zone untrust interfaces reth1.0 host-inbound-traffic system-services ike
set security policies global policy web match source-address plc
set security policies global policy web match destination-address any
set security policies global policy web match application junos-https
set security policies global policy web then permit
set interfaces reth0 unit 0 family inet address 10.1.0.1/16
set interfaces lo0 unit 0 family inet filter input protect
set firewall family inet filter protect term a then policer slow
set routing-options static route 0.0.0.0/0 next-hop 192.0.2.1
set protocols lldp interface all
set snmp community public
set applications application odd protocol udp
"#;

#[test]
fn of_a_firewall_the_policies_are_read() {
    let wanted = ruleset(vec![
        established(),
        (between(&["10.1.0.0/16"], &["0.0.0.0/0", "::/0"], tcp(&[(443, 443)])), Action::Allow, false),
        (Selector::any(), Action::Deny, false),
    ]);
    assert!(holds("junos-srx", &wanted, FIREWALL).is_empty());
    // As `show configuration security` lists them.
    let section: String =
        FIREWALL.lines().filter_map(|line| line.strip_prefix("set security ").map(|rest| format!("set {rest}\n"))).collect();
    holds("junos-srx", &wanted, &section);
}

#[test]
fn what_decides_beside_policies_is_refused_at_its_place() {
    for (more, column) in [
        ("security nat destination pool p address 10.0.0.1/32", 18),
        ("security nat static rule-set s from zone untrust", 18),
        ("security zones security-zone untrust screen untrust-screen", 42),
        ("security zones security-zone trust advance-policy-based-routing-profile p", 40),
        ("security forwarding-options family inet6 mode packet-based", 51),
        ("security flow advanced-options drop-matching-reserved-ip-address", 19),
        ("interfaces reth1 unit 0 family inet filter input f", 54),
        ("interfaces reth1 unit 0 family inet rpf-check", 41),
        ("services service-set s nat-rules r", 14),
        ("tenants t security policies default-policy permit-all", 5),
        ("groups g security policies default-policy permit-all", 5),
        ("groups g security zones security-zone trust screen s", 5),
        ("groups g applications application odd protocol tcp", 5),
        ("security nosuch", 14),
        ("delete system", 12),
    ] {
        let verb = if more.starts_with("delete") { "" } else { "set " };
        let column = if verb.is_empty() { 8 } else { column };
        refused("junos-srx", &[(&format!("{FIREWALL}{verb}{more}\n"), FIREWALL.lines().count() + 1, column)]);
    }
}

#[test]
fn a_rendering_says_the_same_within_a_whole_configuration() {
    let (before, after) = ROUTER.split_once("firewall {").unwrap();
    let after = after.split_once("filter protect-re").unwrap().1;
    let mut random = Random(11);
    for _ in 0..cases("CORDON_CASES", 100) {
        let filter = find("junos-filter").unwrap();
        let (_, rendering) = fit(filter, any_ruleset(&mut random, 8));
        let alone = (filter.parse)(&rendering.text).unwrap();
        // Its filters are bound under their own names.
        let name = |version: &str| {
            let start = rendering.text.split_once(&format!("family {version} "))?.1.split_once("filter ")?.1;
            start.split_whitespace().next().map(str::to_owned)
        };
        let bind = |version: &str| name(version).map_or(String::new(), |name| format!("filter {{ input {name}; }}"));
        let around = format!("{before}{}\nfirewall {{ family inet {{ filter protect-re{after}", rendering.text);
        let around = around.replace("filter { input plant; }", &bind("inet"));
        let around = around.replace("family inet6 { address", &format!("family inet6 {{ {} address", bind("inet6")));
        let whole = (filter.parse)(&around).unwrap_or_else(|error| panic!("{error}\n{around}"));
        assert_eq!(whole.steps, alone.steps, "{around}");

        let firewall = find("junos-srx").unwrap();
        let (_, rendering) = fit(firewall, any_ruleset(&mut random, 8));
        let alone = (firewall.parse)(&rendering.text).unwrap();
        let others = FIREWALL.lines().filter(|line| !line.contains(" policies ")).collect::<Vec<_>>().join("\n");
        let whole = (firewall.parse)(&format!("{}\n{others}\n", rendering.text))
            .unwrap_or_else(|error| panic!("{error}\n{}", rendering.text));
        assert_eq!(whole.steps, alone.steps, "{}", rendering.text);
    }
}
