//! GENEVE (RFC 8926).

use crate::TunnelKind;
use crate::link::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS, ETHERTYPE_NSH};
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const GENEVE: Opener = Opener { triggers: &[Trigger::UdpPort(6081)], open };

const HEADER_LEN: u32 = 8;
const ETHERNET: u16 = 0x6558;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let head: &[u8; 8] = view.head()?;
    let version_is_0 = head[0] >> 6 == 0;
    // O and C are flags, the other six bits and the last byte are reserved.
    (version_is_0 && head[1] & 0x3f == 0 && head[7] == 0).then_some(())?;
    let next = match u16::from_be_bytes([head[2], head[3]]) {
        ETHERNET => Next::Ethernet,
        protocol @ (ETHERTYPE_IPV4 | ETHERTYPE_IPV6 | ETHERTYPE_MPLS | ETHERTYPE_NSH) => Next::EtherType(protocol),
        _ => return None,
    };
    let options_len = u32::from(head[0] & 0x3f) << 2;
    let id = u32::from_be_bytes([0, head[4], head[5], head[6]]);
    Some(Opened { kind: TunnelKind::Geneve, id, next, inside: view.after(HEADER_LEN.saturating_add(options_len))? })
}
