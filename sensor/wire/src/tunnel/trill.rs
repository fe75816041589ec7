//! TRILL (RFC 6325): an Ethernet frame between two routing bridges, named by nicknames. Version 0 only.

use crate::TunnelKind;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

pub(super) const TRILL: Opener = Opener { triggers: &[Trigger::EtherType(0x22f3)], open };

const HEADER_LEN: u32 = 6;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    let (flags, egress) = (view.u16_at(0)?, view.u16_at(2)?);
    // RFC 6325 3: two bits of version, then, before the hop count, five that count the words of options.
    (flags >> 14 == 0).then_some(())?;
    let options_len = u32::from(flags >> 6 & 0x1f) << 2;
    let inside = view.after(HEADER_LEN.saturating_add(options_len))?;
    Some(Opened { kind: TunnelKind::Trill, id: u32::from(egress), next: Next::Ethernet, inside })
}
