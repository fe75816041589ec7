//! ARP for IPv4 over Ethernet (RFC 826). Other hardware, other protocols and other operations are no `Arp` and stay `NonIp`.

use std::net::Ipv4Addr;

use sensor_model::MacAddr;

use crate::view::View;
use crate::walk::{End, Walk};
use crate::{Arp, SkipReason};

/// Hardware type Ethernet, protocol type IPv4, address lengths 6 and 4.
const ETHERNET_IPV4: [u8; 6] = [0, 1, 0x08, 0x00, 6, 4];
/// 802 networks: the same addresses (IANA, "ARP Parameters").
const IEEE802_IPV4: [u8; 6] = [0, 6, 0x08, 0x00, 6, 4];
const REQUEST: [u8; 2] = [0, 1];
const REPLY: [u8; 2] = [0, 2];

pub(crate) fn read(view: View<'_>, state: &mut Walk<'_>) -> End {
    match view.head::<28>() {
        Some(bytes) => {
            state.arp = parse(bytes);
            if state.arp.is_some() { End::Arp } else { End::NonIp }
        }
        // Another kind of address may be shorter, so only what claims to be ours can be cut.
        None if view.bytes().starts_with(&ETHERNET_IPV4) => End::Skip(SkipReason::Truncated),
        None => End::NonIp,
    }
}

fn parse(bytes: &[u8; 28]) -> Option<Arp> {
    let [h0, h1, p0, p1, hl, pl, o0, o1, sender @ .., t0, t1, t2, t3, t4, t5, u0, u1, u2, u3] = *bytes;
    let [s0, s1, s2, s3, s4, s5, i0, i1, i2, i3] = sender;
    let space = [h0, h1, p0, p1, hl, pl];
    let operation = [o0, o1];
    if (space != ETHERNET_IPV4 && space != IEEE802_IPV4) || (operation != REQUEST && operation != REPLY) {
        return None;
    }
    Some(Arp {
        request: operation == REQUEST,
        sender_mac: MacAddr([s0, s1, s2, s3, s4, s5]),
        sender_ip: Ipv4Addr::new(i0, i1, i2, i3),
        target_mac: MacAddr([t0, t1, t2, t3, t4, t5]),
        target_ip: Ipv4Addr::new(u0, u1, u2, u3),
    })
}
