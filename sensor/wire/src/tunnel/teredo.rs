//! Teredo (RFC 4380): IPv6 in UDP behind optional authentication and origin indications.

use crate::TunnelKind;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const TEREDO: Opener = Opener { triggers: &[Trigger::UdpPort(3544)], open };

const AUTHENTICATION: u16 = 0x0001;
const ORIGIN: u16 = 0x0000;
const ORIGIN_LEN: u32 = 8;
/// Indicator, two lengths, nonce and confirmation.
const AUTHENTICATION_FIXED_LEN: u32 = 13;
const IPV6_HEADER_LEN: u32 = 40;

fn open(mut view: View<'_>) -> Option<Opened<'_>> {
    if view.u16_at(0)? == AUTHENTICATION {
        let (client, authentication) = (u32::from(view.u8_at(2)?), u32::from(view.u8_at(3)?));
        view = view.after(AUTHENTICATION_FIXED_LEN.saturating_add(client).saturating_add(authentication))?;
    }
    if view.u16_at(0)? == ORIGIN {
        view = view.after(ORIGIN_LEN)?;
    }
    // The length must agree as well: the header has no mark but the version. Trailers (RFC 6081 4) may follow the packet.
    let len = u32::from(view.u16_at(4)?).saturating_add(IPV6_HEADER_LEN);
    (view.u8_at(0)? >> 4 == 6 && len <= view.wire_len()).then_some(())?;
    Some(Opened { kind: TunnelKind::Teredo, id: 0, next: Next::Ip, inside: view })
}
