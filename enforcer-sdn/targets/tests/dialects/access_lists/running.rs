//! Whole running configurations: the list that is bound counts, what is beside it is known to be harmless or stops the proof.

use enforcer_packetset::L4;
use enforcer_policy::Ruleset;
use enforcer_targets::{ParseError, Way, find, prove};

use super::{ALL, ALL4, allow, between, deny, differs, established, holds, rest4, ruleset, tcp, udp};

const IOS: &str = "\
Building configuration...

Current configuration : 4242 bytes
!
! Last configuration change at 10:00:00 UTC Mon Nov 2 2026
!
version 17.9
service timestamps debug datetime msec
no service pad
hostname press-1
!
boot-start-marker
boot-end-marker
!
vrf definition Mgmt
 !
 address-family ipv4
 exit-address-family
!
enable secret 9 xyz
!
aaa new-model
aaa authentication login default local
!
ip domain name plant.example
!
crypto pki certificate chain SELF
 certificate self-signed 01
  30820330 30820218
  \tquit
!
object-group network CELLS
 description presses
 10.1.0.0 255.255.0.0
 host 10.2.0.9
!
class-map match-any VOICE
 match access-group name QOS
policy-map MARK
 class VOICE
  set dscp ef
!
interface GigabitEthernet1/0/1
 description ip access-group nothing in
 switchport
 switchport mode access
 switchport access vlan 10
 spanning-tree portfast
!
interface Vlan10
 ip address 10.1.0.1 255.255.0.0
 ip access-group CELL in
 ip helper-address 10.9.0.1
 ip ospf 1 area 0
!
interface Vlan99
 no ip address
 shutdown
!
router ospf 1
 network 10.0.0.0 0.255.255.255 area 0
 distribute-list 10 in
!
ip route 0.0.0.0 0.0.0.0 10.1.0.254
!
ip access-list standard VTY
 permit 10.9.0.0 0.0.255.255
ip access-list extended CELL
 10 remark presses may ask the historian
 20 permit tcp object-group CELLS host 192.0.2.10 eq 1433
 30 permit udp object-group CELLS any eq ntp
 40 deny ip any any
ip access-list extended QOS
 permit udp any any dscp ef
access-list 10 permit 10.0.0.0 0.255.255.255
!
route-map X permit 10
 match ip address 10
!
snmp-server community public RO 10
!
banner motd ^C
 ip access-group CELL out
 keep out
^C
!
line vty 0 4
 access-class VTY in
 transport input ssh
!
ntp server 10.9.0.2
end
";

const NXOS: &str = "\
!Command: show running-config
version 9.3(8) Bios:version 07.69
hostname leaf-1
feature ospf
vlan 1,10
vlan 10
  name presses
object-group ip address CELLS
  10 10.1.0.0/16
  20 host 10.2.0.9
ip access-list COPP
  10 permit tcp any any eq bgp packet-length gt 100
ip access-list CELL
  statistics per-entry
  20 permit tcp addrgroup CELLS 192.0.2.10/32 eq 1433
  30 permit udp addrgroup CELLS any eq ntp
  40 deny ip any any
class-map type control-plane match-any copp-x
  match access-group name COPP
control-plane
  service-policy input copp-x
vrf context management
  ip route 0.0.0.0/0 10.9.0.254
interface Vlan10
  no shutdown
  ip address 10.1.0.1/16
  ip access-group CELL in
interface Ethernet1/1
  switchport
  switchport access vlan 10
interface mgmt0
  vrf member management
  ip address 10.9.0.1/24
line vty
  access-class COPP in
boot nxos bootflash:/nxos.bin
router ospf 1
";

const EOS: &str = "\
! Command: show running-config
! device: leaf-1 (DCS-7050, EOS-4.28)
!
transceiver qsfp default-mode 4x10G
!
hostname leaf-1
!
spanning-tree mode mstp
!
vlan 10
   name presses
!
interface Ethernet1
   description press
   switchport access vlan 10
!
interface Vlan10
   ip address 10.1.0.1/16
   ip access-group CELL in
!
ip access-list standard VTY
   10 permit 10.9.0.0/16
!
ip access-list CELL
   counters per-entry
   20 permit tcp 10.1.0.0/16 host 192.0.2.10 eq 1433
   21 permit tcp host 10.2.0.9 host 192.0.2.10 eq 1433
   30 permit udp 10.1.0.0/16 any eq ntp
   31 permit udp host 10.2.0.9 any eq ntp
   40 deny ip any any
!
ip routing
!
management ssh
   ip access-group VTY in
!
banner login
 ip access-group CELL out
EOF
!
end
";

const AOSCX: &str = "\
!
!Version ArubaOS-CX FL.10.10
hostname access-1
user admin group administrators password plaintext x
ntp server 10.9.0.2
ssh server vrf mgmt
object-group ip address CELLS
    10 10.1.0.0/255.255.0.0
    20 10.2.0.9
access-list ip MGMT
    10 permit tcp 10.9.0.0/255.255.0.0 any eq 22 ttl 3
access-list ip CELL
    20 permit tcp CELLS 192.0.2.10 eq 1433 count
    30 permit udp CELLS any eq 123
    40 deny any any any
vlan 1
vlan 10
    name presses
    apply access-list ip CELL in
interface 1/1/1
    no shutdown
    no routing
    vlan access 10
interface vlan 10
    ip address 10.1.0.1/16
apply access-list ip MGMT control-plane vrf default
https-server vrf mgmt
";

const ASA: &str = "\
: Saved
:
ASA Version 9.16(3)
!
hostname edge
domain-name plant.example
names
!
interface GigabitEthernet0/0
 nameif outside
 security-level 0
 ip address 198.51.100.1 255.255.255.0
!
interface GigabitEthernet0/1
 nameif cells
 security-level 50
 ip address 10.1.0.1 255.255.0.0
!
clock timezone UTC 0
object network press
 host 10.2.0.9
object-group network CELLS
 network-object 10.1.0.0 255.255.0.0
 network-object object press
access-list SPLIT standard permit 10.0.0.0 255.0.0.0
access-list CELL remark presses may ask the historian
access-list CELL extended permit tcp object-group CELLS host 192.0.2.10 eq 1433
access-list CELL extended permit udp object-group CELLS any4 eq ntp
access-list CELL extended deny ip any4 any4 log disable
access-list CELL extended permit ip any any
pager lines 24
mtu outside 1500
no failover
access-group CELL in interface cells
route outside 0.0.0.0 0.0.0.0 198.51.100.254 1
timeout xlate 3:00:00
aaa authentication ssh console LOCAL
class-map inspection_default
 match default-inspection-traffic
policy-map global_policy
 class inspection_default
  inspect dns
Cryptochecksum:1234
: end
";

const VACL: &str = "\
version 15.2
hostname press-1
vtp mode off
ip access-list extended CELL
 permit tcp 10.1.0.0 0.0.255.255 host 192.0.2.10 eq 1433
 permit tcp host 10.2.0.9 host 192.0.2.10 eq 1433
 permit udp 10.1.0.0 0.0.255.255 any eq ntp
 permit udp host 10.2.0.9 any eq ntp
ip access-list extended VTY
 deny tcp host 10.9.9.9 any
 permit tcp any any log
vlan access-map OTHER 10
 match ip address VTY
 action drop
vlan access-map CELLS 10
 match ip address CELL
 action forward
vlan filter CELLS vlan-list 10
vlan 10
 name presses
interface Vlan10
 ip address 10.1.0.1 255.255.0.0
line vty 0 4
 access-class VTY in
end
";

/// Each with its dialect, and a line of its own behind which others may be put.
const ALL_TEXTS: &[(&str, &str, &str)] = &[
    ("cisco-ios", IOS, " ip helper-address 10.9.0.1\n"),
    ("cisco-nxos", NXOS, "  ip address 10.1.0.1/16\n"),
    ("arista-eos", EOS, "   ip address 10.1.0.1/16\n"),
    ("aruba-aoscx", AOSCX, "    vlan access 10\n"),
    ("cisco-asa", ASA, " security-level 50\n"),
    ("cisco-vacl", VACL, " ip address 10.1.0.1 255.255.0.0\n"),
];

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
