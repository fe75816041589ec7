//! IPv6 (RFC 8200) with its extension headers. Refuses other versions and chains longer than the limit.

use crate::ip::{self, IpHeader};
use crate::view::View;
use crate::{Anomalies, Family, Fragment, SkipReason};

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

/// The header with its extensions, and the view of what follows them.
pub(crate) fn read(view: View<'_>) -> Result<(IpHeader, View<'_>), SkipReason> {
    let head: &[u8; 40] = view.head().ok_or(SkipReason::Truncated)?;
    if head[0] >> 4 != 6 {
        return Err(SkipReason::BadHeader);
    }
    let claimed = u32::from(u16::from_be_bytes([head[4], head[5]])).saturating_add(HEADER_LEN);
    let next_header = head[6];
    // Zero is a jumbogram (RFC 2675) or segmentation offload, unless nothing is meant to follow.
    let from_frame = claimed > view.wire_len() || (claimed == HEADER_LEN && next_header != NO_NEXT_HEADER);
    let (ip_len, anomalies) =
        if from_frame { (view.wire_len(), Anomalies(Anomalies::LENGTH_FROM_FRAME)) } else { (claimed, Anomalies::default()) };
    let (source, destination) = addresses(head);
    let header = IpHeader {
        family: Family::V6,
        source,
        destination,
        protocol: next_header,
        ttl: head[7],
        ip_len,
        fragment: Fragment::Whole,
        fragment_id: 0,
        ip_id: 0,
        anomalies,
        pseudo_header_known: true,
    };
    let payload = view.limited_to(ip_len).after(HEADER_LEN).ok_or(SkipReason::Truncated)?;
    read_extensions(header, payload)
}

fn addresses(head: &[u8; 40]) -> ([u8; 16], [u8; 16]) {
    let (_, both) = head.split_at(8);
    let source = both.first_chunk().copied().unwrap_or_default();
    let destination = both.last_chunk().copied().unwrap_or_default();
    (source, destination)
}

/// Follows the chain (RFC 8200 4, RFC 7045) to the first header that is no extension.
pub(crate) fn read_extensions(mut header: IpHeader, mut view: View<'_>) -> Result<(IpHeader, View<'_>), SkipReason> {
    for _ in 0..MAX_EXTENSION_HEADERS {
        let len = match header.protocol {
            HOP_BY_HOP if matches!(header.family, Family::V6) => options_len(view),
            ROUTING | DESTINATION_OPTIONS => {
                header.pseudo_header_known = false;
                options_len(view)
            }
            // Signalling of their own: what follows them, if anything, is not theirs to name (RFC 6275 6.1.1).
            MOBILITY | HIP | SHIM6 if view.u8_at(0) == Some(NO_NEXT_HEADER) => return Ok((header, view)),
            MOBILITY | HIP | SHIM6 => options_len(view),
            // RFC 4302 2.2: in units of 4 bytes, minus 2.
            ip::AUTHENTICATION => view.u8_at(1).map(|units| u32::from(units).saturating_add(2) << 2),
            FRAGMENT if matches!(header.family, Family::V6) => {
                read_fragment(&mut header, view)?;
                Some(8)
            }
            _ => return Ok((header, view)),
        };
        let next_header = view.u8_at(0);
        let (Some(len), Some(next_header)) = (len, next_header) else { return Err(end_of(view)) };
        view = view.after(len).ok_or_else(|| end_of(view))?;
        header.protocol = next_header;
        if let Fragment::Later { .. } = header.fragment {
            return Ok((header, view));
        }
    }
    Err(SkipReason::TooDeep)
}

/// RFC 8200 4.3: in units of 8 bytes, not counting the first.
fn options_len(view: View<'_>) -> Option<u32> {
    view.u8_at(1).map(|units| u32::from(units).saturating_add(1) << 3)
}

/// RFC 8200 4.5. A fragment that is the whole packet (RFC 6946) counts as whole.
fn read_fragment(header: &mut IpHeader, view: View<'_>) -> Result<(), SkipReason> {
    let (Some(field), Some(identification)) = (view.u16_at(2), view.u32_at(4)) else { return Err(end_of(view)) };
    header.ip_id = identification;
    header.fragment = match (u32::from(field & 0xfff8), field & 1 != 0) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        (offset, _) => Fragment::Later { offset },
    };
    header.fragment_id = match header.fragment {
        Fragment::Whole => 0,
        Fragment::First | Fragment::Later { .. } => {
            ip::fragment_id(header.family, header.source, header.destination, 0, identification)
        }
    };
    Ok(())
}

/// Why a header is not there: the capture was cut, or the packet says it is shorter.
fn end_of(view: View<'_>) -> SkipReason {
    if view.is_whole() { SkipReason::BadLength } else { SkipReason::Truncated }
}
