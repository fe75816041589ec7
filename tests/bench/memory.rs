//! `make bench`, first part: what a packet costs from memory on one core, with all that the live path does to it before dissection (decode,
//! key, table, state, sweep), and what a flow costs in memory. Best of several passes: the machine is not ours alone.

use std::time::Duration;

use anyhow::{Context, Result};
use harness::generate::{Random, Talk, Way, generate};
use harness::packet::{Link, TCP, UDP};
use harness::scratch::Scratch;
use prefetch_index::prefetch_index;
use rustix::time::{ClockId, clock_gettime};
use sensor_flow::{Config, FlowEvent, Observation, Reports, Table, TableStats, Touch, VlanKey};
use sensor_model::Timestamp;
use sensor_wire::{Found, LinkType, Options, Packet, decode_into};

const FRAME_LEN: usize = 60;
/// As the worker takes them.
const BATCH: usize = 64;
const GROUP: usize = 16;
const SWEEP_SLOTS: usize = 64;
/// 64-byte frames at 10 Gbit/s.
const GAP_NANOS: i64 = 67;
const PASSES: usize = 3;
/// Concurrent flows; another number, or `imix`, can be given as an argument, to look at one alone.
const SIZES: &[usize] = &[10_000, 100_000, 1_000_000, 4_000_000];
/// 2026-06-01, a Monday, 00:00 UTC.
const START_NANOS: i64 = 1_780_272_000_000_000_000;

fn main() -> Result<()> {
    // `cargo test --benches` runs this too; it then only has to work.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (sizes, packets, mix) = if is_bench { (SIZES, 4_000_000, 50_000) } else { (&[1_000, 2_000][..], 10_000, 100) };
    if std::env::args().any(|argument| argument == "imix") {
        return imix(mix);
    }
    if let Some(flows) = std::env::args().find_map(|argument| argument.parse().ok()) {
        small(flows, packets);
        return Ok(());
    }
    let mut costs = Vec::new();
    for &flows in sizes {
        costs.push(small(flows, packets));
    }
    if let (Some(first), Some(last)) = (costs.first(), costs.last()) {
        println!(
            "{:<44} {:>6.2} x    (bar: < 3)",
            format!("growth from {} to {} flows", sizes[0], sizes[sizes.len() - 1]),
            last / first
        );
    }
    imix(mix)?;
    scan(if is_bench { 100_000 } else { 1_000 });
    Ok(())
}

/// Nanoseconds a packet of 64 bytes in random order over so many flows, all of them there before the clock starts.
fn small(flows: usize, packets: usize) -> f64 {
    let frames = Frames::in_random_order(flows, packets);
    let decode_only = best(|| frames.decode());
    let resident = resident_bytes();
    let mut sensor = Sensor::new(flows);
    for first in (0..flows).step_by(BATCH) {
        let some = Frames::of((first..flows.min(first + BATCH)).map(|number| (number, Way::ToServer)));
        sensor.play(&some);
    }
    let resident = resident_bytes().saturating_sub(resident) as f64 / flows as f64;
    let counted = sensor.table.memory_bytes() as f64 / flows as f64;
    sensor.play(&frames);
    let all = best(|| sensor.play(&frames));
    assert_eq!(sensor.table.stats().flows_active, flows as u64, "a flow was lost");
    println!(
        "64 B, {flows:>8} flows: decode {:>5.1} ns, all {:>6.1} ns a packet {}, {counted:.1} B a flow (bar: <= 128), {resident:.1} B resident",
        decode_only / packets as f64,
        all / packets as f64,
        if flows == 1_000_000 { "(bar: <= 67)" } else { "            " },
    );
    all / packets as f64
}

/// The same for the internet mix: first all of a capture, openings and ends included, then a stretch of another in which all flows are
/// under way, after they have opened.
fn imix(flows: u64) -> Result<()> {
    let scratch = Scratch::create("memory")?;
    let capture = scratch.file("imix.pcap");
    let truth = generate("imix", Some(flows), 1, &capture, None)?;
    let frames = Frames::of_capture(std::fs::read(&capture)?, usize::MAX).context("a capture that is not whole")?;
    let packets = frames.starts.len();
    assert_eq!(packets as u64, truth.packets);
    let decode_only = best(|| frames.decode());
    let all = best(|| Sensor::new(100_000).play(&frames));
    println!(
        "IMIX, {flows:>8} flows that open and end: decode {:>5.1} ns, all {:>6.1} ns a packet",
        decode_only / packets as f64,
        all / packets as f64
    );
    generate("imix-long", Some(flows), 1, &capture, None)?;
    // Each flow had 12 turns: hardly one has not begun. The first to end need 40.
    let (opening, after) = (flows as usize * 12, flows as usize * 12);
    let mut frames = Frames::of_capture(std::fs::read(&capture)?, opening + after).context("a capture that is not whole")?;
    let later = frames.split_off(opening);
    let packets = later.starts.len();
    let decode_only = best(|| later.decode());
    let all = best(|| {
        let mut sensor = Sensor::new(100_000);
        sensor.play(&frames);
        sensor.play(&later)
    });
    println!(
        "IMIX, {flows:>8} flows at once: decode {:>5.1} ns, all {:>6.1} ns a packet (bar: <= 45)",
        decode_only / packets as f64,
        all / packets as f64
    );
    Ok(())
}

/// What an opening costs while there is room, and when another flow must go for it.
fn scan(capacity: usize) {
    let frames = |from: usize| Frames::of((from..from + capacity).map(|number| (number, Way::ToServer)));
    let mut sensor = Sensor::new(capacity);
    let with_room = sensor.play(&frames(0)) / capacity as f64;
    let mut full = f64::MAX;
    for pass in 1..=PASSES {
        full = full.min(sensor.play(&frames(pass * capacity)) / capacity as f64);
    }
    let stats = sensor.table.stats();
    assert_eq!(stats.flows_evicted, (PASSES * capacity) as u64);
    println!(
        "scan, {capacity:>8} flows: opening {with_room:>5.1} ns, with eviction {full:>6.1} ns, {:.2} x (bar: < 2)",
        full / with_room
    );
}

/// Frames back to back as a ring or a capture holds them: their flows are far from each other, their bytes are not.
struct Frames {
    bytes: Vec<u8>,
    /// Where each frame begins, and its length.
    starts: Vec<(usize, u32)>,
    /// Nanoseconds between frames.
    gap: i64,
}

impl Frames {
    fn of(which: impl Iterator<Item = (usize, Way)>) -> Self {
        let mut frames = Self { bytes: Vec::new(), starts: Vec::new(), gap: GAP_NANOS };
        for (number, way) in which {
            let [_, b, c, d] = (number as u32).to_be_bytes();
            // A few flows for each host.
            let link = Link::between([2, 0, 0, b, c, d & 0xf0], [2, 1, 0, 0, 0, 1]);
            let protocol = if number % 2 == 0 { TCP } else { UDP };
            let mut talk = Talk::new(link, protocol, ([10, b, c, d], 40_000).into(), ([172, 16, d, c], 443).into());
            frames.starts.push((frames.bytes.len(), FRAME_LEN as u32));
            frames.bytes.extend(talk.say(way, &[]));
        }
        assert_eq!(frames.bytes.len(), frames.starts.len() * FRAME_LEN);
        frames
    }

    fn in_random_order(flows: usize, packets: usize) -> Self {
        let mut random = Random::new(1);
        let mut either = || (random.below(flows as u64) as usize, if random.chance(50) { Way::ToServer } else { Way::ToClient });
        Self::of((0..packets).map(|_| either()))
    }

    /// A classic capture file of this machine's byte order (draft-ietf-opsawg-pcap 4 and 5).
    fn of_capture(mut bytes: Vec<u8>, limit: usize) -> Option<Self> {
        let (mut starts, mut at) = (Vec::new(), 24);
        while at < bytes.len() && starts.len() < limit {
            let len = u32::from_ne_bytes(bytes.get(at + 8..at + 12)?.try_into().ok()?);
            starts.push((at + 16, len));
            at += 16 + len as usize;
        }
        bytes.truncate(at);
        Some(Self { bytes, starts, gap: 20_000 })
    }

    /// Takes away the frames from the one with this number on.
    fn split_off(&mut self, at: usize) -> Self {
        let mut starts = self.starts.split_off(at.min(self.starts.len()));
        let first = starts.first().map_or(self.bytes.len(), |(start, _)| *start);
        for (start, _) in &mut starts {
            *start -= first;
        }
        Self { bytes: self.bytes.split_off(first), starts, gap: self.gap }
    }

    /// Nanoseconds for decoding alone.
    fn decode(&self) -> f64 {
        let start = cpu_nanos();
        let mut batch = Vec::with_capacity(BATCH);
        let mut now = START_NANOS;
        for first in (0..self.starts.len()).step_by(BATCH) {
            self.fill(&mut batch, first, &mut now);
            std::hint::black_box(&batch);
        }
        cpu_nanos() - start
    }

    /// As `sensor/src/sort.rs` does it, for a batch from the `first` frame on.
    fn fill(&self, batch: &mut Vec<Observation>, first: usize, now: &mut i64) {
        batch.clear();
        let starts = self.starts.get(first..).unwrap_or_default();
        let nothing = Observation { seen_at: Timestamp::ZERO, packet: Packet::EMPTY };
        let mut decoded = [(Found::Packet, nothing); GROUP];
        for (next, group) in (GROUP..).step_by(GROUP).zip(starts.chunks(GROUP)).take(BATCH / GROUP) {
            let mut ahead = starts.iter().skip(next);
            for (&(start, len), (found, observation)) in group.iter().zip(&mut decoded) {
                if let Some(&(ahead, _)) = ahead.next() {
                    prefetch_index(&self.bytes, ahead);
                    prefetch_index(&self.bytes, ahead + 64);
                }
                *now += self.gap;
                observation.seen_at = Timestamp::from_nanos(*now);
                let frame = self.bytes.get(start..start + len as usize).unwrap_or_default();
                *found = decode_into(LinkType::Ethernet, frame, len, Options::default(), &mut observation.packet);
            }
            for (found, observation) in decoded.iter().take(group.len()) {
                if *found == Found::Packet {
                    batch.extend_from_slice(std::slice::from_ref(observation));
                }
            }
        }
    }
}

/// The table as a worker drives it.
struct Sensor {
    table: Table,
    now: i64,
    batch: Vec<Observation>,
    touches: Vec<Option<Touch>>,
    events: Vec<FlowEvent>,
}

impl Sensor {
    fn new(capacity: usize) -> Self {
        let table = Table::new(config(capacity), 1);
        Self { table, now: START_NANOS, batch: Vec::with_capacity(BATCH), touches: Vec::new(), events: Vec::new() }
    }

    /// Nanoseconds for all frames.
    fn play(&mut self, frames: &Frames) -> f64 {
        let before = self.table.stats();
        let (start, mut given) = (cpu_nanos(), 0);
        for first in (0..frames.starts.len()).step_by(BATCH) {
            frames.fill(&mut self.batch, first, &mut self.now);
            given += self.batch.len() as u64;
            self.table.process(&self.batch, &mut self.touches, &mut self.events);
            // No dissector wants more: what dissection costs is another figure.
            for touch in self.touches.iter().flatten().filter(|touch| touch.inspect) {
                self.table.stop_inspecting(touch.flow);
            }
            self.table.sweep(Timestamp::from_nanos(self.now), SWEEP_SLOTS, &mut self.events);
            self.events.clear();
        }
        let spent = cpu_nanos() - start;
        assert_eq!(taken(self.table.stats()) - taken(before), given, "a packet is unaccounted for");
        spent
    }
}

const fn taken(stats: TableStats) -> u64 {
    stats.packets_counted + stats.packets_refused
}

fn best(mut pass: impl FnMut() -> f64) -> f64 {
    (0..PASSES).map(|_| pass()).fold(f64::MAX, f64::min)
}

fn config(capacity: usize) -> Config {
    let long = Duration::from_secs(3600);
    Config {
        capacity,
        tcp_idle_timeout: long,
        tcp_attempt_timeout: long,
        udp_idle_timeout: long,
        icmp_idle_timeout: long,
        interim_interval: long,
        reports: Reports::All,
        vlan_key: VlanKey::Auto,
    }
}

/// CPU time of this process so far.
fn cpu_nanos() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

/// Second field of `/proc/self/statm`, in pages of 4 KiB (man 5 proc).
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}
