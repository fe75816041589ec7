//! Links of other media than Ethernet: FDDI, token ring, Fibre Channel, ATM and frame relay. All but the last put LLC (IEEE 802.2) before IP.

use sensor_model::MacAddr;

use crate::SkipReason;
use crate::link::{ETHERTYPE_IPV4, ETHERTYPE_IPV6};
use crate::ppp;
use crate::view::View;
use crate::walk::{End, Next, Step, Walk};

const TRUNCATED: Step<'static> = Step::End(End::Skip(SkipReason::Truncated));

/// LINKTYPE_FDDI: frame control, destination, source (ISO 9314-2 7.3.3). Only asynchronous LLC frames carry ours.
pub(crate) fn read_fddi<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    const ASYNCHRONOUS_LLC: u8 = 0x50;
    let (Some(head), Some(payload)) = (view.head::<13>(), view.after(13)) else { return TRUNCATED };
    state.keep_macs(
        MacAddr([head[7], head[8], head[9], head[10], head[11], head[12]]),
        MacAddr([head[1], head[2], head[3], head[4], head[5], head[6]]),
    );
    if head[0] & 0xf0 == ASYNCHRONOUS_LLC { Step::On(Next::Llc, payload) } else { Step::End(End::NonIp) }
}

/// LINKTYPE_IEEE802_5: access and frame control, destination, source, and a source route where the source's first bit says so.
pub(crate) fn read_token_ring<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    const FRAME_TYPE: u8 = 0xc0;
    const LLC: u8 = 0x40;
    const IS_ROUTED: u8 = 0x80;
    let (Some(head), Some(mut payload)) = (view.head::<14>(), view.after(14)) else { return TRUNCATED };
    state.keep_macs(
        MacAddr([head[8] & !IS_ROUTED, head[9], head[10], head[11], head[12], head[13]]),
        MacAddr([head[2], head[3], head[4], head[5], head[6], head[7]]),
    );
    if head[8] & IS_ROUTED != 0 {
        let route = payload.u8_at(0).and_then(|control| payload.after(u32::from(control & 0x1f)));
        let Some(rest) = route else { return TRUNCATED };
        payload = rest;
    }
    if head[1] & FRAME_TYPE == LLC { Step::On(Next::Llc, payload) } else { Step::End(End::NonIp) }
}

/// LINKTYPE_IP_OVER_FC: the network header, two addresses of eight bytes that end in a MAC (RFC 4338 6).
pub(crate) fn read_fibre_channel<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    let (Some(head), Some(payload)) = (view.head::<16>(), view.after(16)) else { return TRUNCATED };
    state.keep_macs(
        MacAddr([head[10], head[11], head[12], head[13], head[14], head[15]]),
        MacAddr([head[2], head[3], head[4], head[5], head[6], head[7]]),
    );
    Step::On(Next::Llc, payload)
}

/// LINKTYPE_SUNATM: direction and kind of traffic, path, channel; none of the four is of the packet. LANE puts a client's number before the frame.
pub(crate) fn read_sun_atm<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    const LANE: u8 = 1;
    const LLC: u8 = 2;
    let (Some(head), Some(payload)) = (view.head::<4>(), view.after(4)) else { return TRUNCATED };
    state.packet.wire_len = payload.wire_len();
    match head[0] & 0x0f {
        LANE => payload.after(2).map_or(TRUNCATED, |frame| Step::On(Next::Ethernet, frame)),
        LLC => Step::On(Next::Llc, payload),
        _ => Step::End(End::NonIp),
    }
}

/// LINKTYPE_ATM_CLIP: LLC as RFC 2684 5 has it, or the bare packet of a channel that carries nothing else.
pub(crate) fn read_atm_clip(view: View<'_>) -> Step<'_> {
    if view.bytes().starts_with(&[0xaa, 0xaa, 0x03]) { Step::On(Next::Llc, view) } else { Step::On(Next::Ip, view) }
}

/// LINKTYPE_FRELAY: an address whose last byte has the lowest bit set (ITU-T Q.922 3.3), then what RFC 2427 puts there, or Cisco's ethertype.
pub(crate) fn read_frame_relay(view: View<'_>) -> Step<'_> {
    const MAX_ADDRESS_LEN: usize = 4;
    const UNNUMBERED_INFORMATION: u8 = 0x03;
    let last = view.bytes().iter().take(MAX_ADDRESS_LEN).position(|byte| byte & 1 == 1);
    let Some(inside) = last.filter(|at| *at > 0).and_then(|at| view.after(crate::view::as_len(at).saturating_add(1))) else {
        return if view.captured() < 2 { TRUNCATED } else { Step::End(End::NonIp) };
    };
    if inside.u8_at(0) == Some(UNNUMBERED_INFORMATION) {
        return inside.after(1).map_or(TRUNCATED, by_protocol);
    }
    match (inside.u16_at(0), inside.after(2)) {
        (Some(ethertype), Some(payload)) => Step::On(Next::EtherType(ethertype), payload),
        _ => TRUNCATED,
    }
}

/// The network level protocol ID (ISO/IEC TR 9577), perhaps behind a byte that aligns it.
fn by_protocol(view: View<'_>) -> Step<'_> {
    const PAD: u8 = 0;
    const SNAP: u8 = 0x80;
    const IPV4: u8 = 0xcc;
    const IPV6: u8 = 0x8e;
    const PPP: u8 = 0xcf;
    let view = if view.u8_at(0) == Some(PAD) { view.after_at_most(1) } else { view };
    let (Some(protocol), Some(inside)) = (view.u8_at(0), view.after(1)) else { return TRUNCATED };
    match protocol {
        IPV4 => Step::On(Next::EtherType(ETHERTYPE_IPV4), inside),
        IPV6 => Step::On(Next::EtherType(ETHERTYPE_IPV6), inside),
        // RFC 1973 3.
        PPP => ppp::read(inside),
        SNAP => snap(inside),
        _ => Step::End(End::NonIp),
    }
}

/// RFC 2427 4: an ethertype, or a bridged frame, with (1) or without (7) its check sequence.
fn snap(view: View<'_>) -> Step<'_> {
    match (view.head::<5>(), view.after(5)) {
        (Some([0, 0, 0, high, low]), Some(inside)) => Step::On(Next::EtherType(u16::from_be_bytes([*high, *low])), inside),
        (Some([0x00, 0x80, 0xc2, 0, 1 | 7]), Some(inside)) => Step::On(Next::Ethernet, inside),
        (Some(_), _) => Step::End(End::NonIp),
        _ => TRUNCATED,
    }
}
