//! Copy me: what the tunnel is, the document that defines it, and what of it is not opened.
//! Then add a kind to `TunnelKind`, a `mod` line to `tunnel.rs`, a line to `registry.rs`, and a packet to `tests/tunnels.rs`.

use crate::TunnelKind;
use crate::tunnel::{Opened, Opener, Trigger};
use crate::view::View;
use crate::walk::Next;

/// The fields that announce the tunnel. A port alone proves nothing: `open` must doubt the header.
const TEMPLATE: Opener = Opener { triggers: &[Trigger::UdpPort(9)], open };

/// In this example: a magic number, an identifier, then an Ethernet frame.
const MAGIC: u16 = 0xc0de;
const HEADER_LEN: u32 = 6;

fn open(view: View<'_>) -> Option<Opened<'_>> {
    (view.u16_at(0)? == MAGIC).then_some(())?;
    Some(Opened { kind: TunnelKind::Gre, id: view.u32_at(2)?, next: Next::Ethernet, inside: view.after(HEADER_LEN)? })
}

#[test]
fn the_template_reads_its_own_header() {
    let opened = (TEMPLATE.open)(View::of_frame(&[0xc0, 0xde, 0, 0, 0, 7, 1, 2, 3], 9))
        .map(|opened| (opened.id, opened.inside.captured()));
    assert_eq!(opened, Some((7, 3)));
    assert!((TEMPLATE.open)(View::of_frame(&[0; 9], 9)).is_none());
}
