//! A product of one set per field: what a single rule of any dialect can say.

use crate::{AddressSet, ConnectionState, FlagSet, LinkSet, Packet, PortSet, RangeSet, WeekSet};

/// Protocol and its fields, kept together: ports without their protocol cannot be said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum L4 {
    /// Every protocol.
    Any,
    /// One protocol by number, all of it. For TCP, UDP, SCTP and ICMP too.
    Protocol(u8),
    Tcp {
        source: PortSet,
        destination: PortSet,
    },
    Udp {
        source: PortSet,
        destination: PortSet,
    },
    Sctp {
        source: PortSet,
        destination: PortSet,
    },
    /// ICMP over IPv4 (protocol 1); never an IPv6 packet.
    Icmp {
        types: RangeSet<u8>,
        codes: RangeSet<u8>,
    },
    /// ICMPv6 over IPv6 (protocol 58); never an IPv4 packet.
    Icmp6 {
        types: RangeSet<u8>,
        codes: RangeSet<u8>,
    },
}

/// Connection states that are selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateSet {
    Any,
    New,
    Established,
}

impl StateSet {
    #[must_use]
    pub const fn contains(self, state: ConnectionState) -> bool {
        matches!(
            (self, state),
            (Self::Any, _) | (Self::New, ConnectionState::New) | (Self::Established, ConnectionState::Established)
        )
    }
}

/// Packets whose every field is in the field's set. Empty in one field is empty altogether.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    pub source: AddressSet,
    pub destination: AddressSet,
    pub l4: L4,
    /// Full: any packet. Otherwise only TCP packets, and of those the ones whose flag byte is a member.
    pub flags: FlagSet,
    pub state: StateSet,
    pub week: WeekSet,
    pub link: LinkSet,
}

impl Selector {
    /// Every packet.
    #[must_use]
    pub fn any() -> Self {
        Self {
            source: AddressSet::full(),
            destination: AddressSet::full(),
            l4: L4::Any,
            flags: FlagSet::full(),
            state: StateSet::Any,
            week: WeekSet::always(),
            link: LinkSet::any(),
        }
    }

    #[must_use]
    pub fn contains(&self, packet: &Packet) -> bool {
        packet.source.is_ipv4() == packet.destination.is_ipv4()
            && self.source.contains(packet.source)
            && self.destination.contains(packet.destination)
            && self.l4.contains(packet)
            && (self.flags.is_full() || (packet.protocol == 6 && self.flags.contains(packet.flags)))
            && self.state.contains(packet.state)
            && self.week.contains(packet.minute_of_week)
            && self.link.contains(&packet.link)
    }
}

impl L4 {
    #[must_use]
    pub fn contains(&self, packet: &Packet) -> bool {
        let ports = |number, source: &PortSet, destination: &PortSet| {
            packet.protocol == number && source.contains(packet.source_port) && destination.contains(packet.destination_port)
        };
        let icmp = |number, is_ipv4, types: &RangeSet<u8>, codes: &RangeSet<u8>| {
            packet.protocol == number
                && packet.source.is_ipv4() == is_ipv4
                && u8::try_from(packet.source_port).is_ok_and(|kind| types.contains(kind))
                && u8::try_from(packet.destination_port).is_ok_and(|code| codes.contains(code))
        };
        match self {
            Self::Any => true,
            Self::Protocol(number) => packet.protocol == *number,
            Self::Tcp { source, destination } => ports(6, source, destination),
            Self::Udp { source, destination } => ports(17, source, destination),
            Self::Sctp { source, destination } => ports(132, source, destination),
            Self::Icmp { types, codes } => icmp(1, true, types, codes),
            Self::Icmp6 { types, codes } => icmp(58, false, types, codes),
        }
    }
}
