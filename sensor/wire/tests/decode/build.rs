//! Packets by hand: each function puts one header before its payload.

use std::net::Ipv4Addr;

pub const IP4_A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const IP4_B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

pub const ARP_REQUEST: [u8; 28] = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];

fn len_of(bytes: &[u8], header: usize) -> [u8; 2] {
    u16::try_from(bytes.len() + header).expect("short").to_be_bytes()
}

pub fn eth(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    tagged(&[], ethertype, payload)
}

pub fn tagged(tags: &[(u16, u16)], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    for (tag, tci) in tags {
        bytes.extend_from_slice(&tag.to_be_bytes());
        bytes.extend_from_slice(&tci.to_be_bytes());
    }
    bytes.extend_from_slice(&ethertype.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

pub fn ip4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ip4_with(protocol, 0, payload)
}

pub fn ip4_with(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let (len, fragment) = (len_of(payload, 20), fragment.to_be_bytes());
    let header = [0x45, 0, len[0], len[1], 0x12, 0x34, fragment[0], fragment[1], 64, protocol, 0, 0];
    [&header[..], &IP4_A.octets(), &IP4_B.octets(), payload].concat()
}

pub fn ip6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let len = len_of(payload, 0);
    [&[0x60, 0, 0, 0, len[0], len[1], next_header, 64][..], &[0x20; 16], &[0x30; 16], payload].concat()
}

pub fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    [&source.to_be_bytes()[..], &destination.to_be_bytes(), &len_of(payload, 8), &[0, 0], payload].concat()
}

pub fn tcp(source: u16, destination: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let fields = [1, 2, 3, 4, 5, 6, 7, 8, 0x50, flags, 0x20, 0, 0, 0, 0, 0];
    [&source.to_be_bytes()[..], &destination.to_be_bytes(), &fields, payload].concat()
}

/// An Ethernet frame with UDP over IPv4 whose two checksums are right.
pub fn udp_with_right_sums() -> Vec<u8> {
    let mut bytes = eth(0x0800, &ip4(17, &udp(5, 6, b"xyz!")));
    let header = !folded(&bytes[14..34], 0);
    bytes[24..26].copy_from_slice(&header.to_be_bytes());
    let pseudo_header = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 17 + 12;
    let sum = !folded(&bytes[34..], pseudo_header);
    bytes[40..42].copy_from_slice(&sum.to_be_bytes());
    bytes
}

fn folded(bytes: &[u8], start: u32) -> u16 {
    let mut sum = start + bytes.chunks(2).map(|pair| u32::from(pair[0]) * 256 + u32::from(pair[1])).sum::<u32>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).expect("folded")
}
