//! MPLS label stacks (RFC 3032) around IP or an Ethernet pseudowire (RFC 4448). Nothing in the stack says what is below it, so the first
//! bytes decide.

use crate::TunnelKind;
use crate::ethernet;
use crate::ip;
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

/// RFC 6790 4: the label behind this one is random, for load balancing, and names nothing.
const ENTROPY_LABEL_INDICATOR: u32 = 7;

fn open(mut view: View<'_>) -> Option<Opened<'_>> {
    let (mut id, mut is_entropy) = (0, false);
    for _ in 0..MAX_LABELS {
        let entry = view.u32_at(0)?;
        let label = entry >> 12;
        view = view.after(4)?;
        let is_indicator = label == ENTROPY_LABEL_INDICATOR;
        if !is_entropy && !is_indicator {
            id = label;
        }
        is_entropy = is_indicator;
        if entry & BOTTOM != 0 {
            let (next, inside) = below(view)?;
            return Some(Opened { kind: TunnelKind::Mpls, id, next, inside });
        }
    }
    None
}

/// RFC 4928: IP starts with 4 or 6, a control word with 0. A pseudowire without one may start with anything.
fn below(view: View<'_>) -> Option<(Next, View<'_>)> {
    if ip::is_likelier_than_ethernet(view) {
        return Some((Next::Ip, view));
    }
    let has_control_word = view.u8_at(0)? >> 4 == 0;
    let behind =
        has_control_word.then(|| view.after(CONTROL_WORD_LEN)).flatten().filter(|inside| ethernet::is_plausible(*inside));
    let inside = behind.or_else(|| ethernet::is_plausible(view).then_some(view))?;
    Some((Next::Ethernet, inside))
}
