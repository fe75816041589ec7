//! IOS and IOS-XE.

use enforcer_packetset::{FlagSet, L4, RangeSet, Selector};
use enforcer_targets::Way;

use super::{ALL4, allow, between, deny, differs, holds, icmp, refused, rest4, ruleset, tcp, udp};

#[test]
fn ios_does_unwritten_what_its_documents_say() {
    let wanted = ruleset(vec![allow(between(&["10.0.0.1/32"], ALL4, L4::Any)), rest4()]);
    holds("cisco-ios", &wanted, "ip access-list extended a\n 10 permit ip host 10.0.0.1 any\n");
    let shadowed = "ip access-list extended a\n 10 permit ip any any\n 20 permit ip host 10.0.0.1 any\n";
    assert_eq!(differs("cisco-ios", &wanted, shadowed).way, Way::AdmitsDenied);
    // An empty list permits everything.
    assert_eq!(differs("cisco-ios", &wanted, "ip access-list extended a\n").way, Way::AdmitsDenied);
    // Neighbour discovery passes at the end of an IPv6 list, unless an entry denies it.
    let nothing = ruleset(vec![deny(between(&["::/0"], &["::/0"], L4::Any), false)]);
    let difference = differs("cisco-ios", &nothing, "ipv6 access-list a\n deny tcp any any\n");
    assert_eq!((difference.way, difference.packet.protocol), (Way::AdmitsDenied, 58));
    holds("cisco-ios", &nothing, "ipv6 access-list a\n sequence 10 deny ipv6 any any\n");
}

#[test]
fn ios_names_groups_and_bindings_are_read() {
    let dns = |l4| between(&["10.0.0.0/8", "192.0.2.10/32", "192.0.2.16/30"], &["198.51.100.0/24"], l4);
    let wanted = ruleset(vec![
        allow(dns(udp(&[(53, 53)]))),
        allow(dns(tcp(&[(53, 53), (80, 80), (443, 443)]))),
        allow(between(ALL4, ALL4, icmp(8))),
        allow(between(ALL4, ALL4, L4::Icmp { types: RangeSet::of(3), codes: RangeSet::of(4) })),
        rest4(),
    ]);
    let text = "\
!
object-group network CLIENTS
 description who asks
 10.0.0.0 255.0.0.0
 host 192.0.2.10
 range 192.0.2.16 192.0.2.19
object-group network SERVERS
 198.51.100.0 255.255.255.0
object-group network BOTH
 group-object CLIENTS
object-group service NAMES
 tcp-udp domain
 tcp range 80 80
 tcp eq 443
!
no ip access-list extended a
ip access-list extended a
 remark names
 10 permit object-group NAMES object-group BOTH object-group SERVERS
 20 permit icmp any any echo
 30 permit icmp any any packet-too-big
!
interface GigabitEthernet0/1
 ip access-group a in
";
    holds("cisco-ios", &wanted, text);
    let numbered = "\
access-list 101 remark names
access-list 101 permit udp 10.0.0.0 0.255.255.255 198.51.100.0 0.0.0.255 eq domain
access-list 101 permit tcp 10.0.0.0 0.255.255.255 198.51.100.0 0.0.0.255 eq domain www 443
";
    let wanted = ruleset(vec![
        allow(between(&["10.0.0.0/8"], &["198.51.100.0/24"], udp(&[(53, 53)]))),
        allow(between(&["10.0.0.0/8"], &["198.51.100.0/24"], tcp(&[(53, 53), (80, 80), (443, 443)]))),
        rest4(),
    ]);
    holds("cisco-ios", &wanted, numbered);
}

#[test]
fn established_is_ack_or_rst_and_no_state() {
    let answers = |flags| Selector { flags, ..between(&["192.0.2.1/32"], &["10.0.0.0/8"], L4::Protocol(6)) };
    let wanted = ruleset(vec![allow(answers(FlagSet::ack_or_rst())), rest4()]);
    let list = |end: &str| format!("ip access-list extended a\n permit tcp host 192.0.2.1 10.0.0.0 0.255.255.255{end}\n");
    holds("cisco-ios", &wanted, &list(" established"));
    holds("cisco-ios", &wanted, &list(" match-any +ack +rst"));
    let difference = differs("cisco-ios", &wanted, &list(""));
    assert_eq!((difference.way, difference.packet.flags & (FlagSet::ACK | FlagSet::RST)), (Way::AdmitsDenied, 0));
    let syn = ruleset(vec![allow(answers(FlagSet::masked(FlagSet::SYN, FlagSet::SYN | FlagSet::ACK))), rest4()]);
    holds("cisco-ios", &syn, &list(" match-all +syn -ack"));
    holds("cisco-nxos", &wanted, "ip access-list a\n 10 permit tcp 192.0.2.1/32 10.0.0.0/8 established\n");
}

#[test]
fn what_ios_lists_may_hold_and_a_policy_not_is_refused_with_its_place() {
    let entries = [
        "permit ip 0.0.0.0 «170.170.170.170 any",
        // Bits that are free, or a netmask: who knows.
        "permit ip 10.0.0.1 «0.0.0.255 any",
        "permit ip 10.0.0.0 «255.0.0.0 any",
        "permit ip any«",
        "«evaluate x",
        "permit tcp any any «fragments",
        "permit ip any any «dscp ef",
        "permit tcp any any established time-range «office",
        "permit udp any any «established",
        "permit tcp any any syn «ack",
        "permit tcp any any match-all +syn «-syn",
        "permit tcp any any eq 80 time-range «office",
        "permit tcp any any eq «snmp",
        "permit udp any any eq «cmd",
        "permit tcp any any range 9 «7",
        "permit icmp any any «256",
        "permit object-group «NONE any any",
        "permit ip object-group «NONE any",
        "permit tcp any any eq 1 2 3 4 5 6 7 8 9 10 «11",
        "permit «ospfigp any any",
    ];
    for entry in entries {
        refused("cisco-ios", &[&format!("ip access-list extended a\n {entry}\n")]);
    }
    refused(
        "cisco-ios",
        &[
            "ip access-list extended a\n 20 permit ip any any\n «10 deny ip any any\n",
            "ip access-list «role-based a\n",
            " «permit ip any any\n",
            "access-list «200 permit ip any any\n",
            "ip access-list extended a\n permit ip any any\nip access-list extended «b\n",
            "ip access-list extended a\n permit ip any any\nno ip access-list extended «a\n",
            "ip access-list extended a\n permit ip any any\ninterface x\n ip access-group «b in\n",
            "object-group network G\n 10.0.0.0 «0.255.255.255\n",
            "object-group network G\nip access-list extended a\n permit ip object-group «G any\n",
        ],
    );
}

#[test]
fn a_vlan_map_selects_with_permit_and_acts_with_its_action() {
    let wanted = ruleset(vec![
        deny(between(&["10.0.0.66/32"], ALL4, L4::Any), true),
        allow(between(&["10.0.0.0/8"], ALL4, tcp(&[(443, 443)]))),
        rest4(),
    ]);
    let text = "\
ip access-list extended bad
 permit ip host 10.0.0.66 any
ip access-list extended web
 10 permit tcp 10.0.0.0 0.255.255.255 any eq 443
 20 deny ip any any
vlan access-map m 10
 match ip address bad
 action drop log
vlan access-map m 20
 match ip address web
 action forward
vlan filter m vlan-list 10,20
";
    holds("cisco-vacl", &wanted, text);
    // Read like a list that is bound to an interface, the first clause would be a grant.
    let open = text.replace("drop log", "forward");
    assert_eq!(differs("cisco-vacl", &wanted, &open).way, Way::AdmitsDenied);
    // What has no clause of its kind is forwarded; with one, it is dropped.
    let six = ruleset(vec![deny(between(&["::/0"], &["::/0"], L4::Any), false)]);
    let dropped = "ipv6 access-list x\n permit tcp any any\n deny ipv6 any any\nvlan access-map m 10\n match ipv6 address x\n action drop\n";
    holds("cisco-vacl", &six, dropped);
    refused(
        "cisco-vacl",
        &[
            "«ip access-list extended x\n permit ip any any\n",
            "ip access-list extended x\n «deny tcp any any\n permit ip any any\nvlan access-map m 10\n match ip address x\n action drop\n",
            "ip access-list extended x\n «permit ip any any log\nvlan access-map m 10\n match ip address x\n action drop\n",
            "ipv6 access-list x\n permit tcp any any\n«vlan access-map m 10\n match ipv6 address x\n action drop\n",
            "«vlan access-map m 10\n action forward\n",
            "vlan access-map m 10\n match «mac address x\n",
            "«vlan access-map m 10\n match ip address x\n action forward\n",
            "vlan access-map m 20\nvlan access-map m «10\n",
            "vlan access-map m 10\n action forward «capture\n",
            "ip access-list extended x\n deny ip any any\n «permit ip any any\nvlan access-map m 10\n match ip address x\n action drop\n",
        ],
    );
}
