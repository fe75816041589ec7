//! A decoded packet: everything the flow table needs, by value, nothing borrowed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sensor_model::{MacAddr, VlanId};

/// Layers 2 to 4 of one packet, at the header that was asked for (innermost or outermost).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Packet {
    /// Of the outermost Ethernet header, or of the mirrored one in ERSPAN; zero where the link layer has none. The tags likewise.
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
    /// The same for all pieces of one IP packet and hardly ever for two, so that later pieces find the flow of the first; 0 for whole
    /// packets. Of the innermost IP header that is fragmented, which may be one around the tunnel that this packet was in: then this
    /// packet is whole in itself but `First` all the same, since the rest of it comes in pieces of the outer one that nobody can open.
    pub fragment_id: u64,
    /// IP identification (IPv6: of the fragment header), for duplicate attribution.
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

    /// Nothing yet, for [`decode_into`](crate::decode_into) to fill.
    pub const EMPTY: Self = Self {
        source_mac: MacAddr::ZERO,
        destination_mac: MacAddr::ZERO,
        vlan: None,
        inner_vlan: None,
        tunnel: None,
        family: Family::V4,
        source: [0; 16],
        destination: [0; 16],
        protocol: 0,
        source_port: 0,
        destination_port: 0,
        ttl: 0,
        ip_len: 0,
        fragment: Fragment::Whole,
        fragment_id: 0,
        ip_id: 0,
        tcp: None,
        payload_offset: 0,
        payload_captured: 0,
        payload_len: 0,
        wire_len: 0,
        anomalies: Anomalies(0),
    };

    /// All of the packet is here unless the capture cut it, and the IP header said how long it is.
    pub(crate) fn length_is_its_own(&self) -> bool {
        !self.anomalies.has(Anomalies::LENGTH_FROM_FRAME) && !matches!(self.fragment, Fragment::First)
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
    /// The first piece, or what was inside of one; it carries the transport header.
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
    /// IPv4 in IP, IPv6 in IPv6 (RFC 2003, RFC 2473).
    IpInIp,
    /// IPv6 in IPv4 (RFC 4213).
    SixInFour,
    /// The id is the key, for PPTP's variant the call id.
    Gre,
    /// The id is the VSID.
    Nvgre,
    /// The id is the session; 0 in type I.
    Erspan,
    /// The id is the VNI.
    Vxlan,
    /// The id is the VNI.
    Geneve,
    /// The id is the TEID.
    GtpU,
    Teredo,
    /// The id is tunnel and session for version 2, the session for version 3.
    L2tp,
    /// The id is the service path.
    Nsh,
    /// The id is the label at the bottom.
    Mpls,
    /// The id is the session.
    Pppoe,
    /// 802.1ah; the id is the I-SID.
    Pbb,
    /// Data between wireless access point and controller (RFC 5415).
    Capwap,
    /// RFC 3378.
    EtherIp,
    /// Cisco FabricPath; the id is the forwarding tag.
    FabricPath,
    /// RFC 6325; the id is the egress nickname.
    Trill,
    /// RFC 6830; the id is the instance.
    Lisp,
    /// IPv6 of a tunnel broker (draft-massar-v6ops-ayiya).
    Ayiya,
    /// A mirror of a wireless sniffer or a router.
    Tzsp,
    /// Multicast on its way to the rendezvous point (RFC 7761 4.9.3).
    PimRegister,
}

impl TunnelKind {
    pub const ALL: &'static [Self] = &[
        Self::IpInIp,
        Self::SixInFour,
        Self::Gre,
        Self::Nvgre,
        Self::Erspan,
        Self::Vxlan,
        Self::Geneve,
        Self::GtpU,
        Self::Teredo,
        Self::L2tp,
        Self::Nsh,
        Self::Mpls,
        Self::Pppoe,
        Self::Pbb,
        Self::Capwap,
        Self::EtherIp,
        Self::FabricPath,
        Self::Trill,
        Self::Lisp,
        Self::Ayiya,
        Self::Tzsp,
        Self::PimRegister,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IpInIp => "ipip",
            Self::SixInFour => "6in4",
            Self::Gre => "gre",
            Self::Nvgre => "nvgre",
            Self::Erspan => "erspan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtpu",
            Self::Teredo => "teredo",
            Self::L2tp => "l2tp",
            Self::Nsh => "nsh",
            Self::Mpls => "mpls",
            Self::Pppoe => "pppoe",
            Self::Pbb => "pbb",
            Self::Capwap => "capwap",
            Self::EtherIp => "etherip",
            Self::FabricPath => "fabricpath",
            Self::Trill => "trill",
            Self::Lisp => "lisp",
            Self::Ayiya => "ayiya",
            Self::Tzsp => "tzsp",
            Self::PimRegister => "pim",
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
    /// The IP length is longer than the frame, or zero (segmentation offload).
    pub const LENGTH_FROM_FRAME: u8 = 0x01;
    /// A length field of the transport disagrees with the IP length.
    pub const TRANSPORT_LENGTH: u8 = 0x02;
    /// The transport header is cut after its ports: TCP flags, if any, are unknown.
    pub const PARTIAL_TRANSPORT: u8 = 0x04;

    /// Each with its metric label and `stats.json` key.
    pub const ALL: &'static [(u8, &'static str)] = &[
        (Self::LENGTH_FROM_FRAME, "length_from_frame"),
        (Self::TRANSPORT_LENGTH, "transport_length"),
        (Self::PARTIAL_TRANSPORT, "partial_transport"),
    ];

    #[must_use]
    pub const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    pub(crate) const fn add(&mut self, bit: u8) {
        self.0 |= bit;
    }
}
