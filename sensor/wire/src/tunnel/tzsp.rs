//! TZSP (TaZmen Sniffer Protocol): frames that a router or a wireless sniffer mirrors over UDP, behind a list of tags.

use crate::TunnelKind;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const TZSP: Opener = Opener { triggers: &[Trigger::UdpPort(37008)], open };

const VERSION: u8 = 1;
/// Packets that were received, and those to send.
const PACKETS: [u8; 2] = [0, 1];
const ETHERNET: u16 = 1;
const IEEE_802_11: u16 = 18;
const PADDING: u8 = 0;
const END: u8 = 1;
/// Known senders write a dozen.
const MAX_TAGS: u32 = 64;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let head: &[u8; 4] = view.head()?;
    (head[0] == VERSION && PACKETS.contains(&head[1])).then_some(())?;
    let next = match u16::from_be_bytes([head[2], head[3]]) {
        ETHERNET => Next::Ethernet,
        IEEE_802_11 => Next::Wlan,
        _ => return None,
    };
    let inside = after_tags(view.after(4)?)?;
    Some(Opened { kind: TunnelKind::Tzsp, id: 0, next, inside })
}

/// Tag, length and value, but for two that are a tag alone.
fn after_tags(mut view: View<'_>) -> Option<View<'_>> {
    for _ in 0..MAX_TAGS {
        view = match view.u8_at(0)? {
            END => return view.after(1),
            PADDING => view.after(1)?,
            _ => view.after(u32::from(view.u8_at(1)?).saturating_add(2))?,
        };
    }
    None
}
