//! One flow as exported: Zeek's `conn.log` names and order, then ours.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{IpProtocol, MacAddr, Timestamp, VlanId};

/// Of a packet against its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    ToResponder,
    ToOriginator,
}

/// Why the originator is thought to be the originator, strongest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectionReason {
    /// A TCP SYN, or an ICMP request, was seen.
    Syn,
    /// Only the SYN-ACK was seen.
    SynAck,
    /// The protocol names the roles (a DNS response bit, a DHCP op code).
    Role,
    /// One port is a registered service port, the other is not.
    PortRank,
    /// Whoever was heard first.
    #[default]
    FirstSeen,
}

/// Zeek's connection states (Zeek manual, `Conn::Info$conn_state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ConnState {
    S0,
    S1,
    SF,
    REJ,
    S2,
    S3,
    RSTO,
    RSTR,
    RSTOS0,
    RSTRH,
    SH,
    SHR,
    OTH,
}

/// Counters of one side of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    pub packets: u64,
    /// IP header and payload, by the IP length fields.
    pub ip_bytes: u64,
    /// Whole frames as they were on the wire.
    pub l2_bytes: u64,
    /// Transport payload as Zeek counts it (TCP by sequence numbers, UDP and ICMP by length); None when never known.
    pub payload_bytes: Option<u64>,
    /// TCP segments with payload that lay wholly at or below what was seen before, keep-alives left out.
    pub retransmits: u64,
    /// Later IP fragments, which are in none of the counts above: a datagram counts once, by its first.
    pub frag_packets: u64,
    pub frag_ip_bytes: u64,
    pub frag_l2_bytes: u64,
    /// Between the tap and this side's host and back, by the TCP handshake: SYN to SYN-ACK for the responder, SYN-ACK to ACK for the
    /// originator. Only of handshakes in which nothing was repeated.
    pub rtt: Option<Duration>,
    pub mac: Option<MacAddr>,
    /// TCP: the other side acknowledged data of this one, seen or not.
    pub data_acked: bool,
}

/// The innermost tunnel around a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct TunnelRef {
    /// `vxlan`, `gre`, `geneve`, `gtpu`, `ipip`, ...
    pub kind: &'static str,
    /// VNI, key, TEID or session id; 0 where the tunnel has none.
    pub id: u32,
}

/// A flow with everything the sensor knows of it. Serialized by the sensor's `conn.log` writer.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowRecord {
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub originator: IpAddr,
    pub originator_port: u16,
    pub responder: IpAddr,
    pub responder_port: u16,
    pub protocol: IpProtocol,
    /// IANA number (tells ICMP from ICMPv6).
    pub protocol_number: u8,
    pub service: Option<&'static str>,
    pub state: ConnState,
    pub history: String,
    pub missed_bytes: u64,
    /// TCP bytes that were acknowledged and never seen, also of connections that were joined midway, which `missed_bytes` leaves out as
    /// Zeek does; bytes that came late are taken back.
    pub gap_bytes: u64,
    pub sent: Side,
    pub received: Side,
    pub vlan: Option<VlanId>,
    pub inner_vlan: Option<VlanId>,
    pub tunnel: Option<TunnelRef>,
    pub direction_reason: DirectionReason,
}
