//! What IPv4 and IPv6 headers have in common once they are read, and the protocol numbers the walk knows (IANA, "Protocol Numbers").

use crate::view::View;
use crate::{Family, Fragment, Packet, ethernet};

pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const AUTHENTICATION: u8 = 51;
pub(crate) const ICMPV6: u8 = 58;
pub(crate) const SCTP: u8 = 132;

/// Protocols whose flows are told apart by more than the addresses.
#[inline(always)]
pub(crate) const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | ICMP | ICMPV6 | SCTP)
}

/// Whether these bytes, which nothing names, begin with an IP header that fits.
pub(crate) fn is_plausible(view: View<'_>) -> bool {
    match view.bytes() {
        [0x45..=0x4f, _, high, low, ..] => (20..=view.wire_len()).contains(&u32::from(u16::from_be_bytes([*high, *low]))),
        [0x60..=0x6f, _, _, _, high, low, ..] => {
            u32::from(u16::from_be_bytes([*high, *low])).saturating_add(40) <= view.wire_len()
        }
        _ => false,
    }
}

/// IP by its version, against a MAC address that happens to start with 4 or 6.
pub(crate) fn is_likelier_than_ethernet(view: View<'_>) -> bool {
    let has_version = view.u8_at(0).is_some_and(|byte| matches!(byte >> 4, 4 | 6));
    has_version && (is_plausible(view) || !ethernet::is_plausible(view))
}

/// Notes that `packet`, whose addresses are known, is this piece of a larger one. The protocol is 0 in IPv6, where pieces of the same
/// packet may differ in it (RFC 8200 4.5).
#[inline(always)]
pub(crate) fn mark_fragment(packet: &mut Packet, fragment: Fragment, protocol: u8, cut_by: &mut Option<u64>) {
    (packet.fragment, packet.fragment_id) = match (fragment, *cut_by) {
        (Fragment::Whole, None) => (fragment, 0),
        (Fragment::Whole, Some(around)) => (Fragment::First, around),
        (Fragment::First | Fragment::Later { .. }, _) => (fragment, fragment_id(packet, protocol)),
    };
    if let Fragment::First = packet.fragment {
        *cut_by = Some(packet.fragment_id);
    }
}

/// What the pieces of one packet have in common (RFC 791 3.2, RFC 8200 4.5); never 0, which says "whole". No secret goes in: whoever
/// forges a piece can forge its addresses as well.
fn fragment_id(packet: &Packet, protocol: u8) -> u64 {
    let version = match packet.family {
        Family::V4 => 4,
        Family::V6 => 6,
    };
    let rest = u64::from(packet.ip_id) << 16 | u64::from(protocol) << 8 | version;
    let addresses = packet.source.as_chunks::<8>().0.iter().chain(packet.destination.as_chunks::<8>().0);
    addresses.map(|half| u64::from_le_bytes(*half)).fold(mixed(rest), |digest, half| mixed(digest ^ half)).max(1)
}

/// Multiplied with the fraction of the golden ratio, both halves of the product folded together.
fn mixed(word: u64) -> u64 {
    let product = u128::from(!word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let [low, high] = [product, product.wrapping_shr(64)].map(|half| (half & u128::from(u64::MAX)) as u64);
    low ^ high
}
