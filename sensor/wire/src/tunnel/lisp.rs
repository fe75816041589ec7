//! LISP (RFC 6830): an IP packet between two tunnel routers, and control messages that are forwarded in a packet of their own. Other
//! control messages, on the same port, carry nothing.

use crate::TunnelKind;
use crate::ip;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const LISP: Opener = Opener { triggers: &[Trigger::UdpPort(4341)], open };
pub(super) const CONTROL: Opener = Opener { triggers: &[Trigger::UdpPort(4342)], open: open_control };

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

/// RFC 6830 6.1.8: type 8, here without the security bit, behind which authentication data stands.
fn open_control(view: View<'_>) -> Option<Opened<'_>> {
    const ENCAPSULATED: u8 = 0x80;
    const TYPE_AND_SECURITY: u8 = 0xf8;
    let inside = view.after(4)?;
    (view.u8_at(0)? & TYPE_AND_SECURITY == ENCAPSULATED && ip::is_plausible(inside)).then_some(())?;
    Some(Opened { kind: TunnelKind::Lisp, id: 0, next: Next::Ip, inside })
}
