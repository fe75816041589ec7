//! The short way for the frames that links are full of: Ethernet, up to two VLAN tags, IP, and TCP or UDP outside of tunnels. It reads
//! with the same functions as the walk but chains them, so that a packet is built once, where the caller wants it. None sends the
//! frame the long way; `tests/properties.rs` holds the two against each other.

use sensor_model::{MacAddr, VlanId};

use crate::view::View;
use crate::walk::Walk;
use crate::{Fragment, Outcome, ip, ipv4, ipv6, link, transport, tunnel};

const MAX_TAGS: u32 = 2;

#[inline]
pub(crate) fn read(view: View<'_>, state: &mut Walk) -> Option<Outcome> {
    if state.options.verify_checksums {
        return None;
    }
    let head: &[u8; 14] = view.head()?;
    let mut ethertype = u16::from_be_bytes([head[12], head[13]]);
    let mut view = view.after(14)?;
    for _ in 0..MAX_TAGS {
        if ethertype != 0x8100 && ethertype != 0x88a8 {
            break;
        }
        let tag: &[u8; 4] = view.head()?;
        state.keep_vlan(VlanId::from_tci(u16::from_be_bytes([tag[0], tag[1]])));
        ethertype = u16::from_be_bytes([tag[2], tag[3]]);
        view = view.after(4)?;
    }
    let (header, payload) = match ethertype {
        link::ETHERTYPE_IPV4 => ipv4::read(view, false).ok()?,
        link::ETHERTYPE_IPV6 => ipv6::read(view).ok()?,
        _ => return None,
    };
    if let Fragment::Later { .. } = header.fragment {
        return None;
    }
    let transport = match header.protocol {
        ip::TCP => transport::tcp(payload)?,
        ip::UDP => transport::udp(payload, header.fragment)?,
        _ => return None,
    };
    if header.protocol == ip::UDP && tunnel::is_udp_port(transport.source_port, transport.destination_port) {
        return None;
    }
    let destination = MacAddr([head[0], head[1], head[2], head[3], head[4], head[5]]);
    let source = MacAddr([head[6], head[7], head[8], head[9], head[10], head[11]]);
    state.keep_macs(source, destination);
    Some(Outcome::Packet(state.packet(&header, &transport)))
}
