//! Provider backbone bridging, 802.1ah: a whole customer frame behind the service tag (IEEE 802.1Q 9.7).

use crate::TunnelKind;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const PBB: Opener = Opener { triggers: &[Trigger::EtherType(0x88e7)], open };

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let id = view.u32_at(0)? & 0x00ff_ffff;
    Some(Opened { kind: TunnelKind::Pbb, id, next: Next::Ethernet, inside: view.after(4)? })
}
