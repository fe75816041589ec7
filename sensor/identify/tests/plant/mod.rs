//! The sensor in small, without threads: a capture file in, everything that was heard out.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use sensor_capture::{CaptureFile, Chunk, ChunkEnd};
use sensor_dissect::{Finding, Session, SessionKey, Status};
use sensor_flow::{FlowId, Observation, Reports, Table, VlanKey};
use sensor_identify::{Config, Inventory, Sighting};
use sensor_model::{Asset, Direction, Fact, FactKind, IpProtocol, Strength, Subject, Timestamp};
use sensor_wire::{Arp, Options, Outcome, Packet, decode};

/// A flow without direction: transport, then both ends as text in order.
pub type Ends = (String, [String; 2]);

#[derive(Default)]
pub struct Heard {
    pub facts: Vec<Fact>,
    pub services: BTreeMap<Ends, Option<&'static str>>,
    pub assets: Vec<Asset>,
}

pub fn config() -> Config {
    Config { internal: Vec::new(), max_assets: 100_000, max_evidence_an_asset: 64 }
}

/// None where the file cannot be read.
pub fn hear(path: &Path) -> Option<Heard> {
    let mut file = CaptureFile::open(path).ok()?;
    let mut chunk = Chunk::default();
    let mut listener = Listener::new();
    loop {
        let end = file.next_chunk(256, &mut chunk).ok()?;
        for frame in chunk.frames() {
            let seen_at = Timestamp::from_nanos(frame.seen_at_nanos);
            match decode(frame.link, frame.bytes, frame.wire_len, Options::default()) {
                Outcome::Packet(packet) => listener.packet(packet, frame.bytes, seen_at),
                Outcome::Arp(arp) => listener.arp(arp, seen_at),
                Outcome::Fragment(_) | Outcome::NonIp { .. } | Outcome::Skip(_) => {}
            }
        }
        if !matches!(end, ChunkEnd::More) {
            break;
        }
    }
    let mut heard = listener.heard;
    heard.assets = listener.inventory.assets();
    Some(heard)
}

struct Listener {
    table: Table,
    sessions: HashMap<FlowId, (SessionKey, Session)>,
    inventory: Inventory,
    heard: Heard,
}

impl Listener {
    fn new() -> Self {
        let flow = sensor_flow::Config {
            capacity: 1 << 16,
            tcp_idle_timeout: Duration::from_secs(300),
            tcp_attempt_timeout: Duration::from_secs(60),
            udp_idle_timeout: Duration::from_secs(60),
            icmp_idle_timeout: Duration::from_secs(60),
            interim_interval: Duration::from_secs(3600),
            reports: Reports::All,
            vlan_key: VlanKey::Auto,
        };
        Self {
            table: Table::new(flow, 1),
            sessions: HashMap::new(),
            inventory: Inventory::new(config()),
            heard: Heard::default(),
        }
    }

    fn arp(&mut self, arp: Arp, seen_at: Timestamp) {
        // A probe has no sender address yet (RFC 5227 2.1.1).
        if arp.sender_ip.is_unspecified() {
            return;
        }
        self.learn(Fact {
            subject: Subject::Ip(IpAddr::V4(arp.sender_ip)),
            kind: FactKind::MacOfAddress,
            value: arp.sender_mac.to_string(),
            strength: Strength::Confirmed,
            source: "arp".to_owned(),
            seen_at,
        });
    }

    fn packet(&mut self, packet: Packet, frame: &[u8], seen_at: Timestamp) {
        if packet.tunnel.is_none() {
            self.inventory.see(Sighting {
                mac: packet.source_mac,
                ip: packet.source_address(),
                tags: sensor_model::VlanStack::default(),
                seen_at,
            });
        }
        let mut touches = Vec::new();
        self.table.process(&[Observation { seen_at, packet }], &mut touches, &mut Vec::new());
        let Some(Some(touch)) = touches.first().copied() else { return };
        if touch.opened {
            self.sessions.remove(&touch.flow);
        }
        let transport = match IpProtocol::from_number(packet.protocol) {
            IpProtocol::Tcp => "tcp",
            IpProtocol::Udp => "udp",
            IpProtocol::Icmp => "icmp",
            _ => return,
        };
        let ends = [(packet.source_address(), packet.source_port), (packet.destination_address(), packet.destination_port)];
        let mut words = ends.map(|(ip, port)| format!("{ip}:{port}"));
        words.sort();
        let service = self.heard.services.entry((transport.to_owned(), words)).or_default();
        if !touch.inspect {
            return;
        }
        let [from, to] = ends.map(|(ip, port)| SocketAddr::new(ip, port));
        let (originator, responder) = if touch.direction == Direction::ToResponder { (from, to) } else { (to, from) };
        let (key, session) = self.sessions.entry(touch.flow).or_insert_with(|| {
            let key = SessionKey {
                protocol: IpProtocol::from_number(packet.protocol),
                originator: originator.ip(),
                originator_port: originator.port(),
                responder: responder.ip(),
                responder_port: responder.port(),
                originator_mac: packet.source_mac,
            };
            (key, Session::new(&key))
        });
        let mut findings = Vec::new();
        // The table may have turned the flow round since; the session keeps the orientation it began with.
        let direction = if from.ip() == key.originator && (transport == "icmp" || from.port() == key.originator_port) {
            Direction::ToResponder
        } else {
            Direction::ToOriginator
        };
        let status = session.feed(key, direction, touch.stream_offset, packet.payload(frame), seen_at, &mut findings);
        if status == Status::Done {
            self.table.stop_inspecting(touch.flow);
        }
        for finding in findings {
            match finding {
                Finding::Service(name) => *service = Some(name),
                Finding::Fact(fact) => {
                    self.inventory.learn(&fact);
                    self.heard.facts.push(fact);
                }
                Finding::Reversed(_) | Finding::Operation(_) | Finding::Proof(_) => {}
            }
        }
    }

    fn learn(&mut self, fact: Fact) {
        self.inventory.learn(&fact);
        self.heard.facts.push(fact);
    }
}
