//! TCP, UDP, ICMP, ICMPv6 and SCTP: ports, TCP state fields, and where the payload is. Ports are enough for a flow, so a header that
//! is cut after them still counts; one that is cut before them is refused.

use crate::ip;
use crate::view::View;
use crate::walk::Walk;
use crate::{Anomalies, Family, Fragment, Packet, SkipReason, TcpFlags, TcpSegment, checksum};

const TCP_MIN_HEADER_LEN: u32 = 20;
const UDP_HEADER_LEN: u32 = 8;
const ICMP_HEADER_LEN: u32 = 8;
/// RFC 9260 3.1.
const SCTP_HEADER_LEN: u32 = 12;

/// Reads what follows the IP header of the packet in `state`, which must not be a later fragment, into it. Gives the payload, or leaves
/// there why not.
#[inline(always)]
pub(crate) fn read<'a>(view: View<'a>, state: &mut Walk<'_>) -> Option<View<'a>> {
    let packet = &mut *state.packet;
    packet.tcp = None;
    let payload = match packet.protocol {
        ip::TCP => tcp(packet, view),
        ip::UDP => udp(packet, view),
        ip::ICMP | ip::ICMPV6 => icmp(packet, view),
        ip::SCTP => sctp(packet, view),
        _ => {
            read_nothing(packet, view);
            return Some(view);
        }
    };
    let Some(payload) = payload else { return state.skip(missing(state.packet, view)) };
    if state.options.verify_checksums
        && matches!(packet.fragment, Fragment::Whole)
        && !checksum::transport_is_right(packet, view, state.pseudo_header_known)
    {
        return state.skip(SkipReason::BadChecksum);
    }
    set_payload(packet, payload);
    Some(payload)
}

/// For protocols without ports and for later fragments: everything after IP is payload.
#[inline(always)]
pub(crate) fn read_nothing(packet: &mut Packet, view: View<'_>) {
    packet.tcp = None;
    (packet.source_port, packet.destination_port) = (0, 0);
    set_payload(packet, view);
}

#[inline(always)]
fn set_payload(packet: &mut Packet, payload: View<'_>) {
    packet.payload_offset = payload.offset();
    packet.payload_captured = payload.captured();
    packet.payload_len = payload.wire_len();
}

/// The IP length leaves no room for ports, or the capture ends before them.
fn missing(packet: &Packet, view: View<'_>) -> SkipReason {
    if view.is_whole() && packet.length_is_its_own() { SkipReason::BadLength } else { SkipReason::Truncated }
}

/// RFC 9293 3.1.
#[inline(always)]
fn tcp<'a>(packet: &mut Packet, view: View<'a>) -> Option<View<'a>> {
    let Some(head) = view.head::<20>() else { return partial(packet, view, TCP_MIN_HEADER_LEN) };
    let (header_len, segment) = tcp_fields(head);
    set_ports(packet, [head[0], head[1], head[2], head[3]]);
    packet.tcp = Some(segment);
    if header_len < TCP_MIN_HEADER_LEN || header_len > view.wire_len() {
        // A length that cannot be true leaves nothing that could be called payload. Options may go on in the next fragment.
        if header_len < TCP_MIN_HEADER_LEN || matches!(packet.fragment, Fragment::Whole) {
            packet.anomalies.add(Anomalies::TRANSPORT_LENGTH);
        }
        return Some(view.after_at_most(view.wire_len()));
    }
    Some(view.after_at_most(header_len))
}

#[inline(always)]
pub(crate) fn tcp_fields(head: &[u8; 20]) -> (u32, TcpSegment) {
    let segment = TcpSegment {
        sequence: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
        acknowledgment: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
        flags: TcpFlags(head[13]),
        window: u16::from_be_bytes([head[14], head[15]]),
    };
    (u32::from(head[12] >> 4) << 2, segment)
}

/// RFC 768. The first fragment holds less than the length says, so there it is no anomaly; nor is zero in a jumbogram (RFC 2675 4).
#[inline(always)]
fn udp<'a>(packet: &mut Packet, view: View<'a>) -> Option<View<'a>> {
    let Some(head) = view.head::<8>() else { return partial(packet, view, UDP_HEADER_LEN) };
    set_ports(packet, [head[0], head[1], head[2], head[3]]);
    let (udp_len, room) = (u32::from(u16::from_be_bytes([head[4], head[5]])), view.wire_len());
    let is_jumbo = udp_len == 0 && room > u32::from(u16::MAX) && matches!(packet.family, Family::V6);
    let goes_on = udp_len > room && matches!(packet.fragment, Fragment::First);
    if udp_len != room && !goes_on && !is_jumbo {
        packet.anomalies.add(Anomalies::TRANSPORT_LENGTH);
    }
    let datagram = if udp_len < UDP_HEADER_LEN { view } else { view.limited_to(udp_len) };
    Some(datagram.after_at_most(UDP_HEADER_LEN))
}

/// RFC 792, RFC 4443 2.1: type and code stand in for the ports.
#[inline(always)]
fn icmp<'a>(packet: &mut Packet, view: View<'a>) -> Option<View<'a>> {
    let head = view.head::<2>()?;
    (packet.source_port, packet.destination_port) = (u16::from(head[0]), u16::from(head[1]));
    Some(view.after_at_most(ICMP_HEADER_LEN))
}

fn sctp<'a>(packet: &mut Packet, view: View<'a>) -> Option<View<'a>> {
    let before = packet.anomalies;
    let payload = partial(packet, view, SCTP_HEADER_LEN)?;
    if view.captured() >= SCTP_HEADER_LEN {
        packet.anomalies = before;
    }
    Some(payload)
}

/// Ports only: the rest of the header is not there.
#[cold]
fn partial<'a>(packet: &mut Packet, view: View<'a>, header_len: u32) -> Option<View<'a>> {
    set_ports(packet, *view.head()?);
    packet.anomalies.add(Anomalies::PARTIAL_TRANSPORT);
    Some(view.after_at_most(header_len))
}

#[inline(always)]
fn set_ports(packet: &mut Packet, [a, b, c, d]: [u8; 4]) {
    (packet.source_port, packet.destination_port) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
}
