//! PPPoE sessions (RFC 2516). Discovery has another ethertype and stays non-IP.

use crate::TunnelKind;
use crate::link::ETHERTYPE_PPPOE;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const PPPOE: Opener = Opener { triggers: &[Trigger::EtherType(ETHERTYPE_PPPOE)], open };

const VERSION_AND_TYPE: u8 = 0x11;
const SESSION_DATA: u8 = 0;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let head: &[u8; 6] = view.head()?;
    (head[0] == VERSION_AND_TYPE && head[1] == SESSION_DATA).then_some(())?;
    let len = u32::from(u16::from_be_bytes([head[4], head[5]]));
    let inside = view.after(6)?.limited_to(len);
    Some(Opened { kind: TunnelKind::Pppoe, id: u32::from(u16::from_be_bytes([head[2], head[3]])), next: Next::Ppp, inside })
}
