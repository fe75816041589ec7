//! What IPv4 and IPv6 headers have in common once they are read, and the protocol numbers the walk knows (IANA, "Protocol Numbers").

use crate::{Anomalies, Family, Fragment};

pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const AUTHENTICATION: u8 = 51;
pub(crate) const ICMPV6: u8 = 58;
pub(crate) const SCTP: u8 = 132;

/// One IP header, IPv6 extension headers included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IpHeader {
    pub(crate) family: Family,
    pub(crate) source: [u8; 16],
    pub(crate) destination: [u8; 16],
    pub(crate) protocol: u8,
    pub(crate) ttl: u8,
    pub(crate) ip_len: u32,
    pub(crate) fragment: Fragment,
    /// `Packet::fragment_id`, 0 where this header is not fragmented.
    pub(crate) fragment_id: u64,
    pub(crate) ip_id: u32,
    pub(crate) anomalies: Anomalies,
    /// The addresses here are those of the transport's pseudo-header. A routing header or a mobile node's home address
    /// replaces them (RFC 8200 8.1, RFC 6275 6.3.1).
    pub(crate) pseudo_header_known: bool,
}

/// Protocols whose flows are told apart by more than the addresses.
pub(crate) const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | ICMP | ICMPV6 | SCTP)
}

/// What the pieces of one packet have in common (RFC 791 3.2, RFC 8200 4.5); never 0, which says "whole". No secret goes in: whoever
/// forges a piece can forge its addresses as well.
///
/// `protocol` is the one of an IPv4 header, behind which an authentication header may hide another, and 0 in IPv6, where the pieces may
/// differ in it.
pub(crate) fn fragment_id(family: Family, source: [u8; 16], destination: [u8; 16], protocol: u8, ip_id: u32) -> u64 {
    let version = match family {
        Family::V4 => 4,
        Family::V6 => 6,
    };
    let rest = u64::from(ip_id) << 16 | u64::from(protocol) << 8 | version;
    let addresses = source.as_chunks::<8>().0.iter().chain(destination.as_chunks::<8>().0);
    addresses.map(|half| u64::from_le_bytes(*half)).fold(mixed(rest), |digest, half| mixed(digest ^ half)).max(1)
}

/// Multiplied with the fraction of the golden ratio, both halves of the product folded together.
fn mixed(word: u64) -> u64 {
    let product = u128::from(!word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let [low, high] = [product, product.wrapping_shr(64)].map(|half| (half & u128::from(u64::MAX)) as u64);
    low ^ high
}
