//! Pieces of packets: which ones belong together, also where the packet that came in pieces is a tunnel's.

use sensor_wire::{Anomalies, Fragment, LinkType, Options, Outcome, Packet, decode};

use crate::build::{eth, ip4, ip4_with, ip6, tcp, udp};

const MORE: u16 = 0x2000;

fn whole_or_first(bytes: &[u8]) -> Packet {
    match decode(LinkType::Ethernet, bytes, 0, Options::default()) {
        Outcome::Packet(packet) => packet,
        other => panic!("no packet: {other:?}"),
    }
}

fn later(bytes: &[u8]) -> Packet {
    match decode(LinkType::Ethernet, bytes, 0, Options::default()) {
        Outcome::Fragment(packet) => packet,
        other => panic!("no later fragment: {other:?}"),
    }
}

/// The pieces of what `ip4` would carry, cut behind 64 bytes.
fn pieces(protocol: u8, payload: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (front, rest) = payload.split_at(64);
    (ip4_with(protocol, MORE, front), ip4_with(protocol, 8, rest))
}

#[test]
fn given_the_pieces_of_one_packet_then_their_id_is_one_and_no_other_packets() {
    let (front, rest) = pieces(17, &udp(5, 6, &[7; 200]));
    let (first, last) = (whole_or_first(&eth(0x0800, &front)), later(&eth(0x0800, &rest)));
    assert_eq!((first.fragment, last.fragment), (Fragment::First, Fragment::Later { offset: 64 }));
    assert_eq!(first.fragment_id, last.fragment_id);
    assert_ne!(first.fragment_id, 0);
    // Identification, protocol, source, destination: another one of these is another packet.
    for at in [5, 9, 12, 16] {
        let mut other = rest.clone();
        other[at] ^= 1;
        assert_ne!(later(&eth(0x0800, &other)).fragment_id, first.fragment_id, "byte {at}");
    }
    assert_eq!(whole_or_first(&eth(0x0800, &ip4(17, &udp(5, 6, b"")))).fragment_id, 0, "whole");
}

#[test]
fn given_ipv6_pieces_that_differ_in_next_header_then_their_id_is_one() {
    // RFC 8200 4.5: only the one of the first piece counts. Here it names destination options, which only that piece holds.
    let piece = |next_header: u8, field: [u8; 2], id: u8, payload: &[u8]| {
        eth(0x86dd, &ip6(44, &[&[next_header, 0, field[0], field[1], 0, 0, 0x12, id][..], payload].concat()))
    };
    let payload = [&[17, 0, 1, 4, 0, 0, 0, 0][..], &udp(5, 6, &[7; 48])].concat();
    let first = whole_or_first(&piece(60, [0, 1], 9, &payload));
    assert_eq!((first.fragment, first.protocol, first.source_port), (Fragment::First, 17, 5));
    assert_eq!(later(&piece(17, [0, 0x40], 9, &[7; 8])).fragment_id, first.fragment_id);
    assert_ne!(later(&piece(60, [0, 0x40], 8, &[7; 8])).fragment_id, first.fragment_id, "another identification");
    assert_eq!(whole_or_first(&piece(60, [0, 0], 9, &payload)).fragment_id, 0, "RFC 6946: a piece that is all of it");
}

#[test]
fn given_an_authentication_header_when_in_pieces_then_their_id_is_one() {
    let payload = [&[17, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2][..], &udp(5, 6, &[7; 200])].concat();
    let (front, rest) = pieces(51, &payload);
    let first = whole_or_first(&eth(0x0800, &front));
    assert_eq!((first.protocol, first.source_port), (17, 5));
    assert_eq!(later(&eth(0x0800, &rest)).fragment_id, first.fragment_id);
}

#[test]
fn given_a_tunnel_in_pieces_then_the_packet_inside_has_the_id_of_the_later_pieces() {
    let inside = ip4(6, &tcp(1111, 502, 0x10, &[7; 200]));
    let vxlan = udp(40000, 4789, &[&[8, 0, 0, 0, 0, 0, 7, 0][..], &eth(0x0800, &inside)].concat());
    let gre = [&[0, 0, 8, 0][..], &inside].concat();
    for (name, protocol, payload) in [("vxlan", 17, &vxlan), ("gre", 47, &gre), ("ip in ip", 4, &inside)] {
        let (front, rest) = pieces(protocol, payload);
        let first = whole_or_first(&eth(0x0800, &front));
        assert_eq!((first.protocol, first.source_port, first.fragment), (6, 1111, Fragment::First), "{name}");
        // Its headers say how long it is, though the rest comes later.
        assert_eq!((first.ip_len, first.payload_len), (240, 200), "{name}");
        assert!(first.payload_captured < 64 && !first.anomalies.has(Anomalies::LENGTH_FROM_FRAME), "{name}");
        let later = later(&eth(0x0800, &rest));
        assert_eq!((later.protocol, later.fragment_id), (protocol, first.fragment_id), "{name}");
    }
}

#[test]
fn given_pieces_inside_of_pieces_then_the_id_is_the_inner_one() {
    // The rest of the inner packet comes in packets of its own, which can be opened: more than what is lost behind the outer cut.
    let mut inside = ip4_with(17, MORE, &udp(5, 6, &[7; 200]));
    inside[4] ^= 1;
    let (front, rest) = pieces(4, &inside);
    let first = whole_or_first(&eth(0x0800, &front));
    let mut inner_rest = ip4_with(17, 26, &[7; 64]);
    inner_rest[4] ^= 1;
    assert_eq!(later(&eth(0x0800, &ip4(4, &inner_rest))).fragment_id, first.fragment_id);
    assert_ne!(later(&eth(0x0800, &rest)).fragment_id, first.fragment_id);
}
