//! GRE (RFC 2784, keys and sequence numbers RFC 2890, routing RFC 1701), the variant of PPTP (RFC 2637 4.1), NVGRE (RFC 7637).

use crate::TunnelKind;
use crate::ethernet;
use crate::ip;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const GRE: Opener = Opener { triggers: &[Trigger::Ipv4(47), Trigger::Ipv6(47)], open };

/// RFC 8086. 4755 is the same inside of DTLS.
pub(super) const OVER_UDP: Opener = Opener { triggers: &[Trigger::UdpPort(4754)], open: open_udp };

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

const TRANSPARENT_ETHERNET: u16 = 0x6558;
const PPP: u16 = 0x880b;
const ERSPAN: u16 = 0x88be;
const WCCP: u16 = 0x883e;
/// Aruba's access points: 802.11 frames, under a number of its own for each queue.
const ARUBA: [u16; 2] = [0x8200, 0x8370];
const ARUBA_LAST: u16 = 0x9000;
/// Source routes in one header; they are history since RFC 2784.
const MAX_ROUTES: u32 = 8;
/// RFC 7637 3.2 reserves the subnets below, so a small number is a plain key.
const FIRST_VSID: u32 = 0x1000;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let (flags, protocol) = (view.u16_at(0)?, view.u16_at(2)?);
    match flags & VERSION {
        0 => open_standard(view.after(4)?, flags, protocol),
        1 if protocol == PPP => open_pptp(view.after(4)?, flags),
        _ => None,
    }
}

/// A port alone proves nothing: only what RFC 2890 knows, around something that looks right.
fn open_udp(view: View<'_>) -> Option<Opened<'_>> {
    let (flags, protocol) = (view.u16_at(0)?, view.u16_at(2)?);
    (flags & !(CHECKSUM | KEY | SEQUENCE) == 0).then_some(())?;
    let opened = open_standard(view.after(4)?, flags, protocol)?;
    let is_plausible =
        if opened.next == Next::Ethernet { ethernet::is_plausible(opened.inside) } else { ip::is_plausible(opened.inside) };
    is_plausible.then_some(opened)
}

fn open_standard(mut view: View<'_>, flags: u16, protocol: u16) -> Option<Opened<'_>> {
    let has = |flag| flags & flag != 0;
    if has(CHECKSUM | ROUTING) {
        view = view.after(4)?;
    }
    let mut key = 0;
    if has(KEY) {
        key = view.u32_at(0)?;
        view = view.after(4)?;
    }
    if has(SEQUENCE) {
        view = view.after(4)?;
    }
    if has(ROUTING) {
        view = after_routes(view)?;
    }
    let (kind, id, next) = match protocol {
        // RFC 7637 3.2: the key is there, checksum and sequence number are not.
        TRANSPARENT_ETHERNET if flags == KEY && key >> 8 >= FIRST_VSID => (TunnelKind::Nvgre, key >> 8, Next::Ethernet),
        TRANSPARENT_ETHERNET => (TunnelKind::Gre, key, Next::Ethernet),
        // draft-foschiano-erspan 4.1: without a sequence number it is type I, which has no header of its own.
        ERSPAN if !has(SEQUENCE) => (TunnelKind::Erspan, 0, Next::Ethernet),
        // draft-wilson-wrec-wccp-v2 4.12: version 2 puts four bytes before the packet, version 1 none.
        WCCP if view.u8_at(0)? >> 4 != 4 => {
            view = view.after(4)?;
            (TunnelKind::Gre, key, Next::Ip)
        }
        WCCP => (TunnelKind::Gre, key, Next::Ip),
        _ if is_aruba(protocol) => (TunnelKind::Gre, key, Next::Wlan),
        _ => (TunnelKind::Gre, key, Next::EtherType(protocol)),
    };
    Some(Opened { kind, id, next, inside: view })
}

const fn is_aruba(protocol: u16) -> bool {
    protocol >= ARUBA[0] && protocol <= ARUBA[1] && protocol & 0x0f == 0 || protocol == ARUBA_LAST
}

/// RFC 1701: entries of address family, offset and length, ended by an empty one.
fn after_routes(mut view: View<'_>) -> Option<View<'_>> {
    for _ in 0..MAX_ROUTES {
        let (family, len) = (view.u16_at(0)?, view.u8_at(3)?);
        view = view.after(u32::from(len).saturating_add(4))?;
        if family == 0 && len == 0 {
            return Some(view);
        }
    }
    None
}

/// RFC 2637 4.1: the key is payload length and call id, a packet may be an acknowledgment only.
fn open_pptp(view: View<'_>, flags: u16) -> Option<Opened<'_>> {
    let (payload_len, call) = (view.u16_at(0)?, view.u16_at(2)?);
    if flags & KEY == 0 || flags & SEQUENCE == 0 || payload_len == 0 {
        return None;
    }
    let view = view.after(if flags & ACKNOWLEDGMENT == 0 { 8 } else { 12 })?;
    Some(Opened { kind: TunnelKind::Gre, id: u32::from(call), next: Next::Ppp, inside: view.limited_to(u32::from(payload_len)) })
}
