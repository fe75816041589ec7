//! LISP data (RFC 6830 5): an IP packet between two tunnel routers. LISP's control messages have another port.

use crate::TunnelKind;
use crate::ip;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const LISP: Opener = Opener { triggers: &[Trigger::UdpPort(4341)], open };

const HEADER_LEN: u32 = 8;
const HAS_INSTANCE: u8 = 0x08;
/// RFC 6830 5.3: reserved bits are zero.
const RESERVED: u8 = 0x07;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let head: &[u8; 8] = view.head()?;
    let inside = view.after(HEADER_LEN)?;
    (head[0] & RESERVED == 0 && ip::is_plausible(inside)).then_some(())?;
    let id = if head[0] & HAS_INSTANCE != 0 { u32::from_be_bytes([0, head[4], head[5], head[6]]) } else { 0 };
    Some(Opened { kind: TunnelKind::Lisp, id, next: Next::Ip, inside })
}
