//! `make bench`, third part: what reading costs. The internet mix through the sensor's own reader and through libpcap, alone and with decode and
//! flow update behind it. One thread, CPU nanoseconds a packet.

use std::path::Path;
use std::time::Duration;

use harness::generate::generate;
use harness::scratch::Scratch;
use rustix::time::{ClockId, clock_gettime};
use sensor_capture::{CaptureFile, Chunk, ChunkEnd};
use sensor_flow::{Config, Observation, Reports, Table, VlanKey};
use sensor_model::Timestamp;
use sensor_wire::{LinkType, Options, Outcome, decode};

const RUNS: usize = 5;
const BATCH: usize = 64;

/// What is done with each frame.
trait Sink {
    fn take(&mut self, seen_at_nanos: i64, wire_len: u32, bytes: &[u8]);
}

#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn take(&mut self, _: i64, _: u32, bytes: &[u8]) {
        self.0 += u64::from(!bytes.is_empty());
    }
}

struct Flows {
    table: Table,
    batch: Vec<Observation>,
    touches: Vec<Option<sensor_flow::Touch>>,
    events: Vec<sensor_flow::FlowEvent>,
}

impl Sink for Flows {
    fn take(&mut self, seen_at_nanos: i64, wire_len: u32, bytes: &[u8]) {
        if let Outcome::Packet(packet) = decode(LinkType::Ethernet, bytes, wire_len, Options::default()) {
            self.batch.push(Observation { seen_at: Timestamp::from_nanos(seen_at_nanos), packet });
        }
        if self.batch.len() == BATCH {
            self.table.process(&self.batch, &mut self.touches, &mut self.events);
            self.batch.clear();
            self.events.clear();
        }
    }
}

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` runs this too; it then only has to work.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let scratch = Scratch::create("input")?;
    let capture = scratch.file("imix.pcap");
    let packets = generate("imix", Some(if is_bench { 50_000 } else { 100 }), 1, &capture, None)?.packets;
    println!("\ninput: internet mix, {packets} packets, ns a packet");
    for (name, read) in [("own reader", by_ours as fn(&Path, &mut dyn Sink) -> anyhow::Result<()>), ("libpcap", by_libpcap)] {
        let alone = best(packets, || read(&capture, &mut Count::default()))?;
        let with_flows = best(packets, || read(&capture, &mut flows()))?;
        println!("  {name:<11} read {alone:>6.1}   read, decode, flow update {with_flows:>6.1}");
    }
    Ok(())
}

fn flows() -> Flows {
    let long = Duration::from_secs(3600);
    let config = Config {
        capacity: 1 << 17,
        tcp_idle_timeout: long,
        tcp_attempt_timeout: long,
        udp_idle_timeout: long,
        icmp_idle_timeout: long,
        interim_interval: long,
        reports: Reports::EndsOnly,
        vlan_key: VlanKey::default(),
    };
    Flows { table: Table::new(config, 1), batch: Vec::with_capacity(BATCH), touches: Vec::new(), events: Vec::new() }
}

fn by_ours(path: &Path, sink: &mut dyn Sink) -> anyhow::Result<()> {
    let (mut file, mut chunk) = (CaptureFile::open(path)?, Chunk::default());
    while let ChunkEnd::More = file.next_chunk(2_048, &mut chunk)? {
        chunk.frames().iter().for_each(|frame| sink.take(frame.seen_at_nanos, frame.wire_len, frame.bytes));
    }
    Ok(())
}

fn by_libpcap(path: &Path, sink: &mut dyn Sink) -> anyhow::Result<()> {
    let mut file = pcap::Capture::from_file_with_precision(path, pcap::Precision::Nano)?;
    loop {
        match file.next_packet() {
            Ok(packet) => {
                let nanos = packet.header.ts.tv_sec * 1_000_000_000 + packet.header.ts.tv_usec;
                sink.take(nanos, packet.header.len, packet.data);
            }
            Err(pcap::Error::NoMorePackets) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The machine is not ours alone: the best of some runs.
fn best(packets: u64, run: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let start = cpu_seconds();
        run()?;
        best = best.min((cpu_seconds() - start) / packets as f64 * 1e9);
    }
    Ok(best)
}

/// Seconds of CPU of this process so far.
fn cpu_seconds() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}
