//! GTP-U version 1 (3GPP TS 29.281) and GTP version 0 (GSM 09.60): user packets only. Echo, error indication and end marker stay plain UDP.

use crate::TunnelKind;
use crate::ethernet;
use crate::ip;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const GTP_U: Opener = Opener { triggers: &[Trigger::UdpPort(2152)], open };
pub(super) const VERSION_0: Opener = Opener { triggers: &[Trigger::UdpPort(3386)], open: open_version_0 };

const HEADER_LEN: u32 = 8;
const OPTIONAL_LEN: u32 = 4;
/// Version 1, protocol type GTP. The spare bit beside them shall not be evaluated (TS 29.281 5.1).
const VERSION_1: u8 = 0x30;
const VERSION_AND_TYPE: u8 = 0xf0;
/// Version 0, protocol type GTP, spare bits set.
const VERSION_0_FLAGS: u8 = 0x1e;
const VERSION_0_HEADER_LEN: u32 = 20;
const USER_PACKET: u8 = 0xff;
const HAS_OPTIONAL: u8 = 0x07;
const HAS_EXTENSION: u8 = 0x04;
/// TS 29.281 5.2.1 knows fewer kinds than this, and none may repeat.
const MAX_EXTENSIONS: u32 = 8;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let head: &[u8; 8] = view.head()?;
    let flags = head[0];
    let len = u32::from(u16::from_be_bytes([head[2], head[3]]));
    (flags & VERSION_AND_TYPE == VERSION_1 && head[1] == USER_PACKET).then_some(())?;
    let mut inside = view.after(HEADER_LEN)?.limited_to(len);
    if flags & HAS_OPTIONAL != 0 {
        let extension = inside.u8_at(3)?;
        inside = inside.after(OPTIONAL_LEN)?;
        if flags & HAS_EXTENSION != 0 {
            inside = after_extensions(extension, inside)?;
        }
    }
    // A session of 5G may carry Ethernet (TS 23.501 5.6.10.2); nothing here says so.
    let next = if ip::is_likelier_than_ethernet(inside) { Next::Ip } else { Next::Ethernet };
    (next == Next::Ip || ethernet::is_plausible(inside)).then_some(())?;
    Some(Opened { kind: TunnelKind::GtpU, id: u32::from_be_bytes([head[4], head[5], head[6], head[7]]), next, inside })
}

/// GSM 09.60 6: a fixed header, with the flow label where version 1 has none. The tunnel id of 8 bytes does not fit ours.
fn open_version_0(view: View<'_>) -> Option<Opened<'_>> {
    let head: &[u8; 20] = view.head()?;
    let len = u32::from(u16::from_be_bytes([head[2], head[3]]));
    let inside = view.after(VERSION_0_HEADER_LEN)?.limited_to(len);
    let plausible = head[0] & 0xfe == VERSION_0_FLAGS && head[1] == USER_PACKET && matches!(inside.u8_at(0)? >> 4, 4 | 6);
    let id = u32::from(u16::from_be_bytes([head[6], head[7]]));
    plausible.then_some(Opened { kind: TunnelKind::GtpU, id, next: Next::Ip, inside })
}

/// TS 29.281 5.2.1: length in units of 4 bytes first, the kind of the next one last.
fn after_extensions(mut kind: u8, mut view: View<'_>) -> Option<View<'_>> {
    for _ in 0..MAX_EXTENSIONS {
        if kind == 0 {
            return Some(view);
        }
        let len = u32::from(view.u8_at(0)?) << 2;
        kind = view.u8_at(len.checked_sub(1)? as usize)?;
        view = view.after(len)?;
    }
    None
}
