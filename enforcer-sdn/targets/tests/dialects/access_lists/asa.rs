//! ASA.

use enforcer_packetset::{L4, Selector, StateSet};
use enforcer_targets::{RenderOptions, Way, find};

use super::{ALL, ALL4, allow, between, deny, differs, established, holds, icmp, refused, ruleset, tcp, udp};

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
    assert_eq!(parsed.notes.len(), 2, "it is bound, and adds to an older one: {:?}", parsed.notes);
    let cleared = (find("cisco-asa").unwrap().parse)(&format!("clear configure access-list in\n{text}")).unwrap();
    assert_eq!(cleared.notes.len(), 1, "{:?}", cleared.notes);
}

#[test]
fn what_asa_lists_may_hold_and_a_policy_not_is_refused_with_its_place() {
    let entries = [
        "permit tcp any any «established",
        "permit ip 10.0.0.0 «0.255.255.255 any",
        "permit tcp any any eq «kerberos",
        "permit tcp any any eq 22 «23",
        "permit tcp any any eq 22 time-range «office",
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
            "access-list a «permit ip any any\n",
            "access-list a «line 1 extended permit ip any any\n",
            "access-list a extended permit ip any any\naccess-list «b extended permit ip any any\n",
            "access-list a extended permit ip any any\naccess-group «b in interface x\n",
            "access-list a extended permit ip any any\naccess-group a in interface x «control-plane\n",
            "access-list a extended permit ip any any\nclear configure access-list «a\n",
            "object network n\n «fqdn example.org\n",
            "object-group service p tcp\n port-object eq «snmp\n",
            "«nat (inside,outside) source dynamic any interface\n",
        ],
    );
}
