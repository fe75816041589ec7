//! What one flow tells of the mirror: which of its directions were seen, and whether the missing one is proven to exist.
//!
//! Proof is what only a packet of the silent side can have caused: an acknowledgment that moved on, a segment after the handshake, a
//! SYN-ACK, an answer of a protocol in which nobody answers unasked. A SYN, a query or a log line proves nothing: nobody may be there.

use sensor_model::{DirectionReason, FlowRecord, IpProtocol, Proof};

/// A speaker that goes on for so long without a retransmission is being acknowledged (RFC 6298 2: the first timeout is 1 s, RFC 1122
/// 4.2.3.1: it doubles).
const HEARD_OUT_SECONDS: u64 = 5;
const HEARD_OUT_PACKETS: u64 = 8;
/// One packet comes back for so many: of a dialogue of small segments, and of bulk, where offloading hosts acknowledge 16 or more at
/// once (RFC 9293 3.8.6.3 asks for one in two).
const DIALOGUE_PACKETS_AN_ANSWER: u64 = 3;
const BULK_PACKETS_AN_ANSWER: u64 = 16;
const DIALOGUE_BYTES_A_PACKET: u64 = 700;

/// UDP services that are asked by one host at a time and answer that host only: DNS, Kerberos, RPC, NTP, SNMP, CLDAP, QUIC, kpasswd, IKE,
/// RMCP, domain-s, RADIUS, NFS, STUN, IPsec NAT-T, FINS (IANA). What is also asked by multicast or broadcast is left out: there the
/// question is in another flow than the answer.
const ANSWERING_SERVICES: &[u16] =
    &[53, 88, 111, 123, 161, 389, 443, 464, 500, 623, 853, 1645, 1646, 1812, 1813, 2049, 3478, 4500, 9600];
/// UDP services that answer nobody: syslog, SNMP traps, NetFlow and IPFIX, sFlow, statsd, collectd, Graylog (IANA, vendors' manuals).
const SILENT_SERVICES: &[u16] = &[162, 514, 2055, 4739, 6343, 8125, 9995, 9996, 12_201, 25_826];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    BothWays,
    /// `packets` is how many of the silent side's packets are proven, at least.
    OneWay {
        silent: Silent,
        packets: u64,
    },
    /// The other direction may not exist.
    Unanswered,
}

/// The side of a one-way flow of which nothing was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silent {
    Originator,
    Responder,
}

/// Datagrams of a flow by what they prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proofs {
    answers: u8,
    dialogues: u8,
}

impl Proofs {
    pub const fn add(&mut self, proof: Proof) {
        let count = match proof {
            Proof::Answer => &mut self.answers,
            Proof::Dialogue => &mut self.dialogues,
        };
        *count = count.saturating_add(1);
    }

    fn packets(self) -> u64 {
        let dialogues = u64::from(self.dialogues);
        u64::from(self.answers) + if dialogues == 0 { 0 } else { 1 + dialogues / DIALOGUE_PACKETS_AN_ANSWER }
    }
}

/// Of a flow between single hosts. `proofs` are those of its datagrams.
pub(crate) fn sight_of(record: &FlowRecord, proofs: Proofs) -> Sight {
    let silent = match (record.sent.packets, record.received.packets) {
        (0, 0) => return Sight::Unanswered,
        (_, 0) => Silent::Responder,
        (0, _) => Silent::Originator,
        _ => return Sight::BothWays,
    };
    let packets = match record.protocol {
        IpProtocol::Tcp => proven_by_tcp(record, silent),
        _ => proven_by_answers(record, silent).max(proofs.packets()),
    };
    if packets == 0 { Sight::Unanswered } else { Sight::OneWay { silent, packets } }
}

/// The flow asks a service that never answers.
pub(crate) fn asks_no_answer(record: &FlowRecord) -> bool {
    record.protocol == IpProtocol::Udp && SILENT_SERVICES.contains(&record.responder_port)
}

fn proven_by_tcp(record: &FlowRecord, silent: Silent) -> u64 {
    let (speaker, unheard) = match silent {
        Silent::Responder => (record.sent, record.received),
        Silent::Originator => (record.received, record.sent),
    };
    let wrote = |letter: char| {
        let letter = if silent == Silent::Responder { letter } else { letter.to_ascii_lowercase() };
        record.history.contains(letter)
    };
    let goes_on = wrote('A') || wrote('D');
    let seconds = record.last_seen.since(record.first_seen).as_secs();
    let is_heard_out =
        goes_on && !wrote('T') && speaker.packets >= HEARD_OUT_PACKETS && seconds >= HEARD_OUT_SECONDS && !unheard.data_acked;
    // A SYN-ACK answers a SYN, and what follows it the handshake's last segment; what follows a SYN answers a SYN-ACK.
    let in_handshake = if wrote('H') { 1 + u64::from(goes_on) } else { u64::from(wrote('S') && goes_on || is_heard_out) };
    let proven = in_handshake + u64::from(unheard.data_acked);
    let is_dialogue = speaker.ip_bytes < speaker.packets.saturating_mul(DIALOGUE_BYTES_A_PACKET);
    let packets_an_answer = if is_dialogue { DIALOGUE_PACKETS_AN_ANSWER } else { BULK_PACKETS_AN_ANSWER };
    if proven == 0 { 0 } else { proven + speaker.packets / packets_an_answer }
}

fn proven_by_answers(record: &FlowRecord, silent: Silent) -> u64 {
    if silent == Silent::Responder {
        // Nor does an error of ICMP prove anything here: it tells of a packet to somebody else (RFC 792).
        return 0;
    }
    let answers_only_when_asked = match record.protocol {
        IpProtocol::Icmp => record.direction_reason <= DirectionReason::Role,
        IpProtocol::Udp => {
            record.direction_reason <= DirectionReason::PortRank && ANSWERING_SERVICES.contains(&record.responder_port)
        }
        _ => false,
    };
    if answers_only_when_asked { record.received.packets } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sensor_model::{ConnState, Side, Timestamp};

    use super::*;

    fn flow(protocol: IpProtocol, ports: (u16, u16), packets: (u64, u64), history: &str) -> FlowRecord {
        let side = |packets| Side { packets, ..Side::default() };
        FlowRecord {
            first_seen: Timestamp::default(),
            last_seen: Timestamp::default(),
            originator: [10, 0, 0, 1].into(),
            originator_port: ports.0,
            responder: [10, 0, 0, 2].into(),
            responder_port: ports.1,
            protocol,
            protocol_number: 0,
            service: None,
            state: ConnState::OTH,
            history: history.to_owned(),
            missed_bytes: 0,
            gap_bytes: 0,
            sent: side(packets.0),
            received: side(packets.1),
            vlan: None,
            inner_vlan: None,
            tunnel: None,
            direction_reason: DirectionReason::PortRank,
        }
    }

    fn tcp(packets: (u64, u64), history: &str) -> FlowRecord {
        flow(IpProtocol::Tcp, (40_000, 502), packets, history)
    }

    fn seen(record: &FlowRecord) -> Sight {
        sight_of(record, Proofs::default())
    }

    const fn one_way(silent: Silent, packets: u64) -> Sight {
        Sight::OneWay { silent, packets }
    }

    #[test]
    fn a_syn_alone_or_a_reset_one_or_a_lone_ack_proves_nothing() {
        for history in ["S", "SR", "A", "D", "DT", "F"] {
            assert_eq!(seen(&tcp((7, 0), history)), Sight::Unanswered, "{history}");
        }
    }

    #[test]
    fn what_follows_a_handshake_proves_the_other_side() {
        assert_eq!(seen(&tcp((2, 0), "SA")), one_way(Silent::Responder, 1));
        assert_eq!(seen(&tcp((0, 1), "^h")), one_way(Silent::Originator, 1));
        assert_eq!(seen(&tcp((0, 8), "^hadf")), one_way(Silent::Originator, 4));
    }

    #[test]
    fn an_acknowledgment_that_moved_on_proves_the_other_side_in_mid_flow() {
        let mut record = tcp((2, 0), "A");
        record.received.data_acked = true;
        assert_eq!(seen(&record), one_way(Silent::Responder, 1));
    }

    #[test]
    fn a_speaker_that_need_not_repeat_itself_is_heard_and_bulk_is_answered_less_often() {
        let mut record = tcp((100, 0), "D");
        record.last_seen = record.first_seen + Duration::from_secs(10);
        record.sent.ip_bytes = 100 * 1_500;
        assert_eq!(seen(&record), one_way(Silent::Responder, 7));
        record.sent.ip_bytes = 100 * 60;
        assert_eq!(seen(&record), one_way(Silent::Responder, 34));
        record.history.push('T');
        assert_eq!(seen(&record), Sight::Unanswered);
    }

    #[test]
    fn an_answer_proves_its_question_where_nobody_answers_unasked() {
        let udp = |port, packets| seen(&flow(IpProtocol::Udp, (40_000, port), packets, "d"));
        assert_eq!(udp(53, (0, 3)), one_way(Silent::Originator, 3));
        assert_eq!(udp(53, (3, 0)), Sight::Unanswered);
        assert_eq!(udp(5353, (0, 3)), Sight::Unanswered);
        assert_eq!(udp(53, (3, 1)), Sight::BothWays);
    }

    #[test]
    fn what_its_datagrams_prove_tells_of_the_silent_side_and_of_no_other() {
        let proofs = |answers, dialogues| Proofs { answers, dialogues };
        let record = flow(IpProtocol::Udp, (40_000, 5060), (9, 0), "D");
        assert_eq!(sight_of(&record, proofs(4, 0)), one_way(Silent::Responder, 4));
        assert_eq!(sight_of(&record, proofs(0, 9)), one_way(Silent::Responder, 4));
        assert_eq!(sight_of(&record, proofs(0, 0)), Sight::Unanswered);
        let record = flow(IpProtocol::Udp, (40_000, 5060), (9, 1), "Dd");
        assert_eq!(sight_of(&record, proofs(4, 0)), Sight::BothWays);
    }

    #[test]
    fn a_routers_error_does_not_prove_that_the_router_was_asked() {
        assert_eq!(seen(&flow(IpProtocol::Icmp, (3, 1), (5, 0), "")), Sight::Unanswered);
    }
}
