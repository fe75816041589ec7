//! Link headers that capture software makes up: BSD loopback, Linux cooked, NFLOG, PPI and others, and real ones that are as short.

use sensor_model::MacAddr;

use crate::link::{self, ETHERTYPE_IPV4, ETHERTYPE_IPV6};
use crate::view::View;
use crate::walk::{End, Next, Step, Walk};
use crate::{LinkType, SkipReason};

const TRUNCATED: Step<'static> = Step::End(End::Skip(SkipReason::Truncated));

/// The address family in the byte order of whoever captured. 24, 28 and 30 are IPv6 on the BSDs and Darwin, 23 on Windows, 10 on Linux.
pub(crate) fn read_loopback(view: View<'_>) -> Step<'_> {
    let (Some(family), Some(payload)) = (view.u32_at(0), view.after(4)) else { return TRUNCATED };
    match if family > 0xffff { family.swap_bytes() } else { family } {
        2 => Step::On(Next::EtherType(ETHERTYPE_IPV4), payload),
        10 | 23 | 24 | 28 | 30 => Step::On(Next::EtherType(ETHERTYPE_IPV6), payload),
        // No family: some captures have two bytes of their own there, and an ethertype.
        _ => match view.u16_at(2) {
            Some(ethertype @ (ETHERTYPE_IPV4 | ETHERTYPE_IPV6)) => Step::On(Next::EtherType(ethertype), payload),
            _ => Step::End(End::NonIp),
        },
    }
}

/// LINKTYPE_LINUX_SLL: packet type, ARPHRD, address length, address, protocol.
pub(crate) fn read_cooked<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    let (Some(head), Some(payload)) = (view.head::<16>(), view.after(16)) else { return TRUNCATED };
    if head[4..6] == [0, 6] {
        state.keep_macs(MacAddr([head[6], head[7], head[8], head[9], head[10], head[11]]), MacAddr::ZERO);
    }
    cooked_protocol(u16::from_be_bytes([head[14], head[15]]), payload, state)
}

/// LINKTYPE_LINUX_SLL2: protocol, reserved, interface, ARPHRD, packet type, address length, address.
pub(crate) fn read_cooked2<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    let (Some(head), Some(payload)) = (view.head::<20>(), view.after(20)) else { return TRUNCATED };
    if head[11] == 6 {
        state.keep_macs(MacAddr([head[12], head[13], head[14], head[15], head[16], head[17]]), MacAddr::ZERO);
    }
    cooked_protocol(u16::from_be_bytes([head[0], head[1]]), payload, state)
}

/// Below 0x0600 the numbers are Linux's own (linux/if_ether.h).
fn cooked_protocol<'a>(protocol: u16, payload: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    const ETH_P_802_2: u16 = 0x0004;
    match protocol {
        ETH_P_802_2 => Step::On(Next::Llc, payload),
        0..0x0600 => {
            state.keep_ethertype(protocol);
            Step::End(End::NonIp)
        }
        ethertype => Step::On(Next::EtherType(ethertype), payload),
    }
}

/// LINKTYPE_C_HDLC: address, control, ethertype.
pub(crate) fn read_cisco_hdlc<'a>(view: View<'a>) -> Step<'a> {
    match (view.u16_at(2), view.after(4)) {
        (Some(ethertype), Some(payload)) => Step::On(Next::EtherType(ethertype), payload),
        _ => TRUNCATED,
    }
}

/// LINKTYPE_NFLOG: family, version, resource, then type-length-value in the byte order of whoever captured.
pub(crate) fn read_nflog(view: View<'_>) -> Step<'_> {
    const MAX_VALUES: u32 = 32;
    const PAYLOAD: u16 = 9;
    let Some(mut values) = view.after(4) else { return TRUNCATED };
    for _ in 0..MAX_VALUES {
        let (Some(len), Some(kind)) = (values.u16_at(0), values.u16_at(2)) else { return TRUNCATED };
        // Types are small, so the byte that is zero tells the order.
        let (len, kind) =
            if kind & 0xff == 0 || kind & 0xff == 0x80 { (len.swap_bytes(), kind.swap_bytes()) } else { (len, kind) };
        let len = u32::from(len);
        if kind & 0x7fff == PAYLOAD {
            return values.limited_to(len).after(4).map_or(TRUNCATED, |payload| Step::On(Next::Ip, payload));
        }
        let Some(rest) = values.after(len.next_multiple_of(4)).filter(|_| len >= 4) else { return Step::End(End::NonIp) };
        values = rest;
    }
    Step::End(End::NonIp)
}

/// LINKTYPE_PPI: a header of its own length that names the link type behind it.
pub(crate) fn read_ppi<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    let Some(head) = view.head::<8>() else { return TRUNCATED };
    let len = u32::from(u16::from_le_bytes([head[2], head[3]]));
    let Some(payload) = view.after(len).filter(|_| len >= 8) else { return Step::End(End::Skip(SkipReason::BadLength)) };
    read_named(u32::from_le_bytes([head[4], head[5], head[6], head[7]]), payload, state)
}

/// LINKTYPE_PKTAP: length, record type, link type, little endian on every machine that writes it.
pub(crate) fn read_pktap<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    let Some(head) = view.head::<12>() else { return TRUNCATED };
    let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    let Some(payload) = view.after(len).filter(|_| len >= 12) else { return Step::End(End::Skip(SkipReason::BadLength)) };
    read_named(u32::from_le_bytes([head[8], head[9], head[10], head[11]]), payload, state)
}

/// One wrapper around a link type is honest, a wrapper in a wrapper is not.
fn read_named<'a>(number: u32, payload: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    match LinkType::from_number(number) {
        Some(LinkType::Ppi | LinkType::Pktap) | None => Step::End(End::NonIp),
        Some(inner) => link::step(inner, payload, state),
    }
}

/// LINKTYPE_SLIP: direction and compression state, then the packet.
pub(crate) fn read_slip(view: View<'_>) -> Step<'_> {
    view.after(16).map_or(TRUNCATED, |payload| Step::On(Next::Ip, payload))
}

/// LINKTYPE_ENC: address family, SPI, flags, each in the byte order of whoever captured.
pub(crate) fn read_enc(view: View<'_>) -> Step<'_> {
    view.after(12).map_or(TRUNCATED, |payload| Step::On(Next::Ip, payload))
}

/// LINKTYPE_PFLOG: a header that begins with its length, padded to four bytes.
pub(crate) fn read_pflog(view: View<'_>) -> Step<'_> {
    let Some(len) = view.u8_at(0).map(|len| u32::from(len).next_multiple_of(4)) else { return TRUNCATED };
    match view.after(len) {
        Some(payload) if len > 0 => Step::On(Next::Ip, payload),
        Some(_) => Step::End(End::Skip(SkipReason::BadLength)),
        None => TRUNCATED,
    }
}

/// LINKTYPE_IEEE802_11_PRISM and LINKTYPE_IEEE802_11_AVS: four bytes that say which, then the length of the header. Prism's is in the byte
/// order of whoever captured, and may be AVS's all the same.
pub(crate) fn read_prism(view: View<'_>) -> Step<'_> {
    let Some(len) = view.u32_at(4) else { return TRUNCATED };
    let len = if len > 0xffff { len.swap_bytes() } else { len };
    match view.after(len) {
        Some(frame) if len >= 8 => Step::On(Next::Wlan, frame),
        Some(_) => Step::End(End::Skip(SkipReason::BadLength)),
        None => TRUNCATED,
    }
}

/// LINKTYPE_IPOIB: the global route header, then ethertype and two reserved bytes (RFC 4391 6).
pub(crate) fn read_ip_over_infiniband(view: View<'_>) -> Step<'_> {
    match (view.u16_at(40), view.after(44)) {
        (Some(ethertype), Some(payload)) => Step::On(Next::EtherType(ethertype), payload),
        _ => TRUNCATED,
    }
}

/// LINKTYPE_ARCNET_LINUX: addresses, two bytes of the chip, then the protocol (RFC 1051, RFC 1201). Only IP is read.
pub(crate) fn read_arcnet(view: View<'_>) -> Step<'_> {
    const RFC_1051_IP: u8 = 0xf0;
    const RFC_1201_IP: u8 = 0xd4;
    /// RFC 2497.
    const IPV6: u8 = 0xc4;
    let Some((protocol, payload)) = view.u8_at(4).zip(view.after(5)) else { return TRUNCATED };
    match protocol {
        RFC_1051_IP => Step::On(Next::Ip, payload),
        // A split flag and a sequence number. Later pieces have no header of ours (RFC 1201 "fragmentation": even flags but 0).
        RFC_1201_IP | IPV6 => match payload.u8_at(0).zip(payload.after(3)) {
            Some((split, packet)) if split == 0 || split & 1 == 1 => Step::On(Next::Ip, packet),
            Some(_) => Step::End(End::NonIp),
            None => TRUNCATED,
        },
        _ => Step::End(End::NonIp),
    }
}

/// A byte of the capture that tells the direction, before the frame of another link type (LINKTYPE_PPP_WITH_DIR and its like).
pub(crate) fn read_with_direction<'a>(inner: LinkType, view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    let Some(frame) = view.after(1) else { return TRUNCATED };
    state.packet.wire_len = frame.wire_len();
    link::step(inner, frame, state)
}

/// LINKTYPE_PPP_PPPD: the direction stands in the place of the HDLC address.
pub(crate) fn read_pppd(view: View<'_>) -> Step<'_> {
    const CONTROL: u8 = 0x03;
    match (view.u8_at(1), view.after(2)) {
        (Some(CONTROL), Some(inside)) => Step::On(Next::Ppp, inside),
        (Some(_), Some(_)) => Step::On(Next::Ppp, view),
        _ => TRUNCATED,
    }
}

/// LINKTYPE_NETANALYZER: four bytes about the port, then the frame with its check sequence.
pub(crate) fn read_net_analyzer(view: View<'_>) -> Step<'_> {
    view.after(4).map_or(TRUNCATED, |frame| Step::On(Next::Ethernet, frame))
}

/// LINKTYPE_NETANALYZER_TRANSPARENT: the same with the preamble, which ends in its delimiter (IEEE 802.3 3.2.2).
pub(crate) fn read_net_analyzer_transparent(view: View<'_>) -> Step<'_> {
    const PREAMBLE_END: [u8; 2] = [0x55, 0xd5];
    let Some(preamble) = view.after(4) else { return TRUNCATED };
    match (preamble.head::<8>(), preamble.after(8)) {
        (Some([.., before, delimiter]), Some(frame)) if [*before, *delimiter] == PREAMBLE_END => Step::On(Next::Ethernet, frame),
        (Some(_), _) => Step::End(End::NonIp),
        _ => TRUNCATED,
    }
}
