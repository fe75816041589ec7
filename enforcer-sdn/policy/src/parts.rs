//! A rule as boxes (protocol, ports or type, code, minute of the week) between two zones: exact, without any address.
//!
//! Zones share no address, so what is decided zone pair by zone pair is decided for every packet, whoever is in the zones.

use enforcer_packetset::{L4, PortSet, RangeSet, WeekSet};

use crate::document::{Peer, Policy};
use crate::{semantics, service};

/// Ports (or types, or protocol numbers), codes and minutes of one protocol class.
#[derive(Clone, Debug)]
pub struct Part {
    pub class: u8,
    pub ports: RangeSet<u16>,
    pub codes: RangeSet<u8>,
    pub week: RangeSet<u16>,
}

/// Stands for every protocol without ports or types. 1 and 58 in it are ICMP over IPv6 and ICMPv6 over IPv4, which no stack makes.
pub const OTHER: u8 = 255;

impl Part {
    /// What both have; None when they do not meet.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        let part = Self {
            class: self.class,
            ports: self.ports.intersection(&other.ports),
            codes: self.codes.intersection(&other.codes),
            week: self.week.intersection(&other.week),
        };
        (self.class == other.class && !part.ports.is_empty() && !part.codes.is_empty() && !part.week.is_empty()).then_some(part)
    }

    /// This without `other`; None when they do not meet.
    pub fn cut(&self, other: &Self) -> Option<Vec<Self>> {
        let Self { ports, codes, .. } = self.meet(other)?;
        let rest = [
            Self { ports: self.ports.difference(&other.ports), ..self.clone() },
            Self { ports: ports.clone(), codes: self.codes.difference(&other.codes), ..self.clone() },
            Self { ports, codes, week: self.week.difference(&other.week), class: self.class },
        ];
        Some(rest.into_iter().filter(|part| !part.ports.is_empty() && !part.codes.is_empty() && !part.week.is_empty()).collect())
    }

    /// The same as a selector's protocol, and whether it is of IPv4 and of IPv6. Of several protocols without ports, one.
    pub fn l4(&self) -> (L4, [bool; 2]) {
        let types =
            || RangeSet::from_ranges(self.ports.ranges().iter().filter_map(|&(a, b)| Some((byte(a)?, byte(b.min(255))?))));
        let codes = || self.codes.clone();
        let (source, destination) = (PortSet::full(), self.ports.clone());
        match self.class {
            6 => (L4::Tcp { source, destination }, [true, true]),
            17 => (L4::Udp { source, destination }, [true, true]),
            132 => (L4::Sctp { source, destination }, [true, true]),
            1 => (L4::Icmp { types: types(), codes: codes() }, [true, false]),
            58 => (L4::Icmp6 { types: types(), codes: codes() }, [false, true]),
            _ => {
                let strangers = RangeSet::from_ranges([(1, 1), (58, 58)]);
                let usual = self.ports.difference(&strangers);
                let ranges = if usual.is_empty() { self.ports.ranges() } else { usual.ranges() };
                let number = ranges.first().and_then(|&(first, _)| byte(first)).unwrap_or(u8::MAX);
                (L4::Protocol(number), [number != 1, number != 58])
            }
        }
    }
}

fn byte(value: u16) -> Option<u8> {
    u8::try_from(value).ok()
}

/// The boxes of protocols and ports in a window.
pub fn parts(l4: &[L4], week: &WeekSet) -> Vec<Part> {
    let week = week.minutes().clone();
    if week.is_empty() {
        return Vec::new();
    }
    let part = |class: u8, ports: RangeSet<u16>, codes: RangeSet<u8>| Part { class, ports, codes, week: week.clone() };
    let wide = |set: &RangeSet<u8>| RangeSet::from_ranges(set.ranges().iter().map(|&(a, b)| (u16::from(a), u16::from(b))));
    let whole = |class: u8| {
        let ports = match class {
            6 | 17 | 132 => RangeSet::full(),
            OTHER => RangeSet::range(0, 255).difference(&RangeSet::from_ranges([(6, 6), (17, 17), (132, 132)])),
            _ => RangeSet::range(0, 255),
        };
        part(class, ports, RangeSet::full())
    };
    let other = |number: u8| part(OTHER, RangeSet::of(number.into()), RangeSet::full());
    l4.iter()
        .flat_map(|l4| match l4 {
            L4::Any => [6, 17, 132, 1, 58, OTHER].map(whole).to_vec(),
            L4::Protocol(number @ (6 | 17 | 132)) => vec![whole(*number)],
            L4::Protocol(number @ (1 | 58)) => vec![whole(*number), other(*number)],
            L4::Protocol(number) => vec![other(*number)],
            L4::Icmp { types, codes } | L4::Icmp6 { types, codes } => {
                vec![part(service::number(l4).unwrap_or(OTHER), wide(types), codes.clone())]
            }
            L4::Tcp { destination, .. } | L4::Udp { destination, .. } | L4::Sctp { destination, .. } => {
                vec![part(service::number(l4).unwrap_or(OTHER), destination.clone(), RangeSet::full())]
            }
        })
        .collect()
}

/// The zone pairs of two sides; the index after the last zone is the outside.
pub fn pairs(policy: &Policy, from: &[Peer], to: &[Peer]) -> Vec<(usize, usize)> {
    let outside = policy.zones.len();
    let atoms = |peers: &[Peer]| -> Vec<usize> {
        (0..=outside).filter(|&at| semantics::names(peers, (at < outside).then_some(at))).collect()
    };
    let to = atoms(to);
    let from = atoms(from);
    from.iter().flat_map(|&a| to.iter().map(move |&b| (a, b))).filter(|&(a, b)| (a, b) != (outside, outside)).collect()
}
