//! Network service header (RFC 8300).

use crate::TunnelKind;
use crate::link::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS, ETHERTYPE_NSH};
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const NSH: Opener = Opener { triggers: &[Trigger::EtherType(ETHERTYPE_NSH)], open };

/// Base and service path header.
const MIN_LEN: u32 = 8;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let head: &[u8; 8] = view.head()?;
    let version = head[0] >> 6;
    let len = u32::from(head[1] & 0x3f) << 2;
    (version == 0 && len >= MIN_LEN).then_some(())?;
    // RFC 8300 11.2.
    let next = match head[3] {
        1 => Next::EtherType(ETHERTYPE_IPV4),
        2 => Next::EtherType(ETHERTYPE_IPV6),
        3 => Next::Ethernet,
        4 => Next::EtherType(ETHERTYPE_NSH),
        5 => Next::EtherType(ETHERTYPE_MPLS),
        _ => return None,
    };
    Some(Opened { kind: TunnelKind::Nsh, id: u32::from_be_bytes([0, head[4], head[5], head[6]]), next, inside: view.after(len)? })
}
