//! Running configurations with names of their own, where the point says which zones of the policy are behind them.

use enforcer_packetset::{AddressSet, Selector};
use enforcer_policy::{Action, Ruleset};
use enforcer_targets::{DeviceZones, NotProven, OwnNames, Place, RenderOptions, TARGETS, find, prove, prove_at};

use crate::claims::{addresses, between, established, ruleset, tcp, udp};
use crate::foreign::{judges, passes, zones};
use crate::mutants::assert_same;
use crate::rulesets::{Random, addresses as any_addresses, cases, fit, layered_ruleset, packet};

const PLANT: &[&str] = &["10.0.0.0/8"];

/// `plant` is 10.0.0.0/8, `office` everybody else.
fn known() -> DeviceZones {
    let rest = addresses(&["0.0.0.0/0", "::/0"]).difference(&addresses(PLANT));
    let plant = addresses(PLANT);
    let zones = DeviceZones::new([("plant".to_owned(), plant), ("office".to_owned(), rest)].into());
    zones.check_places().unwrap();
    zones
}

fn place() -> Place {
    Place { zones: known(), sides: Vec::new() }
}

/// The office asks the plant for web, the plant the office for time; within the plant all is open.
fn wanted() -> Ruleset {
    let office = known().get("office").unwrap().clone();
    let plant = addresses(PLANT);
    let way = |source: &enforcer_packetset::AddressSet, destination: &enforcer_packetset::AddressSet, l4| Selector {
        source: source.clone(),
        destination: destination.clone(),
        l4,
        ..Selector::any()
    };
    ruleset(vec![
        established(),
        (way(&office, &plant, tcp(&[(80, 80), (443, 443)])), Action::Allow, false),
        (way(&plant, &office, udp(&[(123, 123)])), Action::Allow, false),
        (way(&plant, &plant, enforcer_packetset::L4::Any), Action::Allow, false),
        (Selector::any(), Action::Deny, false),
    ])
}

const SRX: &str = "security {
  zones {
    security-zone plant { interfaces { ge-0/0/1.0; } address-book { address servers 10.0.0.0/8; } }
    security-zone office { host-inbound-traffic { system-services { ping; } } address-book { address servers 0.0.0.0/0; } }
  }
  policies {
    from-zone office to-zone plant { policy web { match { source-address any; destination-address servers; application [ web junos-https ]; } then { permit; } } }
    from-zone plant to-zone office { policy time { match { source-address servers; destination-address any; application junos-ntp; } then { permit; } } }
    from-zone plant to-zone plant { policy in { match { source-address any; destination-address any; application any; } then { permit; } } }
    from-zone plant to-zone junos-host { policy self { match { source-address any; destination-address any; application any; } then { permit; } } }
  }
}
applications { application web { protocol tcp; destination-port 80; } }";

const PANOS: &str = "set service web protocol tcp port 80,443
set service time protocol udp port 123
set rulebase security rules web from office to plant source any destination any application any service web action allow log-end no
set rulebase security rules time from [ plant ] to [ office ] source 10.0.0.0/8 destination any application any service time action allow log-end no
set rulebase default-security-rules rules interzone-default action deny
set rulebase security rules else from office to office source any destination any application any service any action deny log-end no
";

const FORTIOS: &str = "config firewall policy
edit 9
set srcintf \"office\"
set dstintf \"plant\"
set srcaddr \"all\"
set dstaddr \"all\"
set srcaddr6 \"all\"
set dstaddr6 \"all\"
set action accept
set schedule \"always\"
set service \"HTTP\" \"HTTPS\"
next
edit 3
set srcintf \"plant\"
set dstintf \"office\"
set srcaddr \"all\"
set dstaddr \"all\"
set action accept
set schedule \"always\"
set service \"time\"
next
edit 4
set srcintf \"plant\"
set dstintf \"plant\"
set srcaddr \"all\"
set dstaddr \"all\"
set action accept
set schedule \"always\"
set service \"ALL\"
next
end
config firewall service custom
edit \"time\"
set udp-portrange 123
next
end
";

const ROUTEROS: &str = "/interface list
add name=LAN
/interface list member
add interface=plant list=LAN
/ip firewall filter
add action=accept chain=forward connection-state=established,related
add action=accept chain=forward dst-port=80,443 in-interface=!plant out-interface-list=LAN protocol=tcp
add action=accept chain=forward dst-port=123 in-interface-list=LAN out-interface-list=!LAN protocol=udp
add action=accept chain=forward in-interface=plant out-interface=plant
add action=drop chain=forward
/ipv6 firewall filter
add action=accept chain=forward connection-state=established,related
add action=drop chain=forward
";

const PF: &str = "block all
pass in on office proto tcp to 10.0.0.0/8 port { 80 443 } flags any
pass in on plant proto udp from any to ! 10.0.0.0/8 port ntp
pass in on plant from any to 10.0.0.0/8 flags any
pass out all flags any
";

#[test]
fn a_running_configuration_with_names_of_its_own_is_proven() {
    for (target, text) in [("junos-srx", SRX), ("panos", PANOS), ("fortios", FORTIOS), ("routeros", ROUTEROS), ("pf", PF)] {
        let target = find(target).unwrap();
        if let Err(error) = prove_at(target, &wanted(), text, &place()) {
            panic!("{}: {error}", target.name);
        }
        assert!(prove(target, &wanted(), text).is_err(), "{}: without the names nothing is known", target.name);
        let swapped = text.replace("plant", "\u{1}").replace("office", "plant").replace('\u{1}', "office");
        assert!(prove_at(target, &wanted(), &swapped, &place()).is_err(), "{}", target.name);
        let unknown = text.replace("office", "offic").replace("!plant", "!plan");
        let error = prove_at(target, &wanted(), &unknown, &place()).unwrap_err().to_string();
        assert!(error.contains("did you mean `"), "{}: {error}", target.name);
    }
}

#[test]
fn what_is_written_with_the_devices_names_is_read_back_equal() {
    let options = RenderOptions { zones: known(), ..RenderOptions::default() };
    for (target, name) in [
        ("junos-srx", "match from-zone office"),
        ("panos", "from office to plant"),
        ("panos-xml", "<from> <member>office</member> </from>"),
        ("fortios", "set srcintf \"office\""),
        ("routeros", "in-interface-list=office"),
    ] {
        let target = find(target).unwrap();
        let rendering = (target.render)(&wanted(), &options).unwrap();
        assert!(rendering.text.contains(name), "{}:\n{}", target.name, rendering.text);
        prove_at(target, &wanted(), &rendering.text, &place()).unwrap_or_else(|error| panic!("{}: {error}", target.name));
        let other = rendering.text.replacen("office", "plant", 1);
        assert!(prove_at(target, &wanted(), &other, &place()).is_err(), "{}", target.name);
    }
}

#[test]
fn a_rule_about_one_zone_or_two_is_asked_only_there() {
    let rule = |kind: &str| {
        format!(
            "set rulebase security rules r from any to any source any destination any application any service any rule-type {kind} action deny\n"
        )
    };
    let (within, across) = ("tcp 10.0.0.1 10.0.0.2 80", "tcp 10.0.0.1 192.0.2.1 80");
    judges("panos", &known(), &rule("intrazone"), &[], &[within, across]);
    let open = "set rulebase default-security-rules rules interzone-default action allow\n";
    judges("panos", &known(), &(rule("intrazone") + open), &[across], &[within]);
    judges("panos", &known(), &(rule("interzone") + open), &[within], &[across]);
}

#[test]
fn what_never_crosses_the_device_is_not_asked_about() {
    let text = SRX.replace("policy in {", "policy out {").replace(
        "application any; } then { permit; } } }\n    from-zone plant to-zone junos",
        "application any; } then { deny; } } }\n    from-zone plant to-zone junos",
    );
    let target = find("junos-srx").unwrap();
    assert!(prove_at(target, &wanted(), &text, &place()).is_err());
    let sides = Place { sides: vec![addresses(PLANT)], ..place() };
    prove_at(target, &wanted(), &text, &sides).unwrap();
}

#[test]
fn dialects_without_names_take_none_and_places_do_not_overlap() {
    let twice = zones(&[("a", &["0.0.0.0/0", "::/0"]), ("b", &["10.0.0.0/8"])]);
    for target in TARGETS {
        let refused = match target.own_names {
            OwnNames::None => target.check_names(&known()).unwrap_err().contains("has no names of its own"),
            OwnNames::Places(_) => target.check_names(&twice).unwrap_err().contains("behind `a` and behind `b`"),
            OwnNames::Labels(_) => target.check_names(&twice).is_ok(),
        };
        assert!(refused, "{}", target.name);
        assert!(target.check_names(&DeviceZones::default()).is_ok());
    }
    let any = between(PLANT, PLANT, enforcer_packetset::L4::Any);
    let odd = DeviceZones::new([("a\"b".to_owned(), addresses(&["0.0.0.0/0", "::/0"]))].into());
    let error = (find("panos").unwrap().render)(
        &ruleset(vec![established(), (any, Action::Deny, false)]),
        &RenderOptions { zones: odd, ..RenderOptions::default() },
    );
    assert!(error.unwrap_err().to_string().contains("the name `a\"b`"));
}

/// Everybody behind one of up to four names.
fn any_places(random: &mut Random) -> DeviceZones {
    let mut left = AddressSet::full();
    let mut behind = std::collections::BTreeMap::new();
    for name in ["lan", "dmz-1", "guest net"] {
        let set = left.intersection(&any_addresses(random));
        if !set.is_empty() && random.one_in(2) {
            left = left.difference(&set);
            behind.insert(name.to_owned(), set);
        }
    }
    if !left.is_empty() {
        behind.insert("wan".to_owned(), left);
    }
    DeviceZones::new(behind)
}

#[test]
fn whatever_is_behind_the_names_a_rendering_is_read_back_equal_and_a_wrong_name_is_found() {
    let places = TARGETS.iter().filter(|target| matches!(target.own_names, OwnNames::Places(_)));
    let wanted = std::env::var("CORDON_TARGET").ok();
    for target in places.filter(|target| wanted.as_deref().is_none_or(|name| name == target.name)) {
        let mut random = Random(9);
        let (mut named, mut found, mut equal) = (0, 0, 0);
        for case in 0..cases("CORDON_CASES", 150) {
            let (ruleset, _) = fit(target, layered_ruleset(&mut random));
            let place = Place { zones: any_places(&mut random), sides: Vec::new() };
            let options = RenderOptions { zones: place.zones.clone(), ..RenderOptions::default() };
            let text = (target.render)(&ruleset, &options).unwrap().text;
            if let Err(error) = prove_at(target, &ruleset, &text, &place) {
                panic!("{} case {case}: {error}\n{text}\n{:#?}", target.name, place.zones);
            }
            let parsed = target.read(&text, &place.zones).unwrap();
            for _ in 0..20 {
                let packet = packet(&mut random);
                assert_eq!(
                    passes(&parsed, &packet),
                    ruleset.decide(&packet).0 != Action::Deny,
                    "{} {case}: {packet}",
                    target.name
                );
            }
            let Some(at) = text.find("dmz-1") else { continue };
            named += 1;
            let mut mutant = text.clone();
            mutant.replace_range(at..at + "dmz-1".len(), "wan");
            match prove_at(target, &ruleset, &mutant, &place) {
                Err(NotProven::Differs(_)) => found += 1,
                Err(NotProven::Unreadable(error)) => assert!(error.what.contains("device_zones"), "{error}"),
                Err(NotProven::TooLarge(limit)) => panic!("{limit}"),
                Ok(_) => {
                    equal += 1;
                    let read = target.read(&mutant, &place.zones).unwrap();
                    assert_same(&mut random, &ruleset, &read, &mutant);
                }
            }
        }
        eprintln!("{}: {named} texts with a name, {found} wrong names found, {equal} that mean the same", target.name);
        // pf has no names in its texts.
        assert!(target.name == "pf" || (named > 5 && found > equal), "{}", target.name);
    }
}
