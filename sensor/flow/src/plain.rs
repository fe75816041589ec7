//! The short way for the packets that flows are made of: a datagram, or the next segment of an open connection, where nothing is
//! unusual and no letter, state or report is due. It touches one cache line. None sends the packet the long way ([`crate::tcp`]),
//! which is the judge: `tests/flows/plain.rs` holds the two against each other.

use sensor_wire::{Fragment, Packet, TcpFlags};

use crate::endpoint::{DATA_ACKED, Endpoint, SEEN_ACK, SEEN_DATA, State};
use crate::expiry::Timeouts;
use crate::key::{FlowKey, TCP, UDP};
use crate::slot::{Hot, ORIGINATOR, RESPONDER, Slot};

/// Segments longer than this are not plain: no network has such.
const MAX_LEN: u32 = 1 << 20;

/// Counts a packet in `hot`, if that is its flow and the packet is plain; gives the side that sent it.
#[inline]
pub fn count(hot: &mut Hot, key: &FlowKey, packet: &Packet, now: i64, timeouts: &Timeouts) -> Option<usize> {
    let wanted = Hot::USED | Hot::PLAIN | if key.wide { Hot::WIDE } else { 0 };
    let is_its_flow = (hot.pair == key.pair)
        & (hot.ports == key.ports)
        & (hot.realms[usize::from(key.from_low)] == key.realm)
        & (hot.protocol == key.protocol)
        & (hot.flags & (Hot::USED | Hot::PLAIN | Hot::WIDE) == wanted);
    let is_in_time = timeouts.is_in_time(hot, now) & !timeouts.is_report_due(hot, now);
    if !(is_its_flow & is_in_time) || matches!(packet.fragment, Fragment::Later { .. }) {
        return None;
    }
    let side = hot.side_of(key.from_low);
    let len = packet.payload_len;
    let (last, has_passed_zero) = hot.last[side].overflowing_add(len);
    let letter = match packet.tcp {
        Some(segment) => {
            let flags = segment.flags.0 & (TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST | TcpFlags::ACK);
            let beyond = segment.acknowledgment.wrapping_sub(hot.last[RESPONDER - side]) as i32;
            // Unacknowledged data must come the long way, so that its first acknowledgment does.
            let is_next = (segment.sequence == hot.last[side])
                & (beyond <= 0)
                & (flags == TcpFlags::ACK)
                & (segment.window != 0)
                & (len < MAX_LEN)
                & ((len == 0) | (hot.seen[side] & DATA_ACKED != 0));
            if !is_next {
                return None;
            }
            if len == 0 { SEEN_ACK } else { SEEN_DATA }
        }
        None if key.protocol == UDP => SEEN_DATA,
        None => return None,
    };
    let counts = hot.counts[side];
    let (packets, carry) = counts.packets.overflowing_add(1);
    let (ip_bytes, ip_carry) = counts.ip_bytes.overflowing_add(packet.ip_len);
    let (frame_bytes, frame_carry) = counts.frame_bytes.overflowing_add(packet.wire_len);
    if has_passed_zero | carry | ip_carry | frame_carry | (hot.seen[side] & letter == 0) {
        return None;
    }
    hot.counts[side].packets = packets;
    hot.counts[side].ip_bytes = ip_bytes;
    hot.counts[side].frame_bytes = frame_bytes;
    hot.last[side] = last;
    hot.last_seen = hot.last_seen.max(now);
    Some(side)
}

/// Whether the next packet of a flow may be plain. To be asked whenever one came the long way.
pub fn is_possible(flow: &Slot<'_>) -> bool {
    let hot = &*flow.hot;
    let is_open =
        |end: Endpoint| matches!(end.state(), State::Established | State::Partial) && !end.sent_fin() && !end.did_close();
    // Else an acknowledgment may be the first of data.
    let is_acknowledged =
        |side: usize| hot.seen[side] & DATA_ACKED != 0 || hot.last[side] == flow.stream.start[side].wrapping_add(1);
    match hot.protocol {
        UDP => true,
        TCP => {
            !hot.is(Hot::RARE) && hot.ends.into_iter().all(is_open) && [ORIGINATOR, RESPONDER].into_iter().all(is_acknowledged)
        }
        _ => false,
    }
}
