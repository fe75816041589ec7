//! PIM Register (RFC 7761 4.9.3): a multicast packet on its way to the rendezvous point. Null registers carry the header of a packet that
//! was not sent, and PIM's other messages nothing.

use crate::TunnelKind;
use crate::ip;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const REGISTER: Opener = Opener { triggers: &[Trigger::Ipv4(103), Trigger::Ipv6(103)], open };

/// Version 2, type 1.
const VERSION_AND_TYPE: u8 = 0x21;
const NULL_REGISTER: u8 = 0x40;
const HEADER_LEN: u32 = 8;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let inside = view.after(HEADER_LEN)?;
    let carries = view.u8_at(0)? == VERSION_AND_TYPE && view.u8_at(4)? & NULL_REGISTER == 0;
    (carries && ip::is_plausible(inside)).then_some(())?;
    Some(Opened { kind: TunnelKind::PimRegister, id: 0, next: Next::Ip, inside })
}
