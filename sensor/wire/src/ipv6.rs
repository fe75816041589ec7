//! IPv6 (RFC 8200) with its extension headers. Refuses other versions and chains longer than the limit.

use crate::ip;
use crate::view::View;
use crate::walk::Walk;
use crate::{Anomalies, Family, Fragment, Packet, SkipReason};

const HEADER_LEN: u32 = 40;
/// RFC 8200 4.1 knows at most 7 in one packet; twice that is no honest packet.
const MAX_EXTENSION_HEADERS: u32 = 16;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const NO_NEXT_HEADER: u8 = 59;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;

/// Hop-by-hop options (RFC 8200 4.2, RFC 2675 2). A header of 2048 bytes has room for more of them, but no honest one holds them.
const PAD_1: u8 = 0;
const JUMBO_PAYLOAD: u8 = 0xc2;
const MAX_OPTIONS: u32 = 16;

/// Reads the header with its extensions into the packet of `state` and gives the view of what follows them, or leaves there why not.
#[inline(always)]
pub(crate) fn read<'a>(view: View<'a>, state: &mut Walk<'_>) -> Option<View<'a>> {
    let Some(head) = view.head::<40>() else { return state.skip(SkipReason::Truncated) };
    if head[0] >> 4 != 6 {
        return state.skip(SkipReason::BadHeader);
    }
    // In the first piece of a larger packet the rest comes later.
    let claimed_len = u32::from(u16::from_be_bytes([head[4], head[5]])).saturating_add(HEADER_LEN);
    let view = if state.cut_by.is_some() { view.claiming(claimed_len) } else { view };
    let (ip_len, anomalies) = ip_len(head, view);
    let Some(mut payload) = view.limited_to(ip_len).after(HEADER_LEN) else { return state.skip(SkipReason::Truncated) };
    let packet = &mut *state.packet;
    packet.family = Family::V6;
    (packet.source, packet.destination) = addresses(head);
    packet.protocol = head[6];
    packet.ttl = head[7];
    packet.ip_len = ip_len;
    packet.ip_id = 0;
    packet.anomalies = anomalies;
    ip::mark_fragment(packet, Fragment::Whole, 0, &mut state.cut_by);
    state.pseudo_header_known = true;
    if is_extension(head[6]) {
        payload = follow(payload, state)?;
    }
    Some(payload)
}

/// No transport is shorter: fewer bytes behind a length of zero are padding.
const LEAST_PAYLOAD_LEN: u32 = 8;

/// The length to believe: zero is a jumbogram or segmentation offload, unless nothing is meant to follow or nothing can.
#[inline(always)]
fn ip_len(head: &[u8; 40], view: View<'_>) -> (u32, Anomalies) {
    let payload_len = u32::from(u16::from_be_bytes([head[4], head[5]]));
    let claimed = match payload_len {
        0 if head[6] == NO_NEXT_HEADER || view.wire_len() < HEADER_LEN + LEAST_PAYLOAD_LEN => HEADER_LEN,
        0 => jumbo_payload_len(head[6], view).map_or(u32::MAX, |len| len.saturating_add(HEADER_LEN)),
        len => len.saturating_add(HEADER_LEN),
    };
    if claimed <= view.wire_len() {
        (claimed, Anomalies::default())
    } else {
        (view.wire_len(), Anomalies(Anomalies::LENGTH_FROM_FRAME))
    }
}

/// RFC 2675 2: an option for more than 65535 bytes, which cannot say less.
#[cold]
fn jumbo_payload_len(next_header: u8, view: View<'_>) -> Option<u32> {
    let header = view.after(HEADER_LEN).filter(|_| next_header == HOP_BY_HOP)?;
    let mut options = header.limited_to(options_len(header)?).after(2)?;
    for _ in 0..MAX_OPTIONS {
        let kind = options.u8_at(0)?;
        if kind == JUMBO_PAYLOAD {
            return options.u32_at(2).filter(|len| *len > u32::from(u16::MAX));
        }
        options = options.after(if kind == PAD_1 { 1 } else { u32::from(options.u8_at(1)?).saturating_add(2) })?;
    }
    None
}

#[inline(always)]
pub(crate) fn addresses(head: &[u8; 40]) -> ([u8; 16], [u8; 16]) {
    let (_, both) = head.split_at(8);
    let source = both.first_chunk().copied().unwrap_or_default();
    let destination = both.last_chunk().copied().unwrap_or_default();
    (source, destination)
}

#[inline(always)]
pub(crate) const fn is_extension(next_header: u8) -> bool {
    matches!(next_header, HOP_BY_HOP | ROUTING | FRAGMENT | ip::AUTHENTICATION | DESTINATION_OPTIONS | MOBILITY | HIP | SHIM6)
}

/// Follows the chain (RFC 8200 4, RFC 7045) to the first header that is no extension. Behind an IPv4 header it is one of authentication.
/// The chain is read on a copy of the view, so that packets without one keep theirs in registers.
#[inline(always)]
pub(crate) fn follow<'a>(view: View<'a>, state: &mut Walk<'_>) -> Option<View<'a>> {
    let mut inside = view;
    let whole = read_extensions(&mut inside, state);
    if whole { Some(inside) } else { None }
}

#[inline(never)]
fn read_extensions(view: &mut View<'_>, state: &mut Walk<'_>) -> bool {
    let is_v6 = matches!(state.packet.family, Family::V6);
    for _ in 0..MAX_EXTENSION_HEADERS {
        let len = match state.packet.protocol {
            HOP_BY_HOP if is_v6 => options_len(*view),
            ROUTING | DESTINATION_OPTIONS if is_v6 => {
                state.pseudo_header_known = false;
                options_len(*view)
            }
            // Signalling of their own: what follows them, if anything, is not theirs to name (RFC 6275 6.1.1).
            MOBILITY | HIP | SHIM6 if view.u8_at(0) == Some(NO_NEXT_HEADER) => return true,
            MOBILITY | HIP | SHIM6 if is_v6 => options_len(*view),
            // RFC 4302 2.2: in units of 4 bytes, minus 2.
            ip::AUTHENTICATION => view.u8_at(1).map(|units| u32::from(units).saturating_add(2) << 2),
            FRAGMENT if is_v6 => read_fragment(*view, state),
            _ => return true,
        };
        let inside = len.and_then(|len| view.after(len));
        let (Some(inside), Some(next_header)) = (inside, view.u8_at(0)) else {
            let _ended = state.skip(end_of(state.packet, *view));
            return false;
        };
        *view = inside;
        state.packet.protocol = next_header;
        if let Fragment::Later { .. } = state.packet.fragment {
            return true;
        }
    }
    let _ended = state.skip(SkipReason::TooDeep);
    false
}

/// RFC 8200 4.3: in units of 8 bytes, not counting the first.
fn options_len(view: View<'_>) -> Option<u32> {
    view.u8_at(1).map(|units| u32::from(units).saturating_add(1) << 3)
}

/// RFC 8200 4.5. A fragment that is the whole packet (RFC 6946) counts as whole.
fn read_fragment(view: View<'_>, state: &mut Walk<'_>) -> Option<u32> {
    let (field, identification) = (view.u16_at(2)?, view.u32_at(4)?);
    let fragment = match (u32::from(field & 0xfff8), field & 1 != 0) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        (offset, _) => Fragment::Later { offset },
    };
    state.packet.ip_id = identification;
    ip::mark_fragment(state.packet, fragment, 0, &mut state.cut_by);
    Some(8)
}

/// Why a header is not there: the capture or a fragment was cut, or the packet says it is shorter.
fn end_of(packet: &Packet, view: View<'_>) -> SkipReason {
    if packet.length_is_its_own() && view.is_whole() { SkipReason::BadLength } else { SkipReason::Truncated }
}
