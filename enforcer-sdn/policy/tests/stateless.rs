//! A point that does not know connections admits exactly what its rules promise: two more ways to say the same, packet by packet and as sets.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;
#[path = "common/packets.rs"]
mod packets;
#[path = "common/random.rs"]
mod random;

use std::net::IpAddr;

use enforcer_packetset::{
    AddressSet, ConnectionState, FlagSet, L4, Limits, Outcomes, Packet, PacketSet, PortSet, RangeSet, Selector, Step, compare,
};
use enforcer_policy::resolve::{Resolution, resolve};
use enforcer_policy::{Action, EnforcementPoint, Gap, Logs, Mode, Policy, Ruleset, Times, Verdict, compile, semantics};
use proptest::prelude::*;
use sensor_model::{FlowMap, Timestamp};

use common::{at, plant};
use packets::{HOSTS, any_packet};
use random::{any_policy, small_map};

fn policy(text: &str) -> Policy {
    let found = enforcer_policy::read(&[enforcer_policy::SourceFile { name: "p.yaml".into(), text: text.into() }]);
    found.unwrap_or_else(|findings| panic!("{}", findings.iter().map(|finding| format!("{finding}\n")).collect::<String>()))
}

fn switch() -> EnforcementPoint {
    EnforcementPoint { stateful: false, log_only: false, ..EnforcementPoint::new("switch", "cisco-ios") }
}

/// The policy asked directly, one packet at a time.
struct Oracle<'a> {
    policy: &'a Policy,
    resolution: Resolution,
    now: Timestamp,
    /// Protocols that some rule names beside those with ports and ICMP.
    others: Vec<u8>,
    is_about_v6: bool,
    talkers: Vec<IpAddr>,
}

impl<'a> Oracle<'a> {
    fn new(policy: &'a Policy, map: &FlowMap, now: Timestamp, others: Vec<u8>) -> Self {
        let resolution = resolve(policy, Some(map)).unwrap();
        let mut oracle = Self { policy, resolution, now, others, is_about_v6: false, talkers: Vec::new() };
        let hosts: Vec<IpAddr> = HOSTS.iter().map(|text| text.parse().unwrap()).collect();
        let mut questions = Vec::new();
        for &source in &hosts {
            for &destination in hosts.iter().filter(|host| host.is_ipv4() == source.is_ipv4()) {
                let icmp = if source.is_ipv4() { (1, vec![8, 13, 15, 17]) } else { (58, vec![128, 139]) };
                let ports = |protocol| (protocol, vec![7, 53, 100, 502, 550, 60000]);
                for (protocol, kinds) in [ports(6), ports(17), ports(132), icmp, (47, vec![0])] {
                    if protocol == 47 && !oracle.others.contains(&47) {
                        continue;
                    }
                    for kind in kinds {
                        let fields = match protocol {
                            1 | 58 => (kind, 0),
                            47 => (0, 0),
                            _ => (50000, kind),
                        };
                        questions.push(Packet::new(source, destination, protocol, fields, ConnectionState::New, 0));
                    }
                }
            }
        }
        // At any minute at which some rule of the generator is open, or closed.
        let minutes = [1500, 1440 + 90, 6 * 1440 + 1400, 300, 5000];
        for question in questions {
            let asked =
                minutes.iter().any(|&minute_of_week| oracle.is_allowed(&Packet { minute_of_week, ..question }) == Some(true));
            if asked {
                oracle.talkers.extend([question.source, question.destination]);
            }
        }
        oracle.is_about_v6 = oracle.talkers.iter().any(IpAddr::is_ipv6);
        oracle
    }

    /// What the policy says of a first packet, whatever the mode does about it.
    fn is_allowed(&self, packet: &Packet) -> Option<bool> {
        let first = Packet { state: ConnectionState::New, ..*packet };
        semantics::decide(self.policy, &self.resolution, &first, self.now)
            .filter(|decision| decision.mode != Mode::Observe)
            .map(|decision| decision.verdict == Verdict::Allow)
    }

    /// The packet that this one would answer.
    fn mirror(&self, packet: &Packet) -> Option<Packet> {
        let ports = (packet.destination_port, packet.source_port);
        let (source_port, destination_port) = match (packet.protocol, packet.source.is_ipv4(), packet.source_port) {
            (6, ..) if packet.flags & (FlagSet::ACK | FlagSet::RST) != 0 => ports,
            (17 | 132, ..) => ports,
            (1, true, 0) => (8, packet.destination_port),
            (1, true, kind @ (14 | 16 | 18)) => (kind - 1, packet.destination_port),
            (58, false, kind @ (129 | 140)) => (kind - 1, packet.destination_port),
            (other, ..) if self.others.contains(&other) => (0, 0),
            _ => return None,
        };
        Some(Packet { source: packet.destination, destination: packet.source, source_port, destination_port, ..*packet })
    }

    fn is_needed(&self, packet: &Packet) -> bool {
        match (packet.protocol, packet.source.is_ipv4(), packet.source_port) {
            (1, true, 3 | 11 | 12) | (58, false, 1..=4) => self.talkers.contains(&packet.destination),
            (58, false, 133..=136) => self.is_about_v6,
            _ => false,
        }
    }

    /// Verdict, and whether it leaves a log entry as something that is denied, or would be.
    fn decide(&self, packet: &Packet) -> (Action, bool) {
        let is_answer = self.mirror(packet).is_some_and(|question| self.is_allowed(&question) == Some(true));
        if is_answer || self.is_needed(packet) {
            return (Action::Allow, false);
        }
        let first = Packet { state: ConnectionState::New, ..*packet };
        match semantics::decide(self.policy, &self.resolution, &first, self.now) {
            Some(decision) if decision.verdict == Verdict::Deny && decision.mode == Mode::Enforce => (Action::Deny, false),
            Some(decision) if decision.verdict == Verdict::Deny && decision.mode == Mode::Simulate => (Action::Allow, true),
            _ => (Action::Allow, false),
        }
    }
}

/// ICMP has bytes where others have ports.
fn real(packet: Packet) -> Packet {
    let byte = |value: u16| if matches!(packet.protocol, 1 | 58) { value % 256 } else { value };
    Packet { source_port: byte(packet.source_port), destination_port: byte(packet.destination_port), ..packet }
}

/// The protocols beside the usual ones that the compiled rules name.
fn others(ruleset: &Ruleset) -> Vec<u8> {
    let named = ruleset.rules.iter().filter_map(|rule| match rule.selector.l4 {
        L4::Protocol(number) if ![1, 6, 17, 58, 132].contains(&number) => Some(number),
        _ => None,
    });
    named.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_stateless_ruleset_decides_as_it_promises(
        text in any_policy(),
        packets in prop::collection::vec((any_packet(), prop::sample::select(vec![0u8, 2, 4, 16, 18, 20, 24])), 80),
        types in prop::collection::vec(prop::sample::select(vec![0u16, 1, 3, 8, 11, 14, 18, 128, 129, 134, 140]), 80),
    ) {
        let (policy, map, now) = (policy(&text), small_map(), at("2026-12-01T12:00:00Z"));
        let compiled = compile(&policy, &map, &switch(), now).unwrap();
        let stateful = compile(&policy, &map, &EnforcementPoint::new("router", "nftables"), now).unwrap();
        let oracle = Oracle::new(&policy, &map, now, others(&stateful.ruleset));
        for ((packet, flags), kind) in packets.iter().zip(types) {
            let flags = if packet.protocol == 6 { *flags } else { 0 };
            // Half of the packets the other way round, so that services are where answers have them.
            for packet in [
                Packet { flags, ..*packet },
                Packet { flags, source_port: packet.destination_port, destination_port: packet.source_port, ..*packet },
                Packet { protocol: if packet.source.is_ipv4() { 1 } else { 58 }, source_port: kind, destination_port: 0, flags: 0, ..*packet },
            ]
            .map(real)
            {
                let (action, decided) = compiled.ruleset.decide(&packet);
                let logs = decided.is_some_and(|rule| rule.action == Action::Allow && rule.log);
                prop_assert_eq!((action, logs), oracle.decide(&packet), "{}\n{}\n{:#?}", packet, text, compiled.ruleset.rules);
            }
        }
    }

    #[test]
    fn the_same_said_as_sets(text in any_policy()) {
        let (policy, map, now) = (policy(&text), small_map(), at("2026-12-01T12:00:00Z"));
        let stateless = compile(&policy, &map, &switch(), now).unwrap().ruleset;
        let stateful = compile(&policy, &map, &EnforcementPoint::new("router", "nftables"), now).unwrap().ruleset;
        prop_assert_eq!(admitted(&stateless.steps()), promised(&stateful), "{}\n{:#?}", text, stateless.rules);
    }

    #[test]
    fn a_log_with_a_verdict_changes_nothing(text in any_policy()) {
        let (policy, map, now) = (policy(&text), small_map(), at("2026-12-01T12:00:00Z"));
        let with = compile(&policy, &map, &EnforcementPoint::new("p", "nftables"), now).unwrap().ruleset;
        let without = compile(&policy, &map, &EnforcementPoint { log_only: false, ..EnforcementPoint::new("p", "x") }, now).unwrap().ruleset;
        prop_assert!(without.rules.iter().all(|rule| rule.action != Action::Log));
        prop_assert!(compare(&with.steps(), &without.steps(), Limits::default()).unwrap().is_ok());
    }
}

fn admitted(steps: &[Step]) -> PacketSet {
    Outcomes::of(steps, Limits::default()).unwrap().denied.complement()
}

/// The definition, with operations on sets: first packets that are allowed, and of answer-shaped ones those whose mirror is.
fn promised(stateful: &Ruleset) -> PacketSet {
    // Without the rule for established packets, every packet is judged as a first one.
    let first: Vec<Step> = stateful.rules.iter().skip(1).map(enforcer_policy::PointRule::step).collect();
    // Denied or only logged: no question is allowed that meets it first. What nothing decides is no question of the policy's.
    let mut questions: Vec<(Selector, bool)> =
        stateful.rules.iter().skip(1).map(|rule| (rule.selector.clone(), rule.action == Action::Allow)).collect();
    questions.push((Selector::any(), false));
    let turned = |turn: &dyn Fn(&Selector) -> Vec<Selector>| {
        let steps: Vec<Step> = questions
            .iter()
            .flat_map(|(selector, allows)| {
                turn(selector).into_iter().map(|selector| if *allows { Step::allow(selector) } else { Step::deny(selector) })
            })
            .collect();
        admitted(&steps)
    };
    let of = |selectors: &[Selector]| PacketSet::any_of(selectors).unwrap();
    let full = || PortSet::full();
    let mut shapes = vec![
        Selector { flags: FlagSet::ack_or_rst(), ..Selector::any() },
        Selector { l4: L4::Udp { source: full(), destination: full() }, ..Selector::any() },
        Selector { l4: L4::Sctp { source: full(), destination: full() }, ..Selector::any() },
    ];
    shapes.extend(others(stateful).into_iter().map(|number| Selector { l4: L4::Protocol(number), ..Selector::any() }));
    let swapped = turned(&|selector| vec![swap(selector)]);
    let mut all = admitted(&first).union(&of(&shapes).intersection(&swapped).unwrap()).unwrap();
    for (is_v4, request, reply) in
        [(true, 8, 0), (true, 13, 14), (true, 15, 16), (true, 17, 18), (false, 128, 129), (false, 139, 140)]
    {
        let replies = turned(&|selector| as_reply(selector, is_v4, request, reply).into_iter().collect());
        let shape = icmp(is_v4, &[(reply, reply)], AddressSet::full());
        all = all.union(&of(&[shape]).intersection(&replies).unwrap()).unwrap();
    }
    let ends = talkers(&questions, &others(stateful));
    let mut needed = vec![icmp(true, &[(3, 3), (11, 12)], ends.clone()), icmp(false, &[(1, 4)], ends.clone())];
    if !ends.v6.is_empty() {
        needed.push(icmp(false, &[(133, 136)], AddressSet::full()));
    }
    all.union(&of(&needed)).unwrap()
}

fn icmp(is_v4: bool, types: &[(u8, u8)], destination: AddressSet) -> Selector {
    let (types, codes) = (RangeSet::from_ranges(types.iter().copied()), RangeSet::full());
    let l4 = if is_v4 { L4::Icmp { types, codes } } else { L4::Icmp6 { types, codes } };
    Selector { destination, l4, ..Selector::any() }
}

fn swap(selector: &Selector) -> Selector {
    let l4 = match selector.l4.clone() {
        L4::Tcp { source, destination } => L4::Tcp { source: destination, destination: source },
        L4::Udp { source, destination } => L4::Udp { source: destination, destination: source },
        L4::Sctp { source, destination } => L4::Sctp { source: destination, destination: source },
        other => other,
    };
    Selector { source: selector.destination.clone(), destination: selector.source.clone(), l4, ..selector.clone() }
}

/// The selector as one about replies: where it selects the request type, it becomes one that selects the reply type.
fn as_reply(selector: &Selector, is_v4: bool, request: u8, reply: u8) -> Option<Selector> {
    let l4 = match (&selector.l4, is_v4) {
        (L4::Any, _) | (L4::Protocol(1), true) | (L4::Protocol(58), false) => {
            icmp(is_v4, &[(reply, reply)], AddressSet::full()).l4
        }
        (L4::Icmp { types, codes }, true) if types.contains(request) => {
            L4::Icmp { types: RangeSet::of(reply), codes: codes.clone() }
        }
        (L4::Icmp6 { types, codes }, false) if types.contains(request) => {
            L4::Icmp6 { types: RangeSet::of(reply), codes: codes.clone() }
        }
        _ => return None,
    };
    Some(Selector { source: selector.destination.clone(), destination: selector.source.clone(), l4, ..selector.clone() })
}

/// Ends of what may be asked: an address is one when some packet with it, cut out of the whole set, is allowed as a question.
fn talkers(questions: &[(Selector, bool)], others: &[u8]) -> AddressSet {
    let steps: Vec<Step> = questions
        .iter()
        .map(|(selector, allows)| if *allows { Step::allow(selector.clone()) } else { Step::deny(selector.clone()) })
        .collect();
    let full = || PortSet::full();
    let mut askable = vec![
        Selector { l4: L4::Tcp { source: full(), destination: full() }, ..Selector::any() },
        Selector { l4: L4::Udp { source: full(), destination: full() }, ..Selector::any() },
        Selector { l4: L4::Sctp { source: full(), destination: full() }, ..Selector::any() },
        icmp(true, &[(8, 8), (13, 13), (15, 15), (17, 17)], AddressSet::full()),
        icmp(false, &[(128, 128), (139, 139)], AddressSet::full()),
    ];
    askable.extend(others.iter().map(|&number| Selector { l4: L4::Protocol(number), ..Selector::any() }));
    let asked = admitted(&steps).intersection(&PacketSet::any_of(&askable).unwrap()).unwrap();
    // The sets of the rules cut the addresses into cells that are treated alike: one question a cell.
    let mut ends = AddressSet::empty();
    for cell in cells(questions) {
        let from = Selector { source: cell.clone(), ..Selector::any() };
        let to = Selector { destination: cell.clone(), ..Selector::any() };
        if !asked.intersection(&PacketSet::any_of([&from, &to]).unwrap()).unwrap().is_empty() {
            ends = ends.union(&cell);
        }
    }
    ends
}

fn cells(questions: &[(Selector, bool)]) -> Vec<AddressSet> {
    let only = |v4: bool| AddressSet {
        v4: if v4 { RangeSet::full() } else { RangeSet::empty() },
        v6: if v4 { RangeSet::empty() } else { RangeSet::full() },
    };
    let mut cells = vec![only(true), only(false)];
    for set in questions.iter().flat_map(|(selector, _)| [&selector.source, &selector.destination]) {
        cells = cells
            .iter()
            .flat_map(|cell| [cell.intersection(set), cell.difference(set)])
            .filter(|cell| !cell.is_empty())
            .collect();
    }
    cells
}

const PLANT: &str = "
apiVersion: cordon/v1
kind: Policy
metadata: {name: p, owner: o}
zones:
  - {name: plcs, mode: enforce, intraZone: deny, members: [{role: plc}]}
  - {name: stations, mode: enforce, intraZone: deny, members: [{role: hmi}, {role: historian}]}
rules:
  - {name: poll, from: stations, to: plcs, services: [modbus, snmp], action: allow}
  - {name: visit, from: outside, to: plcs, services: [ssh], action: allow, log: true,
     schedule: {days: [tue], from: \"02:00\", to: \"04:00\", timeZone: Europe/Berlin}}
  - {name: no-night, from: outside, to: stations, services: [https], action: deny,
     schedule: {days: [sun], from: \"02:00\", to: \"04:00\", timeZone: UTC}}
";

#[test]
fn what_passes_unasked_is_named_by_rule_and_packets() {
    let compiled = compile(&policy(PLANT), &plant(), &switch(), at("2026-11-23T00:00:00Z")).unwrap();
    let gaps: Vec<String> = compiled.gaps.iter().map(ToString::to_string).collect();
    for wanted in [
        "rule `poll`: as answers also unasked: tcp with ACK or RST from port 502 of 10.10.1.10 to 10.10.1.20, 10.10.2.30; this point does not know connections",
        "rule `poll`: as answers also unasked: udp from port 161 of 10.10.1.10 to 10.10.1.20, 10.10.2.30; this point does not know connections",
        "rule `visit` logs every packet of the client, not only the first: this point does not know connections",
    ] {
        assert!(gaps.iter().any(|gap| gap == wanted), "{wanted}\n{gaps:#?}");
    }
}

#[test]
fn schedules_and_logs_are_kept_unless_narrowing_is_asked_for() {
    let now = at("2026-11-23T00:00:00Z");
    let kept = compile(&policy(PLANT), &plant(), &switch(), now).unwrap();
    assert!(kept.ruleset.rules.iter().any(|rule| rule.id == "visit" && !rule.selector.week.is_always()));
    let narrowed = compile(&policy(PLANT), &plant(), &EnforcementPoint { times: Times::Narrowed, ..switch() }, now).unwrap();
    assert!(narrowed.ruleset.rules.iter().all(|rule| rule.selector.week.is_always() && !rule.id.starts_with("visit")));
    assert!(narrowed.ruleset.rules.iter().any(|rule| rule.id == "no-night"));
    for (rule, becomes) in [("visit", "never open"), ("no-night", "always in force")] {
        assert!(narrowed.gaps.contains(&Gap::Narrowed { rule: rule.into(), becomes }), "{:?}", narrowed.gaps);
    }
    let open = admitted(&kept.ruleset.steps());
    let silent = compile(&policy(PLANT), &plant(), &EnforcementPoint { logs: Logs::LeftOut, ..switch() }, now).unwrap();
    assert!(silent.ruleset.rules.iter().all(|rule| !rule.log && rule.action != Action::Log));
    assert_eq!(admitted(&silent.ruleset.steps()), open, "a log decides nothing");
    assert!(silent.gaps.contains(&Gap::Unlogged { rule: "visit".into() }), "{:?}", silent.gaps);
    assert!(admitted(&narrowed.ruleset.steps()).is_subset(&open).unwrap(), "narrowing admits nothing more");
}

#[test]
fn a_group_is_talked_to_and_never_answered_for() {
    let text = "
apiVersion: cordon/v1
kind: Policy
metadata: {name: p, owner: o}
zones:
  - {name: hosts, mode: enforce, members: [{prefix: 10.1.0.0/24}, {prefix: 2001:db8::/64}]}
  - {name: groups, mode: observe, members: [{prefix: 239.255.255.250/32}, {prefix: 255.255.255.255/32}, {prefix: ff02::c/128}]}
  - {name: server, mode: enforce, members: [{prefix: 10.2.0.1/32}]}
rules:
  - {name: search, from: hosts, to: [groups, server], services: [udp/1900, icmp/echo-request], action: allow}
";
    let compiled = compile(&policy(text), &enforcer_policy::merge(&[]), &switch(), at("2026-11-23T00:00:00Z")).unwrap();
    let is_group = |address: &AddressSet| {
        ["239.255.255.250", "255.255.255.255", "ff02::c"].iter().any(|group| address.contains(group.parse().unwrap()))
    };
    let answers: Vec<_> = compiled.ruleset.rules.iter().filter(|rule| rule.id.contains("answers")).collect();
    assert!(!answers.is_empty() && answers.iter().all(|rule| !is_group(&rule.selector.source)), "{answers:#?}");
    let errors: Vec<_> = compiled.ruleset.rules.iter().filter(|rule| rule.id.contains("errors")).collect();
    assert!(errors.len() == 2 && errors.iter().all(|rule| !is_group(&rule.selector.destination)), "{errors:#?}");
    let is_question = |id: &str| id.starts_with("search") && !id.contains("answers");
    let questions = compiled.ruleset.rules.iter().filter(|rule| is_question(&rule.id));
    assert!(questions.into_iter().any(|rule| is_group(&rule.selector.destination)));
}
