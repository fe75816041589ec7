//! Random selectors whose every boundary comes from a short list, and one packet for each cell between boundaries: asking all these packets
//! is asking all packets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{
    AddressSet, ConnectionState, Effect, L4, Packet, PortSet, RangeSet, Selector, StateSet, Step, Verdict, WeekSet,
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

const V4: [u32; 3] = [0, 0x0a00_0000, 0x0a00_0100];
const V6: [u128; 3] = [0, 0x2001_0db8 << 96, (0x2001_0db8 << 96) + 1];
const PORTS: [u16; 3] = [0, 22, 65535];
const BYTES: [u8; 3] = [0, 8, 255];
const WEEK: [u16; 3] = [0, 600, 10_079];

/// A union of cells; every cell is as likely in as out, and often all are.
fn ranges<T: Copy + Ord>(random: &mut Random, starts: &[T], before: impl Fn(T) -> T, max: T) -> Vec<(T, T)> {
    let all = random.one_in(3);
    (0..starts.len())
        .filter(|_| all || random.one_in(2))
        .map(|at| (starts[at], starts.get(at + 1).map_or(max, |&next| before(next))))
        .collect()
}

fn addresses(random: &mut Random) -> AddressSet {
    let v4 = RangeSet::from_ranges(ranges(random, &V4, |n| n - 1, u32::MAX));
    let v6 = RangeSet::from_ranges(ranges(random, &V6, |n| n - 1, u128::MAX));
    AddressSet { v4, v6 }
}

fn ports(random: &mut Random) -> PortSet {
    RangeSet::from_ranges(ranges(random, &PORTS, |n| n - 1, u16::MAX))
}

fn bytes(random: &mut Random) -> RangeSet<u8> {
    RangeSet::from_ranges(ranges(random, &BYTES, |n| n - 1, u8::MAX))
}

pub fn selector(random: &mut Random) -> Selector {
    let l4 = match random.below(9) {
        0 | 1 => L4::Any,
        2 => L4::Protocol(random.pick(&[0, 1, 6, 58, 132])),
        3 | 4 => L4::Tcp { source: ports(random), destination: ports(random) },
        5 => L4::Udp { source: ports(random), destination: ports(random) },
        6 => L4::Sctp { source: ports(random), destination: ports(random) },
        7 => L4::Icmp { types: bytes(random), codes: bytes(random) },
        _ => L4::Icmp6 { types: bytes(random), codes: bytes(random) },
    };
    Selector {
        source: addresses(random),
        destination: addresses(random),
        l4,
        state: random.pick(&[StateSet::Any, StateSet::Any, StateSet::New, StateSet::Established]),
        week: if random.one_in(2) { WeekSet::always() } else { WeekSet::from_ranges(ranges(random, &WEEK, |n| n - 1, u16::MAX)) },
    }
}

pub fn chain(random: &mut Random, longest: u64) -> Vec<Step> {
    let effect = |random: &mut Random| Effect {
        verdict: random.pick(&[None, Some(Verdict::Allow), Some(Verdict::Allow), Some(Verdict::Deny), Some(Verdict::Deny)]),
        log: random.one_in(4),
    };
    (0..random.below(longest + 1)).map(|_| Step { selector: selector(random), effect: effect(random) }).collect()
}

/// One packet for each cell of the small universe.
pub fn universe() -> Vec<Packet> {
    let mut packets = Vec::new();
    for is_ipv6 in [false, true] {
        let addresses: Vec<IpAddr> = if is_ipv6 {
            V6.iter().map(|&bits| IpAddr::V6(Ipv6Addr::from_bits(bits))).collect()
        } else {
            V4.iter().map(|&bits| IpAddr::V4(Ipv4Addr::from_bits(bits))).collect()
        };
        for (protocol, values) in [
            (0u8, vec![0u16]),
            (1, if is_ipv6 { vec![0] } else { BYTES.map(u16::from).to_vec() }),
            (6, PORTS.to_vec()),
            (17, PORTS.to_vec()),
            (58, if is_ipv6 { BYTES.map(u16::from).to_vec() } else { vec![0] }),
            (132, PORTS.to_vec()),
        ] {
            for &source in &addresses {
                for &destination in &addresses {
                    for &source_port in &values {
                        for &destination_port in &values {
                            for state in [ConnectionState::New, ConnectionState::Established] {
                                for minute_of_week in WEEK {
                                    packets.push(Packet {
                                        source,
                                        destination,
                                        protocol,
                                        source_port,
                                        destination_port,
                                        state,
                                        minute_of_week,
                                    });
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    packets
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
    }
}
