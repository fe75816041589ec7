//! Cisco FabricPath: an Ethernet frame behind addresses that name switches, and a tag with the tree and the hops left.

use crate::TunnelKind;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const FABRIC_PATH: Opener = Opener { triggers: &[Trigger::EtherType(0x8903)], open };

const TAG_LEN: u32 = 2;
/// The other six bits count hops.
const TREE_SHIFT: u32 = 6;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let tree = u32::from(view.u16_at(0)?) >> TREE_SHIFT;
    Some(Opened { kind: TunnelKind::FabricPath, id: tree, next: Next::Ethernet, inside: view.after(TAG_LEN)? })
}
