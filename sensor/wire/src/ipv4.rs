//! IPv4 (RFC 791): header with options, length against padding and offload, fragments. Refuses other versions and lengths below the header.

use crate::ip::{self, IpHeader};
use crate::view::View;
use crate::{Anomalies, Family, Fragment, SkipReason, checksum, ipv6};

const MIN_HEADER_LEN: u32 = 20;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// The header and the view of its payload.
pub(crate) fn read(view: View<'_>, verify_checksum: bool) -> Result<(IpHeader, View<'_>), SkipReason> {
    let head: &[u8; 20] = view.head().ok_or(SkipReason::Truncated)?;
    if head[0] >> 4 != 4 {
        return Err(SkipReason::BadHeader);
    }
    let header_len = u32::from(head[0] & 0x0f) << 2;
    if header_len < MIN_HEADER_LEN {
        return Err(SkipReason::BadLength);
    }
    let (ip_len, anomalies) = ip_len(u32::from(u16::from_be_bytes([head[2], head[3]])), header_len, view.wire_len())?;
    let packet = view.limited_to(ip_len);
    if verify_checksum && packet.bytes().get(..header_len as usize).is_some_and(|bytes| !checksum::is_right(0, bytes)) {
        return Err(SkipReason::BadChecksum);
    }
    let payload = packet.after(header_len).ok_or(SkipReason::Truncated)?;
    let flags = u16::from_be_bytes([head[6], head[7]]);
    let fragment = match (flags & FRAGMENT_OFFSET, flags & MORE_FRAGMENTS != 0) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        (units, _) => Fragment::Later { offset: u32::from(units) << 3 },
    };
    let source = widened([head[12], head[13], head[14], head[15]]);
    let destination = widened([head[16], head[17], head[18], head[19]]);
    let ip_id = u32::from(u16::from_be_bytes([head[4], head[5]]));
    let header = IpHeader {
        family: Family::V4,
        source,
        destination,
        protocol: head[9],
        ttl: head[8],
        ip_len,
        fragment,
        fragment_id: match fragment {
            Fragment::Whole => 0,
            Fragment::First | Fragment::Later { .. } => ip::fragment_id(Family::V4, source, destination, head[9], ip_id),
        },
        ip_id,
        anomalies,
        // A source route ends elsewhere than the header says (RFC 1122 3.2.1.8); only options can hold one.
        pseudo_header_known: header_len == MIN_HEADER_LEN,
    };
    // An authentication header may follow here as well (RFC 4302 2.1).
    if header.protocol == ip::AUTHENTICATION && !matches!(fragment, Fragment::Later { .. }) {
        return ipv6::read_extensions(header, payload);
    }
    Ok((header, payload))
}

/// The length to believe. Zero comes from segmentation offload, and a length above the frame from captures that were cut without a word.
fn ip_len(total_len: u32, header_len: u32, available: u32) -> Result<(u32, Anomalies), SkipReason> {
    if total_len == 0 || total_len > available {
        Ok((available, Anomalies(Anomalies::LENGTH_FROM_FRAME)))
    } else if total_len < header_len {
        Err(SkipReason::BadLength)
    } else {
        Ok((total_len, Anomalies::default()))
    }
}

const fn widened(address: [u8; 4]) -> [u8; 16] {
    let [a, b, c, d] = address;
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}
