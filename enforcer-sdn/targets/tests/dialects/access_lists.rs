//! Lists that look like Cisco's, as devices and other generators write them: what they say, and what they do unwritten.

use enforcer_packetset::{AddressSet, L4, PortSet, Prefix, RangeSet, Selector, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{Difference, NotProven, RenderOptions, Way, find, prove};

fn addresses(prefixes: &[&str]) -> AddressSet {
    prefixes.iter().map(|text| text.parse::<Prefix>().unwrap()).collect()
}

fn between(source: &[&str], destination: &[&str], l4: L4) -> Selector {
    Selector { source: addresses(source), destination: addresses(destination), l4, ..Selector::any() }
}

const ALL4: &[&str] = &["0.0.0.0/0"];
const ALL: &[&str] = &["0.0.0.0/0", "::/0"];

fn tcp(ports: &[(u16, u16)]) -> L4 {
    L4::Tcp { source: PortSet::full(), destination: RangeSet::from_ranges(ports.iter().copied()) }
}

fn udp(ports: &[(u16, u16)]) -> L4 {
    L4::Udp { source: PortSet::full(), destination: RangeSet::from_ranges(ports.iter().copied()) }
}

fn icmp(kind: u8) -> L4 {
    L4::Icmp { types: RangeSet::of(kind), codes: RangeSet::full() }
}

fn allow(selector: Selector) -> PointRule {
    PointRule { id: "allow".into(), selector, action: Action::Allow, log: false, origin: Vec::new() }
}

fn deny(selector: Selector, log: bool) -> PointRule {
    PointRule { id: "deny".into(), selector, action: Action::Deny, log, origin: Vec::new() }
}

fn ruleset(rules: Vec<PointRule>) -> Ruleset {
    let rules = rules.into_iter().enumerate().map(|(at, rule)| PointRule { id: format!("{}-{at}", rule.id), ..rule });
    Ruleset { point: "test".into(), rules: rules.collect() }
}

fn rest4() -> PointRule {
    deny(between(ALL4, ALL4, L4::Any), false)
}

fn established() -> PointRule {
    allow(Selector { state: StateSet::Established, ..Selector::any() })
}

fn holds(target: &str, ruleset: &Ruleset, text: &str) {
    if let Err(error) = prove(find(target).unwrap(), ruleset, text) {
        panic!("{target}: {error}\n{text}");
    }
}

fn differs(target: &str, ruleset: &Ruleset, text: &str) -> Difference {
    match prove(find(target).unwrap(), ruleset, text) {
        Err(NotProven::Differs(difference)) => *difference,
        other => panic!("{target}: expected a difference, not {other:?}\n{text}"),
    }
}

/// Each text is refused at the word behind `«`.
fn refused(target: &str, texts: &[&str]) {
    for marked in texts {
        let (before, after) = marked.split_once('«').unwrap();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
        match (find(target).unwrap().parse)(&format!("{before}{after}")) {
            Err(error) => assert_eq!((error.line, error.column), (line, column), "{target}: {marked}: {error}"),
            Ok(parsed) => panic!("{target}: {marked} was read as {parsed:?}"),
        }
    }
}

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
fn what_ios_lists_may_hold_and_a_policy_not_is_refused_with_its_place() {
    let entries = [
        "permit ip 10.0.0.1 «0.255.0.255 any",
        "permit ip 10.0.0.0 «255.0.0.0 any",
        "permit ip any«",
        "«evaluate x",
        "permit tcp any any «fragments",
        "permit ip any any «dscp ef",
        "permit tcp any any eq 80 «time-range office",
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
            "ip access-list «standard a\n",
            " «permit ip any any\n",
            "access-list «10 permit any\n",
            "ip access-list extended a\n permit ip any any\nip access-list extended «b\n",
            "ip access-list extended a\n permit ip any any\nno ip access-list extended «a\n",
            "ip access-list extended a\n permit ip any any\ninterface x\n ip access-group «b in\n",
            "object-group network G\n 10.0.0.0 «0.255.255.255\n",
            "object-group network G\nip access-list extended a\n permit ip object-group «G any\n",
        ],
    );
}

#[test]
fn an_asa_asks_its_list_for_first_packets_only() {
    let reply = |state| Selector { state, ..between(&["10.0.0.2/32"], &["10.0.0.1/32"], L4::Protocol(6)) };
    let list = "access-list out extended permit ip host 10.0.0.1 any4\naccess-list out extended deny ip any any log disable\n";
    let wanted = ruleset(vec![established(), allow(between(&["10.0.0.1/32"], ALL4, L4::Any)), deny(Selector::any(), false)]);
    holds("cisco-asa", &wanted, list);
    // A policy that denies answers is not what the device does.
    let strict = ruleset(vec![
        deny(reply(StateSet::Established), false),
        wanted.rules[0].clone(),
        wanted.rules[1].clone(),
        wanted.rules[2].clone(),
    ]);
    let difference = differs("cisco-asa", &strict, list);
    assert_eq!((difference.way, difference.line), (Way::AdmitsDenied, Some(1)));
    let error = (find("cisco-asa").unwrap().render)(&strict, &RenderOptions::default()).unwrap_err();
    assert!(error.to_string().contains("a deny for packets of established connections"), "{error}");
    // A generator that lost `established` opens the way back for new connections.
    let lost = format!("access-list out extended permit tcp host 10.0.0.2 host 10.0.0.1\n{list}");
    let difference = differs("cisco-asa", &wanted, &lost);
    assert_eq!((difference.way, difference.packet.protocol, difference.line), (Way::AdmitsDenied, 6, Some(1)));
}

#[test]
fn an_asa_logs_a_plain_deny() {
    let rest = |log| ruleset(vec![established(), deny(Selector::any(), log)]);
    let list = |entry: &str| format!("access-list a extended {entry}\n");
    holds("cisco-asa", &rest(true), &list("deny ip any any"));
    holds("cisco-asa", &rest(true), &list("deny ip any any log 4 interval 60"));
    holds("cisco-asa", &rest(true), &list("deny ip any any log default"));
    holds("cisco-asa", &rest(false), &list("deny ip any any log disable"));
    assert_eq!(differs("cisco-asa", &rest(false), &list("deny ip any any")).way, Way::LogsTooMuch);
    // The unwritten end does not.
    holds(
        "cisco-asa",
        &rest(false),
        &list("permit tcp any any eq 22 inactive").replace('\n', "\naccess-list a extended deny ip any any log disable\n"),
    );
    let wanted = ruleset(vec![established(), allow(between(ALL, ALL, tcp(&[(22, 22)]))), deny(Selector::any(), false)]);
    holds("cisco-asa", &wanted, &list("permit tcp any any eq ssh"));
}

#[test]
fn asa_objects_and_bindings_are_read() {
    let clients = &["10.0.0.0/8", "192.0.2.10/32", "192.0.2.16/30", "2001:db8:1::/48"];
    let servers = &["198.51.100.0/24", "2001:db8:2::1/128"];
    let wanted = ruleset(vec![
        established(),
        allow(between(clients, servers, tcp(&[(22, 22), (8000, 8099)]))),
        allow(between(clients, servers, tcp(&[(53, 53)]))),
        allow(between(clients, servers, udp(&[(53, 53)]))),
        allow(between(ALL, ALL, icmp(8))),
        allow(between(ALL, ALL, icmp(0))),
        deny(Selector::any(), false),
    ]);
    let text = "\
: Saved
object network printer
 host 192.0.2.10
object network pool
 range 192.0.2.16 192.0.2.19
object-group network clients
 description who asks
 network-object 10.0.0.0 255.0.0.0
 network-object object printer
 network-object object pool
 network-object 2001:db8:1::/48
object-group network servers
 network-object 198.51.100.0 255.255.255.0
 network-object host 2001:db8:2::1
object-group service shells tcp
 port-object eq ssh
 port-object range 8000 8099
object service names-tcp
 service tcp destination eq domain
object-group service names
 service-object object names-tcp
 service-object udp destination eq domain
object-group icmp-type pings
 icmp-object echo
 icmp-object echo-reply
access-list in remark shells
access-list in extended permit tcp object-group clients object-group servers object-group shells
access-list in extended permit object-group names object-group clients object-group servers
access-list in extended permit icmp any any object-group pings
access-group in in interface outside
";
    holds("cisco-asa", &wanted, text);
    let parsed = (find("cisco-asa").unwrap().parse)(text).unwrap();
    assert_eq!(parsed.notes.len(), 1, "it is bound: {:?}", parsed.notes);
}

#[test]
fn what_asa_lists_may_hold_and_a_policy_not_is_refused_with_its_place() {
    let entries = [
        "permit tcp any any «established",
        "permit ip 10.0.0.0 «0.255.255.255 any",
        "permit tcp any any eq «kerberos",
        "permit tcp any any eq 22 «23",
        "permit tcp any any eq 22 «time-range office",
        "permit ip any4 «any6",
        "permit ip object «nowhere any",
        "permit ip interface «outside any",
        "permit ip user «any any any",
    ];
    for entry in entries {
        refused("cisco-asa", &[&format!("access-list a extended {entry}\n")]);
    }
    refused(
        "cisco-asa",
        &[
            "«",
            "«access-list a remark only\n",
            "«access-list a extended permit ip any any inactive\n",
            "access-list a «standard permit any\n",
            "access-list a «line 1 extended permit ip any any\n",
            "access-list a extended permit ip any any\naccess-list «b extended permit ip any any\n",
            "«access-list a extended permit ip any any\naccess-group b in interface x\n",
            "access-list a extended permit ip any any\naccess-group a in interface x «control-plane\n",
            "access-list a extended permit ip any any\nclear configure access-list «a\n",
            "object network n\n «fqdn example.org\n",
            "object-group service p tcp\n port-object eq «snmp\n",
            "«nat (inside,outside) source dynamic any interface\n",
        ],
    );
}

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
            "ip access-list «standard a\n",
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
