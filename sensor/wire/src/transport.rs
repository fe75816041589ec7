//! TCP, UDP, ICMP, ICMPv6 and SCTP: ports, TCP state fields, and where the payload is. Ports are enough for a flow, so a header that
//! is cut after them still counts; one that is cut before them is refused.

use crate::ip::{self, IpHeader};
use crate::view::View;
use crate::{Anomalies, Fragment, SkipReason, TcpFlags, TcpSegment, checksum};

const PORTS_LEN: u32 = 4;
const TCP_MIN_HEADER_LEN: u32 = 20;
const UDP_HEADER_LEN: u32 = 8;
const ICMP_HEADER_LEN: u32 = 8;
/// RFC 9260 3.1.
const SCTP_HEADER_LEN: u32 = 12;

/// A transport header, as far as flows need it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transport<'a> {
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    pub(crate) tcp: Option<TcpSegment>,
    pub(crate) payload: View<'a>,
    pub(crate) anomalies: Anomalies,
}

impl<'a> Transport<'a> {
    /// For protocols without ports and for later fragments: everything after IP is payload.
    pub(crate) fn none(payload: View<'a>) -> Self {
        Self { source_port: 0, destination_port: 0, tcp: None, payload, anomalies: Anomalies::default() }
    }
}

/// Reads what follows `header`, which must not be a later fragment.
pub(crate) fn read<'a>(header: &IpHeader, view: View<'a>, verify_checksum: bool) -> Result<Transport<'a>, SkipReason> {
    let read = match header.protocol {
        ip::TCP => tcp(view),
        ip::UDP => udp(view, header.fragment),
        ip::ICMP | ip::ICMPV6 => icmp(view),
        ip::SCTP => sctp(view),
        _ => return Ok(Transport::none(view)),
    };
    let transport = read.ok_or_else(|| missing(header, view))?;
    if verify_checksum && matches!(header.fragment, Fragment::Whole) && !checksum::transport_is_right(header, view) {
        return Err(SkipReason::BadChecksum);
    }
    Ok(transport)
}

/// The IP length leaves no room for ports, or the capture ends before them.
fn missing(header: &IpHeader, view: View<'_>) -> SkipReason {
    let length_is_its_own = !header.anomalies.has(Anomalies::LENGTH_FROM_FRAME);
    if view.is_whole() && length_is_its_own { SkipReason::BadLength } else { SkipReason::Truncated }
}

/// RFC 9293 3.1.
fn tcp(view: View<'_>) -> Option<Transport<'_>> {
    let Some(head) = view.head::<20>() else { return partial(view, TCP_MIN_HEADER_LEN) };
    let header_len = u32::from(head[12] >> 4) << 2;
    let bad_len = header_len < TCP_MIN_HEADER_LEN || header_len > view.wire_len();
    Some(Transport {
        source_port: u16::from_be_bytes([head[0], head[1]]),
        destination_port: u16::from_be_bytes([head[2], head[3]]),
        tcp: Some(TcpSegment {
            sequence: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
            acknowledgment: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
            flags: TcpFlags(head[13]),
            window: u16::from_be_bytes([head[14], head[15]]),
        }),
        // A length that cannot be true leaves nothing that could be called payload.
        payload: view.after_at_most(if bad_len { view.wire_len() } else { header_len }),
        anomalies: Anomalies(if bad_len { Anomalies::TRANSPORT_LENGTH } else { 0 }),
    })
}

/// RFC 768. The first fragment holds less than the length says, so there it is no anomaly.
fn udp(view: View<'_>, fragment: Fragment) -> Option<Transport<'_>> {
    let Some(head) = view.head::<8>() else { return partial(view, UDP_HEADER_LEN) };
    let udp_len = u32::from(u16::from_be_bytes([head[4], head[5]]));
    let agrees = udp_len == view.wire_len() || (matches!(fragment, Fragment::First) && udp_len > view.wire_len());
    let datagram = if udp_len < UDP_HEADER_LEN { view } else { view.limited_to(udp_len) };
    Some(Transport {
        source_port: u16::from_be_bytes([head[0], head[1]]),
        destination_port: u16::from_be_bytes([head[2], head[3]]),
        tcp: None,
        payload: datagram.after_at_most(UDP_HEADER_LEN),
        anomalies: Anomalies(if agrees { 0 } else { Anomalies::TRANSPORT_LENGTH }),
    })
}

/// RFC 792, RFC 4443 2.1: type and code stand in for the ports.
fn icmp(view: View<'_>) -> Option<Transport<'_>> {
    let head = view.head::<2>()?;
    let mut transport = Transport::none(view.after_at_most(ICMP_HEADER_LEN));
    transport.source_port = u16::from(head[0]);
    transport.destination_port = u16::from(head[1]);
    Some(transport)
}

fn sctp(view: View<'_>) -> Option<Transport<'_>> {
    if view.captured() < SCTP_HEADER_LEN {
        return partial(view, SCTP_HEADER_LEN);
    }
    let mut transport = partial(view, SCTP_HEADER_LEN)?;
    transport.anomalies = Anomalies::default();
    Some(transport)
}

/// Ports only: the rest of the header is not there.
fn partial(view: View<'_>, header_len: u32) -> Option<Transport<'_>> {
    let head: &[u8; PORTS_LEN as usize] = view.head()?;
    Some(Transport {
        source_port: u16::from_be_bytes([head[0], head[1]]),
        destination_port: u16::from_be_bytes([head[2], head[3]]),
        tcp: None,
        payload: view.after_at_most(header_len),
        anomalies: Anomalies(Anomalies::PARTIAL_TRANSPORT),
    })
}
