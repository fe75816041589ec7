//! `make bench`, first part: packets per CPU-second of decode plus flow update, from memory, 64-byte frames (60 without checksum) in
//! random order over many flows.

use std::time::Duration;

use harness::generate::{Random, Talk, Way};
use harness::packet::{Link, TCP, UDP};
use rustix::time::{ClockId, clock_gettime};
use sensor_flow::{Config, Observation, Reports, Table};
use sensor_model::Timestamp;
use sensor_wire::{LinkType, Options, Outcome, decode};

const FRAME_LEN: usize = 60;
const BATCH: usize = 64;
const GAP_NANOS: i64 = 67;

fn main() {
    // `cargo test --benches` runs this too; it then only has to work.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let sizes: &[(usize, usize)] = if is_bench { &[(10_000, 4_000_000), (1_000_000, 8_000_000)] } else { &[(1_000, 10_000)] };
    for &(flows, packets) in sizes {
        let frames = frames(flows);
        let arriving = in_random_order(&frames, packets);
        let (decode_only, all) = (pass(&frames, &arriving, None), pass(&frames, &arriving, Some(flows)));
        println!(
            "{flows:>8} flows, {packets} packets of 64 B: decode {:.1} ns, decode + flow update {:.1} ns a packet, {:.2} M packets a CPU-second",
            decode_only / packets as f64 * 1e9,
            all / packets as f64 * 1e9,
            packets as f64 / all / 1e6
        );
    }
}

/// One frame each way for each flow, back to back.
fn frames(flows: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(flows * 2 * FRAME_LEN);
    for number in 0..flows {
        let [_, b, c, d] = (number as u32).to_be_bytes();
        let link = Link::between([2, 0, 0, b, c, d], [2, 1, 0, 0, 0, d]);
        let protocol = if number % 2 == 0 { TCP } else { UDP };
        let mut talk = Talk::new(link, protocol, ([10, b, c, d], 40_000).into(), ([172, 16, d, c], 443).into());
        for way in [Way::ToServer, Way::ToClient] {
            bytes.extend(talk.say(way, &[]));
        }
    }
    bytes
}

/// `packets` of these frames, one after the other in memory as a ring or a capture file holds them: their flows are far from each other,
/// their bytes are not.
fn in_random_order(frames: &[u8], packets: usize) -> Vec<u8> {
    let mut random = Random::new(1);
    let mut bytes = Vec::with_capacity(packets * FRAME_LEN);
    for _ in 0..packets {
        let at = random.below((frames.len() / FRAME_LEN) as u64) as usize * FRAME_LEN;
        bytes.extend_from_slice(&frames[at..at + FRAME_LEN]);
    }
    bytes
}

/// CPU seconds for all packets that arrive; `flows` asks for the flow table too.
fn pass(frames: &[u8], arriving: &[u8], flows: Option<usize>) -> f64 {
    let mut table = flows.map(|flows| Table::new(config(flows), 1));
    let (mut batch, mut touches, mut events) = (Vec::with_capacity(BATCH), Vec::new(), Vec::new());
    let (mut now, mut seen) = (1_780_272_000_000_000_000_i64, 0);
    // Every flow is there before the clock starts: this measures updates.
    if let Some(table) = &mut table {
        for some in frames.chunks(BATCH * FRAME_LEN) {
            fill(&mut batch, some, &mut now);
            table.process(&batch, &mut touches, &mut events);
            events.clear();
        }
    }
    let start = cpu_seconds();
    for some in arriving.chunks(BATCH * FRAME_LEN) {
        fill(&mut batch, some, &mut now);
        seen += batch.len();
        if let Some(table) = &mut table {
            table.process(&batch, &mut touches, &mut events);
            events.clear();
        }
    }
    let spent = cpu_seconds() - start;
    assert_eq!(seen, arriving.len() / FRAME_LEN, "a frame was not decoded");
    spent
}

fn fill(batch: &mut Vec<Observation>, frames: &[u8], now: &mut i64) {
    batch.clear();
    for frame in frames.chunks_exact(FRAME_LEN) {
        *now += GAP_NANOS;
        if let Outcome::Packet(packet) = decode(LinkType::Ethernet, frame, FRAME_LEN as u32, Options::default()) {
            batch.push(Observation { seen_at: Timestamp::from_nanos(*now), packet });
        }
    }
}

fn config(flows: usize) -> Config {
    let long = Duration::from_secs(3600);
    Config {
        capacity: flows * 2,
        tcp_idle_timeout: long,
        tcp_attempt_timeout: long,
        udp_idle_timeout: long,
        icmp_idle_timeout: long,
        interim_interval: long,
        reports: Reports::All,
    }
}

/// Seconds of CPU of this process so far.
fn cpu_seconds() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}
