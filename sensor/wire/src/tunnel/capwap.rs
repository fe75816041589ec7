//! CAPWAP data (RFC 5415): 802.3 or 802.11 frames between access point and controller. Fragments and keep-alives stay plain UDP.

use crate::TunnelKind;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const CAPWAP: Opener = Opener { triggers: &[Trigger::UdpPort(5247)], open };

/// Version 0, and a header rather than DTLS.
const PREAMBLE: u8 = 0;
/// RFC 5415 4.3: in the first word.
const NATIVE_FRAME: u32 = 0x0100;
const FRAGMENT: u32 = 0x0080;
const KEEP_ALIVE: u32 = 0x0008;
const WIRELESS_BINDING: u32 = 0x3e00;
const IEEE_802_11: u32 = 0x0200;
const MIN_LEN: u32 = 8;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let word = view.u32_at(0)?;
    let len = (word >> 19 & 0x1f) << 2;
    (view.u8_at(0)? == PREAMBLE && len >= MIN_LEN && word & (FRAGMENT | KEEP_ALIVE) == 0).then_some(())?;
    let next = match (word & NATIVE_FRAME != 0, word & WIRELESS_BINDING) {
        (false, _) => Next::Ethernet,
        (true, IEEE_802_11) => Next::Wlan,
        _ => return None,
    };
    Some(Opened { kind: TunnelKind::Capwap, id: 0, next, inside: view.after(len)? })
}
