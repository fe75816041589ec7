//! What pf rules mean beyond what we write ourselves.

use enforcer_packetset::{ConnectionState, FlagSet, L4, RangeSet, Selector};
use enforcer_policy::Action;
use enforcer_targets::cost::Hardware;
use enforcer_targets::{RenderOptions, Way, find};

use crate::claims::{addresses, between, differs, established, holds, refused, ruleset, tcp, udp};

const TARGET: &str = "pf";

fn opening(selector: Selector) -> Selector {
    Selector { flags: FlagSet::masked(FlagSet::SYN, FlagSet::SYN | FlagSet::ACK), ..selector }
}

#[test]
fn macros_tables_lists_and_names_are_read_and_the_last_match_decides() {
    let plc = ["198.51.100.0/28", "2001:db8:2::/64"];
    let wanted = ruleset(vec![
        established(),
        (between(&["192.0.2.66"], &["0.0.0.0/0"], L4::Any), Action::Deny, true),
        (between(&["192.0.2.0/25"], &plc, udp(&[(161, 161), (20000, 20010)])), Action::Allow, false),
        (opening(between(&["192.0.2.0/25"], &plc, tcp(&[(502, 502), (443, 443)]))), Action::Allow, true),
        (Selector::any(), Action::Deny, false),
    ]);
    let text = "# a plant
hmi = \"192.0.2.0/26\"
ports = \"{ 502, https }\"
set skip on lo0
set block-policy drop
table <plc> persist { 198.51.100.0/28, \\
    2001:db8:2::/64 }
block all
pass log proto tcp from { $hmi, 192.0.2.64/26 } to <plc> port $ports
pass proto udp from { $hmi 192.0.2.64/26 } to <plc> port { snmp, 20000:20010 } keep state label \"snmp\"
block return log quick inet from 192.0.2.66 to any
";
    let notes = holds(TARGET, &wanted, text);
    assert_eq!(notes, ["tables that are not `const` can be changed without the text"]);
    // The same, as `pfctl -sr` lists it.
    let listed = "block drop all
pass log inet proto tcp from 192.0.2.0/25 to 198.51.100.0/28 port = 502 flags S/SA keep state
pass log inet proto tcp from 192.0.2.0/25 to 198.51.100.0/28 port = https flags S/SA keep state
pass inet proto udp from 192.0.2.0/25 to 198.51.100.0/28 port = snmp keep state label \"snmp\" ridentifier 7
pass inet proto udp from 192.0.2.0/25 to 198.51.100.0/28 port 20000:20010 keep state
block return log quick inet from 192.0.2.66 to any
";
    assert!(holds(TARGET, &wanted, listed).is_empty());
}

#[test]
fn a_rule_without_quick_that_stands_earlier_is_overruled() {
    let wanted = ruleset(vec![established(), (Selector::any(), Action::Deny, false)]);
    let difference = differs(TARGET, &wanted, "block all\npass inet proto udp from any to any port 53\n");
    assert_eq!((difference.way, difference.packet.destination_port, difference.line), (Way::AdmitsDenied, 53, Some(2)));
    holds(TARGET, &wanted, "pass inet proto udp from any to any port 53\nblock all\n");
    differs(TARGET, &wanted, "pass quick inet proto udp from any to any port 53\nblock all\n");
}

#[test]
fn a_pass_without_flags_is_the_opening_packet_only() {
    let stray = ruleset(vec![
        established(),
        (Selector { l4: L4::Protocol(6), ..Selector::any() }, Action::Allow, false),
        (Selector::any(), Action::Deny, false),
    ]);
    let difference = differs(TARGET, &stray, "block all\npass proto tcp all\n");
    assert_eq!(difference.way, Way::DeniesAllowed);
    holds(TARGET, &stray, "block all\npass proto tcp all flags any\n");
    // Other protocols have no flags.
    let opened = ruleset(vec![
        established(),
        (opening(Selector { l4: L4::Protocol(6), ..Selector::any() }), Action::Allow, false),
        (Selector { l4: L4::Protocol(6), ..Selector::any() }, Action::Deny, false),
    ]);
    holds(TARGET, &opened, "block all\npass all flags S/SA keep state\n");
}

#[test]
fn one_direction_may_let_everything_pass() {
    let wanted = ruleset(vec![
        established(),
        (between(&["10.0.0.0/8"], &["0.0.0.0/0"], udp(&[(123, 123)])), Action::Allow, false),
        (Selector::any(), Action::Deny, true),
    ]);
    let text =
        "block in log all\npass in inet proto udp from 10.0.0.0/8 to any port = ntp keep state\npass out quick all flags any\n";
    assert_eq!(holds(TARGET, &wanted, text).len(), 1);
    // What may come in and may not leave does not pass.
    let nothing = ruleset(vec![established(), (Selector::any(), Action::Deny, false)]);
    holds(TARGET, &nothing, "block in all\nblock out all\npass in proto udp all\n");
}

#[test]
fn comparisons_negations_and_icmp_are_read() {
    let v4 = addresses(&["0.0.0.0/0"]);
    let outside = v4.difference(&addresses(&["10.0.0.0/8"]));
    let deny = |l4| (Selector { source: outside.clone(), destination: v4.clone(), l4, ..Selector::any() }, Action::Deny, false);
    let source = |set| L4::Udp { source: set, destination: RangeSet::full() };
    let wanted = ruleset(vec![
        established(),
        deny(source(RangeSet::range(0, 1023))),
        deny(udp(&[(2001, 2999)])),
        deny(L4::Icmp { types: RangeSet::of(8), codes: RangeSet::full() }),
        deny(L4::Icmp { types: RangeSet::of(3), codes: RangeSet::of(4) }),
        (Selector::any(), Action::Allow, false),
    ]);
    let text = "pass all flags any
block proto udp from ! 10.0.0.0/8 port < 1024 to 0.0.0.0/0
block proto udp from !10.0.0.0/8 to 0.0.0.0/0 port 2000 >< 3000
block inet proto icmp from !10.0.0.0/8 to any icmp-type { echoreq, 3 code 4 }
";
    holds(TARGET, &wanted, text);
}

#[test]
fn a_list_with_an_exclamation_mark_is_nearly_everything() {
    // What a public compiler makes of "from the plant, but not from its spare part".
    let wanted = ruleset(vec![
        established(),
        (between(&["198.51.100.0/29"], &["0.0.0.0/0"], udp(&[(161, 161)])), Action::Allow, false),
        (Selector::any(), Action::Deny, true),
    ]);
    let text = "table <plant> { 198.51.100.0/28 }
table <spare> { 198.51.100.8/29 }
pass quick inet proto { udp } from { !<spare>, <plant> } to { any } port { 161 } keep state
block drop quick log from { any } to { any }
";
    let difference = differs(TARGET, &wanted, text);
    assert_eq!((difference.way, difference.line), (Way::AdmitsDenied, Some(3)));
    assert!(!addresses(&["198.51.100.0/29"]).contains(difference.packet.source));
}

#[test]
fn a_table_entry_with_an_exclamation_mark_is_taken_out() {
    let inside = addresses(&["10.0.0.0/8"]).difference(&addresses(&["10.1.0.0/16"])).union(&addresses(&["10.1.1.0/24"]));
    let wanted = ruleset(vec![
        established(),
        (Selector { source: inside, destination: addresses(&["0.0.0.0/0"]), ..Selector::any() }, Action::Deny, false),
        (Selector::any(), Action::Allow, false),
    ]);
    let text = "table <t> const { !10.1.0.0/16, 10.1.1.0/24, 10.0.0.0/8 }\nblock quick from <t>\npass all flags any\n";
    holds(TARGET, &wanted, text);
}

#[test]
fn a_list_costs_a_rule_for_each_element() {
    let target = find(TARGET).unwrap();
    let web = between(&["10.0.0.1", "10.0.0.3"], &["0.0.0.0/0"], tcp(&[(80, 80), (443, 443), (8000, 8010)]));
    let rules = ruleset(vec![established(), (web, Action::Allow, false), (Selector::any(), Action::Deny, false)]);
    let rendering = (target.render)(&rules, &RenderOptions::default()).unwrap();
    let cost = (target.cost)(&rules, &rendering, &Hardware::default());
    assert_eq!((cost.rules["r-1"].total(), cost.rules["r-2"].total(), cost.total().total()), (3, 1, 5));
    assert!(!cost.rules.contains_key("r-0"), "states pass by themselves");
}

#[test]
fn what_is_not_understood_is_refused_at_its_place() {
    let all = |rule: &str| format!("pass all flags any\n{rule}\n");
    for (rule, column) in [
        ("pass on em0 all", 9),
        ("pass proto tcp all no state", 20),
        ("pass log (all) all", 10),
        ("pass all keep state (max 10)", 21),
        ("pass proto udp all flags S/SA", 20),
        ("pass from 10.0.0.1/8 to any", 11),
        ("pass from plc.example to any", 11),
        ("pass from <nosuch> to any", 12),
        ("pass from 10.0.0.1 to 2001:db8::1", 1),
        ("pass from any to any port 80", 22),
        ("pass proto tcp from any to any port 90:80", 37),
        ("pass proto icmp all icmp-type 8", 21),
        ("pass inet proto udp all icmp-type 8", 25),
        ("pass proto 0 all", 12),
        ("pass proto tcp all flags Q/S", 26),
        ("pass all $nosuch", 10),
        ("pass from { 10.0.0.1", 1),
        ("match all", 1),
        ("antispoof for em0", 1),
        ("anchor \"x\"", 1),
        ("set skip on em0", 13),
        ("table <t> persist file \"/x\"\npass from <t> to any", 12),
        ("table <t> const file \"/x\" { 10.0.0.1 }", 27),
        ("table <t> { }", 8),
        ("pass all tagged x", 10),
        ("pass on em0 route-to (em1 10.0.0.1) all", 9),
    ] {
        let line = 2 + usize::from(rule.contains("\n"));
        refused(TARGET, &[(&all(rule), line, column)]);
    }
}

#[test]
fn what_no_rule_matches_passes_without_a_state_so_answers_are_judged_too() {
    let from_a = between(&["10.0.0.1"], &["0.0.0.0/0"], L4::Any);
    let wanted = ruleset(vec![established(), (from_a.clone(), Action::Deny, false)]);
    // Its answers to what others asked are lost, for nobody kept a state.
    let difference = differs(TARGET, &wanted, "block quick from 10.0.0.1\n");
    assert_eq!((difference.way, difference.packet.state), (Way::DeniesAllowed, ConnectionState::Established));
    holds(TARGET, &wanted, "block quick from 10.0.0.1\npass all flags any\n");
    let stateless = ruleset(vec![(from_a, Action::Deny, false)]);
    assert_eq!(holds(TARGET, &stateless, "block quick from 10.0.0.1\n").len(), 1);
    holds(TARGET, &ruleset(Vec::new()), "");
    // A public compiler's last rule: packets that open no connection pass it.
    let all = ruleset(vec![established(), (Selector::any(), Action::Deny, false)]);
    let difference = differs(TARGET, &all, "block drop quick from { any } to { any } flags S/SA\n");
    assert_eq!((difference.way, difference.packet.protocol), (Way::AdmitsDenied, 6));
}
