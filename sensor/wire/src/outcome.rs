//! Every frame ends in exactly one of these; the sum of all outcomes is the number of frames.

use std::net::Ipv4Addr;

use sensor_model::MacAddr;

use crate::Packet;

/// What one frame turned out to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// Belongs to a flow: IP with the ports (or ICMP type) known. First fragments are here.
    Packet(Packet),
    /// A later IP fragment: addresses and identification, no ports (they are 0).
    Fragment(Packet),
    Arp(Arp),
    /// Anything that is neither IP nor ARP. Below 0x0600 `ethertype` is an 802.3 length.
    NonIp {
        source: MacAddr,
        destination: MacAddr,
        ethertype: u16,
    },
    Skip(SkipReason),
}

/// An [`Outcome`] whose packet, if there is one, stands where [`decode_into`](crate::decode_into) was told to put it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Packet,
    Fragment,
    Arp(Arp),
    /// The packet holds the two MAC addresses.
    NonIp {
        ethertype: u16,
    },
    Skip(SkipReason),
}

/// An ARP packet for IPv4 over Ethernet (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    pub request: bool,
    pub sender_mac: MacAddr,
    pub sender_ip: Ipv4Addr,
    pub target_mac: MacAddr,
    pub target_ip: Ipv4Addr,
}

/// Why a frame is in no flow although it looked like IP. One counter each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// The capture ends before the header does.
    Truncated,
    /// A header's own length field cannot be true.
    BadLength,
    /// A version, or header value, that the protocol does not have.
    BadHeader,
    BadChecksum,
    /// More tags, extension headers or tunnels than the named limits.
    TooDeep,
}

impl SkipReason {
    /// In the order of `index`.
    pub const ALL: &'static [Self] = &[Self::Truncated, Self::BadLength, Self::BadHeader, Self::BadChecksum, Self::TooDeep];

    /// Metric label and `stats.json` key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::BadLength => "bad_length",
            Self::BadHeader => "bad_header",
            Self::BadChecksum => "bad_checksum",
            Self::TooDeep => "too_deep",
        }
    }
}
