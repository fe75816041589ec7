//! Zones inside zones: a rule means the inner ones too, each address stays in the innermost, and modes come from around.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use enforcer_packetset::{Packet, PacketSet};
use enforcer_policy::resolve::resolve;
use enforcer_policy::{Mode, Policy, SourceFile, Verdict, read, semantics};
use sensor_model::Timestamp;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Any packet, to take the fields from that a test does not speak of.
fn packet() -> Packet {
    PacketSet::full().witness().unwrap()
}

fn file(body: &str) -> SourceFile {
    SourceFile { name: "p".into(), text: format!("apiVersion: cordon/v1\nkind: Policy\nmetadata: {{name: p, owner: o}}\n{body}") }
}

fn policy(body: &str) -> Policy {
    read(&[file(body)])
        .unwrap_or_else(|found| panic!("{}", found.iter().map(|finding| format!("{finding}\n")).collect::<String>()))
}

fn refused(body: &str) -> Vec<String> {
    let found = read(&[file(body)]).unwrap_err();
    found
        .iter()
        .map(|one| format!("{}:{} {} = {}", one.line(), one.column(), one.message, one.help.as_deref().unwrap_or("-")))
        .collect()
}

const LINE: &str = "zones:
  - {name: line, mode: enforce, members: [{prefix: 10.0.0.0/16}, {zone: cell-1}, {zone: cells}]}
  - {name: cell-1, members: [{prefix: 10.0.1.0/24}]}
  - {name: cells, members: [{zone: cell-2}]}
  - {name: cell-2, intraZone: deny, members: [{prefix: 10.0.2.0/24}]}
  - {name: cell-3, mode: observe, members: [{prefix: 10.9.0.0/16}]}
rules:
  - {name: in, from: cell-3, to: line, services: [ssh], action: allow}
  - {name: out, from: cells, to: outside, services: [dns], action: allow}
";

#[test]
fn an_address_is_in_the_innermost_zone_and_rules_reach_it() {
    let policy = policy(LINE);
    let resolution = resolve(&policy, None).unwrap();
    let zone = |address: &str| resolution.zone_of(address.parse().unwrap()).map(|at| policy.zones[at].name.value.as_str());
    assert_eq!(
        [zone("10.0.7.1"), zone("10.0.1.1"), zone("10.0.2.1"), zone("10.1.0.1")],
        [Some("line"), Some("cell-1"), Some("cell-2"), None]
    );
    let word = |source: &str, destination: &str, port: u16| {
        let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
        let packet = Packet { source, destination, destination_port: port, ..packet() };
        semantics::decide(&policy, &resolution, &packet, at("2026-11-23T00:00:00Z")).unwrap().verdict
    };
    for host in ["10.0.7.1", "10.0.1.1", "10.0.2.1"] {
        assert_eq!((word("10.9.0.1", host, 22), word("10.9.0.1", host, 23)), (Verdict::Allow, Verdict::Deny), "{host}");
    }
    assert_eq!((word("10.0.2.1", "192.0.2.1", 53), word("10.0.1.1", "192.0.2.1", 53)), (Verdict::Allow, Verdict::Deny));
    // Side by side in one zone is not within it: that `intraZone` is about its own members.
    assert_eq!((word("10.0.1.1", "10.0.2.1", 80), word("10.0.7.1", "10.0.7.2", 80)), (Verdict::Deny, Verdict::Allow));
}

#[test]
fn a_zone_without_a_mode_has_the_strongest_around_it() {
    let modes: Vec<Mode> = policy(LINE).zones.iter().map(|zone| zone.mode).collect();
    assert_eq!(modes, [Mode::Enforce, Mode::Enforce, Mode::Enforce, Mode::Enforce, Mode::Observe]);
    let own = policy(&LINE.replace("name: cells,", "name: cells, mode: simulate,"));
    assert_eq!((own.zones[2].mode, own.zones[3].mode), (Mode::Simulate, Mode::Simulate));
}

#[test]
fn what_cannot_be_nested_is_refused() {
    let zones = |text: &str| refused(&format!("zones:\n{text}"));
    assert_eq!(
        zones("  - {name: a, members: [{zone: b}]}\n  - {name: b, members: [{zone: c}]}\n  - {name: c, members: [{zone: a}]}\n"),
        ["7:32 zone `c` is inside `a` and around it = take one of the two out; `a` is at p:5"]
    );
    assert_eq!(
        zones("  - {name: a, members: [{zone: a}]}\n"),
        ["5:32 zone `a` is inside itself = take one of the two out; `a` is at p:5"]
    );
    assert_eq!(
        zones("  - {name: abc, members: [{zone: abd}]}\n"),
        ["5:34 unknown zone `abd`; did you mean `abc`? = zones are defined under `zones:`"]
    );
    assert_eq!(
        zones("  - {name: a, members: [{zone: b, role: plc}]}\n  - {name: b, members: []}\n"),
        ["5:25 an entry with `zone:` has other keys too = give them an entry of their own, or define a zone that is smaller"]
    );
    assert_eq!(
        zones("  - {name: a, members: [{zone: b}], except: [{asset: x}]}\n  - {name: b, members: []}\n"),
        [
            "5:45 zone `a` has `except:` and the zone `b` inside it = put `except:` into the inner zone: it has its members for itself"
        ]
    );
    assert!(zones("  - {name: a, members: [], except: [{zone: b}]}\n")[0].contains("unknown key `zone` in a member"));
}
