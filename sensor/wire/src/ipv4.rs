//! IPv4 (RFC 791): header with options, length against padding and offload, fragments. Refuses other versions and lengths below the header.

use crate::ip;
use crate::view::View;
use crate::walk::Walk;
use crate::{Anomalies, Family, Fragment, SkipReason, checksum, ipv6};

const MIN_HEADER_LEN: u32 = 20;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// Reads the header into the packet of `state` and gives the view of its payload, or leaves there why not.
#[inline(always)]
pub(crate) fn read<'a>(view: View<'a>, state: &mut Walk<'_>) -> Option<View<'a>> {
    let Some(head) = view.head::<20>() else { return state.skip(SkipReason::Truncated) };
    if head[0] >> 4 != 4 {
        return state.skip(SkipReason::BadHeader);
    }
    let header_len = u32::from(head[0] & 0x0f) << 2;
    let total_len = u32::from(u16::from_be_bytes([head[2], head[3]]));
    // In the first piece of a larger packet the rest comes later.
    let view = if state.cut_by.is_some() { view.claiming(total_len) } else { view };
    let is_known = total_len != 0 && total_len <= view.wire_len();
    if header_len < MIN_HEADER_LEN || (is_known && total_len < header_len) {
        return state.skip(SkipReason::BadLength);
    }
    // Zero comes from segmentation offload, and a length above the frame from captures that were cut without a word.
    let ip_len = if is_known { total_len } else { view.wire_len() };
    let inside = view.limited_to(ip_len);
    if state.options.verify_checksums
        && inside.bytes().get(..header_len as usize).is_some_and(|bytes| !checksum::is_right(0, bytes))
    {
        return state.skip(SkipReason::BadChecksum);
    }
    let Some(mut payload) = inside.after(header_len) else { return state.skip(SkipReason::Truncated) };
    let packet = &mut *state.packet;
    packet.family = Family::V4;
    packet.source = widened([head[12], head[13], head[14], head[15]]);
    packet.destination = widened([head[16], head[17], head[18], head[19]]);
    packet.protocol = head[9];
    packet.ttl = head[8];
    packet.ip_len = ip_len;
    packet.ip_id = u32::from(u16::from_be_bytes([head[4], head[5]]));
    packet.anomalies = Anomalies(if is_known { 0 } else { Anomalies::LENGTH_FROM_FRAME });
    ip::mark_fragment(packet, fragment(u16::from_be_bytes([head[6], head[7]])), head[9], &mut state.cut_by);
    // A source route ends elsewhere than the header says (RFC 1122 3.2.1.8); only options can hold one.
    state.pseudo_header_known = header_len == MIN_HEADER_LEN;
    // An authentication header may follow here as well (RFC 4302 2.1).
    if head[9] == ip::AUTHENTICATION && !matches!(state.packet.fragment, Fragment::Later { .. }) {
        payload = ipv6::follow(payload, state)?;
    }
    Some(payload)
}

/// From the field of flags and offset.
#[inline(always)]
pub(crate) fn fragment(field: u16) -> Fragment {
    match (field & FRAGMENT_OFFSET, field & MORE_FRAGMENTS != 0) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        (units, _) => Fragment::Later { offset: u32::from(units) << 3 },
    }
}

/// As one number: two stores instead of sixteen.
#[inline(always)]
pub(crate) fn widened(address: [u8; 4]) -> [u8; 16] {
    u128::from(u32::from_le_bytes(address)).to_le_bytes()
}
