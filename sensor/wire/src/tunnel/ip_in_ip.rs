//! IP directly in IP: RFC 2003 (4 in 4), RFC 2473 (anything in 6), RFC 4213 (6 in 4).

use crate::TunnelKind;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const IP: Opener = Opener { triggers: &[Trigger::Ipv4(4), Trigger::Ipv6(4), Trigger::Ipv6(41)], open: open_ip };
pub(super) const SIX_IN_FOUR: Opener = Opener { triggers: &[Trigger::Ipv4(41)], open: open_six_in_four };

fn open_ip(view: View<'_>) -> Option<Opened<'_>> {
    open(view, TunnelKind::IpInIp)
}

fn open_six_in_four(view: View<'_>) -> Option<Opened<'_>> {
    open(view, TunnelKind::SixInFour)
}

fn open(view: View<'_>, kind: TunnelKind) -> Option<Opened<'_>> {
    matches!(view.u8_at(0)? >> 4, 4 | 6).then_some(Opened { kind, id: 0, next: Next::Ip, inside: view })
}
