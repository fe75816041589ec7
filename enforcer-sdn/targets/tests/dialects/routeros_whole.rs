//! Whole exports of RouterOS: filter rules among everything else that a router has.

use enforcer_packetset::Selector;
use enforcer_policy::Action;
use enforcer_targets::{DeviceZones, Place, find, prove_at};

use crate::claims::{addresses, between, established, holds, refused, ruleset, tcp};
use crate::rulesets::{Random, cases, fit, ruleset as any_ruleset};

const TARGET: &str = "routeros";

const BEFORE: &str = r#"# 2026-03-01 04:05:06 by RouterOS 7.16.1
# software id = ABCD-EFGH
#
# model = RB5009UG+S+
/interface bridge
add admin-mac=02:00:00:00:00:01 auto-mac=no comment=defconf name=bridge
/interface ethernet
set [ find default-name=ether1 ] comment="to the = provider; [ x ]"
/interface list
add comment=defconf name=WAN
/interface wireless security-profiles
set [ find default=yes ] supplicant-identity=MikroTik
/ip hotspot profile
set [ find default=yes ] html-directory=hotspot
/ip pool
add name=dhcp ranges=10.0.0.10-10.0.0.254
/ip dhcp-server
add address-pool=dhcp interface=bridge name=defconf
/queue simple
add disabled=yes max-limit=1M/1M name=old target=10.0.0.0/24
/interface bridge port
add bridge=bridge comment=defconf interface=ether2
/ip firewall connection tracking
set udp-timeout=10s
/ip settings
set max-neighbor-entries=8192 rp-filter=no
/interface list member
add comment=defconf interface=ether1 list=WAN
/ip address
add address=10.0.0.1/24 comment=defconf interface=bridge \
    network=10.0.0.0
/ip dns static
add address=10.0.0.1 name=router.lan
"#;

const AFTER: &str = r#"/ip firewall mangle
add action=change-mss chain=forward new-mss=clamp-to-pmtu protocol=tcp tcp-flags=syn
/ip firewall nat
add action=masquerade chain=srcnat comment="defconf: masquerade" ipsec-policy=out,none out-interface-list=WAN
add action=dst-nat chain=dstnat disabled=yes dst-port=80 protocol=tcp to-addresses=10.0.0.2
/ip firewall raw
add action=accept chain=prerouting
/ip route
add disabled=no distance=1 dst-address=0.0.0.0/0 gateway=192.0.2.1
/system clock
set time-zone-name=Europe/Zurich
/system scheduler add name=backup on-event="/system backup save name=x; /ip firewall filter print" interval=1d
/tool mac-server
set allowed-interface-list=WAN
"#;

#[test]
fn a_whole_export_is_its_filter_rules() {
    let wanted = ruleset(vec![
        established(),
        (between(&["10.0.0.0/24"], &["0.0.0.0/0"], tcp(&[(443, 443)])), Action::Allow, false),
        (
            Selector { source: addresses(&["0.0.0.0/0"]), destination: addresses(&["0.0.0.0/0"]), ..Selector::any() },
            Action::Deny,
            false,
        ),
    ]);
    let rules = "/ip firewall filter
add action=accept chain=input protocol=icmp
add action=accept chain=forward connection-state=established,related
add action=accept chain=forward dst-port=443 protocol=tcp src-address=10.0.0.0/24
add action=drop chain=forward
/ipv6 firewall filter
add action=accept chain=forward connection-state=established,related
";
    holds(TARGET, &wanted, &format!("{BEFORE}{rules}{AFTER}"));
}

#[test]
fn the_rules_from_the_factory_are_read_for_a_router_without_ipsec_and_translated_destinations() {
    let v4 = addresses(&["0.0.0.0/0"]);
    let wan = v4.difference(&addresses(&["10.0.0.0/8"]));
    let wanted = ruleset(vec![
        established(),
        (Selector { source: wan.clone(), destination: v4, ..Selector::any() }, Action::Deny, false),
        (Selector::any(), Action::Allow, false),
    ]);
    let rules = "/ip firewall filter
add action=drop chain=input comment=\"not from LAN\" in-interface-list=WAN
add action=accept chain=forward ipsec-policy=in,ipsec
add action=accept chain=forward ipsec-policy=out,ipsec
add action=fasttrack-connection chain=forward connection-state=established,related
add action=accept chain=forward connection-state=established,related,untracked
add action=drop chain=forward connection-state=invalid
add action=drop chain=forward connection-nat-state=!dstnat connection-state=new in-interface-list=WAN
add action=drop chain=forward connection-nat-state=dstnat
";
    let zones = DeviceZones::new([("ether1".to_owned(), wan), ("bridge".to_owned(), addresses(&["10.0.0.0/8", "::/0"]))].into());
    let place = Place { zones, sides: Vec::new() };
    let proof = prove_at(find(TARGET).unwrap(), &wanted, &format!("{BEFORE}{rules}{AFTER}"), &place);
    let notes = proof.unwrap_or_else(|error| panic!("{error}")).notes;
    assert!(notes.iter().any(|note| note.starts_with("read for a router without IPsec")), "{notes:?}");
}

#[test]
fn what_decides_beside_the_rules_is_refused_at_its_place() {
    let lines = BEFORE.lines().count();
    for (more, column) in [
        ("/ip firewall nat\nadd action=dst-nat chain=dstnat to-addresses=10.0.0.2", 1),
        ("/ip firewall nat\nadd action=jump chain=other", 1),
        ("/ip firewall raw\nadd action=drop chain=prerouting src-address-list=bad", 1),
        ("/ip firewall raw\nadd action=notrack chain=prerouting", 1),
        ("/ip firewall mangle\nadd action=mark-routing chain=prerouting new-routing-mark=x", 1),
        ("/ipv6 firewall raw\nadd action=drop chain=prerouting", 1),
        ("/ip firewall connection tracking\nset enabled=no", 13),
        ("/ip settings\nset rp-filter=strict", 15),
        ("/ip settings\nset [ find rp-filter=no ] rp-filter=loose", 37),
        ("/ip settings\nset name=[/ip address get 0]", 10),
        ("/interface bridge filter\nadd action=drop chain=forward", 1),
        ("/interface bridge port\nadd bridge=b horizon=1 interface=ether3", 22),
        ("/queue simple\nadd max-limit=1M/1M name=x target=10.0.0.2", 1),
        ("/queue simple\nset [ find disabled=yes ] max-limit=1M/1M", 1),
        ("/routing rule\nadd action=drop src-address=10.0.0.2", 1),
        ("/ip ipsec policy\nadd dst-address=10.1.0.0/16 src-address=10.0.0.0/16 tunnel=yes", 1),
        ("/ip hotspot\nadd disabled=no interface=bridge", 1),
        ("/ip socks\nset enabled=yes", 13),
        ("/ip firewall filter\nadd chain=forward connection-nat-state=!srcnat", 19),
        ("/ip firewall filter\nadd chain=forward ipsec-policy=in", 32),
        ("/system identity\nremove x", 1),
        (":put x", 1),
    ] {
        let line = lines + more.lines().count();
        refused(TARGET, &[(&format!("{BEFORE}{more}\n"), line, column)]);
    }
    refused(TARGET, &[(&format!("{BEFORE}/ip nosuch\nadd x=y\n"), lines + 1, 1)]);
}

#[test]
fn a_rendering_says_the_same_within_a_whole_export() {
    let target = find(TARGET).unwrap();
    let mut random = Random(12);
    for _ in 0..cases("CORDON_CASES", 100) {
        let (_, rendering) = fit(target, any_ruleset(&mut random, 8));
        let alone = (target.parse)(&rendering.text).unwrap();
        let around = format!("{BEFORE}{}\n{AFTER}", rendering.text);
        let whole = (target.parse)(&around).unwrap_or_else(|error| panic!("{error}\n{around}"));
        assert_eq!(whole.steps, alone.steps, "{around}");
    }
}
