//! PPP frames (RFC 1661, RFC 1662): the protocol field with or without the HDLC address and control bytes.

use crate::link;
use crate::view::View;
use crate::walk::{End, Next, Step};

const ADDRESS_AND_CONTROL: [u8; 2] = [0xff, 0x03];
/// Cisco's HDLC, which PPP captures of serial lines hold as well (LINKTYPE_PPP_HDLC): unicast or multicast, then an ethertype.
const CISCO_UNICAST: u8 = 0x0f;
const CISCO_MULTICAST: u8 = 0x8f;

/// Protocols (IANA, "Point-to-Point Protocol Numbers").
const IPV4: u16 = 0x0021;
const BRIDGED: u16 = 0x0031;
const IPV6: u16 = 0x0057;
const MPLS: u16 = 0x0281;

pub(crate) fn read(view: View<'_>) -> Step<'_> {
    opened(view).map_or(Step::End(End::NonIp), |(next, inside)| Step::On(next, inside))
}

fn opened(view: View<'_>) -> Option<(Next, View<'_>)> {
    if let [CISCO_UNICAST | CISCO_MULTICAST, 0, high, low, ..] = view.bytes() {
        return view.after(4).map(|inside| (Next::EtherType(u16::from_be_bytes([*high, *low])), inside));
    }
    let view = if view.bytes().starts_with(&ADDRESS_AND_CONTROL) { view.after(2)? } else { view };
    let first = view.u8_at(0)?;
    // RFC 1661 6.5: an odd first byte is a protocol compressed to it.
    let (protocol, inside) = if first & 1 == 1 { (u16::from(first), view.after(1)?) } else { (view.u16_at(0)?, view.after(2)?) };
    match protocol {
        IPV4 => Some((Next::EtherType(link::ETHERTYPE_IPV4), inside)),
        IPV6 => Some((Next::EtherType(link::ETHERTYPE_IPV6), inside)),
        MPLS => Some((Next::EtherType(link::ETHERTYPE_MPLS), inside)),
        BRIDGED => bridged(inside),
        _ => None,
    }
}

/// RFC 3518 4.2: flags and padding, then the kind of MAC; 1 is Ethernet, with a checksum at the end that IP lengths leave out.
fn bridged(view: View<'_>) -> Option<(Next, View<'_>)> {
    let is_ethernet = view.u8_at(1)? == 1;
    is_ethernet.then(|| view.after(2)).flatten().map(|inside| (Next::Ethernet, inside))
}
