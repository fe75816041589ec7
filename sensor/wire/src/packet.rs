//! A decoded packet: everything the flow table needs, by value, nothing borrowed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sensor_model::{MacAddr, VlanId};

/// Layers 2 to 4 of one packet, at the header that was asked for (innermost or outermost).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Packet {
    /// Of the outermost Ethernet header; zero where the link layer has none.
    pub source_mac: MacAddr,
    pub destination_mac: MacAddr,
    pub vlan: Option<VlanId>,
    pub inner_vlan: Option<VlanId>,
    /// The innermost tunnel that was opened.
    pub tunnel: Option<Tunnel>,
    pub family: Family,
    /// IPv4 addresses stand in the first four bytes, the rest is zero.
    pub source: [u8; 16],
    pub destination: [u8; 16],
    /// IANA number, after IPv6 extension headers.
    pub protocol: u8,
    /// For ICMP the type; 0 where the protocol has no ports.
    pub source_port: u16,
    /// For ICMP the code.
    pub destination_port: u16,
    pub ttl: u8,
    /// IP header and payload by the IP length fields (Zeek's `*_ip_bytes`).
    pub ip_len: u32,
    pub fragment: Fragment,
    /// IP identification (IPv6: of the fragment header), for fragment and duplicate attribution.
    pub ip_id: u32,
    pub tcp: Option<TcpSegment>,
    /// Where the transport payload starts in the frame, and how much of it was captured.
    pub payload_offset: u32,
    pub payload_captured: u32,
    /// How long the payload was on the wire, by the headers.
    pub payload_len: u32,
    /// Length of the whole frame on the wire.
    pub wire_len: u32,
    pub anomalies: Anomalies,
}

impl Packet {
    #[must_use]
    pub const fn source_address(&self) -> IpAddr {
        to_address(self.family, self.source)
    }

    #[must_use]
    pub const fn destination_address(&self) -> IpAddr {
        to_address(self.family, self.destination)
    }

    /// The captured part of the payload within `frame`.
    #[must_use]
    pub fn payload<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        let start = self.payload_offset as usize;
        let end = start.saturating_add(self.payload_captured as usize);
        frame.get(start..end).unwrap_or_default()
    }
}

const fn to_address(family: Family, bytes: [u8; 16]) -> IpAddr {
    match family {
        Family::V4 => {
            let [a, b, c, d, ..] = bytes;
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        Family::V6 => IpAddr::V6(Ipv6Addr::from_octets(bytes)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    V4,
    V6,
}

/// Whether a packet is a piece of a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    Whole,
    /// The first piece; it carries the transport header.
    First,
    /// A later piece; `offset` in bytes.
    Later {
        offset: u32,
    },
}

/// A tunnel header that was crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tunnel {
    pub kind: TunnelKind,
    /// VNI, key, TEID, session or label; 0 where there is none.
    pub id: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TunnelKind {
    IpInIp,
    Gre,
    Vxlan,
}

impl TunnelKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IpInIp => "ipip",
            Self::Gre => "gre",
            Self::Vxlan => "vxlan",
        }
    }
}

/// The parts of a TCP header that connection state needs (RFC 9293 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSegment {
    pub sequence: u32,
    pub acknowledgment: u32,
    pub flags: TcpFlags,
    pub window: u16,
}

/// TCP control bits, low byte of the flags field (RFC 9293 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
    pub const URG: u8 = 0x20;

    /// All of `bits` are set.
    #[must_use]
    pub const fn has(self, bits: u8) -> bool {
        self.0 & bits == bits
    }
}

/// Things that are wrong with a packet that was counted all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anomalies(pub u8);

impl Anomalies {
    /// A transport checksum is wrong (only when verification is on and the packet whole).
    pub const BAD_CHECKSUM: u8 = 0x01;
    /// The IP length is longer than the frame, or zero (segmentation offload).
    pub const LENGTH_FROM_FRAME: u8 = 0x02;
    /// A length field of the transport disagrees with the IP length.
    pub const TRANSPORT_LENGTH: u8 = 0x04;

    #[must_use]
    pub const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}
