//! The Internet checksum (RFC 1071) of IPv4, TCP, UDP, ICMP and ICMPv6.

use crate::ip;
use crate::view::View;
use crate::{Anomalies, Family, Packet};

/// `bytes`, their checksum field included, add up to all ones on top of `sum`.
pub(crate) fn is_right(sum: u64, bytes: &[u8]) -> bool {
    let (pairs, last) = bytes.as_chunks::<2>();
    let mut sum = pairs.iter().fold(sum, |sum, pair| sum.wrapping_add(u64::from(u16::from_be_bytes(*pair))));
    if let [odd] = last {
        sum = sum.wrapping_add(u64::from(*odd) << 8);
    }
    while sum > 0xffff {
        sum = (sum & 0xffff).wrapping_add(sum >> 16);
    }
    sum == 0xffff
}

/// False only where a checksum is there, can be computed, and is wrong: the packet must be captured whole, and its length and the addresses
/// of its pseudo-header known.
#[cold]
pub(crate) fn transport_is_right(packet: &Packet, view: View<'_>, pseudo_header_known: bool) -> bool {
    if !view.is_whole() || packet.anomalies.has(Anomalies::LENGTH_FROM_FRAME) {
        return true;
    }
    match packet.protocol {
        ip::ICMP => is_right(0, view.bytes()),
        ip::TCP | ip::ICMPV6 => !pseudo_header_known || is_right(pseudo_header(packet, view.wire_len()), view.bytes()),
        ip::UDP => {
            let Some(datagram) = udp_datagram(view) else { return true };
            !pseudo_header_known || is_right(pseudo_header(packet, datagram.wire_len()), datagram.bytes())
        }
        _ => true,
    }
}

/// The bytes that the checksum covers; None where there is no checksum (RFC 768: zero is "none") or no true length.
fn udp_datagram(view: View<'_>) -> Option<View<'_>> {
    let udp_len = u32::from(view.u16_at(4)?);
    let covered = (8..=view.wire_len()).contains(&udp_len) && view.u16_at(6)? != 0;
    covered.then(|| view.limited_to(udp_len))
}

/// RFC 9293 3.1, RFC 8200 8.1. Zeros in unused address bytes add nothing.
fn pseudo_header(packet: &Packet, len: u32) -> u64 {
    let addresses = packet.source.as_chunks::<2>().0.iter().chain(packet.destination.as_chunks::<2>().0);
    let sum = addresses.fold(0_u64, |sum, pair| sum.wrapping_add(u64::from(u16::from_be_bytes(*pair))));
    let len = match packet.family {
        Family::V4 => u64::from(len & 0xffff),
        Family::V6 => u64::from(len >> 16).wrapping_add(u64::from(len & 0xffff)),
    };
    sum.wrapping_add(len).wrapping_add(u64::from(packet.protocol))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_adds_up() {
        // RFC 1071 3: 0001 f203 f4f5 f6f7 sums to ddf2, so its complement 220d completes it.
        assert!(is_right(0, &[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7, 0x22, 0x0d]));
        assert!(!is_right(0, &[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7, 0x22, 0x0e]));
    }

    #[test]
    fn an_odd_last_byte_counts_as_the_high_one() {
        assert!(is_right(0, &[0x00, 0xff, 0xff]));
    }
}
