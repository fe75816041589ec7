//! The fields of a packet in the order in which diagrams ask about them, and how many values each has.

use std::net::IpAddr;

use crate::{ConnectionState, Heading, Mac, Number, Packet, VlanId, WeekSet};

/// A field. The order is the diagrams' variable order: family and state first, because one rule (`established` is allowed) often settles
/// half of the space; then the addresses, whose sets cut a large ruleset into small independent pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    /// 0 = IPv4, 1 = IPv6.
    Family,
    /// 0 = new, 1 = established.
    State,
    /// 0 = in, 1 = out. Early, because lists for the two share nothing.
    Heading,
    Destination,
    Source,
    Protocol,
    /// The TCP flag byte. Not asked of other protocols.
    Flags,
    /// Destination port, or ICMP code. Not asked of a protocol that has neither.
    DestinationPort,
    /// Source port, or ICMP type.
    SourcePort,
    Week,
    Vlan,
    SourceMac,
    DestinationMac,
    /// Nothing left to ask.
    End,
}

impl Level {
    pub(crate) const ALL: [Self; 13] = [
        Self::Family,
        Self::State,
        Self::Heading,
        Self::Destination,
        Self::Source,
        Self::Protocol,
        Self::Flags,
        Self::DestinationPort,
        Self::SourcePort,
        Self::Week,
        Self::Vlan,
        Self::SourceMac,
        Self::DestinationMac,
    ];

    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    pub(crate) fn next(self) -> Self {
        Self::ALL.get(self.index() + 1).copied().unwrap_or(Self::End)
    }

    /// The packet's value of the field.
    pub(crate) fn value(self, packet: &Packet) -> u128 {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(v4) => u128::from(v4.to_bits()),
            IpAddr::V6(v6) => v6.to_bits(),
        };
        match self {
            Self::Family => u128::from(packet.source.is_ipv6()),
            Self::State => u128::from(packet.state == ConnectionState::Established),
            Self::Heading => u128::from(packet.link.heading == Heading::Out),
            Self::Destination => bits(packet.destination),
            Self::Source => bits(packet.source),
            Self::Protocol => packet.protocol.into(),
            Self::Flags => packet.flags.into(),
            Self::DestinationPort => packet.destination_port.into(),
            Self::SourcePort => packet.source_port.into(),
            Self::Week => packet.minute_of_week.into(),
            Self::Vlan => packet.link.vlan.into(),
            Self::SourceMac => packet.link.source_mac.into(),
            Self::DestinationMac => packet.link.destination_mac.into(),
            Self::End => 0,
        }
    }
}

/// What the fields asked before say about the values that later ones have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Context {
    pub is_ipv6: bool,
    pub class: Class,
}

/// What a protocol number means for the two port fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// Neither ports nor ICMP fields.
    #[default]
    Bare,
    /// Ports, and a flag byte before them.
    Tcp,
    Ports,
    Icmp,
}

impl Class {
    /// IANA protocol numbers. ICMP has its fields only over the IP version that it belongs to.
    pub(crate) const fn of(is_ipv6: bool, protocol: u8) -> Self {
        match (is_ipv6, protocol) {
            (_, 6) => Self::Tcp,
            (_, 17 | 132) => Self::Ports,
            (false, 1) | (true, 58) => Self::Icmp,
            _ => Self::Bare,
        }
    }
}

impl Context {
    /// The largest value of the field.
    pub(crate) fn max(self, level: Level) -> u128 {
        match level {
            Level::Family | Level::State | Level::Heading => 1,
            Level::Destination | Level::Source => {
                if self.is_ipv6 {
                    u128::MAX
                } else {
                    u32::MAX.into()
                }
            }
            Level::Protocol => u8::MAX.into(),
            Level::Flags if self.class == Class::Tcp => u8::MAX.into(),
            Level::Flags => 0,
            Level::DestinationPort | Level::SourcePort => match self.class {
                Class::Tcp | Class::Ports => u16::MAX.into(),
                Class::Icmp => u8::MAX.into(),
                Class::Bare => 0,
            },
            Level::Week => (WeekSet::MINUTES - 1).into(),
            Level::Vlan => VlanId::MAX.into(),
            Level::SourceMac | Level::DestinationMac => Mac::MAX.into(),
            Level::End => 0,
        }
    }

    /// The context after the field was found to be `value`. Forgets what no later field depends on, so that equal rests stay equal.
    pub(crate) fn after(self, level: Level, value: u128) -> Self {
        match level {
            Level::Family => Self { is_ipv6: value == 1, class: Class::Bare },
            Level::Protocol => {
                let class = u8::try_from(value).map_or(Class::Bare, |number| Class::of(self.is_ipv6, number));
                Self { is_ipv6: false, class }
            }
            Level::Flags if self.class == Class::Tcp => Self { class: Class::Ports, ..self },
            Level::SourcePort => Self::default(),
            _ => self,
        }
    }
}
