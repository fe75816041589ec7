//! Decode and flow table from memory, one core: `cargo run --release -p sensor-flow --example bench_table [-- PACKETS]`.
//!
//! Prints nanoseconds a packet, packets a second and bytes a flow for several numbers of flows in random order.

use std::hint::black_box;
use std::time::{Duration, Instant};

use sensor_flow::{Config, Observation, Reports, Table, VlanKey};
use sensor_model::Timestamp;
use sensor_wire::{LinkType, Options, Outcome, decode};

/// Packets a call, as the worker takes them.
const BATCH: usize = 64;

fn main() {
    let only = std::env::args().nth(2).and_then(|text| text.parse().ok());
    let packets = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(4_000_000);
    println!(
        "{:<26}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "traffic", "flows", "open ns", "decode ns", "both ns", "Mpps", "B/flow"
    );
    for flows in [10_000, 100_000, 1_000_000, 2_000_000, 4_000_000] {
        if only.is_some_and(|only: u32| only != flows) {
            continue;
        }
        run("64 B, random order", &Traffic { flows, sizes: &[60] }, packets);
    }
    // Simple IMIX: 7 of 64, 4 of 594, 1 of 1518 bytes, the check sequence included.
    let imix: &[usize] = &[60, 60, 60, 60, 60, 60, 60, 590, 590, 590, 590, 1_514];
    run("IMIX, random order", &Traffic { flows: 50_000, sizes: imix }, packets / 4);
}

struct Traffic {
    flows: u32,
    sizes: &'static [usize],
}

fn run(name: &str, traffic: &Traffic, packets: usize) {
    let mut random = Random(1);
    let mut numbers = vec![[1_u32; 2]; traffic.flows as usize];
    let mut first: Vec<u32> = (0..traffic.flows).collect();
    for place in (1..first.len()).rev() {
        first.swap(place, random.below(place as u32 + 1) as usize);
    }
    let opening = Frames::make(first.into_iter(), traffic, &mut random, &mut numbers);
    let [steady, later] = [0, 1].map(|_| {
        let order: Vec<u32> = (0..packets).map(|_| random.below(traffic.flows)).collect();
        Frames::make(order.into_iter(), traffic, &mut random, &mut numbers)
    });

    let before = resident_bytes();
    let mut worker = Worker::new(traffic.flows as usize);
    let open = worker.play(&opening);
    let bytes = resident_bytes().saturating_sub(before) / u64::from(traffic.flows);
    let decode_only = (0..3).map(|_| decode_all(&steady)).min().unwrap_or_default();
    // Twice, and the better one: the machine is shared.
    let both = worker.play(&steady).min(worker.play(&later));
    let each = |time: Duration, count: usize| time.as_nanos() as f64 / count as f64;
    let nanos = each(both, steady.count());
    println!(
        "{name:<26}{:>10}{:>10.1}{:>10.1}{:>10.1}{:>10.2}{:>10}",
        traffic.flows,
        each(open, opening.count()),
        each(decode_only, steady.count()),
        nanos,
        1e3 / nanos,
        bytes
    );
    assert_eq!(worker.table.stats().flows_active, u64::from(traffic.flows));
}

struct Worker {
    table: Table,
    batch: Vec<Observation>,
    touches: Vec<Option<sensor_flow::Touch>>,
    events: Vec<sensor_flow::FlowEvent>,
    clock: i64,
}

impl Worker {
    fn new(capacity: usize) -> Self {
        let config = Config {
            capacity,
            tcp_idle_timeout: Duration::from_hours(1),
            tcp_attempt_timeout: Duration::from_hours(1),
            udp_idle_timeout: Duration::from_hours(1),
            icmp_idle_timeout: Duration::from_hours(1),
            interim_interval: Duration::from_hours(1),
            reports: Reports::All,
            vlan_key: VlanKey::Auto,
        };
        let batch = Vec::with_capacity(BATCH);
        Self { table: Table::new(config, 1), batch, touches: Vec::with_capacity(BATCH), events: Vec::new(), clock: 0 }
    }

    fn play(&mut self, frames: &Frames) -> Duration {
        let started = Instant::now();
        for frame in frames.iter() {
            self.clock += 67;
            if let Outcome::Packet(packet) = decode(LinkType::Ethernet, frame, frame.len() as u32, Options::default()) {
                self.batch.push(Observation { seen_at: Timestamp::from_nanos(self.clock), packet });
            }
            if self.batch.len() == BATCH {
                self.flush();
            }
        }
        self.flush();
        started.elapsed()
    }

    fn flush(&mut self) {
        self.table.process(&self.batch, &mut self.touches, &mut self.events);
        black_box(&self.touches);
        self.batch.clear();
        self.events.clear();
    }
}

fn decode_all(frames: &Frames) -> Duration {
    let started = Instant::now();
    for frame in frames.iter() {
        black_box(decode(LinkType::Ethernet, frame, frame.len() as u32, Options::default()));
    }
    started.elapsed()
}

/// Frames one after another, as a ring would hold them.
struct Frames {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Frames {
    fn make(order: impl Iterator<Item = u32>, traffic: &Traffic, random: &mut Random, numbers: &mut [[u32; 2]]) -> Self {
        let mut frames = Self { bytes: Vec::new(), ends: Vec::new() };
        for flow in order {
            let size = traffic.sizes[random.below(traffic.sizes.len() as u32) as usize];
            frames.push(flow, size, random.below(2) as usize, &mut numbers[flow as usize]);
        }
        frames
    }

    fn push(&mut self, flow: u32, size: usize, way: usize, numbers: &mut [u32; 2]) {
        let start = self.bytes.len();
        let tcp = flow.is_multiple_of(2);
        let ip_len = (size - 14) as u16;
        let ends = [(0x0a00_0000 + flow / 64, (40_000 + flow % 64) as u16), (0xac10_0000 + flow % 1_000, 502)];
        let (from, to) = (ends[way], ends[1 - way]);
        self.bytes.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0]);
        self.bytes.extend(ip_len.to_be_bytes());
        self.bytes.extend([0, 0, 0x40, 0, 64, if tcp { 6 } else { 17 }, 0, 0]);
        self.bytes.extend(from.0.to_be_bytes());
        self.bytes.extend(to.0.to_be_bytes());
        self.bytes.extend(from.1.to_be_bytes());
        self.bytes.extend(to.1.to_be_bytes());
        if tcp {
            self.bytes.extend(numbers[way].to_be_bytes());
            self.bytes.extend(numbers[1 - way].to_be_bytes());
            self.bytes.extend([0x50, 0x18, 1, 0, 0, 0, 0, 0]);
            numbers[way] = numbers[way].wrapping_add(u32::from(ip_len) - 40);
        } else {
            self.bytes.extend((ip_len - 20).to_be_bytes());
            self.bytes.extend([0, 0]);
        }
        self.bytes.resize(start + size, 0);
        self.ends.push(start + size);
    }

    fn count(&self) -> usize {
        self.ends.len()
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, &end)| self.bytes.get(start..end))
    }
}

/// Marsaglia's xorshift: fast, and the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((u64::from((self.0 >> 32) as u32) * u64::from(limit)) >> 32) as u32
    }
}

/// Linux: second field of `/proc/self/statm`, in pages of 4 KiB.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}
