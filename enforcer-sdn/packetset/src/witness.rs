//! Picks one packet of a set: the one that a reader, and a test bench, finds most ordinary.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::diagram::{Edge, IN, Node, NodeId, OUT, node_of};
use crate::level::{Class, Level};
use crate::{ConnectionState, Heading, Link, Mac, Packet, VlanId};

/// Ranges of values, the most welcome first.
type Wanted<'a> = &'a [(u128, u128)];

/// None when no path leads to `IN`.
pub(crate) fn find(nodes: &[Node], root: NodeId) -> Option<Packet> {
    if root == OUT {
        return None;
    }
    let mut at = root;
    // In a reduced diagram only `OUT` itself is empty, so any edge that leads elsewhere will do.
    let mut choose = |level: Level, wanted: Wanted<'_>, other: u128| {
        let Some(node) = node_of(nodes, at).filter(|node| node.level == level) else {
            return wanted.first().map_or(other, |&(first, _)| first);
        };
        let (value, to) = pick(&node.edges, wanted);
        at = to;
        value
    };
    let is_ipv6 = choose(Level::Family, &[(0, 0)], 0) == 1;
    let state = choose(Level::State, &[(0, 0)], 0);
    let heading = if choose(Level::Heading, &[(0, 0)], 0) == 1 { Heading::Out } else { Heading::In };
    let destination = address(is_ipv6, choose(Level::Destination, &wanted_addresses(is_ipv6, 2), 0));
    let source = address(is_ipv6, choose(Level::Source, &wanted_addresses(is_ipv6, 1), 0));
    let protocol = u8::try_from(choose(Level::Protocol, &[(6, 6), (17, 17), (1, 1), (58, 58), (132, 132), (2, 255)], 6)).ok()?;
    let flags = match (protocol, state) {
        (6, 0) => choose(Level::Flags, OPENING_FLAGS, 0),
        (6, _) => choose(Level::Flags, LATER_FLAGS, 0),
        _ => 0,
    };
    let (to, from): (Wanted<'_>, Wanted<'_>) = match Class::of(is_ipv6, protocol) {
        Class::Tcp | Class::Ports => (&[(80, 80), (1, 49151), (1, 65535)], &[(49152, 65535), (1024, 65535), (1, 65535)]),
        Class::Icmp => (&[(0, 0)], if is_ipv6 { &[(128, 128)] } else { &[(8, 8)] }),
        Class::Bare => (&[(0, 0)], &[(0, 0)]),
    };
    let destination_port = u16::try_from(choose(Level::DestinationPort, to, 0)).ok()?;
    let source_port = u16::try_from(choose(Level::SourcePort, from, 0)).ok()?;
    // Monday to Friday 12:00, office hours first.
    let minute_of_week = u16::try_from(choose(Level::Week, &[(720, 720), (480, 1079)], 720)).ok()?;
    let vlan = VlanId::new(u16::try_from(choose(Level::Vlan, &[(0, 0), (1, 4094)], 0)).ok()?)?;
    let mut mac = |level, host| Mac::from_bits(u64::try_from(choose(level, &wanted_macs(host), 0)).ok()?);
    let (source_mac, destination_mac) = (mac(Level::SourceMac, 1)?, mac(Level::DestinationMac, 2)?);
    let link = Link { vlan, source_mac, destination_mac, heading };
    let flags = u8::try_from(flags).ok()?;
    let state = if state == 1 { ConnectionState::Established } else { ConnectionState::New };
    (at == IN).then_some(Packet {
        source,
        destination,
        protocol,
        source_port,
        destination_port,
        flags,
        state,
        minute_of_week,
        link,
    })
}

/// SYN, then what a connection consists of (RFC 9293): SYN-ACK, ACK, with data, FIN, RST.
const OPENING_FLAGS: Wanted<'static> =
    &[(0x02, 0x02), (0x12, 0x12), (0x10, 0x10), (0x18, 0x18), (0x11, 0x11), (0x14, 0x14), (0x04, 0x04)];
const LATER_FLAGS: Wanted<'static> = &[(0x10, 0x10), (0x18, 0x18), (0x12, 0x12), (0x11, 0x11), (0x14, 0x14), (0x04, 0x04)];

/// Locally administered, then assigned unicast addresses; the n-th host first.
const fn wanted_macs(host: u128) -> [(u128, u128); 3] {
    let local = 0x0200_0000_0000;
    [(local + host, local + host), (local, local + 0x00ff_ffff_ffff), (1, 0x00ff_ffff_ffff)]
}

/// A value that leads on: in the first wanted range that has one, else any.
fn pick(edges: &[Edge], wanted: Wanted<'_>) -> (u128, NodeId) {
    let alive = || {
        let starts = std::iter::once(0).chain(edges.iter().map(|edge| edge.last.saturating_add(1)));
        starts.zip(edges).filter(|(_, edge)| edge.to != OUT)
    };
    for &(first, last) in wanted {
        if let Some((start, edge)) = alive().find(|(start, edge)| *start <= last && edge.last >= first) {
            return (inner(start.max(first), edge.last.min(last)), edge.to);
        }
    }
    alive().next().map_or((0, OUT), |(start, edge)| (inner(start, edge.last), edge.to))
}

/// A network's own address (low byte 0) is no ordinary host: take its neighbour where there is one. Smaller fields are not concerned.
const fn inner(first: u128, last: u128) -> u128 {
    if first > 0xffff && first.trailing_zeros() >= 8 && last > first { first + 1 } else { first }
}

/// Private, then public, then at least unicast addresses; the n-th host first, so that a free choice gives two different ends.
fn wanted_addresses(is_ipv6: bool, host: u128) -> Vec<(u128, u128)> {
    let v4 = |first: [u8; 4], last: [u8; 4]| (u128::from(u32::from_be_bytes(first)), u128::from(u32::from_be_bytes(last)));
    if is_ipv6 {
        let v6 = |first: u16, last: u16| (u128::from(first) << 112, (u128::from(last) << 112) | (u128::MAX >> 16));
        // RFC 3849 (documentation), RFC 4193 (local), RFC 4291 (global unicast, link-local, then all but multicast and ::).
        let documentation = 0x2001_0db8_u128 << 96;
        return vec![
            (documentation + host, documentation | (u128::MAX >> 32)),
            (documentation, documentation | (u128::MAX >> 32)),
            v6(0xfc00, 0xfdff),
            v6(0x2000, 0x3fff),
            v6(0xfe80, 0xfebf),
            (2, (0xff00_u128 << 112) - 1),
        ];
    }
    let ten = u128::from(u32::from_be_bytes([10, 0, 0, 0]));
    // RFC 1918, then unicast without "this network" and loopback (RFC 6890).
    vec![
        (ten + host, ten + 0x00ff_fffe),
        v4([10, 0, 0, 0], [10, 255, 255, 255]),
        v4([192, 168, 0, 0], [192, 168, 255, 255]),
        v4([172, 16, 0, 0], [172, 31, 255, 255]),
        v4([1, 0, 0, 0], [126, 255, 255, 255]),
        v4([128, 0, 0, 0], [223, 255, 255, 255]),
    ]
}

const fn address(is_ipv6: bool, bits: u128) -> IpAddr {
    if is_ipv6 { IpAddr::V6(Ipv6Addr::from_bits(bits)) } else { IpAddr::V4(Ipv4Addr::from_bits(bits as u32)) }
}
