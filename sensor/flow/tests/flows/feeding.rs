//! Packets by hand, and a table that is fed one conversation at a time.
#![expect(clippy::expect_used, reason = "a test may fail")]

use std::time::Duration;

use sensor_flow::{Config, FlowEvent, Observation, Reports, Table, Touch, VlanKey};
use sensor_model::{FlowRecord, MacAddr, Timestamp};
use sensor_wire::{Anomalies, Family, Fragment, Packet, TcpFlags, TcpSegment};

pub const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 1], 50_000);
pub const SERVER: ([u8; 4], u16) = ([10, 0, 0, 2], 502);

pub fn config() -> Config {
    Config {
        capacity: 1_000,
        tcp_idle_timeout: Duration::from_secs(600),
        tcp_attempt_timeout: Duration::from_secs(10),
        udp_idle_timeout: Duration::from_secs(60),
        icmp_idle_timeout: Duration::from_secs(30),
        interim_interval: Duration::from_secs(300),
        reports: Reports::All,
        vlan_key: VlanKey::Auto,
    }
}

pub fn packet(protocol: u8, from: ([u8; 4], u16), to: ([u8; 4], u16), payload_len: u32) -> Packet {
    let wide = |[a, b, c, d]: [u8; 4]| [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let header = if protocol == 6 { 40 } else { 28 };
    Packet {
        source_mac: MacAddr([2, 0, from.0[0], from.0[1], from.0[2], from.0[3]]),
        destination_mac: MacAddr([2, 0, to.0[0], to.0[1], to.0[2], to.0[3]]),
        vlan: None,
        inner_vlan: None,
        tunnel: None,
        family: Family::V4,
        source: wide(from.0),
        destination: wide(to.0),
        protocol,
        source_port: from.1,
        destination_port: to.1,
        ttl: 64,
        ip_len: payload_len.saturating_add(header),
        fragment: Fragment::Whole,
        fragment_id: 0,
        ip_id: 0,
        tcp: None,
        payload_offset: 14 + header,
        payload_captured: payload_len,
        payload_len,
        wire_len: payload_len.saturating_add(14 + header),
        anomalies: Anomalies::default(),
    }
}

pub fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16), payload_len: u32) -> Packet {
    packet(17, from, to, payload_len)
}

pub fn icmp(from: [u8; 4], to: [u8; 4], kind: u16, code: u16) -> Packet {
    packet(1, (from, kind), (to, code), 56)
}

pub fn tcp(from: ([u8; 4], u16), to: ([u8; 4], u16), flags: u8, sequence: u32, acknowledgment: u32, payload_len: u32) -> Packet {
    let segment = TcpSegment { sequence, acknowledgment, flags: TcpFlags(flags), window: 1_000 };
    Packet { tcp: Some(segment), ..packet(6, from, to, payload_len) }
}

/// `S.` and so on: S F R P and . for ACK.
pub fn flags(text: &str) -> u8 {
    text.bytes()
        .map(|letter| match letter {
            b'S' => TcpFlags::SYN,
            b'F' => TcpFlags::FIN,
            b'R' => TcpFlags::RST,
            b'P' => TcpFlags::PSH,
            b'.' => TcpFlags::ACK,
            _ => 0,
        })
        .fold(0, |all, bit| all | bit)
}

pub fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

pub fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_nanos(seconds * 1_000_000_000)
}

/// A table and everything it said.
pub struct Fed {
    pub table: Table,
    pub touches: Vec<Option<Touch>>,
    pub events: Vec<FlowEvent>,
    /// Time of the next packet that is fed without one.
    pub nanos: i64,
}

impl Fed {
    pub fn new(config: Config) -> Self {
        Self { table: Table::new(config, 7), touches: Vec::new(), events: Vec::new(), nanos: 0 }
    }

    pub fn packet_at(&mut self, seen_at: Timestamp, packet: Packet) -> Option<Touch> {
        self.table.process(&[Observation { seen_at, packet }], &mut self.touches, &mut self.events);
        self.touches[0]
    }

    pub fn packet(&mut self, packet: Packet) -> Option<Touch> {
        self.nanos += 1_000_000;
        self.packet_at(at(self.nanos), packet)
    }

    /// `>` from the client, `<` from the server; flags, sequence, acknowledgment, payload.
    pub fn segment(&mut self, way: char, text: &str, sequence: u32, acknowledgment: u32, len: u32) -> Touch {
        let (from, to) = if way == '>' { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        self.packet(tcp(from, to, flags(text), sequence, acknowledgment, len)).expect("counted")
    }

    /// Client at 101 and server at 301 after it.
    pub fn handshake(&mut self) {
        self.segment('>', "S", 100, 0, 0);
        self.segment('<', "S.", 300, 101, 0);
        self.segment('>', ".", 101, 301, 0);
    }

    /// Everything that ended, in order, after draining.
    pub fn ended(mut self) -> Vec<FlowRecord> {
        self.table.drain(&mut self.events);
        self.events
            .into_iter()
            .filter_map(|event| if let FlowEvent::Ended { record, .. } = event { Some(*record) } else { None })
            .collect()
    }

    /// The only flow there was.
    pub fn only(self) -> FlowRecord {
        let mut ended = self.ended();
        assert_eq!(ended.len(), 1, "{ended:#?}");
        ended.remove(0)
    }
}
