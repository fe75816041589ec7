//! Parts of one protocol's packets, for the renderer: a set of each field, and what is left of one without another.

use enforcer_packetset::{FlagSet, L4, RangeSet};

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const SCTP: u8 = 132;
const ICMP: u8 = 1;
const ICMP6: u8 = 58;

/// A product of fields. Source and destination ports with TCP and UDP, type and code with ICMP; other protocols have none, and are whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) first: RangeSet<u16>,
    pub(super) second: RangeSet<u16>,
    pub(super) flags: FlagSet,
}

/// What a rule says of a packet behind its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Any,
    One(u8, Region),
}

/// Why a rule has no service in this dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoService {
    Nothing,
    SctpPorts,
    ExtensionHeader,
}

impl Region {
    pub(super) const fn has_ports(protocol: u8) -> bool {
        matches!(protocol, TCP | UDP)
    }

    pub(super) fn whole(protocol: u8) -> Self {
        let field = if Self::has_ports(protocol) { RangeSet::full() } else { RangeSet::range(0, 255) };
        Self { first: field.clone(), second: field, flags: FlagSet::full() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() || self.second.is_empty() || self.flags.is_empty()
    }

    fn and(&self, other: &Self) -> Self {
        Self {
            first: self.first.intersection(&other.first),
            second: self.second.intersection(&other.second),
            flags: self.flags.intersection(other.flags),
        }
    }

    /// What is in both; None when nothing is.
    pub(super) fn shared(&self, other: &Self) -> Option<Self> {
        let both = self.and(other);
        (!both.is_empty()).then_some(both)
    }

    /// Products that share no packet, and are together what is only in `self`.
    pub(super) fn without(&self, other: &Self) -> Vec<Self> {
        let Some(both) = self.shared(other) else { return vec![self.clone()] };
        let parts = [
            Self { second: self.second.difference(&both.second), ..self.clone() },
            Self { first: self.first.difference(&both.first), second: both.second.clone(), flags: self.flags },
            Self { flags: self.flags.difference(both.flags), ..both },
        ];
        parts.into_iter().filter(|part| !part.is_empty()).collect()
    }
}

/// Each of `regions` without `other`.
pub(super) fn all_without(regions: Vec<Region>, other: &Region) -> Vec<Region> {
    regions.into_iter().flat_map(|region| region.without(other)).collect()
}

impl Service {
    pub(super) fn of(l4: &L4, flags: FlagSet, is_ipv6: bool) -> Result<Self, NoService> {
        let with = |protocol: u8, first: RangeSet<u16>, second: RangeSet<u16>| {
            let region = Region { first, second, flags };
            if region.is_empty() { Err(NoService::Nothing) } else { Ok(Self::One(protocol, region)) }
        };
        let bytes = |set: &RangeSet<u8>| RangeSet::from_ranges(set.ranges().iter().map(|&(a, b)| (a.into(), b.into())));
        let has_flags = matches!(l4, L4::Any | L4::Protocol(TCP) | L4::Tcp { .. });
        if !flags.is_full() && !has_flags {
            return Err(NoService::Nothing);
        }
        match l4 {
            L4::Any if flags.is_full() => Ok(Self::Any),
            L4::Any | L4::Protocol(TCP) => with(TCP, RangeSet::full(), RangeSet::full()),
            // RFC 8956 3.3: the component is about the first header that is no extension header (RFC 8200 4).
            L4::Protocol(0 | 43 | 44 | 50 | 51 | 60 | 135 | 139 | 140) if is_ipv6 => Err(NoService::ExtensionHeader),
            L4::Protocol(number) => Ok(Self::One(*number, Region::whole(*number))),
            L4::Tcp { source, destination } => with(TCP, source.clone(), destination.clone()),
            L4::Udp { source, destination } => with(UDP, source.clone(), destination.clone()),
            L4::Sctp { source, destination } if source.is_empty() || destination.is_empty() => Err(NoService::Nothing),
            L4::Sctp { source, destination } if source.is_full() && destination.is_full() => {
                Ok(Self::One(SCTP, Region::whole(SCTP)))
            }
            // RFC 8955 4.2.2.4: only TCP and UDP packets can match a port component.
            L4::Sctp { .. } => Err(NoService::SctpPorts),
            L4::Icmp { types, codes } => with(ICMP, bytes(types), bytes(codes)),
            L4::Icmp6 { types, codes } => with(ICMP6, bytes(types), bytes(codes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_disjoint_and_exact() {
        let set = |ranges: &[(u16, u16)]| RangeSet::from_ranges(ranges.iter().copied());
        let one = Region { first: set(&[(0, 9)]), second: set(&[(5, 20)]), flags: FlagSet::masked(0, 1) };
        let other = Region { first: set(&[(3, 4), (9, 30)]), second: set(&[(0, 7)]), flags: FlagSet::any_bit(6) };
        let left = one.without(&other);
        let holds = |region: &Region, (a, b, flags): (u16, u16, u8)| {
            region.first.contains(a) && region.second.contains(b) && region.flags.contains(flags)
        };
        for at in (0..12).flat_map(|a| (0..22).flat_map(move |b| (0..16).map(move |flags| (a, b, flags)))) {
            let times = left.iter().filter(|region| holds(region, at)).count();
            assert_eq!(times, usize::from(holds(&one, at) && !holds(&other, at)), "{at:?}");
        }
    }
}
