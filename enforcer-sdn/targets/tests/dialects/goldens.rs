//! Renderings as they are meant to look, reviewed like code. `CORDON_BLESS=1` writes them anew.

use std::path::PathBuf;

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, Prefix, RangeSet, Selector, StateSet, WeekSet};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{RenderOptions, find, prove};

use crate::rulesets::{SHARES, fit, targets};

fn addresses(prefixes: &[&str]) -> AddressSet {
    prefixes.iter().map(|text| text.parse::<Prefix>().unwrap()).collect()
}

/// A small plant: every kind of line once.
fn plant() -> Ruleset {
    let hmi = addresses(&["192.0.2.10", "192.0.2.12", "2001:db8:1::10"]);
    let plc = addresses(&["198.51.100.0/28", "198.51.100.32/28", "2001:db8:2::/64"]);
    let from_hmi = |l4| Selector { source: hmi.clone(), destination: plc.clone(), l4, ..Selector::any() };
    let tcp =
        |ports: &[(u16, u16)]| L4::Tcp { source: PortSet::full(), destination: RangeSet::from_ranges(ports.iter().copied()) };
    let rule = |id: &str, selector, action, log| PointRule { id: id.into(), selector, action, log, origin: Vec::new() };
    let maintenance = WeekSet::from_ranges([(5 * 1440 + 1320, 6 * 1440 + 119)]);
    let ping = L4::Icmp { types: RangeSet::of(8), codes: RangeSet::of(0) };
    let ping6 = L4::Icmp6 { types: RangeSet::range(128, 129), codes: RangeSet::full() };
    let only_v6 = AddressSet { v4: RangeSet::empty(), v6: RangeSet::full() };
    Ruleset {
        point: "router".into(),
        rules: vec![
            rule("established", Selector { state: StateSet::Established, ..Selector::any() }, Action::Allow, false),
            rule("modbus", from_hmi(tcp(&[(502, 502)])), Action::Allow, false),
            rule("web-and-opc", from_hmi(tcp(&[(80, 80), (443, 443), (4840, 4843)])), Action::Allow, false),
            rule("ping", from_hmi(ping), Action::Allow, false),
            rule("ping6", from_hmi(ping6), Action::Allow, false),
            rule("service-window", Selector { week: maintenance, ..from_hmi(tcp(&[(22, 22)])) }, Action::Allow, true),
            rule("gre", Selector { l4: L4::Protocol(47), destination: plc.clone(), ..Selector::any() }, Action::Log, true),
            rule("no-ipv6-icmp", Selector { source: only_v6, l4: L4::Protocol(58), ..Selector::any() }, Action::Deny, false),
            rule("plc-rest", Selector { destination: plc.clone(), state: StateSet::New, ..Selector::any() }, Action::Deny, true),
        ],
    }
}

/// The same plant from the controllers' side, for dialects that know one zone and its peers.
fn cell(is_stateful: bool) -> Ruleset {
    let plc = addresses(&["198.51.100.0/28", "2001:db8:2::/64"]);
    let hmi = addresses(&["192.0.2.10", "192.0.2.12", "2001:db8:1::10"]);
    let spare = addresses(&["192.0.2.12"]);
    let clock = addresses(&["203.0.113.123"]);
    let lab = addresses(&["203.0.113.64/26"]);
    let tcp =
        |ports: &[(u16, u16)]| L4::Tcp { source: PortSet::full(), destination: RangeSet::from_ranges(ports.iter().copied()) };
    let ntp = L4::Udp { source: PortSet::full(), destination: PortSet::of(123) };
    let between = |source: &AddressSet, destination: &AddressSet, l4| Selector {
        source: source.clone(),
        destination: destination.clone(),
        l4,
        ..Selector::any()
    };
    let all = AddressSet::full();
    let rule = |id: &str, selector, action| PointRule { id: id.into(), selector, action, log: false, origin: Vec::new() };
    let established = rule("established", Selector { state: StateSet::Established, ..Selector::any() }, Action::Allow);
    let answers = L4::Tcp { source: PortSet::of(502), destination: PortSet::full() };
    let back = Selector { flags: FlagSet::ack_or_rst(), ..between(&plc, &hmi, answers) };
    let back = rule("modbus-back", back, Action::Allow);
    Ruleset {
        point: "cell".into(),
        rules: vec![
            if is_stateful { established } else { back },
            rule("modbus", between(&hmi, &plc, tcp(&[(502, 502)])), Action::Allow),
            rule("no-spare", between(&spare, &plc, L4::Any), Action::Deny),
            rule("web-and-opc", between(&hmi, &plc, tcp(&[(80, 80), (443, 443), (4840, 4843)])), Action::Allow),
            rule(
                "lab",
                between(&if is_stateful { all.difference(&hmi) } else { lab }, &plc, tcp(&[(8080, 8080)])),
                Action::Allow,
            ),
            rule("clock", between(&plc, &clock, ntp), Action::Allow),
            rule("rest-out", between(&plc, &all, L4::Any), Action::Deny),
            rule("rest-in", between(&all, &plc, L4::Any), Action::Deny),
        ],
    }
}

#[test]
fn the_plant_is_rendered_as_reviewed_and_proven() {
    for target in (0..SHARES).flat_map(targets) {
        let is_of_zone = ["kubernetes", "mud", "radius-dacl"].contains(&target.name);
        let mut ruleset = if is_of_zone { cell(target.capability.stateful) } else { plant() };
        if target.name == "radius-dacl" {
            // What the controllers send.
            let rest = ruleset.rules.iter().find(|rule| rule.id == "rest-out").map(|rule| rule.selector.source.clone());
            ruleset.rules.retain(|rule| Some(&rule.selector.source) == rest.as_ref());
        }
        let (ruleset, rendering) = fit(target, ruleset);
        let extension = if target.name == "nftables" { "nft" } else { target.name };
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/goldens/plant.{extension}"));
        if std::env::var_os("CORDON_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &rendering.text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), rendering.text, "{}", path.display());
        prove(target, &ruleset, &rendering.text).unwrap();
    }
}

#[test]
fn a_rule_is_found_by_its_line_and_a_line_by_its_rule() {
    let rendering = (find("nftables").unwrap().render)(&plant(), &RenderOptions::default()).unwrap();
    let lines: Vec<(usize, &str)> = rendering.lines_of("service-window").collect();
    assert_eq!(lines.len(), 4, "two IP versions, two days: {lines:?}");
    for (line, text) in lines {
        assert!(text.contains("service-window"));
        assert_eq!(rendering.rule_at(line), Some("service-window"));
    }
    assert_eq!(rendering.rule_at(1), None);
}

#[test]
fn what_cannot_be_said_names_rule_and_feature() {
    let target = find("nftables").unwrap();
    let mut ruleset = plant();
    ruleset.rules[1].id = "bad\"; drop".into();
    assert!((target.render)(&ruleset, &RenderOptions::default()).unwrap_err().to_string().starts_with("rule `bad"));
    let mut ruleset = plant();
    ruleset.rules[2].selector.source = AddressSet::empty();
    let error = (target.render)(&ruleset, &RenderOptions::default()).unwrap_err().to_string();
    assert!(error.starts_with("rule `web-and-opc`: nftables cannot say a rule that selects no packet"), "{error}");
    for name in ["fwd", "chain", "", "a b", "x\"y"] {
        assert!((target.render)(&plant(), &RenderOptions { name: name.into(), ..RenderOptions::default() }).is_err(), "{name}");
    }
}
