//! What the bytes of layers 2 to 4 mean: one frame in, one [`Outcome`] out. Pure, allocates nothing, never panics.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod arp;
mod checksum;
mod ethernet;
mod ip;
mod ipv4;
mod ipv6;
mod link;
mod non_ip;
mod other_media;
mod outcome;
mod packet;
mod plain;
mod ppp;
mod pseudo_link;
mod switch_tag;
mod transport;
mod tunnel;
mod view;
mod walk;
mod wlan;

pub use link::LinkType;
pub use non_ip::NonIpKind;
pub use outcome::{Arp, Found, Outcome, SkipReason};
pub use packet::{Anomalies, Family, Fragment, Packet, TcpFlags, TcpSegment, Tunnel, TunnelKind};

/// What `decode` should do beyond the headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Count flows at the innermost transport; false: at the outermost. Tunnels without a transport of their own (GRE, IP in IP,
    /// MPLS, PPPoE) are opened either way.
    pub decap: bool,
    /// Check IPv4, TCP, UDP and ICMP checksums, and skip packets that fail.
    pub verify_checksums: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { decap: true, verify_checksums: false }
    }
}

/// Reads one frame. `wire_len` is its length before the capture cut it (never below `frame.len()`).
#[inline]
#[must_use]
pub fn decode(link: LinkType, frame: &[u8], wire_len: u32, options: Options) -> Outcome {
    let mut packet = Packet::EMPTY;
    match decode_into(link, frame, wire_len, options, &mut packet) {
        Found::Packet => Outcome::Packet(packet),
        Found::Fragment => Outcome::Fragment(packet),
        Found::Arp(arp) => Outcome::Arp(arp),
        Found::NonIp { ethertype } => {
            Outcome::NonIp { source: packet.source_mac, destination: packet.destination_mac, ethertype }
        }
        Found::Skip(reason) => Outcome::Skip(reason),
    }
}

/// As [`decode`], into a packet of the caller, whose former content does not matter. A packet that is copied right after it was written
/// stalls the processor for longer than its decoding takes, so a caller that keeps packets lets them be written where they stay.
#[inline]
pub fn decode_into(link: LinkType, frame: &[u8], wire_len: u32, options: Options, packet: &mut Packet) -> Found {
    link::read(link, frame, wire_len, options, packet)
}

/// The addresses of an ordinary frame at a tenth of the cost of decoding it, to tell whose it is: where there are some, [`decode`]
/// finds a packet between these two, or none at all, and no fragment. None says nothing about the frame.
#[inline]
#[must_use]
pub fn addresses_of_ordinary(link: LinkType, frame: &[u8]) -> Option<([u8; 16], [u8; 16])> {
    if link == LinkType::Ethernet { plain::addresses(frame) } else { None }
}
