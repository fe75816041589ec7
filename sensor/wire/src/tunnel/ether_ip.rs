//! EtherIP (RFC 3378): Ethernet directly in IP.

use crate::TunnelKind;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const ETHER_IP: Opener = Opener { triggers: &[Trigger::Ipv4(97), Trigger::Ipv6(97)], open };

const VERSION_3: u16 = 0x3000;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    (view.u16_at(0)? == VERSION_3).then_some(())?;
    Some(Opened { kind: TunnelKind::EtherIp, id: 0, next: Next::Ethernet, inside: view.after(2)? })
}
