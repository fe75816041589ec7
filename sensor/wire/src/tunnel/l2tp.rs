//! L2TP version 2 (RFC 2661) and version 3 (RFC 3931), over UDP and, for version 3, over IP. Control messages stay what carried them.

use crate::TunnelKind;
use crate::ethernet;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const OVER_UDP: Opener = Opener { triggers: &[Trigger::UdpPort(1701)], open: open_udp };
pub(super) const OVER_IP: Opener = Opener { triggers: &[Trigger::Ipv4(115), Trigger::Ipv6(115)], open: open_session };

const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
/// Reserved bits of version 2.
const RESERVED: u16 = 0x34f0;
const VERSION: u16 = 0x000f;
/// Cookie (0, 4 or 8 bytes) and sublayer (0 or 4), as both ends agreed out of our sight (RFC 3931 4.1).
const COOKIE_AND_SUBLAYER_LENS: [u32; 4] = [0, 4, 8, 12];

fn open_udp(view: View<'_>) -> Option<Opened<'_>> {
    let flags = view.u16_at(0)?;
    match flags & VERSION {
        _ if flags & CONTROL != 0 => None,
        2 if flags & RESERVED == 0 => open_version_2(view, flags),
        3 => open_session(view.after(4)?),
        _ => None,
    }
}

fn open_version_2(view: View<'_>, flags: u16) -> Option<Opened<'_>> {
    let mut inside = view;
    if flags & LENGTH != 0 {
        let len = u32::from(view.u16_at(2)?);
        (len <= view.wire_len()).then_some(())?;
        inside = view.limited_to(len).after(2)?;
    }
    // The rest of the fixed part, with or without the length: flags are skipped together with the ids.
    let id = inside.u32_at(2)?;
    inside = inside.after(6)?;
    if flags & SEQUENCE != 0 {
        inside = inside.after(4)?;
    }
    if flags & OFFSET != 0 {
        let padding = u32::from(inside.u16_at(0)?);
        inside = inside.after(2)?.after(padding)?;
    }
    Some(Opened { kind: TunnelKind::L2tp, id, next: Next::Ppp, inside })
}

/// RFC 3931 4.1.1: session 0 is control. Only Ethernet (RFC 4719) can be told without knowing the cookie.
fn open_session(view: View<'_>) -> Option<Opened<'_>> {
    let id = view.u32_at(0).filter(|id| *id != 0)?;
    let candidates = COOKIE_AND_SUBLAYER_LENS.iter().filter_map(|len| view.after(4)?.after(*len));
    let inside = candidates.into_iter().find(|inside| ethernet::is_plausible(*inside))?;
    Some(Opened { kind: TunnelKind::L2tp, id, next: Next::Ethernet, inside })
}
