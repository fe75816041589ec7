//! MPLS label stacks (RFC 3032) around IP or an Ethernet pseudowire (RFC 4448). Nothing in the stack says what is below it, so the first
//! bytes decide.

use crate::TunnelKind;
use crate::ethernet;
use crate::link::ETHERTYPE_MPLS;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const MPLS: Opener = Opener {
    triggers: &[
        Trigger::EtherType(ETHERTYPE_MPLS),
        // Once multicast, now upstream-assigned labels (RFC 5332).
        Trigger::EtherType(0x8848),
        // RFC 4023, RFC 7510.
        Trigger::Ipv4(137),
        Trigger::Ipv6(137),
        Trigger::UdpPort(6635),
    ],
    open,
};

const MAX_LABELS: u32 = 16;
const BOTTOM: u32 = 0x100;
const CONTROL_WORD_LEN: u32 = 4;

fn open(mut view: View<'_>) -> Option<Opened<'_>> {
    for _ in 0..MAX_LABELS {
        let entry = view.u32_at(0)?;
        view = view.after(4)?;
        if entry & BOTTOM != 0 {
            let (next, inside) = below(view)?;
            return Some(Opened { kind: TunnelKind::Mpls, id: entry >> 12, next, inside });
        }
    }
    None
}

/// RFC 4928: IP starts with 4 or 6, a control word with 0. A pseudowire without one may start with anything.
fn below(view: View<'_>) -> Option<(Next, View<'_>)> {
    let version = view.u8_at(0)? >> 4;
    let control_word = (version == 0).then(|| view.after(CONTROL_WORD_LEN)).flatten();
    match (version, control_word) {
        (4 | 6, _) if looks_like_ip(view) || !ethernet::is_plausible(view) => Some((Next::Ip, view)),
        (_, Some(inside)) if ethernet::is_plausible(inside) => Some((Next::Ethernet, inside)),
        _ => ethernet::is_plausible(view).then_some((Next::Ethernet, view)),
    }
}

/// A header that fits, against a MAC address that happens to start with 4 or 6.
fn looks_like_ip(view: View<'_>) -> bool {
    match view.bytes() {
        [0x45..=0x4f, _, high, low, ..] => (20..=view.wire_len()).contains(&u32::from(u16::from_be_bytes([*high, *low]))),
        [0x60..=0x6f, _, _, _, high, low, ..] => {
            u32::from(u16::from_be_bytes([*high, *low])).saturating_add(40) <= view.wire_len()
        }
        _ => false,
    }
}
