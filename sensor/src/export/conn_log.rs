//! Flow records as lines of `conn.log`: Zeek's names, types and order, then ours. Absent values are left out.

use std::io::{self, Write};
use std::net::IpAddr;

use sensor_model::{ConnState, DirectionReason, FlowRecord, IpProtocol, MacAddr, Timestamp, VlanId};
use serde::Serialize;
use sha1::{Digest, Sha1};

use super::community_id::community_id;

/// Writes one line.
pub fn write_record(out: &mut (impl Write + ?Sized), record: &FlowRecord) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Line::from(record))?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Line<'a> {
    ts: f64,
    uid: String,
    #[serde(rename = "id.orig_h")]
    orig_h: IpAddr,
    #[serde(rename = "id.orig_p")]
    orig_p: u16,
    #[serde(rename = "id.resp_h")]
    resp_h: IpAddr,
    #[serde(rename = "id.resp_p")]
    resp_p: u16,
    proto: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orig_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resp_bytes: Option<u64>,
    conn_state: ConnState,
    missed_bytes: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    history: &'a str,
    orig_pkts: u64,
    orig_ip_bytes: u64,
    resp_pkts: u64,
    resp_ip_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<VlanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner_vlan: Option<VlanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orig_l2_addr: Option<MacAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resp_l2_addr: Option<MacAddr>,
    community_id: String,
    orig_l2_bytes: u64,
    resp_l2_bytes: u64,
    direction_reason: DirectionReason,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    orig_frag_pkts: u64,
    #[serde(skip_serializing_if = "is_zero")]
    orig_frag_ip_bytes: u64,
    #[serde(skip_serializing_if = "is_zero")]
    resp_frag_pkts: u64,
    #[serde(skip_serializing_if = "is_zero")]
    resp_frag_ip_bytes: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl<'a> From<&'a FlowRecord> for Line<'a> {
    fn from(record: &'a FlowRecord) -> Self {
        // Zeek leaves duration and payload bytes unset where the flow took no time (base/protocols/conn/main.zeek).
        let duration = seconds_between(record.first_seen, record.last_seen);
        Self {
            ts: record.first_seen.as_zeek_seconds(),
            uid: uid(record),
            orig_h: record.originator,
            orig_p: record.originator_port,
            resp_h: record.responder,
            resp_p: record.responder_port,
            proto: proto(record.protocol),
            service: record.service,
            duration,
            orig_bytes: duration.and(record.sent.payload_bytes),
            resp_bytes: duration.and(record.received.payload_bytes),
            conn_state: record.state,
            missed_bytes: record.missed_bytes,
            history: &record.history,
            orig_pkts: record.sent.packets,
            orig_ip_bytes: record.sent.ip_bytes,
            resp_pkts: record.received.packets,
            resp_ip_bytes: record.received.ip_bytes,
            vlan: record.vlan,
            inner_vlan: record.inner_vlan,
            orig_l2_addr: record.sent.mac,
            resp_l2_addr: record.received.mac,
            community_id: community_id(record),
            orig_l2_bytes: record.sent.l2_bytes,
            resp_l2_bytes: record.received.l2_bytes,
            direction_reason: record.direction_reason,
            tunnel: record.tunnel.map(|tunnel| format!("{}:{}", tunnel.kind, tunnel.id)),
            orig_frag_pkts: record.sent.frag_packets,
            orig_frag_ip_bytes: record.sent.frag_ip_bytes,
            resp_frag_pkts: record.received.frag_packets,
            resp_frag_ip_bytes: record.received.frag_ip_bytes,
        }
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

/// With microseconds, as Zeek writes intervals; None for none.
fn seconds_between(first: Timestamp, last: Timestamp) -> Option<f64> {
    let micros = last.as_nanos().div_euclid(1_000).saturating_sub(first.as_nanos().div_euclid(1_000));
    (micros > 0).then(|| micros as f64 / 1e6)
}

/// `C` and 17 base-62 digits from the flow's key and first packet: unique like Zeek's, and the same in every run.
fn uid(record: &FlowRecord) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digest = Sha1::new();
    for ip in [record.originator, record.responder] {
        match ip {
            IpAddr::V4(v4) => digest.update(v4.to_ipv6_mapped().octets()),
            IpAddr::V6(v6) => digest.update(v6.octets()),
        }
    }
    digest.update(record.originator_port.to_be_bytes());
    digest.update(record.responder_port.to_be_bytes());
    digest.update([record.protocol_number]);
    digest.update(record.first_seen.as_nanos().to_be_bytes());
    let number = digest.finalize().iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let digits = (0..17).scan(number, |rest, _| {
        let digit = ALPHABET[(*rest % 62) as usize];
        *rest /= 62;
        Some(char::from(digit))
    });
    std::iter::once('C').chain(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::record;

    fn line(record: &FlowRecord) -> String {
        let mut out = Vec::new();
        write_record(&mut out, record).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_stand_in_zeeks_order_and_then_ours() {
        let line = line(&record());
        let order = [
            "\"ts\":1700000000.0,",
            "\"uid\":\"C",
            "\"id.orig_h\":\"10.0.0.1\",\"id.orig_p\":40000,\"id.resp_h\":\"10.0.0.2\",\"id.resp_p\":502,\"proto\":\"tcp\",",
            "\"duration\":1.0,\"orig_bytes\":60,\"resp_bytes\":50,\"conn_state\":\"SF\",\"missed_bytes\":0,\"history\":\"ShADadFf\",",
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
        assert_eq!(uid(&one).len(), 18);
    }
}
