//! Rulesets and packets that nobody picked, over the two sides of the firewall stage.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{AddressSet, ConnectionState, L4, Packet, PortSet, RangeSet, Selector, StateSet, WeekSet};
use enforcer_policy::{Action, PointRule, Ruleset};
use harness::firewall::Opening;
use harness::generate::Random;
use harness::packet::{ICMP, ICMPV6, SCTP, SYN, TCP, UDP};

/// Hosts of each side that anybody speaks of.
const HOSTS: u64 = 64;
const PORTS: [u16; 10] = [22, 53, 80, 102, 161, 443, 445, 502, 503, 3389];
/// Protocols that are no IPv6 extension header: GRE, ESP, OSPF, PIM, VRRP.
const OTHERS: [u8; 5] = [47, 50, 89, 103, 112];

fn pick<T: Copy>(from: &[T], random: &mut Random) -> T {
    from[random.below(from.len() as u64) as usize]
}

/// A few neighbours of one side, in both IP versions or in one.
fn addresses(random: &mut Random, is_left: bool) -> AddressSet {
    if random.chance(15) {
        return AddressSet::full();
    }
    let (v4_base, v6_base) = if is_left { (0x0a0a_0000, 0xfd10_u128 << 112) } else { (0x0a14_0000, 0xfd20_u128 << 112) };
    let ranges: Vec<(u64, u64)> = (0..=random.below(3))
        .map(|_| {
            let first = random.below(HOSTS);
            (first, first + pick(&[0, 1, 3, 7, 15, 20], random))
        })
        .collect();
    let v4 = RangeSet::from_ranges(ranges.iter().map(|&(first, last)| (v4_base + first as u32, v4_base + last as u32)));
    let v6 = RangeSet::from_ranges(ranges.iter().map(|&(first, last)| (v6_base + u128::from(first), v6_base + u128::from(last))));
    match random.below(6) {
        0 => AddressSet { v4, v6: RangeSet::empty() },
        1 => AddressSet { v4: RangeSet::empty(), v6 },
        _ => AddressSet { v4, v6 },
    }
}

fn ports(random: &mut Random, is_client: bool) -> PortSet {
    match (is_client, random.below(10)) {
        (true, 0) => RangeSet::range(1024, 1024 + random.below(60_000) as u16),
        (true, _) | (false, 0) => RangeSet::full(),
        (false, 1..=4) => RangeSet::of(pick(&PORTS, random)),
        _ => RangeSet::from_ranges((0..=random.below(20)).map(|_| {
            let first = pick(&PORTS, random);
            (first, first.saturating_add(pick(&[0, 0, 1, 60, 1000], random)))
        })),
    }
}

fn types(random: &mut Random, is_ipv6: bool) -> RangeSet<u8> {
    let known: &[u8] = if is_ipv6 { &[1, 2, 3, 4, 128, 129] } else { &[0, 3, 8, 11, 13] };
    match random.below(4) {
        0 => RangeSet::full(),
        _ => RangeSet::from_ranges((0..=random.below(2)).map(|_| {
            let first = pick(known, random);
            (first, first + pick(&[0, 0, 1], random))
        })),
    }
}

fn selector(random: &mut Random, is_stateful: bool, has_schedule: bool, minute: u16) -> Selector {
    let from_left = random.chance(50);
    let codes = |random: &mut Random, types: &RangeSet<u8>| {
        if types.is_full() || random.chance(50) { RangeSet::full() } else { RangeSet::range(0, random.below(3) as u8) }
    };
    let l4 = match random.below(10) {
        0 | 1 => L4::Any,
        2 => L4::Protocol(pick(&[TCP, UDP, ICMP, ICMPV6, SCTP, 47, 50, 89, 103, 112], random)),
        3..=5 => L4::Tcp { source: ports(random, true), destination: ports(random, false) },
        6 | 7 => L4::Udp { source: ports(random, true), destination: ports(random, false) },
        8 if random.chance(50) => L4::Sctp { source: ports(random, true), destination: ports(random, false) },
        8 => {
            let types = types(random, false);
            L4::Icmp { codes: codes(random, &types), types }
        }
        _ => {
            let types = types(random, true);
            L4::Icmp6 { codes: codes(random, &types), types }
        }
    };
    // Far from now on both sides, so that no clock decides the outcome.
    let week = if !has_schedule || random.chance(85) {
        WeekSet::always()
    } else {
        let shift = if random.chance(50) { 0 } else { 4000 };
        let at = |minutes: u16| (minute + shift + minutes) % WeekSet::MINUTES;
        let (first, last) = (at(WeekSet::MINUTES - 120), at(120));
        if first <= last {
            WeekSet::from_ranges([(first, last)])
        } else {
            WeekSet::from_ranges([(0, last), (first, WeekSet::MINUTES - 1)])
        }
    };
    let states: &[StateSet] = if is_stateful { &[StateSet::Any, StateSet::Any, StateSet::New] } else { &[StateSet::Any] };
    Selector {
        source: addresses(random, from_left),
        destination: addresses(random, !from_left),
        l4,
        state: pick(states, random),
        week,
        ..Selector::any()
    }
}

/// Whether some packet meets it.
fn selects_something(selector: &Selector) -> bool {
    let (v4, v6) = match selector.l4 {
        L4::Icmp { .. } => (true, false),
        L4::Icmp6 { .. } => (false, true),
        _ => (true, true),
    };
    let Selector { source, destination, .. } = selector;
    (v4 && !source.v4.is_empty() && !destination.v4.is_empty()) || (v6 && !source.v6.is_empty() && !destination.v6.is_empty())
}

/// Exceptions, permissions and a rest that is denied where both ends are of the stage.
pub fn ruleset(random: &mut Random, is_stateful: bool, has_schedule: bool, minute: u16) -> Ruleset {
    let mut rules = Vec::new();
    let mut rule = |id: String, selector, action| {
        rules.push(PointRule { id, selector, action, log: false, origin: Vec::new() });
    };
    // The stage's own packets must get through.
    let stage = AddressSet { v4: RangeSet::range(0xc000_0200, 0xc000_02ff), v6: RangeSet::empty() };
    rule("stage".into(), Selector { source: stage, ..Selector::any() }, Action::Allow);
    // Its own packets get through whatever is made.
    let stage = AddressSet { v4: RangeSet::range(0xc000_0200, 0xc000_02ff), v6: RangeSet::empty() };
    rule("stage".into(), Selector { source: stage, ..Selector::any() }, Action::Allow);
    if is_stateful {
        rule("established".into(), Selector { state: StateSet::Established, ..Selector::any() }, Action::Allow);
    }
    for number in 0..6 + random.below(20) {
        let selector = selector(random, is_stateful, has_schedule, minute);
        if selects_something(&selector) {
            let action = pick(&[Action::Allow, Action::Allow, Action::Deny], random);
            rule(format!("made-{number}"), selector, action);
        }
    }
    for (at, second, first) in [(0, 0x0a0a_0000, 0xfd10_u128 << 112), (1, 0x0a14_0000, 0xfd20_u128 << 112)] {
        if random.chance(80) {
            let source = AddressSet { v4: RangeSet::range(second, second + 0xffff), v6: RangeSet::range(first, first + 0xffff) };
            rule(format!("rest-{at}"), Selector { source, ..Selector::any() }, Action::Deny);
        }
    }
    Ruleset { point: "stage".into(), rules }
}

/// A packet from one side to the other that belongs to no connection.
pub fn opening(random: &mut Random) -> Opening {
    let is_v6 = random.chance(40);
    let icmp = if is_v6 { ICMPV6 } else { ICMP };
    let protocol = pick(&[TCP, TCP, TCP, TCP, UDP, UDP, UDP, icmp, icmp, SCTP, pick(&OTHERS, random)], random);
    // Without ports (Open vSwitch 3.1 looks at none of SCTP) the way back is a reply, and packets that do not come out are sent again.
    let from_left = random.chance(50) || protocol == SCTP || OTHERS.contains(&protocol);
    let mut address = |is_left: bool| -> IpAddr {
        let host = random.below(HOSTS) as u16;
        match (is_v6, is_left) {
            (false, left) => Ipv4Addr::new(10, if left { 10 } else { 20 }, 0, host as u8).into(),
            (true, left) => Ipv6Addr::new(if left { 0xfd10 } else { 0xfd20 }, 0, 0, 0, 0, 0, 0, host).into(),
        }
    };
    let (source, destination) = (address(from_left), address(!from_left));
    let (source_port, destination_port) = match protocol {
        TCP | UDP | SCTP => {
            let near = pick(&PORTS, random).saturating_add(pick(&[0, 0, 0, 1, 30], random));
            (1024 + random.below(60_000) as u16, near)
        }
        // Not neighbour discovery (133 to 137), which the stage's own devices take part in.
        ICMPV6 => (random.below(4) as u16, pick(&[1, 2, 3, 4, 5, 128, 128, 129, 200, 255], random)),
        ICMP => (random.below(4) as u16, pick(&[0, 3, 4, 8, 8, 11, 12, 13, 14, 200, 255], random)),
        _ => (0, 0),
    };
    Opening { source, destination, protocol, source_port, destination_port, tcp_flags: SYN }
}

/// The packet as a ruleset sees it.
pub fn packet(one: &Opening, minute: u16) -> Packet {
    let is_icmp = matches!(one.protocol, ICMP | ICMPV6);
    let (first, second) = if is_icmp { (one.destination_port, one.source_port) } else { (one.source_port, one.destination_port) };
    let packet = Packet::new(one.source, one.destination, one.protocol, (first, second), ConnectionState::New, minute);
    Packet { flags: if one.protocol == TCP { one.tcp_flags } else { 0 }, ..packet }
}
