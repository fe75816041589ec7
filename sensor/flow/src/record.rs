//! A slot to the record that leaves the table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use sensor_model::{ConnState, DirectionReason, FlowRecord, IpProtocol, MacAddr, Side, Timestamp, TunnelRef};

use crate::endpoint::{DATA_ACKED, Endpoint, State};
use crate::key::{ICMP, ICMP_V6, TCP, UDP};
use crate::path::Path;
use crate::rare::Rare;
use crate::slot::{Cold, Hot, ORIGINATOR, RESPONDER, Stream};
use crate::{scaled, tcp};

/// A flow's parts, for reading.
pub struct View<'a> {
    pub hot: &'a Hot,
    pub stream: &'a Stream,
    pub cold: &'a Cold,
    pub rare: Option<&'a Rare>,
    /// IPv6 addresses, lower end first.
    pub wide: [[u8; 16]; 2],
    pub path: Path,
    pub service: Option<&'static str>,
}

impl View<'_> {
    pub fn record(&self) -> FlowRecord {
        let hot = self.hot;
        let mut history = String::new();
        self.cold.history.write_to(&mut history);
        if let Some(rare) = self.rare {
            history.push_str(&rare.history);
        }
        let (originator, originator_port) = self.end(ORIGINATOR);
        let (responder, responder_port) = self.end(RESPONDER);
        let (sent, received) = (self.side(ORIGINATOR), self.side(RESPONDER));
        let trailed_until = self.rare.and_then(|rare| rare.trailed_until);
        FlowRecord {
            first_seen: Timestamp::from_nanos(self.cold.first_seen),
            last_seen: Timestamp::from_nanos(hot.last_seen.max(trailed_until.unwrap_or(i64::MIN))),
            originator,
            originator_port,
            responder,
            responder_port,
            protocol: IpProtocol::from_number(hot.protocol),
            protocol_number: hot.protocol,
            service: self.service,
            state: state_of(hot, &history, sent.payload_bytes, received.payload_bytes),
            history,
            missed_bytes: self.rare.map_or(0, |rare| rare.missed_bytes),
            gap_bytes: self.rare.map_or(0, |rare| rare.gap_bytes),
            sent,
            received,
            vlan: self.path.vlan,
            inner_vlan: self.path.inner_vlan,
            tunnel: self.path.tunnel.map(|tunnel| TunnelRef { kind: tunnel.kind.as_str(), id: tunnel.id }),
            direction_reason: reason_from(self.cold.reason),
        }
    }

    fn end(&self, side: usize) -> (IpAddr, u16) {
        let low = (side == ORIGINATOR) == self.hot.is(Hot::ORIGINATOR_IS_LOW);
        let port = if low { self.hot.ports >> 16 } else { self.hot.ports & 0xffff } as u16;
        let address = if self.hot.is(Hot::WIDE) {
            IpAddr::V6(Ipv6Addr::from_octets(self.wide[usize::from(!low)]))
        } else {
            IpAddr::V4(Ipv4Addr::from_bits(if low { self.hot.pair >> 32 } else { self.hot.pair } as u32))
        };
        (address, port)
    }

    fn side(&self, side: usize) -> Side {
        let hot = self.hot;
        let counts = hot.counts[side];
        let carries = self.rare.map_or([0; 3], |rare| rare.carries[side]);
        let [frag_packets, frag_ip_bytes, frag_l2_bytes] = self.rare.map_or([0; 3], |rare| rare.fragments[side]);
        let whole = |low: u32, carry: u32| u64::from(carry) << 32 | u64::from(low);
        Side {
            packets: whole(counts.packets, carries[0]),
            ip_bytes: whole(counts.ip_bytes, carries[1]),
            l2_bytes: whole(counts.frame_bytes, carries[2]),
            payload_bytes: self.payload_bytes(side),
            retransmits: if self.hot.protocol == TCP { scaled::retransmits(self.stream, self.rare, side) } else { 0 },
            frag_packets,
            frag_ip_bytes,
            frag_l2_bytes,
            rtt: self.cold.round_trips[side].nanos().map(Duration::from_nanos),
            mac: Some(self.path.macs[side]).filter(|mac| *mac != MacAddr::ZERO),
            data_acked: hot.protocol == TCP && hot.seen[side] & DATA_ACKED != 0,
        }
    }

    fn payload_bytes(&self, side: usize) -> Option<u64> {
        match self.hot.protocol {
            // A half-open connection that was found and given up: its numbers say nothing (as Zeek).
            TCP if self.is_aborted_attempt(side) => Some(0),
            TCP => {
                let acked = self.rare.and_then(|rare| rare.streams[side].acked);
                Some(tcp::stream_bytes(self.stream, self.hot.last[side], acked, side, self.hot.ends[side].sent_fin()))
            }
            UDP | ICMP | ICMP_V6 => Some(u64::from(self.stream.wraps[side]) << 32 | u64::from(self.hot.last[side])),
            _ => None,
        }
    }
}

impl View<'_> {
    fn is_aborted_attempt(&self, side: usize) -> bool {
        let (end, peer) = (self.hot.ends[side], self.hot.ends[RESPONDER - side]);
        let gave_up = end.state() == State::Reset && end.previous() == State::SynSent;
        gave_up && peer.state() == State::Inactive && self.hot.seen[side] & DATA_ACKED == 0
    }
}

/// Zeek's `conn_state` (Zeek manual, `Conn::Info`).
fn state_of(hot: &Hot, history: &str, sent: Option<u64>, received: Option<u64>) -> ConnState {
    match hot.protocol {
        TCP => tcp_state(hot.ends, history, sent == Some(0) && received == Some(0)),
        UDP => match (hot.counts[ORIGINATOR].packets > 0, hot.counts[RESPONDER].packets > 0) {
            (true, true) => ConnState::SF,
            (true, false) => ConnState::S0,
            (false, true) => ConnState::SHR,
            (false, false) => ConnState::OTH,
        },
        _ => ConnState::OTH,
    }
}

fn tcp_state([originator, responder]: [Endpoint; 2], history: &str, no_data: bool) -> ConnState {
    let unheard = |state| matches!(state, State::Inactive | State::Partial);
    match (originator.state(), responder.state()) {
        (State::SynSent | State::SynAckSent, State::Reset) => ConnState::REJ,
        (State::Reset, State::Reset) if no_data => ConnState::REJ,
        (state, State::Reset) if unheard(state) => ConnState::RSTRH,
        (_, State::Reset) => ConnState::RSTR,
        (State::Reset, state) if unheard(state) => {
            if is_syn_then_reset(history) {
                ConnState::RSTOS0
            } else {
                ConnState::OTH
            }
        }
        (State::Reset, _) => ConnState::RSTO,
        (State::Closed, State::Closed) => ConnState::SF,
        (State::Closed, state) if unheard(state) => ConnState::SH,
        (State::Closed, _) => ConnState::S2,
        (state, State::Closed) if unheard(state) => ConnState::SHR,
        (_, State::Closed) => ConnState::S3,
        (State::SynSent, State::Inactive) => ConnState::S0,
        (State::Established, State::Established) => ConnState::S1,
        _ => ConnState::OTH,
    }
}

/// A SYN, nothing else of weight from the originator, then its RST.
fn is_syn_then_reset(history: &str) -> bool {
    let Some(rest) = history.strip_prefix('^').unwrap_or(history).strip_prefix('S') else { return false };
    rest.split_once('R').is_some_and(|(between, _)| !between.contains(['H', 'A', 'F', 'G', 'I', 'Q']))
}

const REASONS: [DirectionReason; 5] =
    [DirectionReason::Syn, DirectionReason::SynAck, DirectionReason::Role, DirectionReason::PortRank, DirectionReason::FirstSeen];

pub fn reason_number(reason: DirectionReason) -> u8 {
    reason as u8
}

fn reason_from(number: u8) -> DirectionReason {
    REASONS.get(usize::from(number)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_the_slot() {
        for reason in REASONS {
            assert_eq!(reason_from(reason_number(reason)), reason);
        }
    }

    #[test]
    fn only_a_syn_and_its_reset_are_rstos0() {
        assert!(is_syn_then_reset("SR") && is_syn_then_reset("^SR") && is_syn_then_reset("SaR") && is_syn_then_reset("STR"));
        assert!(!is_syn_then_reset("SAR") && !is_syn_then_reset("R") && !is_syn_then_reset("S"));
    }
}
