//! Random selectors whose every boundary comes from a short list, and one packet for each cell between boundaries: asking all these packets
//! is asking all packets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{
    AddressSet, ConnectionState, Effect, FlagSet, Heading, HeadingSet, L4, Link, LinkFields, LinkSet, Mac, Number, Packet,
    PortSet, RangeSet, Selector, StateSet, Step, Verdict, VlanId, WeekSet,
};

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

/// How many random cases: `CORDON_CASES`, else the quick number.
pub fn cases(quick: u64) -> u64 {
    std::env::var("CORDON_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(quick)
}

/// Where the cells of each field begin. Every boundary of a drawn set is one of these, so one packet a cell is every packet.
#[derive(Clone, Copy)]
pub struct Universe {
    v4: &'static [u32],
    v6: &'static [u128],
    ports: &'static [u16],
    bytes: &'static [u8],
    week: &'static [u16],
    flags: &'static [u8],
    vlans: &'static [u16],
    macs: &'static [u64],
    headings: &'static [Heading],
}

/// Two universes, for the product of all fields would be too many packets: one is about IP and above, one about the link.
pub const UNIVERSES: [Universe; 2] = [
    Universe {
        v4: &[0, 0x0a00_0000, 0x0a00_0100],
        v6: &[0, 0x2001_0db8 << 96, (0x2001_0db8 << 96) + 1],
        ports: &[0, 22, 65535],
        bytes: &[0, 8, 255],
        week: &[0, 600, 10_079],
        flags: &[0, 2, 16],
        vlans: &[0],
        macs: &[0],
        headings: &[Heading::In],
    },
    Universe {
        v4: &[0],
        v6: &[0, 0x2001_0db8 << 96],
        ports: &[0],
        bytes: &[0],
        week: &[0, 600],
        flags: &[0, 2, 16],
        vlans: &[0, 7, 4094],
        macs: &[0, 1 << 40, (1 << 48) - 1],
        headings: &[Heading::In, Heading::Out],
    },
];

/// A union of cells; every cell is as likely in as out, and often all are.
fn ranges<T: Copy + Ord>(random: &mut Random, starts: &[T], before: impl Fn(T) -> T, max: T) -> Vec<(T, T)> {
    let all = random.one_in(3);
    (0..starts.len())
        .filter(|_| all || random.one_in(2))
        .map(|at| (starts[at], starts.get(at + 1).map_or(max, |&next| before(next))))
        .collect()
}

impl Universe {
    fn addresses(&self, random: &mut Random) -> AddressSet {
        let v4 = RangeSet::from_ranges(ranges(random, self.v4, |n| n - 1, u32::MAX));
        let v6 = RangeSet::from_ranges(ranges(random, self.v6, |n| n - 1, u128::MAX));
        AddressSet { v4, v6 }
    }

    fn port_set(&self, random: &mut Random) -> PortSet {
        RangeSet::from_ranges(ranges(random, self.ports, |n| n - 1, u16::MAX))
    }

    fn byte_set(&self, random: &mut Random) -> RangeSet<u8> {
        RangeSet::from_ranges(ranges(random, self.bytes, |n| n - 1, u8::MAX))
    }

    fn flag_set(&self, random: &mut Random) -> FlagSet {
        if random.one_in(2) { FlagSet::full() } else { FlagSet::from_ranges(ranges(random, self.flags, |n| n - 1, u8::MAX)) }
    }

    fn link_set(&self, random: &mut Random) -> LinkSet {
        let mut macs = || {
            let drawn = ranges(random, self.macs, |n| n - 1, Mac::MAX.bits()).into_iter();
            RangeSet::from_ranges(drawn.map(|(first, last)| (mac(first), mac(last))))
        };
        let (source_mac, destination_mac) = (macs(), macs());
        let vlan = ranges(random, self.vlans, |n| n - 1, VlanId::MAX.get()).into_iter();
        let vlan = RangeSet::from_ranges(vlan.map(|(first, last)| (vlan_id(first), vlan_id(last))));
        let heading = match self.headings {
            [_] => HeadingSet::Any,
            _ => random.pick(&[HeadingSet::Any, HeadingSet::Any, HeadingSet::In, HeadingSet::Out]),
        };
        LinkFields { vlan, source_mac, destination_mac, heading }.into()
    }

    pub fn selector(&self, random: &mut Random) -> Selector {
        let l4 = match random.below(9) {
            0 | 1 => L4::Any,
            2 => L4::Protocol(random.pick(&[0, 1, 6, 58, 132])),
            3 | 4 => L4::Tcp { source: self.port_set(random), destination: self.port_set(random) },
            5 => L4::Udp { source: self.port_set(random), destination: self.port_set(random) },
            6 => L4::Sctp { source: self.port_set(random), destination: self.port_set(random) },
            7 => L4::Icmp { types: self.byte_set(random), codes: self.byte_set(random) },
            _ => L4::Icmp6 { types: self.byte_set(random), codes: self.byte_set(random) },
        };
        let week = ranges(random, self.week, |n| n - 1, u16::MAX);
        Selector {
            source: self.addresses(random),
            destination: self.addresses(random),
            l4,
            flags: self.flag_set(random),
            state: random.pick(&[StateSet::Any, StateSet::Any, StateSet::New, StateSet::Established]),
            week: if random.one_in(2) { WeekSet::always() } else { WeekSet::from_ranges(week) },
            link: if random.one_in(3) { self.link_set(random) } else { LinkSet::any() },
        }
    }

    pub fn chain(&self, random: &mut Random, longest: u64) -> Vec<Step> {
        (0..random.below(longest + 1)).map(|_| Step { selector: self.selector(random), effect: effect(random) }).collect()
    }

    /// One packet for each cell.
    pub fn packets(&self) -> Vec<Packet> {
        let links = self.links();
        self.bare().into_iter().flat_map(|packet| links.iter().map(move |&link| Packet { link, ..packet })).collect()
    }

    fn links(&self) -> Vec<Link> {
        let mut links = Vec::new();
        for &vlan in self.vlans {
            for &source in self.macs {
                for &destination in self.macs {
                    for &heading in self.headings {
                        links.push(Link {
                            vlan: vlan_id(vlan),
                            source_mac: mac(source),
                            destination_mac: mac(destination),
                            heading,
                        });
                    }
                }
            }
        }
        links
    }

    fn bare(&self) -> Vec<Packet> {
        let mut packets = Vec::new();
        for is_ipv6 in [false, true] {
            let addresses: Vec<IpAddr> = if is_ipv6 {
                self.v6.iter().map(|&bits| IpAddr::V6(Ipv6Addr::from_bits(bits))).collect()
            } else {
                self.v4.iter().map(|&bits| IpAddr::V4(Ipv4Addr::from_bits(bits))).collect()
            };
            let bytes: Vec<u16> = self.bytes.iter().copied().map(u16::from).collect();
            for protocol in [0, 1, 6, 17, 58, 132] {
                let values: &[u16] = match (protocol, is_ipv6) {
                    (6 | 17 | 132, _) => self.ports,
                    (1, false) | (58, true) => &bytes,
                    _ => &[0],
                };
                let flags = if protocol == 6 { self.flags } else { &[0] };
                for pair in pairs(&addresses) {
                    for ports in pairs(values) {
                        for state in [ConnectionState::New, ConnectionState::Established] {
                            for &minute_of_week in self.week {
                                let packet = Packet::new(pair.0, pair.1, protocol, ports, state, minute_of_week);
                                packets.extend(flags.iter().map(|&flags| Packet { flags, ..packet }));
                            }
                        }
                    }
                }
            }
        }
        packets
    }
}

fn pairs<T: Copy>(values: &[T]) -> Vec<(T, T)> {
    values.iter().flat_map(|&one| values.iter().map(move |&other| (one, other))).collect()
}

fn mac(bits: u64) -> Mac {
    Mac::from_bits(bits).unwrap()
}

fn vlan_id(id: u16) -> VlanId {
    VlanId::new(id).unwrap()
}

fn effect(random: &mut Random) -> Effect {
    Effect {
        verdict: random.pick(&[None, Some(Verdict::Allow), Some(Verdict::Allow), Some(Verdict::Deny), Some(Verdict::Deny)]),
        log: random.one_in(4),
    }
}

/// What a chain does with a packet, step by step: (denied, logged).
pub fn walk(chain: &[Step], packet: &Packet) -> (bool, bool) {
    let mut logged = false;
    for step in chain.iter().filter(|step| step.selector.contains(packet)) {
        logged |= step.effect.log;
        if let Some(verdict) = step.effect.verdict {
            return (verdict == Verdict::Deny, logged);
        }
    }
    (false, logged)
}

/// Any range of a field, the ends as likely extreme as not.
fn wide(random: &mut Random, max: u128) -> Vec<(u128, u128)> {
    let number = |random: &mut Random| {
        let drawn = (u128::from(random.next()) << 64 | u128::from(random.next())) & max;
        // Few bits as often as many.
        drawn >> random.below(u64::from(128 - max.leading_zeros()))
    };
    (0..1 + random.below(2))
        .map(|_| match random.below(5) {
            0 => (0, max),
            1 => {
                let one = number(random);
                (one, one)
            }
            2 => {
                let hosts = (1u128 << random.below(u64::from(128 - max.leading_zeros()))) - 1;
                let one = number(random);
                (one & !hosts, one | hosts)
            }
            _ => {
                let (one, other) = (number(random), number(random));
                (one.min(other), one.max(other))
            }
        })
        .collect()
}

fn narrow<T: TryFrom<u128> + enforcer_packetset::Number>(ranges: Vec<(u128, u128)>) -> RangeSet<T> {
    let one = |value: u128| T::try_from(value).ok();
    RangeSet::from_ranges(ranges.into_iter().filter_map(|(first, last)| Some((one(first)?, one(last)?))))
}

/// A selector with boundaries anywhere.
pub fn wide_selector(random: &mut Random) -> Selector {
    let mut addresses = || AddressSet {
        v4: if random.one_in(4) { RangeSet::empty() } else { narrow(wide(random, u32::MAX.into())) },
        v6: if random.one_in(4) { RangeSet::empty() } else { narrow(wide(random, u128::MAX)) },
    };
    let (source, destination) = (addresses(), addresses());
    let mut two = |max: u16| (narrow(wide(random, max.into())), narrow(wide(random, max.into())));
    let (ports, bytes) = (two(u16::MAX), two(255));
    let as_bytes = |set: &PortSet| RangeSet::from_ranges(set.ranges().iter().map(|&(first, last)| (first as u8, last as u8)));
    let l4 = match random.below(8) {
        0 | 1 => L4::Any,
        2 => L4::Protocol(random.below(256) as u8),
        3 => L4::Tcp { source: ports.0, destination: ports.1 },
        4 => L4::Udp { source: ports.0, destination: ports.1 },
        5 => L4::Sctp { source: ports.0, destination: ports.1 },
        6 => L4::Icmp { types: as_bytes(&bytes.0), codes: as_bytes(&bytes.1) },
        _ => L4::Icmp6 { types: as_bytes(&bytes.0), codes: as_bytes(&bytes.1) },
    };
    Selector {
        source,
        destination,
        l4,
        state: random.pick(&[StateSet::Any, StateSet::New, StateSet::Established]),
        week: if random.one_in(2) {
            WeekSet::always()
        } else {
            WeekSet::from_ranges(narrow(wide(random, 10_079)).ranges().iter().copied())
        },
        flags: wide_flags(random),
        link: wide_link(random),
    }
}

fn wide_flags(random: &mut Random) -> FlagSet {
    match random.below(6) {
        0 => FlagSet::ack_or_rst(),
        1 => FlagSet::masked(random.below(256) as u8 & 0x17, 0x17),
        2 => FlagSet::from_ranges(wide(random, 255).into_iter().map(|(first, last)| (first as u8, last as u8))),
        _ => FlagSet::full(),
    }
}

fn wide_link(random: &mut Random) -> LinkSet {
    if random.one_in(2) {
        return LinkSet::any();
    }
    let mut mac = || match wide(random, Mac::MAX.into()) {
        ranges if ranges.is_empty() => RangeSet::full(),
        ranges => RangeSet::from_ranges(ranges.into_iter().filter_map(|(first, last)| {
            Some((Mac::from_bits(u64::try_from(first).ok()?)?, Mac::from_bits(u64::try_from(last).ok()?)?))
        })),
    };
    let (source_mac, destination_mac) = (mac(), mac());
    let vlan = wide(random, 4095).into_iter();
    let vlan = RangeSet::from_ranges(vlan.map(|(first, last)| {
        let id = |number: u128| VlanId::new(number as u16).unwrap_or(VlanId::MAX);
        (id(first), id(last))
    }));
    let heading = random.pick(&[HeadingSet::Any, HeadingSet::In, HeadingSet::Out]);
    LinkFields { vlan, source_mac, destination_mac, heading }.into()
}
