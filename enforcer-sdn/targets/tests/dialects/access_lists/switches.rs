//! NX-OS, EOS and AOS-CX.

use enforcer_packetset::{L4, RangeSet};
use enforcer_targets::Way;

use super::{ALL4, allow, between, deny, differs, holds, icmp, refused, rest4, ruleset, tcp, udp};

#[test]
fn nxos_lists_groups_and_numbers_are_read() {
    let wanted = ruleset(vec![
        allow(between(&["10.0.6.0/24", "10.0.12.3/32", "10.1.0.0/16"], &["10.0.1.11/32"], tcp(&[(80, 80), (7937, 8999)]))),
        allow(between(ALL4, ALL4, icmp(8))),
        rest4(),
    ]);
    let text = "\
object-group ip address g
  10 10.0.6.0/24
  20 host 10.0.12.3
  30 10.1.0.0 0.0.255.255
object-group ip port p
  10 eq 80
  20 range 7937 8999
ip access-list in
  statistics per-entry
  10 remark shops
  20 permit tcp addrgroup g host 10.0.1.11 portgroup p
  30 permit icmp any any echo
interface Ethernet1/1
  ip access-group in in
";
    holds("cisco-nxos", &wanted, text);
    // At the end of an IPv6 list routers and neighbours may be looked for; on IOS neighbours only.
    let unsaid = L4::Icmp6 { types: RangeSet::range(133, 136), codes: RangeSet::full() };
    let wanted = ruleset(vec![allow(between(&["::/0"], &["::/0"], unsaid)), deny(between(&["::/0"], &["::/0"], L4::Any), false)]);
    let list = "ipv6 access-list a\n 10 deny tcp any any\n";
    holds("cisco-nxos", &wanted, list);
    assert_eq!(differs("cisco-ios", &wanted, list).way, Way::DeniesAllowed);
    for entry in [
        "10 permit tcp any any eq 80 «443",
        "10 permit ip 10.0.0.0 «255.0.0.0 any",
        "10 permit tcp any any «fragments",
        "10 permit ip addrgroup «x any",
        "10 permit ip any any «capture session 1",
        "«fragments deny-all",
    ] {
        refused("cisco-nxos", &[&format!("ip access-list a\n {entry}\n")]);
    }
    refused(
        "cisco-nxos",
        &[
            "«ip access-list a\n statistics per-entry\n",
            "ip access-list extended «a\n 10 permit ip any any\n",
            "object-group ip address g\n 10 host 10.0.0.1\nipv6 access-list a\n 10 permit ipv6 addrgroup «g any\n",
            "object-group ip port g\n 10 eq «snmp\n",
            "ip access-list a\n 10 permit ip any any\nipv6 access-list «a\n",
            "ip access-list a\n 10 permit ip any any\n «10 deny ip any any\n",
            // An entry without a number is the twentieth, so this one would go before it.
            "ip access-list a\n 10 permit tcp any any\n permit ip any any\n «15 deny ip any any\n",
        ],
    );
}

#[test]
fn eos_lists_are_read_and_their_unwritten_end_is_not_guessed() {
    let wanted = ruleset(vec![
        allow(between(&["10.0.0.0/8"], &["192.0.2.0/24"], tcp(&[(22, 22), (443, 443)]))),
        allow(between(&["10.0.0.0/8"], &["192.0.2.0/24"], udp(&[(123, 123)]))),
        rest4(),
    ]);
    let text = "\
ip access-list in
   counters per-entry
   10 remark shells
   20 permit tcp 10.0.0.0/8 192.0.2.0/24 eq ssh https
   30 permit udp 10.0.0.0 0.255.255.255 192.0.2.0/24 eq ntp
!
interface Ethernet1
   ip access-group in in
";
    holds("arista-eos", &wanted, text);
    let nothing = ruleset(vec![deny(between(&["::/0"], &["::/0"], L4::Any), false)]);
    holds("arista-eos", &nothing, "ipv6 access-list a\n 10 deny icmpv6 any any nd-na\n 20 deny ipv6 any any\n");
    refused(
        "arista-eos",
        &[
            "«ipv6 access-list a\n 10 permit tcp any any\n",
            "«ip access-list a\n",
            "ipv6 access-list a\n 10 permit «icmp any any\n",
            "ip access-list a\n 10 permit tcp any any «tracked\n",
            "ip access-list a\n 10 permit ip any any «ttl eq 3\n",
        ],
    );
}

#[test]
fn aoscx_lists_groups_and_comments_are_read() {
    let wanted = ruleset(vec![
        allow(between(&["10.0.0.0/8", "192.0.2.7/32"], &["198.51.100.0/24"], tcp(&[(80, 80), (8000, 65535)]))),
        allow(between(ALL4, ALL4, L4::Icmp { types: RangeSet::of(8), codes: RangeSet::of(0) })),
        deny(between(ALL4, ALL4, L4::Protocol(115)), true),
        rest4(),
    ]);
    let text = "\
object-group ip address clients
    10 10.0.0.0/255.0.0.0
    20 192.0.2.7
object-group port web
    10 eq 80
    20 gt 7999
access-list ip in
    10 comment shops
    10 permit tcp clients 198.51.100.0/24 group web count
    20 permit icmp any any icmp-type echo icmp-code 0
    20 comment echo
    30 deny l2tp any any log count
interface 1/1/1
    apply access-list ip in in
";
    holds("aruba-aoscx", &wanted, text);
    // Nothing passes at the end, neighbour discovery neither.
    let nothing = ruleset(vec![deny(between(&["::/0"], &["::/0"], L4::Any), false)]);
    holds("aruba-aoscx", &nothing, "access-list ipv6 a\n 10 deny tcp any any\n");
    for entry in [
        "10 permit tcp 10.0.0.0 0.255.255.255 «any",
        "10 permit tcp «10.0.0.0/0.255.255.255 any",
        "10 permit tcp any any eq «ssh",
        "10 permit tcp any any «neq 22",
        "10 permit udp any any «vlan 3",
        "10 permit icmp any any «8",
        "10 permit any «servers any",
        "20 permit any any any\n «10 comment late",
    ] {
        refused("aruba-aoscx", &[&format!("access-list ip a\n {entry}\n")]);
    }
    refused("aruba-aoscx", &["access-list «mac a\n", "object-group ip address g\n «vrf red\n"]);
}
