//! Random rulesets: every field, both IP versions, odd ranges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{
    AddressSet, ConnectionState, FlagSet, Heading, HeadingSet, L4, Link, LinkFields, Mac, Number, Packet, PortSet, RangeSet,
    Selector, StateSet, VlanId, WeekSet,
};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{TARGETS, Target};

pub use crate::fit::fit;

/// splitmix64: small, and good enough to draw cases.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// How many random cases: the environment's number, else the quick one.
pub fn cases(variable: &str, quick: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(quick)
}

/// In how many tests the dialects are divided, so that they run side by side.
pub const SHARES: usize = 4;

/// The dialects of one share; of those only `CORDON_TARGET`, where it is set.
pub fn targets(share: usize) -> impl Iterator<Item = &'static Target> {
    let wanted = std::env::var("CORDON_TARGET").ok();
    TARGETS.iter().skip(share).step_by(SHARES).filter(move |target| wanted.as_deref().is_none_or(|name| name == target.name))
}

fn v4(random: &mut Random) -> RangeSet<u32> {
    if random.one_in(5) {
        return RangeSet::full();
    }
    let count = 1 + random.below(4);
    RangeSet::from_ranges((0..count).map(|_| {
        let base = random.pick(&[0x0a00_0000, 0x0a01_0200, 0xc0a8_0000, 0x0000_0000, 0xffff_ff00]);
        let first = base + random.below(256) as u32;
        match random.below(3) {
            0 => (first, first),
            1 => (first & !0xf, first | 0xf),
            _ => (first, first + random.below(u64::from(base | 0xff) - u64::from(first) + 1) as u32),
        }
    }))
}

fn v6(random: &mut Random) -> RangeSet<u128> {
    if random.one_in(5) {
        return RangeSet::full();
    }
    let count = 1 + random.below(3);
    RangeSet::from_ranges((0..count).map(|_| {
        let base = random.pick(&[0x2001_0db8 << 96, (0x2001_0db8 << 96) + (7 << 64), 0xfd00 << 112, 0]);
        let first: u128 = base + u128::from(random.below(256));
        match random.below(4) {
            0 => (first, first),
            1 => (first & !0xff, first | 0xff),
            2 => (base, base | u128::from(u64::MAX)),
            _ => (first, first + u128::from(random.below(1000))),
        }
    }))
}

pub fn addresses(random: &mut Random) -> AddressSet {
    match random.below(8) {
        0 | 1 => AddressSet::full(),
        2 | 3 => AddressSet { v4: v4(random), v6: v6(random) },
        4 => AddressSet { v4: RangeSet::empty(), v6: v6(random) },
        _ => AddressSet { v4: v4(random), v6: RangeSet::empty() },
    }
}

fn ports(random: &mut Random) -> PortSet {
    match random.below(4) {
        0 => RangeSet::full(),
        1 => RangeSet::of(random.pick(&[0, 22, 80, 443, 502, 65535])),
        _ => RangeSet::from_ranges((0..1 + random.below(3)).map(|_| {
            let first = random.below(1 << 16) as u16;
            (first, first.saturating_add(random.pick(&[0, 1, 9, 1000, 65535])))
        })),
    }
}

fn bytes(random: &mut Random) -> RangeSet<u8> {
    match random.below(3) {
        0 => RangeSet::full(),
        _ => RangeSet::from_ranges((0..1 + random.below(3)).map(|_| {
            let first = random.below(256) as u8;
            (first, first.saturating_add(random.pick(&[0, 1, 30, 255])))
        })),
    }
}

fn week(random: &mut Random) -> WeekSet {
    if !random.one_in(5) {
        return WeekSet::always();
    }
    WeekSet::from_ranges((0..1 + random.below(3)).map(|_| {
        let first = random.below(10_080) as u16;
        (first, first + random.pick(&[0, 59, 600, 1440, 3000, 10_079]))
    }))
}

pub fn selector(random: &mut Random) -> Selector {
    let l4 = match random.below(9) {
        0 | 1 => L4::Any,
        2 => L4::Protocol(random.below(256) as u8),
        3 | 4 => L4::Tcp { source: ports(random), destination: ports(random) },
        5 => L4::Udp { source: ports(random), destination: ports(random) },
        6 => L4::Sctp { source: ports(random), destination: ports(random) },
        7 => L4::Icmp { types: bytes(random), codes: bytes(random) },
        _ => L4::Icmp6 { types: bytes(random), codes: bytes(random) },
    };
    // Restricted flags of another protocol select nothing.
    let is_tcp = matches!(l4, L4::Any | L4::Protocol(6) | L4::Tcp { .. });
    Selector {
        source: addresses(random),
        destination: addresses(random),
        l4,
        state: random.pick(&[StateSet::Any, StateSet::Any, StateSet::New, StateSet::Established]),
        week: week(random),
        flags: if is_tcp { flags(random) } else { FlagSet::full() },
        link: link(random).into(),
    }
}

const MACS: [u64; 4] = [0x0200_0000_0001, 0x0200_0000_0002, 0x0000_5e00_5301, 0xffff_ffff_ffff];

fn flags(random: &mut Random) -> FlagSet {
    match random.below(12) {
        0 | 1 => FlagSet::ack_or_rst(),
        2 => FlagSet::masked(FlagSet::SYN, FlagSet::SYN | FlagSet::ACK),
        3 => FlagSet::masked(random.below(256) as u8 & 0x17, 0x17),
        4 => FlagSet::of(random.below(256) as u8),
        5 => FlagSet::any_bit(1 << random.below(8)).union(FlagSet::of(random.below(256) as u8)),
        _ => FlagSet::full(),
    }
}

fn link(random: &mut Random) -> LinkFields {
    if random.one_in(2) {
        return LinkFields::any();
    }
    let mut macs = || match random.below(4) {
        0 => RangeSet::of(Mac::from_bits(random.pick(&MACS)).unwrap()),
        // A vendor's addresses.
        1 => RangeSet::range(Mac::from_octets([0, 0, 0x5e, 0, 0, 0]), Mac::from_octets([0, 0, 0x5e, 0xff, 0xff, 0xff])),
        _ => RangeSet::full(),
    };
    let (source_mac, destination_mac) = (macs(), macs());
    let vlan = match random.below(4) {
        0 => RangeSet::of(VlanId::new(random.below(4095) as u16).unwrap()),
        1 => RangeSet::range(VlanId::new(10).unwrap(), VlanId::new(10 + random.below(90) as u16).unwrap()),
        _ => RangeSet::full(),
    };
    LinkFields {
        vlan,
        source_mac,
        destination_mac,
        heading: random.pick(&[HeadingSet::Any, HeadingSet::Any, HeadingSet::In, HeadingSet::Out]),
    }
}

/// Selectors that select nothing are drawn again: a ruleset holds none.
fn some_selector(random: &mut Random) -> Selector {
    loop {
        let drawn = selector(random);
        let (v4, v6) = match drawn.l4 {
            L4::Icmp { .. } => (true, false),
            L4::Icmp6 { .. } => (false, true),
            _ => (true, true),
        };
        let has_v4 = v4 && !drawn.source.v4.is_empty() && !drawn.destination.v4.is_empty();
        let has_v6 = v6 && !drawn.source.v6.is_empty() && !drawn.destination.v6.is_empty();
        if has_v4 || has_v6 {
            return drawn;
        }
    }
}

pub fn ruleset(random: &mut Random, longest: u64) -> Ruleset {
    let rules = (0..random.below(longest + 1))
        .map(|number| PointRule {
            id: format!("r-{number}"),
            selector: some_selector(random),
            action: random.pick(&[Action::Allow, Action::Allow, Action::Deny, Action::Deny, Action::Log]),
            log: random.one_in(3),
            origin: Vec::new(),
        })
        .collect();
    Ruleset { point: "test".into(), rules }
}

/// A ruleset in which every line counts: each destination is allowed something, minus an exception before it, and the rest is denied.
pub fn layered_ruleset(random: &mut Random) -> Ruleset {
    let rule = |id: String, selector: Selector, action, log| PointRule { id, selector, action, log, origin: Vec::new() };
    let mut rules = Vec::new();
    for number in 0..1 + random.below(4) as u32 {
        let first = 0x0ac8_0000 + (number << 13);
        let first_v6 = (0x2001_0db8 << 96) | (u128::from(number + 1) << 76);
        let destination = AddressSet {
            v4: RangeSet::range(first, first + 0xff),
            v6: RangeSet::range(first_v6, first_v6 | u128::from(u64::MAX)),
        };
        let drawn = some_selector(random);
        let allowed = Selector { destination: destination.clone(), state: StateSet::New, ..drawn };
        // Half of the destination, so that no line of the allowed is covered.
        let half = AddressSet {
            v4: RangeSet::range(first + 0x80, first + 0xff),
            v6: RangeSet::range(first_v6 | 1 << 63, first_v6 | u128::from(u64::MAX)),
        };
        let excepted = Selector { destination: half, week: WeekSet::always(), state: StateSet::Any, ..allowed.clone() };
        rules.push(rule(format!("except-{number}"), excepted, Action::Deny, true));
        rules.push(rule(format!("allow-{number}"), allowed, Action::Allow, false));
        let watched = Selector { destination, l4: L4::Protocol(47), ..Selector::any() };
        rules.push(rule(format!("watch-{number}"), watched, Action::Log, true));
    }
    rules.push(rule("rest".into(), Selector::any(), Action::Deny, false));
    // Of two IP versions the drawn selector may have had one only, and ICMP belongs to one.
    rules.retain(|rule| {
        let Selector { source, destination, l4, week, .. } = &rule.selector;
        let v4 = !matches!(l4, L4::Icmp6 { .. }) && !source.v4.is_empty() && !destination.v4.is_empty();
        let v6 = !matches!(l4, L4::Icmp { .. }) && !source.v6.is_empty() && !destination.v6.is_empty();
        (v4 || v6) && !week.is_never()
    });
    Ruleset { point: "test".into(), rules }
}

/// A random packet near the addresses and numbers that the rulesets use.
pub fn packet(random: &mut Random) -> Packet {
    let is_ipv6 = random.one_in(2);
    let mut address = || {
        if is_ipv6 {
            IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) + u128::from(random.below(256))))
        } else {
            IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + random.below(256) as u32))
        }
    };
    let (source, destination) = (address(), address());
    let protocol = random.pick(&[6, 17, 132, if is_ipv6 { 58 } else { 1 }, 47]);
    let mut field = || match protocol {
        6 | 17 | 132 => random.below(1 << 16) as u16,
        1 | 58 => random.below(256) as u16,
        _ => 0,
    };
    let (source_port, destination_port) = (field(), field());
    let state = random.pick(&[ConnectionState::New, ConnectionState::Established]);
    let packet = Packet::new(source, destination, protocol, (source_port, destination_port), state, random.below(10_080) as u16);
    let flags = if protocol == 6 { random.below(256) as u8 } else { 0 };
    let link = Link {
        vlan: random.pick(&[VlanId::UNTAGGED, VlanId::new(10).unwrap(), VlanId::MAX]),
        source_mac: Mac::from_bits(random.pick(&MACS)).unwrap(),
        destination_mac: Mac::from_bits(random.pick(&MACS)).unwrap(),
        heading: random.pick(&[Heading::In, Heading::Out]),
    };
    Packet { flags, link, ..packet }
}
