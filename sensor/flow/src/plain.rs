//! The short way for the packets that flows are made of: a datagram, or the next segment of an open connection, where nothing is
//! unusual and no letter, state or report is due. It touches one cache line. None sends the packet the long way ([`crate::tcp`]),
//! which is the judge: the tests below hold the two against each other.

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
            // The first acknowledgment of data goes the long way.
            let peer = hot.seen[RESPONDER - side];
            let is_next = (segment.sequence == hot.last[side])
                & (beyond <= 0)
                & (flags == TcpFlags::ACK)
                & (segment.window != 0)
                & (len < MAX_LEN)
                & ((peer & DATA_ACKED != 0) | (peer & SEEN_DATA == 0));
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
    // Data that no letter tells of: it came with a SYN.
    let is_told =
        |side: usize| hot.seen[side] & (DATA_ACKED | SEEN_DATA) != 0 || hot.last[side] == flow.stream.start[side].wrapping_add(1);
    match hot.protocol {
        UDP => true,
        TCP => !flow.has_holes() && hot.ends.into_iter().all(is_open) && [ORIGINATOR, RESPONDER].into_iter().all(is_told),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sensor_model::{MacAddr, Timestamp};
    use sensor_wire::{Anomalies, Family, TcpSegment};

    use super::*;
    use crate::config::{Config, Reports};
    use crate::event::FlowEvent;
    use crate::realm::VlanKey;
    use crate::table::{Observation, Table, Touch};

    /// What one packet adds: who sends, its flags, how far from the expected numbers it is, payload, window, and the time since the last.
    type Step = (bool, u8, (i8, i8), u16, bool, u32);

    fn steps() -> impl Strategy<Value = (bool, Vec<Step>)> {
        let flags = prop_oneof![20 => Just(0x10_u8), 6 => Just(0x18), 2 => Just(0x02), 2 => Just(0x12), 1 => Just(0x11), 1 => Just(0x14), 1 => any::<u8>()];
        let offset = || prop_oneof![10 => Just(0_i8), 1 => -3..4_i8];
        let len = prop_oneof![3 => Just(0_u16), 3 => 1..4_u16, 1 => any::<u16>()];
        let gap = prop_oneof![20 => 0..1_000_000_u32, 1 => any::<u32>()];
        let step = (any::<bool>(), flags, (offset(), offset()), len, prop::bool::weighted(0.02), gap);
        (prop::bool::weighted(0.8), prop::collection::vec(step, 1..120))
    }

    fn observations(is_tcp: bool, first: u32, steps: &[Step]) -> Vec<Observation> {
        let mut next = [first, first.wrapping_mul(3)];
        let mut now = 1_000_000_000_000;
        steps
            .iter()
            .map(|&(by_client, flags, (ahead, acked), len, closed_window, gap)| {
                let side = usize::from(!by_client);
                let bits = TcpFlags(flags);
                let sequence = next[side].wrapping_add_signed(i32::from(ahead));
                let segment = TcpSegment {
                    sequence,
                    acknowledgment: next[1 - side].wrapping_add_signed(i32::from(acked)),
                    flags: bits,
                    window: u16::from(!closed_window),
                };
                let control = u32::from(bits.has(TcpFlags::SYN)) + u32::from(bits.has(TcpFlags::FIN));
                next[side] = sequence.wrapping_add(control + u32::from(len));
                // Steps of up to 430 seconds: some are longer than a timeout.
                now += i64::from(gap) * 100;
                Observation {
                    seen_at: Timestamp::from_nanos(now),
                    packet: packet(side, is_tcp.then_some(segment), u32::from(len)),
                }
            })
            .collect()
    }

    fn packet(side: usize, tcp: Option<TcpSegment>, payload_len: u32) -> Packet {
        let ends = [([10; 16], 40_000), ([11; 16], 502)];
        Packet {
            source_mac: MacAddr([2; 6]),
            destination_mac: MacAddr([4; 6]),
            vlan: None,
            inner_vlan: None,
            tunnel: None,
            family: Family::V6,
            source: ends[side].0,
            destination: ends[1 - side].0,
            protocol: if tcp.is_some() { TCP } else { UDP },
            source_port: ends[side].1,
            destination_port: ends[1 - side].1,
            ttl: 64,
            ip_len: payload_len + 60,
            fragment: Fragment::Whole,
            ip_id: 0,
            fragment_id: 0,
            tcp,
            payload_offset: 74,
            payload_captured: payload_len,
            payload_len,
            // Close to where a counter of 32 bits runs over.
            wire_len: 0x0800_0000,
            anomalies: Anomalies::default(),
        }
    }

    fn table() -> Table {
        let seconds = std::time::Duration::from_secs;
        let config = Config {
            capacity: 100,
            tcp_idle_timeout: seconds(300),
            tcp_attempt_timeout: seconds(5),
            udp_idle_timeout: seconds(60),
            icmp_idle_timeout: seconds(60),
            interim_interval: seconds(1),
            reports: Reports::All,
            vlan_key: VlanKey::Auto,
        };
        Table::new(config, 1)
    }

    fn said(observations: &[Observation], short_way: bool) -> (Vec<Option<Touch>>, Vec<FlowEvent>, usize) {
        let mut table = table();
        let (mut all, mut touches, mut events, mut plain) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for observation in observations {
            plain += table.allow_plain(short_way);
            table.process(std::slice::from_ref(observation), &mut touches, &mut events);
            all.append(&mut touches);
        }
        table.drain(&mut events);
        (all, events, plain)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn both_ways_say_the_same((is_tcp, steps) in steps(), first in any::<u32>()) {
            let observations = observations(is_tcp, first, &steps);
            let (short, long) = (said(&observations, true), said(&observations, false));
            prop_assert_eq!(short.0, long.0);
            prop_assert_eq!(short.1, long.1);
        }
    }

    #[test]
    fn an_open_connection_is_plain() {
        let step = |by_client, flags, len| (by_client, flags, (0, 0), len, false, 1);
        let mut steps =
            vec![step(true, 0x02, 0), step(false, 0x12, 0), step(true, 0x10, 0), step(true, 0x18, 7), step(false, 0x18, 9)];
        steps.extend((0..100).map(|number| step(number % 2 == 0, 0x18, 5)));
        let (_, _, plain) = said(&observations(true, 77, &steps), true);
        assert!(plain > 95, "{plain}");
    }
}
