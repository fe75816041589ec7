//! VXLAN (RFC 7348), with the group policy extension, and its generic variant VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe).

use crate::TunnelKind;
use crate::ethernet;
use crate::ip;
use crate::link::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS, ETHERTYPE_NSH};
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

/// 8472 is what Linux took before the number was assigned, and still its default.
pub(super) const VXLAN: Opener = Opener { triggers: &[Trigger::UdpPort(4789), Trigger::UdpPort(8472)], open };
pub(super) const GPE: Opener = Opener { triggers: &[Trigger::UdpPort(4790)], open: open_gpe };

const HEADER_LEN: u32 = 8;
const HAS_VNI: u8 = 0x08;
const HAS_GROUP: u8 = 0x80;
const HAS_PROTOCOL: u8 = 0x04;
/// Version bits of the generic variant.
const VERSION: u8 = 0x30;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let head: &[u8; 8] = view.head()?;
    let flags = head[0];
    let inside = view.after(HEADER_LEN)?;
    // Senders leave the reserved bits zero, and receivers ignore them (RFC 7348 5): then the frame must look like one.
    let reserved_are_zero = flags & !(HAS_VNI | HAS_GROUP) == 0 && head[7] == 0;
    let group_is_absent = flags & HAS_GROUP != 0 || (head[1], head[2], head[3]) == (0, 0, 0);
    let is_clear = reserved_are_zero && group_is_absent;
    (flags & HAS_VNI != 0 && (is_clear || ethernet::is_plausible(inside))).then_some(())?;
    Some(Opened { kind: TunnelKind::Vxlan, id: vni(head), next: Next::Ethernet, inside })
}

fn open_gpe(view: View<'_>) -> Option<Opened<'_>> {
    let head: &[u8; 8] = view.head()?;
    let flags = head[0];
    (flags & HAS_VNI != 0 && flags & VERSION == 0 && (head[1], head[2]) == (0, 0) && head[7] == 0).then_some(())?;
    let inside = view.after(HEADER_LEN)?;
    let next = match (flags & HAS_PROTOCOL != 0, head[3]) {
        (false, 0) | (true, 3) => Next::Ethernet,
        (true, 1) => Next::EtherType(ETHERTYPE_IPV4),
        (true, 2) => Next::EtherType(ETHERTYPE_IPV6),
        (true, 4) => Next::EtherType(ETHERTYPE_NSH),
        (true, 5) => Next::EtherType(ETHERTYPE_MPLS),
        // Some senders name the protocol and leave out the flag that says so: then the packet must look like one.
        (false, 1 | 2) if ip::is_plausible(inside) => Next::Ip,
        (false, 3) if ethernet::is_plausible(inside) => Next::Ethernet,
        _ => return None,
    };
    Some(Opened { kind: TunnelKind::Vxlan, id: vni(head), next, inside })
}

const fn vni(head: &[u8; 8]) -> u32 {
    u32::from_be_bytes([0, head[4], head[5], head[6]])
}
