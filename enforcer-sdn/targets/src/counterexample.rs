//! A counterexample as a capture file: one Ethernet frame that Wireshark, tcpreplay and the sensor can read.

use std::net::IpAddr;

use enforcer_packetset::{ConnectionState, Packet, VlanId};

/// Monday 2026-01-05 00:00 UTC, so that the frame's time shows the minute of the week.
const MONDAY: u32 = 1_767_571_200;

/// A classic pcap file (microseconds, little endian, LINKTYPE_ETHERNET) with the packet as its only frame.
#[must_use]
pub fn pcap(packet: &Packet) -> Vec<u8> {
    let frame = frame(packet);
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut file = Vec::with_capacity(40 + frame.len());
    file.extend([0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(65_535u32.to_le_bytes());
    file.extend(1u32.to_le_bytes());
    file.extend((MONDAY + u32::from(packet.minute_of_week) * 60).to_le_bytes());
    file.extend([0; 4]);
    file.extend(length);
    file.extend(length);
    file.extend(frame);
    file
}

/// The packet on the wire: without payload, with right lengths and checksums, with its MAC addresses, its VLAN tag and its TCP flags.
#[must_use]
pub fn frame(packet: &Packet) -> Vec<u8> {
    let mut frame = [packet.link.destination_mac.octets(), packet.link.source_mac.octets()].concat();
    if packet.link.vlan != VlanId::UNTAGGED {
        // IEEE 802.1Q 9.6: priority 0, then the identifier.
        frame.extend([0x81, 0x00]);
        frame.extend(packet.link.vlan.get().to_be_bytes());
    }
    match (packet.source, packet.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let addresses = [source.octets(), destination.octets()].concat();
            let body = body(packet, &addresses, packet.protocol == 1);
            let length = u16::try_from(20 + body.len()).unwrap_or(u16::MAX).to_be_bytes();
            // RFC 791: version 4, header of 5 words, do not fragment, TTL 64.
            let mut header = vec![0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, packet.protocol, 0, 0];
            header.extend(&addresses);
            let sum = checksum(&[&header]);
            header[10..12].copy_from_slice(&sum);
            frame.extend([0x08, 0x00]);
            frame.extend(header);
            frame.extend(body);
        }
        (source, destination) => {
            let octets = |address: IpAddr| match address {
                IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
                IpAddr::V6(v6) => v6.octets(),
            };
            let addresses = [octets(source), octets(destination)].concat();
            let body = body(packet, &addresses, packet.protocol == 58);
            let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
            // RFC 8200: version 6, hop limit 64.
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, length[0], length[1], packet.protocol, 64]);
            frame.extend(addresses);
            frame.extend(body);
        }
    }
    // IEEE 802.3: 60 bytes before the check sequence.
    frame.resize(frame.len().max(60), 0);
    frame
}

/// The transport header. `addresses` begins the pseudo header that checksums include.
fn body(packet: &Packet, addresses: &[u8], is_icmp: bool) -> Vec<u8> {
    let ports = [packet.source_port.to_be_bytes(), packet.destination_port.to_be_bytes()].concat();
    let pseudo = |length: usize| {
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        // RFC 793 and RFC 8200 8.1 sum the same words, in another order.
        [addresses, &length, &[0, 0, 0, packet.protocol]].concat()
    };
    match packet.protocol {
        6 => {
            let mut tcp = ports;
            tcp.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, packet.flags, 0xff, 0xff, 0, 0, 0, 0]);
            let sum = checksum(&[&pseudo(tcp.len()), &tcp]);
            tcp[16..18].copy_from_slice(&sum);
            tcp
        }
        17 => {
            let mut udp = ports;
            udp.extend([0, 8, 0, 0]);
            let sum = checksum(&[&pseudo(udp.len()), &udp]);
            // RFC 768: a sum of zero is sent as all ones, for zero means none.
            udp[6..8].copy_from_slice(if sum == [0, 0] { &[0xff, 0xff] } else { &sum });
            udp
        }
        132 => {
            let mut sctp = ports;
            // RFC 9260: verification tag 0 and an INIT chunk; else a COOKIE ACK of an open association.
            if packet.state == ConnectionState::New {
                sctp.extend([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 1]);
            } else {
                sctp.extend([0, 0, 0, 1, 0, 0, 0, 0, 11, 0, 0, 4]);
            }
            let sum = crc32c(&sctp).to_le_bytes();
            sctp[8..12].copy_from_slice(&sum);
            sctp
        }
        1 | 58 if is_icmp => {
            let byte = |value: u16| u8::try_from(value).unwrap_or(u8::MAX);
            let mut icmp = vec![byte(packet.source_port), byte(packet.destination_port), 0, 0, 0, 1, 0, 1];
            let pseudo = if packet.protocol == 58 { pseudo(icmp.len()) } else { Vec::new() };
            let sum = checksum(&[&pseudo, &icmp]);
            icmp[2..4].copy_from_slice(&sum);
            icmp
        }
        _ => Vec::new(),
    }
}

/// RFC 1071. Every part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2)).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// RFC 9260 appendix A: the Castagnoli polynomial, reflected.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use enforcer_packetset::Link;

    fn packet(source: &str, destination: &str, protocol: u8, ports: (u16, u16)) -> Packet {
        Packet::new(source.parse().unwrap(), destination.parse().unwrap(), protocol, ports, ConnectionState::New, 1500)
    }

    #[test]
    fn a_received_sum_over_header_and_checksum_is_zero() {
        for protocol in [1, 6, 17] {
            let frame = frame(&packet("10.0.0.1", "10.9.0.2", protocol, (8, 0)));
            assert_eq!(checksum(&[&frame[14..34]]), [0, 0], "IPv4 header");
            let end = 14 + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
            let body = &frame[34..end];
            let pseudo = [&frame[26..34], &[0, protocol], &(body.len() as u16).to_be_bytes()].concat();
            assert_eq!(checksum(&[if protocol == 1 { &[] } else { &pseudo }, body]), [0, 0], "protocol {protocol}");
        }
        for protocol in [6, 17, 58] {
            let frame = frame(&packet("fd00::1", "2001:db8::2", protocol, (128, 0)));
            let body = &frame[54..54 + usize::from(frame[19])];
            let pseudo = [&frame[22..54], &[0, 0, 0, frame[19], 0, 0, 0, protocol]].concat();
            assert_eq!(checksum(&[&pseudo, body]), [0, 0], "protocol {protocol}");
        }
    }

    #[test]
    fn tag_addresses_and_flags_are_the_packets() {
        let plain = packet("10.0.0.1", "10.9.0.2", 6, (49152, 502));
        let vlan = VlanId::new(10).unwrap();
        let source_mac = "00:00:5e:00:53:07".parse().unwrap();
        let tagged = Packet { flags: 0x14, link: Link { vlan, source_mac, ..plain.link }, ..plain };
        let (plain, tagged) = (frame(&plain), frame(&tagged));
        assert_eq!(plain[12..14], [0x08, 0x00]);
        assert_eq!(tagged[..18], [2, 0, 0, 0, 0, 2, 0, 0, 0x5e, 0, 0x53, 7, 0x81, 0, 0, 10, 0x08, 0x00]);
        assert_eq!((plain[14 + 20 + 13], tagged[18 + 20 + 13]), (0x02, 0x14));
        assert_eq!(plain[14..34], tagged[18..38], "the IP header does not change");
    }

    #[test]
    fn crc32c_gives_the_published_check_value() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn a_capture_has_one_frame_at_the_packets_minute() {
        let file = pcap(&packet("10.0.0.1", "10.9.0.2", 6, (49152, 502)));
        assert_eq!(file.len(), 24 + 16 + 60);
        let seconds = u32::from_le_bytes([file[24], file[25], file[26], file[27]]);
        assert_eq!((seconds - MONDAY) / 60, 1500);
        assert_eq!(file[40 + 12..40 + 14], [0x08, 0x00]);
        assert_eq!(file[40 + 36..40 + 38], 502u16.to_be_bytes());
    }
}
