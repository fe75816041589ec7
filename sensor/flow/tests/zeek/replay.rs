//! A capture file through decode and one table to `conn.log` lines in Zeek's names: what the tests against independent tools
//! compare. The sensor's own writer is the `sensor` package's.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::Duration;

use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::{Block, PcapNgReader};
use sensor_flow::{
    Config, FlowEvent, FragmentLimits, FragmentStats, Fragments, Observation, Reports, Table, TableStats, VlanKey,
};
use sensor_model::{FlowRecord, Side, Timestamp};
use sensor_wire::{LinkType, Options, Outcome, decode};
use serde_json::{Value, json};

/// A capture's records, and how many frames of it went where.
pub struct Replayed {
    pub records: Vec<FlowRecord>,
    pub frames: u64,
    pub outside: u64,
    pub stats: TableStats,
    pub fragments: FragmentStats,
}

/// Timeouts as long as Zeek's, so that only the packets decide.
fn config() -> Config {
    Config {
        capacity: 1 << 20,
        tcp_idle_timeout: Duration::from_mins(5),
        tcp_attempt_timeout: Duration::from_secs(5),
        udp_idle_timeout: Duration::from_mins(1),
        icmp_idle_timeout: Duration::from_mins(1),
        interim_interval: Duration::from_hours(1),
        reports: Reports::All,
        vlan_key: VlanKey::Auto,
    }
}

/// None when the file's format or link type cannot be read here.
pub fn replay(file: &Path, options: Options) -> Option<Replayed> {
    let mut table = Table::new(config(), 1);
    let mut fragments = Fragments::new(&FragmentLimits::default(), 1);
    let (mut batch, mut touches, mut events) = (Vec::new(), Vec::new(), Vec::new());
    let (mut frames, mut outside) = (0, 0);
    let mut records = Vec::new();
    each_frame(file, |link, seen_at, frame, wire_len| {
        frames += 1;
        match decode(link, frame, wire_len, options) {
            Outcome::Packet(packet) => {
                let observation = Observation { seen_at, packet };
                batch.push(observation);
                if Fragments::wants(&packet) {
                    fragments.take(&observation, &mut batch);
                }
            }
            Outcome::Fragment(packet) => fragments.take(&Observation { seen_at, packet }, &mut batch),
            _ => outside += 1,
        }
        if batch.len() >= 64 {
            table.process(&batch, &mut touches, &mut events);
            batch.clear();
        }
    })?;
    table.process(&batch, &mut touches, &mut events);
    table.drain(&mut events);
    fragments.drain();
    records.extend(events.into_iter().filter_map(|event| match event {
        FlowEvent::Ended { record, .. } => Some(*record),
        FlowEvent::Opened { .. } | FlowEvent::Interim { .. } => None,
    }));
    records.sort_by_key(|record| record.first_seen);
    Some(Replayed { records, frames, outside, stats: table.stats(), fragments: fragments.stats() })
}

fn each_frame(file: &Path, mut each: impl FnMut(LinkType, Timestamp, &[u8], u32)) -> Option<()> {
    let mut magic = [0; 4];
    File::open(file).ok()?.read_exact(&mut magic).ok()?;
    let input = BufReader::new(File::open(file).ok()?);
    let at = |time: Duration| Timestamp::from_nanos(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
    if magic == [0x0a, 0x0d, 0x0d, 0x0a] {
        let mut reader = PcapNgReader::new(input).ok()?;
        let mut links = Vec::new();
        while let Some(Ok(block)) = reader.next_block() {
            match block {
                Block::SectionHeader(_) => links.clear(),
                Block::InterfaceDescription(interface) => {
                    links.push((LinkType::from_number(u32::from(interface.linktype))?, tick_nanos(&interface)));
                }
                Block::EnhancedPacket(packet) => {
                    let (link, tick) = *links.get(packet.interface_id as usize)?;
                    each(link, at(packet.timestamp.saturating_mul(tick)), &packet.data, packet.original_len);
                }
                _ => {}
            }
        }
    } else {
        let mut reader = PcapReader::new(input).ok()?;
        let link = LinkType::from_number(u32::from(reader.header().datalink))?;
        while let Some(Ok(packet)) = reader.next_packet() {
            each(link, at(packet.timestamp), &packet.data, packet.orig_len);
        }
    }
    Some(())
}

/// The reader takes every tick for a nanosecond; by default it is a microsecond (pcapng, `if_tsresol`).
fn tick_nanos(interface: &InterfaceDescriptionBlock<'_>) -> u32 {
    let resolution = interface.options.iter().find_map(|option| match option {
        InterfaceDescriptionOption::IfTsResol(resolution) => Some(*resolution),
        _ => None,
    });
    10_u32.pow(9_u32.saturating_sub(u32::from(resolution.unwrap_or(6))))
}

/// One line of `conn.log`.
pub fn conn_line(record: &FlowRecord) -> Value {
    let duration = record.last_seen.since(record.first_seen);
    let known = !duration.is_zero();
    let payload = |side: &Side| if known { json!(side.payload_bytes) } else { Value::Null };
    json!({
        "ts": record.first_seen.as_zeek_seconds(),
        "id.orig_h": record.originator.to_string(),
        "id.orig_p": record.originator_port,
        "id.resp_h": record.responder.to_string(),
        "id.resp_p": record.responder_port,
        "proto": match record.protocol_number {
            1 | 58 => "icmp",
            6 => "tcp",
            17 => "udp",
            _ => "unknown_transport",
        },
        "service": Value::Null,
        "duration": if known { json!(duration.as_secs_f64()) } else { Value::Null },
        "orig_bytes": payload(&record.sent),
        "resp_bytes": payload(&record.received),
        "conn_state": format!("{:?}", record.state),
        "missed_bytes": record.missed_bytes,
        "history": if record.history.is_empty() { Value::Null } else { json!(record.history) },
        "orig_pkts": record.sent.packets,
        "orig_ip_bytes": record.sent.ip_bytes,
        "resp_pkts": record.received.packets,
        "resp_ip_bytes": record.received.ip_bytes,
        "vlan": record.vlan.map(|vlan| vlan.get()),
        "inner_vlan": record.inner_vlan.map(|vlan| vlan.get()),
        "orig_l2_bytes": record.sent.l2_bytes,
        "resp_l2_bytes": record.received.l2_bytes,
        "direction_reason": record.direction_reason,
        "tunnel_parents": record.tunnel.map(|tunnel| [tunnel.kind]),
        "ip_proto": record.protocol_number,
    })
}

/// The folder of captures beside the repository, if it is there.
pub fn shared() -> Option<std::path::PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("CORDON_SHARED").map_or(beside, Into::into);
    if shared.is_dir() {
        return Some(shared);
    }
    eprintln!("NOT TESTED: no captures in {}; set CORDON_SHARED", shared.display());
    None
}
