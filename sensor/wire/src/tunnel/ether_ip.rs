//! EtherIP (RFC 3378): Ethernet directly in IP.

use crate::TunnelKind;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const ETHER_IP: Opener = Opener { triggers: &[Trigger::Ipv4(97), Trigger::Ipv6(97)], open };

/// The BSDs once put the version into the other nibble (OpenBSD etherip(4)).
const VERSION_3: [u16; 2] = [0x3000, 0x0300];

fn open(view: View<'_>) -> Option<Opened<'_>> {
    VERSION_3.contains(&view.u16_at(0)?).then_some(())?;
    Some(Opened { kind: TunnelKind::EtherIp, id: 0, next: Next::Ethernet, inside: view.after(2)? })
}
