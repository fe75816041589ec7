//! Flow records as lines of `conn.log`: Zeek's names, types and order, then ours. Absent values are left out.

use std::net::IpAddr;

use sensor_model::{ConnState, DirectionReason, FlowRecord, IpProtocol, Timestamp};
use twox_hash::XxHash3_128;

use super::bytes::Bytes;
use super::community_id::community_id;
use super::line::{Line, Name, name};

/// Appends the record's line.
pub fn push_line(out: &mut Vec<u8>, record: &FlowRecord) {
    let mut line = Line::begin(out);
    line.seconds(name!("ts"), record.first_seen.as_nanos());
    line.bytes(name!("uid"), &uid(record));
    line.address(name!("id.orig_h"), record.originator);
    line.number(name!("id.orig_p"), record.originator_port.into());
    line.address(name!("id.resp_h"), record.responder);
    line.number(name!("id.resp_p"), record.responder_port.into());
    line.text(name!("proto"), proto(record.protocol));
    if let Some(service) = record.service {
        line.text(name!("service"), service);
    }
    // Zeek leaves duration and payload bytes unset where the flow took no time (base/protocols/conn/main.zeek).
    let duration = micros_between(record.first_seen, record.last_seen);
    if duration > 0 {
        line.seconds(name!("duration"), duration.saturating_mul(1_000));
        if let Some(bytes) = record.sent.payload_bytes {
            line.number(name!("orig_bytes"), bytes);
        }
        if let Some(bytes) = record.received.payload_bytes {
            line.number(name!("resp_bytes"), bytes);
        }
    }
    line.text(name!("conn_state"), state(record.state));
    line.number(name!("missed_bytes"), record.missed_bytes);
    if !record.history.is_empty() {
        line.text(name!("history"), &record.history);
    }
    line.number(name!("orig_pkts"), record.sent.packets);
    line.number(name!("orig_ip_bytes"), record.sent.ip_bytes);
    line.number(name!("resp_pkts"), record.received.packets);
    line.number(name!("resp_ip_bytes"), record.received.ip_bytes);
    for (name, vlan) in [(name!("vlan"), record.vlan), (name!("inner_vlan"), record.inner_vlan)] {
        if let Some(vlan) = vlan {
            line.number(name, vlan.get().into());
        }
    }
    for (name, mac) in [(name!("orig_l2_addr"), record.sent.mac), (name!("resp_l2_addr"), record.received.mac)] {
        if let Some(mac) = mac {
            line.mac(name, mac);
        }
    }
    line.bytes(name!("community_id"), &community_id(record));
    line.number(name!("orig_l2_bytes"), record.sent.l2_bytes);
    line.number(name!("resp_l2_bytes"), record.received.l2_bytes);
    line.text(name!("direction_reason"), reason(record.direction_reason));
    if let Some(tunnel) = record.tunnel {
        line.text(name!("tunnel"), &format!("{}:{}", tunnel.kind, tunnel.id));
    }
    let [orig_rtt, resp_rtt] = [record.sent.rtt, record.received.rtt];
    // Of the whole path, from the SYN to the ACK that answers its answer.
    let rtt = orig_rtt.zip(resp_rtt).map(|(originator, responder)| originator + responder);
    for (name, time) in [(name!("rtt"), rtt), (name!("orig_rtt"), orig_rtt), (name!("resp_rtt"), resp_rtt)] {
        if let Some(time) = time {
            line.seconds(name, i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
        }
    }
    line.count(name!("orig_retransmits"), record.sent.retransmits);
    line.count(name!("resp_retransmits"), record.received.retransmits);
    line.count(name!("orig_frag_pkts"), record.sent.frag_packets);
    line.count(name!("orig_frag_ip_bytes"), record.sent.frag_ip_bytes);
    line.count(name!("resp_frag_pkts"), record.received.frag_packets);
    line.count(name!("resp_frag_ip_bytes"), record.received.frag_ip_bytes);
    line.end();
}

/// As `serde` writes it in the other documents.
const fn state(state: ConnState) -> &'static str {
    match state {
        ConnState::S0 => "S0",
        ConnState::S1 => "S1",
        ConnState::SF => "SF",
        ConnState::REJ => "REJ",
        ConnState::S2 => "S2",
        ConnState::S3 => "S3",
        ConnState::RSTO => "RSTO",
        ConnState::RSTR => "RSTR",
        ConnState::RSTOS0 => "RSTOS0",
        ConnState::RSTRH => "RSTRH",
        ConnState::SH => "SH",
        ConnState::SHR => "SHR",
        ConnState::OTH => "OTH",
    }
}

const fn reason(reason: DirectionReason) -> &'static str {
    match reason {
        DirectionReason::Syn => "syn",
        DirectionReason::SynAck => "syn_ack",
        DirectionReason::Role => "role",
        DirectionReason::PortRank => "port_rank",
        DirectionReason::FirstSeen => "first_seen",
    }
}

/// Zeek's names of the transports.
const fn proto(protocol: IpProtocol) -> &'static str {
    match protocol {
        IpProtocol::Tcp => "tcp",
        IpProtocol::Udp => "udp",
        IpProtocol::Icmp => "icmp",
        IpProtocol::Sctp => "sctp",
        IpProtocol::Other(_) => "unknown_transport",
    }
}

/// As Zeek writes intervals: the difference of what it writes as times.
const fn micros_between(first: Timestamp, last: Timestamp) -> i64 {
    last.as_nanos().div_euclid(1_000).saturating_sub(first.as_nanos().div_euclid(1_000))
}

/// `C` and 17 base-62 digits from the flow's key and first packet: unique like Zeek's, and the same in every run.
fn uid(record: &FlowRecord) -> [u8; 18] {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut key = Bytes::<64>::default();
    for ip in [record.originator, record.responder] {
        key.push(&match ip {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        });
    }
    key.push(&record.originator_port.to_be_bytes());
    key.push(&record.responder_port.to_be_bytes());
    key.push(&[record.protocol_number]);
    key.push(&record.first_seen.as_nanos().to_be_bytes());
    let digest = XxHash3_128::oneshot(key.as_slice());
    let mut text = [b'C'; 18];
    // 62^9 and 62^8 are below 2^64: each half of the digits is drawn from a word of its own.
    for (digits, mut rest) in text[1..].chunks_mut(9).zip([(digest >> 64) as u64, digest as u64]) {
        for digit in digits {
            *digit = ALPHABET[(rest % 62) as usize];
            rest /= 62;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fixtures::record;

    fn line(record: &FlowRecord) -> String {
        let mut out = Vec::new();
        push_line(&mut out, record);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_stand_in_zeeks_order_and_then_ours() {
        let line = line(&record());
        let order = [
            "\"ts\":1700000000.000000,",
            "\"uid\":\"C",
            "\"id.orig_h\":\"10.0.0.1\",\"id.orig_p\":40000,\"id.resp_h\":\"10.0.0.2\",\"id.resp_p\":502,\"proto\":\"tcp\",",
            "\"duration\":1.000000,\"orig_bytes\":60,\"resp_bytes\":50,\"conn_state\":\"SF\",\"missed_bytes\":0,\"history\":\"ShADadFf\",",
            "\"orig_pkts\":6,\"orig_ip_bytes\":300,\"resp_pkts\":5,\"resp_ip_bytes\":250,\"community_id\":\"1:",
            "\"orig_l2_bytes\":400,\"resp_l2_bytes\":330,\"direction_reason\":\"syn\"}\n",
        ];
        let places: Vec<_> = order.iter().map(|part| line.find(part)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{line}");
    }

    #[test]
    fn fragments_stand_after_everything_else_and_only_where_there_are_some() {
        let mut flow = record();
        assert!(!line(&flow).contains("frag"));
        (flow.received.frag_packets, flow.received.frag_ip_bytes) = (2, 900);
        let line = line(&flow);
        assert!(line.ends_with(",\"resp_frag_pkts\":2,\"resp_frag_ip_bytes\":900}\n") && !line.contains("orig_frag"), "{line}");
    }

    #[test]
    fn round_trips_stand_alone_and_added_up_where_both_are_known() {
        let mut flow = record();
        flow.received.rtt = Some(Duration::from_micros(1_500));
        assert!(line(&flow).contains(",\"resp_rtt\":0.001500") && !line(&flow).contains("\"rtt\""));
        flow.sent.rtt = Some(Duration::from_micros(200));
        assert!(line(&flow).contains(",\"rtt\":0.001700,\"orig_rtt\":0.000200,\"resp_rtt\":0.001500"), "{}", line(&flow));
    }

    #[test]
    fn a_flow_of_one_moment_has_neither_duration_nor_payload_bytes() {
        let mut flow = record();
        flow.last_seen = flow.first_seen;
        let line = line(&flow);
        assert!(!line.contains("duration") && !line.contains("orig_bytes"), "{line}");
    }

    #[test]
    fn the_uid_tells_flows_apart_that_differ_in_time_only() {
        let (one, mut other) = (record(), record());
        other.first_seen = Timestamp::from_nanos(1);
        assert_ne!(uid(&one), uid(&other));
        assert!(uid(&one).starts_with(b"C") && uid(&one).iter().all(u8::is_ascii_alphanumeric));
    }

    #[test]
    fn states_and_reasons_are_spelled_as_in_the_other_documents() {
        use ConnState::*;
        for one in [S0, S1, SF, REJ, S2, S3, RSTO, RSTR, RSTOS0, RSTRH, SH, SHR, OTH] {
            assert_eq!(serde_json::to_value(one).unwrap(), state(one));
        }
        use DirectionReason::*;
        for one in [Syn, SynAck, Role, PortRank, FirstSeen] {
            assert_eq!(serde_json::to_value(one).unwrap(), reason(one));
        }
    }
}
