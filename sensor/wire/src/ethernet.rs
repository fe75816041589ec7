//! Ethernet II and 802.3 headers, LLC and SNAP, and the tags that stand before the real ethertype. Refuses frames that end inside them.

use sensor_model::{MacAddr, VlanId};

use crate::view::View;
use crate::walk::{End, Next, Step, Walk};
use crate::{SkipReason, link};

/// Below it the field is a length (IEEE 802.3 3.2.6).
const FIRST_ETHERTYPE: u16 = 0x0600;

/// Ethertypes that announce a VLAN tag: 802.1Q, 802.1ad, and what QinQ was before its standard.
const VLAN_TAGS: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
/// Tags without a VLAN: the next ethertype stands behind this many bytes.
const OTHER_TAGS: [(u16, u32); 5] = [
    // HSR: path, size, sequence number (IEC 62439-3 5.7).
    (0x892f, 4),
    // Redundancy tag: reserved, sequence number (IEEE 802.1CB 7.8).
    (0xf1c1, 4),
    // Cisco metadata with a security group: version, length, option, value (draft-smith-kandula-sxp).
    (0x8909, 6),
    // VN-Tag: the interfaces of a virtual machine's port (IEEE 802.1BR grew from it).
    (0x8926, 4),
    // E-TAG: priority, ingress and egress channel (IEEE 802.1BR 7.5).
    (0x893f, 6),
];

/// The ethertype of an Ethernet header, and what follows; None where the capture ends inside of it.
#[inline(always)]
pub(crate) fn read<'a>(view: View<'a>, state: &mut Walk<'_>) -> Option<(u16, View<'a>)> {
    let (head, payload) = (view.head::<14>()?, view.after(14)?);
    let destination = MacAddr([head[0], head[1], head[2], head[3], head[4], head[5]]);
    let source = MacAddr([head[6], head[7], head[8], head[9], head[10], head[11]]);
    state.keep_macs(source, destination);
    Some((u16::from_be_bytes([head[12], head[13]]), payload))
}

/// Whether `ethertype` announces a VLAN tag.
#[inline(always)]
pub(crate) fn is_vlan(ethertype: u16) -> bool {
    VLAN_TAGS.contains(&ethertype)
}

/// The ethertype in a VLAN tag, and what follows; None where the capture ends inside of it.
#[inline(always)]
pub(crate) fn read_vlan<'a>(view: View<'a>, state: &mut Walk<'_>) -> Option<(u16, View<'a>)> {
    let (tag, payload) = (view.head::<4>()?, view.after(4)?);
    state.keep_vlan(VlanId::from_tci(u16::from_be_bytes([tag[0], tag[1]])));
    Some((u16::from_be_bytes([tag[2], tag[3]]), payload))
}

/// A tag of another kind; None where `ethertype` announces none.
pub(crate) fn read_other_tag<'a>(ethertype: u16, view: View<'a>, state: &mut Walk<'_>) -> Option<Step<'a>> {
    let (_, len) = OTHER_TAGS.iter().find(|(tag, _)| *tag == ethertype)?;
    let (Some(inner), Some(payload)) = (view.u16_at(*len as usize), view.after(len.saturating_add(2))) else {
        return Some(Step::End(End::Skip(SkipReason::Truncated)));
    };
    let (next, inside) = typed(inner, payload, state);
    Some(Step::On(next, inside))
}

/// IEEE 802.2: unnumbered information between the access points of SNAP or IP. All else is not ours.
pub(crate) fn read_llc(view: View<'_>) -> Step<'_> {
    match (view.bytes(), view.after(3)) {
        // SAP 6 is IP (RFC 1042 names SNAP instead, but it is met).
        ([0x06, 0x06, 0x03, ..], Some(payload)) => Step::On(Next::EtherType(link::ETHERTYPE_IPV4), payload),
        // RFC 1042, and 802.1H for bridge tunnels: the ethertype follows.
        ([0xaa, 0xaa, 0x03, 0, 0, 0 | 0xf8, high, low, ..], _) => match view.after(8) {
            Some(payload) => Step::On(Next::EtherType(u16::from_be_bytes([*high, *low])), payload),
            None => Step::End(End::NonIp),
        },
        _ => Step::End(End::NonIp),
    }
}

/// How the payload of this ethertype, or length, is to be read.
#[inline(always)]
pub(crate) fn typed<'a>(ethertype: u16, payload: View<'a>, state: &mut Walk<'_>) -> (Next, View<'a>) {
    if ethertype >= FIRST_ETHERTYPE {
        return (Next::EtherType(ethertype), payload);
    }
    state.keep_ethertype(ethertype);
    (Next::Llc, payload.limited_to(u32::from(ethertype)))
}

/// Whether these bytes, which nothing names, are likely an Ethernet frame: an ethertype that is met inside tunnels, or LLC of a length that fits.
pub(crate) fn is_plausible(view: View<'_>) -> bool {
    const LLDP: u16 = 0x88cc;
    let (Some(head), Some(payload)) = (view.head::<14>(), view.after(14)) else { return false };
    let ethertype = u16::from_be_bytes([head[12], head[13]]);
    match ethertype {
        0..FIRST_ETHERTYPE => {
            let known_access_point =
                matches!(payload.bytes(), [0xaa, 0xaa, 0x03, ..] | [0x42, 0x42, 0x03, ..] | [0xfe, 0xfe, 0x03, ..]);
            known_access_point && u32::from(ethertype) <= payload.wire_len()
        }
        link::ETHERTYPE_IPV4 => payload.u8_at(0).is_some_and(|byte| byte >> 4 == 4),
        link::ETHERTYPE_IPV6 => payload.u8_at(0).is_some_and(|byte| byte >> 4 == 6),
        link::ETHERTYPE_ARP | link::ETHERTYPE_MPLS | link::ETHERTYPE_PPPOE | LLDP => true,
        _ => VLAN_TAGS.contains(&ethertype),
    }
}
