//! Frames built layer by layer, with right lengths and checksums. Inside out: payload, transport, network, tags, Ethernet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub const ETHERTYPE_IPV4: u16 = 0x0800;
pub const ETHERTYPE_ARP: u16 = 0x0806;
pub const ETHERTYPE_VLAN: u16 = 0x8100;
pub const ETHERTYPE_QINQ: u16 = 0x88a8;
pub const ETHERTYPE_IPV6: u16 = 0x86dd;

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMPV6: u8 = 58;
pub const SCTP: u8 = 132;
const FRAGMENT_HEADER: u8 = 44;

/// TCP flags, RFC 9293 3.1.
pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const PSH: u8 = 8;
pub const ACK: u8 = 16;

const TTL: u8 = 64;
/// Shortest frame on a wire without its checksum (IEEE 802.3 3.2.8).
const MIN_FRAME_LEN: usize = 60;

/// The link layer of one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub source: [u8; 6],
    pub destination: [u8; 6],
    /// Source and destination of frames the other way: not the same pair where a router stands between.
    pub answer: ([u8; 6], [u8; 6]),
    /// Outermost first. Two tags make the outer one a service tag (802.1ad).
    pub vlans: Vec<u16>,
}

impl Link {
    #[must_use]
    pub const fn between(source: [u8; 6], destination: [u8; 6]) -> Self {
        Self { source, destination, answer: (destination, source), vlans: Vec::new() }
    }

    /// The other way.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let (source, destination) = self.answer;
        Self { source, destination, answer: (self.source, self.destination), vlans: self.vlans.clone() }
    }

    /// Puts the payload in a frame, padded to the shortest that a wire carries.
    #[must_use]
    pub fn frame(&self, ethertype: u16, payload: &[u8]) -> Vec<u8> {
        let mut frame = [self.destination, self.source].concat();
        for (at, vlan) in self.vlans.iter().enumerate() {
            let tag = if at == 0 && self.vlans.len() > 1 { ETHERTYPE_QINQ } else { ETHERTYPE_VLAN };
            frame.extend(tag.to_be_bytes());
            frame.extend((vlan & 0x0fff).to_be_bytes());
        }
        frame.extend(ethertype.to_be_bytes());
        frame.extend(payload);
        frame.resize(frame.len().max(MIN_FRAME_LEN), 0);
        frame
    }

    /// An IP packet in a frame; the family decides the type.
    #[must_use]
    pub fn ip(&self, network: &Network, payload: &[u8]) -> Vec<u8> {
        self.frame(network.ethertype(), &network.packet(payload))
    }
}

/// The network layer: addresses of one family, and what follows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    /// IPv4 identification, and of IPv6 fragments.
    pub id: u16,
}

impl Network {
    #[must_use]
    pub const fn ethertype(&self) -> u16 {
        if matches!(self.source, IpAddr::V4(_)) { ETHERTYPE_IPV4 } else { ETHERTYPE_IPV6 }
    }

    /// The whole packet.
    #[must_use]
    pub fn packet(&self, payload: &[u8]) -> Vec<u8> {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                [&ipv4_header(source, destination, self.protocol, self.id, 0x4000, payload.len())[..], payload].concat()
            }
            (source, destination) => {
                [&ipv6_header(to_v6(source), to_v6(destination), self.protocol, payload.len())[..], payload].concat()
            }
        }
    }

    /// The packet in pieces of at most `piece_len` bytes of payload, a multiple of eight (RFC 791 3.2, RFC 8200 4.5).
    #[must_use]
    pub fn fragments(&self, payload: &[u8], piece_len: usize) -> Vec<Vec<u8>> {
        let piece_len = (piece_len / 8).max(1) * 8;
        let last = payload.len().div_ceil(piece_len).max(1) - 1;
        let pieces = payload.chunks(piece_len).enumerate();
        pieces.map(|(at, piece)| self.fragment(piece, at * piece_len / 8, at < last)).collect()
    }

    fn fragment(&self, piece: &[u8], offset: usize, more: bool) -> Vec<u8> {
        let offset = u16::try_from(offset).unwrap_or(0);
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let field = offset | if more { 0x2000 } else { 0 };
                [&ipv4_header(source, destination, self.protocol, self.id, field, piece.len())[..], piece].concat()
            }
            (source, destination) => {
                let field = offset << 3 | u16::from(more);
                let mut header = vec![self.protocol, 0];
                header.extend(field.to_be_bytes());
                header.extend(u32::from(self.id).to_be_bytes());
                let fixed = ipv6_header(to_v6(source), to_v6(destination), FRAGMENT_HEADER, header.len() + piece.len());
                [&fixed[..], &header, piece].concat()
            }
        }
    }

    /// Sum of the pseudo header (RFC 9293 3.1, RFC 8200 8.1), for the checksum of what is inside.
    fn pseudo_sum(&self, len: usize) -> u32 {
        let addresses = match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => [source.octets(), destination.octets()].concat(),
            (source, destination) => [to_v6(source).octets(), to_v6(destination).octets()].concat(),
        };
        sum(&addresses) + u32::from(self.protocol) + u32::try_from(len).unwrap_or(0)
    }
}

/// A TCP segment. `at` is sequence and acknowledgement number.
#[must_use]
pub fn tcp(network: &Network, ports: (u16, u16), at: (u32, u32), flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = transport_ports(ports);
    segment.extend(at.0.to_be_bytes());
    segment.extend(at.1.to_be_bytes());
    segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(payload);
    put_checksum(&mut segment, 16, network.pseudo_sum(20 + payload.len()));
    segment
}

#[must_use]
pub fn udp(network: &Network, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut datagram = transport_ports(ports);
    datagram.extend(u16::try_from(8 + payload.len()).unwrap_or(u16::MAX).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    put_checksum(&mut datagram, 6, network.pseudo_sum(8 + payload.len()));
    // RFC 768: a sum of zero is sent as all ones, zero means that there is none.
    if datagram.get(6..8) == Some(&[0, 0]) {
        datagram.splice(6..8, [0xff, 0xff]);
    }
    datagram
}

/// The common header of SCTP (RFC 9260 3.1) before the payload, with a checksum of zero: enough for whoever looks at ports only.
#[must_use]
pub fn sctp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    [&transport_ports(ports)[..], &[0; 8], payload].concat()
}

/// ICMP or ICMPv6, as the network says.
#[must_use]
pub fn icmp(network: &Network, kind: u8, code: u8, payload: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, code, 0, 0];
    message.extend(payload);
    let pseudo = if network.protocol == ICMPV6 { network.pseudo_sum(message.len()) } else { 0 };
    put_checksum(&mut message, 2, pseudo);
    message
}

/// ARP for IPv4 over Ethernet (RFC 826); operation 1 asks, 2 answers.
#[must_use]
pub fn arp(operation: u16, sender: ([u8; 6], Ipv4Addr), target: ([u8; 6], Ipv4Addr)) -> Vec<u8> {
    let mut message = vec![0, 1, 8, 0, 6, 4];
    message.extend(operation.to_be_bytes());
    for (mac, address) in [sender, target] {
        message.extend(mac);
        message.extend(address.octets());
    }
    message
}

fn transport_ports((source, destination): (u16, u16)) -> Vec<u8> {
    [source.to_be_bytes(), destination.to_be_bytes()].concat()
}

fn ipv4_header(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, id: u16, fragment: u16, len: usize) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend(u16::try_from(20 + len).unwrap_or(u16::MAX).to_be_bytes());
    header.extend(id.to_be_bytes());
    header.extend(fragment.to_be_bytes());
    header.extend([TTL, protocol, 0, 0]);
    header.extend(source.octets());
    header.extend(destination.octets());
    put_checksum(&mut header, 10, 0);
    header
}

fn ipv6_header(source: Ipv6Addr, destination: Ipv6Addr, next: u8, len: usize) -> Vec<u8> {
    let mut header = vec![0x60, 0, 0, 0];
    header.extend(u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes());
    header.extend([next, TTL]);
    header.extend(source.octets());
    header.extend(destination.octets());
    header
}

fn to_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// RFC 1071: sum of 16-bit words, not folded yet.
fn sum(bytes: &[u8]) -> u32 {
    let word = |pair: &[u8]| u32::from(pair.first().copied().unwrap_or(0)) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    bytes.chunks(2).map(word).sum()
}

fn put_checksum(bytes: &mut [u8], at: usize, start: u32) {
    let mut total = start + sum(bytes);
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    let [high, low] = (!total as u16).to_be_bytes();
    if let Some(field) = bytes.get_mut(at..at + 2) {
        field.copy_from_slice(&[high, low]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(protocol: u8) -> Network {
        let address = |last| IpAddr::from([10, 0, 0, last]);
        Network { source: address(1), destination: address(2), protocol, id: 7 }
    }

    fn folded(mut total: u32) -> u32 {
        while total > 0xffff {
            total = (total & 0xffff) + (total >> 16);
        }
        total
    }

    #[test]
    fn a_receiver_sums_header_and_segment_to_all_ones() {
        for network in
            [v4(TCP), Network { source: "fd00::1".parse().unwrap(), destination: "fd00::2".parse().unwrap(), ..v4(TCP) }]
        {
            let segment = tcp(&network, (1, 2), (3, 4), SYN, b"odd");

            assert_eq!(folded(network.pseudo_sum(segment.len()) + sum(&segment)), 0xffff);
        }
        assert_eq!(folded(sum(&v4(TCP).packet(&[])[..20])), 0xffff);
    }

    #[test]
    fn fragments_carry_the_payload_once_and_only_the_last_one_ends_it() {
        let payload: Vec<u8> = (0..=255).collect();

        let pieces = v4(UDP).fragments(&payload, 100);

        let more = |piece: &Vec<u8>| piece[6] & 0x20 != 0;
        assert_eq!(pieces.iter().flat_map(|piece| piece[20..].to_vec()).collect::<Vec<_>>(), payload);
        assert_eq!(pieces.iter().map(more).collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn two_tags_are_a_service_tag_around_a_customer_tag() {
        let link = Link { vlans: vec![100, 200], ..Link::between([2; 6], [4; 6]) };

        let frame = link.ip(&v4(UDP), &[]);

        assert_eq!(frame[12..22], [0x88, 0xa8, 0, 100, 0x81, 0, 0, 200, 8, 0]);
        assert_eq!(frame.len(), 60);
    }
}
