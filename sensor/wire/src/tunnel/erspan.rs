//! ERSPAN II and III (draft-foschiano-erspan): a mirrored frame behind GRE. Type I has no header and is told by `gre`.

use crate::TunnelKind;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const TYPE_II: Opener = Opener { triggers: &[Trigger::EtherType(0x88be)], open: open_type_ii };
pub(super) const TYPE_III: Opener = Opener { triggers: &[Trigger::EtherType(0x22eb)], open: open_type_iii };

const TYPE_II_LEN: u32 = 8;
const TYPE_III_LEN: u32 = 12;
const PLATFORM_LEN: u32 = 8;
/// Frame types of type III (draft 4.3).
const FRAME_ETHERNET: u16 = 0;
const FRAME_IP: u16 = 2;

fn open_type_ii(view: View<'_>) -> Option<Opened<'_>> {
    (view.u8_at(0)? >> 4 == 1).then_some(())?;
    Some(Opened { kind: TunnelKind::Erspan, id: session(view)?, next: Next::Ethernet, inside: view.after(TYPE_II_LEN)? })
}

fn open_type_iii(view: View<'_>) -> Option<Opened<'_>> {
    (view.u8_at(0)? >> 4 == 2).then_some(())?;
    let flags = view.u16_at(10)?;
    let has_platform = flags & 1 != 0;
    let next = match flags >> 10 & 0x1f {
        FRAME_ETHERNET => Next::Ethernet,
        FRAME_IP => Next::Ip,
        _ => return None,
    };
    let inside = view.after(if has_platform { TYPE_III_LEN.saturating_add(PLATFORM_LEN) } else { TYPE_III_LEN })?;
    Some(Opened { kind: TunnelKind::Erspan, id: session(view)?, next, inside })
}

fn session(view: View<'_>) -> Option<u32> {
    view.u16_at(2).map(|word| u32::from(word & 0x03ff))
}
