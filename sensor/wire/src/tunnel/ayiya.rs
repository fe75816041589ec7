//! AYIYA, anything in anything (draft-massar-v6ops-ayiya): IPv6 of a tunnel broker in signed UDP. Heartbeats and queries stay plain UDP.

use crate::TunnelKind;
use crate::ip;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const AYIYA: Opener = Opener { triggers: &[Trigger::UdpPort(5072)], open };

const FORWARD: u8 = 1;
/// IANA protocol numbers.
const IPV4: u8 = 4;
const IPV6: u8 = 41;
const FIXED_LEN: u32 = 8;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let head: &[u8; 4] = view.head()?;
    (head[2] & 0x0f == FORWARD && matches!(head[3], IPV4 | IPV6)).then_some(())?;
    // The identity's length is a power of two, the signature's counts words.
    let identity_len = 1_u32 << (head[0] >> 4);
    let signature_len = u32::from(head[1] >> 4) << 2;
    let inside = view.after(FIXED_LEN.saturating_add(identity_len).saturating_add(signature_len))?;
    ip::is_plausible(inside).then_some(Opened { kind: TunnelKind::Ayiya, id: 0, next: Next::Ip, inside })
}
