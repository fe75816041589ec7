//! Address lists and RADIUS filter rules of other hands: what is written, what is not, and what is an error with its place.

use enforcer_packetset::{AddressSet, FlagSet, HeadingSet, L4, LinkFields, PortSet, Prefix, RangeSet, Selector};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{RenderOptions, find, prove};

fn addresses(prefixes: &[&str]) -> AddressSet {
    prefixes.iter().map(|text| text.parse::<Prefix>().unwrap()).collect()
}

fn rule(id: &str, selector: Selector, action: Action) -> PointRule {
    PointRule { id: id.into(), selector, action, log: false, origin: Vec::new() }
}

fn ruleset(rules: Vec<PointRule>) -> Ruleset {
    Ruleset { point: "test".into(), rules }
}

fn between(source: &AddressSet, destination: &AddressSet) -> Selector {
    Selector { source: source.clone(), destination: destination.clone(), ..Selector::any() }
}

#[test]
fn a_list_says_the_same_of_both_ends_and_nothing_of_the_other_version() {
    let (hosts, all) = (addresses(&["192.0.2.1", "198.51.100.0/24"]), addresses(&["0.0.0.0/0"]));
    let text =
        "\u{feff}# from somebody\n\n192.0.2.1\t# a host\n198.51.100.0-198.51.100.127 ; a half\n198.51.100.128/25 // the other\n";
    let both = |action| vec![rule("from", between(&hosts, &all), action), rule("to", between(&all, &hosts), action)];
    let proof = prove(find("edl-deny").unwrap(), &ruleset(both(Action::Deny)), text).unwrap();
    assert_eq!(proof.notes, ["the list says nothing about IPv6"]);
    let mut admitted = both(Action::Allow);
    admitted.push(rule("rest", between(&all, &all), Action::Deny));
    prove(find("edl-allow").unwrap(), &ruleset(admitted), text).unwrap();
    assert!(prove(find("edl-deny").unwrap(), &ruleset(both(Action::Deny)), "192.0.2.1\n198.51.100.0/25\n").is_err());
}

#[test]
fn what_is_no_plain_list_is_an_error_with_its_place() {
    let parse = find("edl-deny").unwrap().parse;
    for (text, line, column) in [
        ("", 1, 1),
        ("# nobody\n", 1, 1),
        ("192.0.2.1\n192.0.2.1/24\n", 2, 1),
        ("192.0.2.0/024\n", 1, 1),
        ("10.0.0.0/255.0.0.0\n", 1, 1),
        ("192.0.2.1 192.0.2.2\n", 1, 11),
        ("192.0.2.1 a comment\n", 1, 11),
        ("192.0.2.9-192.0.2.1\n", 1, 1),
        ("192.0.2.9-2001:db8::1\n", 1, 1),
        ("192.0.2.1\n2001:db8::1\n", 2, 1),
        ("host.example\n", 1, 1),
        ("192.0.2.1,192.0.2.2\n", 1, 1),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
    }
    let render = find("edl-deny").unwrap().render;
    let (hosts, all) = (addresses(&["192.0.2.1"]), addresses(&["0.0.0.0/0"]));
    let web = L4::Tcp { source: PortSet::full(), destination: PortSet::of(80) };
    for (rules, words) in [
        (vec![], "an empty list"),
        (vec![rule("one", between(&hosts, &all), Action::Deny)], "`one`: edl-deny cannot say hosts that are listed one way only"),
        (vec![rule("pass", between(&hosts, &all), Action::Allow)], "`pass`: edl-deny cannot say exceptions"),
        (vec![rule("web", Selector { l4: web, ..between(&hosts, &all) }, Action::Deny)], "`web`: edl-deny cannot say protocols"),
        (vec![rule("pair", between(&hosts, &hosts), Action::Deny)], "packets between some and some"),
    ] {
        let error = render(&ruleset(rules), &RenderOptions::default()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

fn heading(heading: HeadingSet, selector: Selector) -> Selector {
    Selector { link: LinkFields { heading, ..LinkFields::any() }.into(), ..selector }
}

#[test]
fn what_no_filter_rule_matches_hangs_on_the_last_rule_of_its_way() {
    let target = find("radius-nas-filter").unwrap();
    let (host, all) = (addresses(&["192.0.2.1"]), AddressSet::full());
    let web = L4::Tcp { source: PortSet::full(), destination: RangeSet::from_ranges([(80, 80), (8000, 8099)]) };
    let established = Selector { l4: L4::Protocol(6), flags: FlagSet::ack_or_rst(), ..between(&host, &all) };
    let to_web = Selector { l4: web, ..between(&all, &host) };
    let ping = L4::Icmp { types: RangeSet::range(0, 8), codes: RangeSet::full() };
    let from_ping = Selector { l4: ping, ..between(&all, &host) };
    let wanted = ruleset(vec![
        rule("web", heading(HeadingSet::In, to_web), Action::Allow),
        rule("rest-in", heading(HeadingSet::In, Selector::any()), Action::Deny),
        rule("ping", heading(HeadingSet::Out, from_ping), Action::Deny),
        rule("back", heading(HeadingSet::Out, established), Action::Deny),
    ]);
    // `in` ends in a permit, so the rest is dropped; `out` in a deny, so the rest passes.
    let lines = "permit in 6 from any to 192.0.2.1/32 80,8000-8099\ndeny out 1 from 0.0.0.0/0 to 192.0.2.1 icmptypes 0-7,8\n\
                 deny out 6 from 192.0.2.1 to any established\n";
    prove(target, &wanted, lines).unwrap();
    let attributes = "NAS-Filter-Rule = \"permit in 6 from any to 192.0.2.1 80,8000-8099\",\n  NAS-Filter-Rule += \"deny out 1 from any to \
                      192.0.2.1 icmptypes 0-8\\000deny out 6 from 192.0.2.1 to any tcpflags ack\",\n\
                      NAS-Filter-Rule += \"deny out 6 from 192.0.2.1 to any tcpflags rst,!ack\"\n";
    prove(target, &wanted, attributes).unwrap();
    // Every other address of that version, and no more.
    let others = AddressSet { v4: host.v4.complement(), v6: RangeSet::empty() };
    let wanted = ruleset(vec![
        rule("others", heading(HeadingSet::In, between(&others, &all)), Action::Deny),
        rule("out", heading(HeadingSet::Out, Selector::any()), Action::Deny),
    ]);
    prove(target, &wanted, "deny in ip from !192.0.2.1 to any\ndeny out ip from any to any\n").unwrap();
}

#[test]
fn what_a_filter_rule_does_not_say_is_an_error_with_its_place() {
    let parse = find("radius-nas-filter").unwrap().parse;
    for (rule, column) in [
        ("allow in ip from any to any", 1),
        ("permit both ip from any to any", 8),
        ("permit in tcp from any to any", 11),
        ("permit in 0 from any to any", 11),
        ("permit in ip to any", 14),
        ("permit in ip from assigned to any", 19),
        ("permit in ip from !any to any", 19),
        ("permit in ip from 192.0.2.1/24 to any", 19),
        ("permit in ip from 192.0.2.1 to 2001:db8::1", 32),
        ("permit in ip from any to any 80", 30),
        ("permit in 6 from any 90-80 to any", 22),
        ("permit in 6 from any to any frag", 29),
        ("permit in 6 from any to any tcpflags ece", 38),
        ("permit in 6 from any to any tcpflags syn,!syn", 38),
        ("permit in 17 from any to any established", 30),
        ("permit in 17 from 0.0.0.0/0 to any icmptypes 8", 46),
        ("permit in 1 from 0.0.0.0/0 to any icmptypes echo", 45),
        ("permit in ip from any to any count", 30),
        ("permit in 43 from any to ::/0", 26),
        ("NAS-Filter-Rule permit in ip from any to any", 17),
        ("NAS-Filter-Rule += permit in ip from any to any", 20),
        ("NAS-Filter-Rule += \"permit in ip from any to\"", 45),
    ] {
        let text = format!("permit out ip from any to any\n{rule}\n");
        let error = parse(&text).unwrap_err();
        assert_eq!((error.line, error.column), (2, column), "{rule}: {error}");
    }
    assert!(parse("permit in ip from any to any\n").unwrap_err().what.contains("no rule is for `out`"));
}
