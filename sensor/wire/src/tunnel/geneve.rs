//! GENEVE (RFC 8926).

use crate::TunnelKind;
use crate::ethernet;
use crate::ip;
use crate::link::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS, ETHERTYPE_NSH};
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const GENEVE: Opener = Opener { triggers: &[Trigger::UdpPort(6081)], open };

const HEADER_LEN: u32 = 8;
const ETHERNET: u16 = 0x6558;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let head: &[u8; 8] = view.head()?;
    (head[0] >> 6 == 0).then_some(())?;
    let next = match u16::from_be_bytes([head[2], head[3]]) {
        ETHERNET => Next::Ethernet,
        protocol @ (ETHERTYPE_IPV4 | ETHERTYPE_IPV6 | ETHERTYPE_MPLS | ETHERTYPE_NSH) => Next::EtherType(protocol),
        _ => return None,
    };
    let options_len = u32::from(head[0] & 0x3f) << 2;
    let inside = view.after(HEADER_LEN.saturating_add(options_len))?;
    // O and C are flags. The other six bits and the last byte are zero and to be ignored (RFC 8926 3.4): then the inside must look right.
    let is_plausible = if next == Next::Ethernet { ethernet::is_plausible(inside) } else { ip::is_plausible(inside) };
    ((head[1] & 0x3f == 0 && head[7] == 0) || is_plausible).then_some(())?;
    Some(Opened { kind: TunnelKind::Geneve, id: u32::from_be_bytes([0, head[4], head[5], head[6]]), next, inside })
}
