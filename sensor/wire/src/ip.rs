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
