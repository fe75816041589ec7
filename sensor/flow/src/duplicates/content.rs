//! A packet's content as a number: a keyed digest of all that no hop may change. Refuses packets whose IP header is not found.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;
use sensor_wire::{Family, Fragment, Packet, TunnelKind};

use super::path::InnerLink;
use crate::realm;

const IPV4_LEN: usize = 20;
const IPV6_LEN: usize = 40;
const FRAGMENT_LEN: usize = 8;
const UDP_LEN: u32 = 8;
/// Ethernet header and four tags. A capture that cuts frames at a fixed length keeps less of a packet behind more tags: of cut
/// packets only what every copy still has is compared.
const LONGEST_LINK_HEADER: usize = 30;

/// What a frame shows, wherever it is seen.
#[derive(Clone, Copy, Debug)]
pub struct Content {
    pub digest: u64,
    /// Inside a tunnel that carries frames: the MACs there, since those of the carrier say nothing of the packet's way.
    pub inner_link: Option<InnerLink>,
}

#[derive(Debug)]
pub struct Identifier(FixedState);

impl Identifier {
    pub const fn new(seed: u64) -> Self {
        Self(FixedState::with_seed(seed))
    }

    #[inline]
    pub fn identify(&self, packet: &Packet, frame: &[u8]) -> Option<Content> {
        let start = ip_start(packet, frame)?;
        let bytes = frame.get(start..)?;
        let whole = packet.ip_len as usize;
        let end = if whole <= bytes.len() { whole } else { frame.len().checked_sub(start.max(LONGEST_LINK_HEADER))? };
        let bytes = bytes.get(..end)?;
        let mut hash = self.0.build_hasher();
        // Two networks under the same overlay are two networks, however equal their addresses.
        let segment = realm::segment(packet);
        match packet.family {
            Family::V4 => {
                let (head, rest) = bytes.split_first_chunk::<IPV4_LEN>()?;
                // Without type of service, TTL and header checksum (RFC 791 3.1).
                let [_, _, l0, l1, i0, i1, f0, f1, _, protocol, _, _, addresses @ ..] = *head;
                hash.write_u64(u64::from_le_bytes([4, protocol, l0, l1, i0, i1, f0, f1]));
                hash.write_u64(u64::from_le_bytes(addresses));
                hash.write_u32(segment);
                hash.write(rest);
            }
            Family::V6 => {
                let (head, rest) = bytes.split_first_chunk::<IPV6_LEN>()?;
                // Without traffic class and hop limit (RFC 8200 3); the flow label must arrive as it was sent (RFC 6437 2).
                let [_, label, l0, l1, p0, p1, next, _, ..] = *head;
                hash.write_u64(u64::from_le_bytes([6, next, label & 0x0f, l0, l1, p0, p1, 0]));
                hash.write_u128(u128::from_le_bytes(packet.source));
                hash.write_u128(u128::from_le_bytes(packet.destination));
                hash.write_u32(segment);
                hash.write(rest);
            }
        }
        Some(Content { digest: hash.finish(), inner_link: inner_link(packet, frame, start) })
    }
}

/// Where the packet's own IP header begins: the lengths tell, and the addresses there must be the packet's.
fn ip_start(packet: &Packet, frame: &[u8]) -> Option<usize> {
    let fixed = match packet.family {
        Family::V4 => IPV4_LEN,
        Family::V6 => IPV6_LEN,
    };
    let is_later = matches!(packet.fragment, Fragment::Later { .. });
    // A later fragment has no transport header, in IPv6 one that says what it is a fragment of (RFC 8200 4.5).
    let by_fragment = match packet.family {
        Family::V4 => IPV4_LEN as u32,
        Family::V6 => (IPV6_LEN + FRAGMENT_LEN) as u32,
    };
    let by_lengths = packet.ip_len.checked_sub(packet.payload_len).filter(|_| packet.payload_len > 0 || !is_later);
    // A datagram that is shorter than its packet: bytes behind it count as IP, not as payload.
    let by_udp = UDP_LEN.checked_add(fixed as u32);
    [by_lengths, if is_later { Some(by_fragment) } else { by_udp }].into_iter().flatten().find_map(|headers_len| {
        let start = packet.payload_offset.checked_sub(headers_len)? as usize;
        let is_it = is_header_of(packet, frame.get(start..start.checked_add(fixed)?)?) && is_piece_of(packet, frame, start);
        is_it.then_some(start)
    })
}

fn is_header_of(packet: &Packet, head: &[u8]) -> bool {
    match (packet.family, head) {
        (Family::V4, [version, ..]) => {
            let ends = head.get(12..16).zip(head.get(16..20));
            version >> 4 == 4 && ends.is_some_and(|(a, b)| packet.source.starts_with(a) && packet.destination.starts_with(b))
        }
        (Family::V6, [version, ..]) => {
            let ends = head.get(8..24).zip(head.get(24..40));
            version >> 4 == 6 && ends.is_some_and(|(a, b)| packet.source == a && packet.destination == b)
        }
        _ => false,
    }
}

/// A later fragment that had to wait for its first one comes with the frame of that one.
fn is_piece_of(packet: &Packet, frame: &[u8], start: usize) -> bool {
    let Fragment::Later { offset } = packet.fragment else { return true };
    // RFC 791 3.1 counts in units of 8 bytes, as RFC 8200 4.5 does three bits further up.
    let field = match packet.family {
        Family::V4 => number_at(frame, start.saturating_add(6)).map(|field| u32::from(field & 0x1fff) << 3),
        Family::V6 => number_at(frame, (packet.payload_offset as usize).saturating_sub(6)).map(|field| u32::from(field & 0xfff8)),
    };
    field == Some(offset)
}

/// The link header directly before an IP header inside a tunnel of frames.
fn inner_link(packet: &Packet, frame: &[u8], ip_start: usize) -> Option<InnerLink> {
    let carries_frames = matches!(
        packet.tunnel?.kind,
        TunnelKind::Erspan
            | TunnelKind::Vxlan
            | TunnelKind::Geneve
            | TunnelKind::Nvgre
            | TunnelKind::Pbb
            | TunnelKind::EtherIp
            | TunnelKind::FabricPath
            | TunnelKind::Trill
            | TunnelKind::Tzsp
            | TunnelKind::Gre
            | TunnelKind::Mpls
            | TunnelKind::L2tp
    );
    let expected: u16 = match packet.family {
        Family::V4 => 0x0800,
        Family::V6 => 0x86dd,
    };
    let mut end = ip_start.checked_sub(2)?;
    if !carries_frames || number_at(frame, end) != Some(expected) {
        return None;
    }
    let mut tag = 0;
    // Tags stand between the addresses and the type, each as a type of its own and the number (IEEE 802.1Q 9.3).
    while let Some(before) = end.checked_sub(4)
        && matches!(number_at(frame, before), Some(0x8100 | 0x88a8))
    {
        tag = number_at(frame, before.checked_add(2)?)?.wrapping_add(1);
        end = before;
    }
    let macs = frame.get(end.checked_sub(12)?..end)?;
    Some(InnerLink { destination: *macs.first_chunk()?, source: *macs.last_chunk()?, tag })
}

fn number_at(frame: &[u8], at: usize) -> Option<u16> {
    frame.get(at..)?.first_chunk().map(|pair| u16::from_be_bytes(*pair))
}
