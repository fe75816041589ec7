//! What looking for copies costs, CPU time from memory, one core: `cargo run --release -p sensor-flow --example bench_duplicates [-- PACKETS]`.
//!
//! Frames come a tenth of a microsecond apart (10 Mpps) between random pairs of 100,000; with copies, every second frame is the one
//! before it on the other side of a router.

use std::hint::black_box;
use std::time::Duration;

use sensor_flow::{DuplicateConfig, Duplicates, Observation};
use sensor_model::Timestamp;
use sensor_wire::{LinkType, Options, Outcome, decode};

const GAP_NANOS: u64 = 100;
const BATCH: usize = 64;
const PAIRS: u32 = 100_000;

fn main() {
    let packets = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2_000_000);
    println!("{:<12}{:>8}{:>10}{:>12}{:>12}{:>12}", "frame", "copies", "window", "decode ns", "copies ns", "removed");
    for (len, count) in [(60, packets), (590, packets / 4), (1_514, packets / 8)] {
        for with_copies in [false, true] {
            let traffic = Traffic::make(len, count, with_copies);
            for window in [Duration::from_millis(1), Duration::from_millis(10)] {
                let Some((decoding, judging, removed)) = traffic.judge(window) else { continue };
                let [decoding, judging] = [decoding, judging].map(|time| time.as_nanos() as f64 / count as f64);
                let copies = if with_copies { "half" } else { "none" };
                let (frame, window) = (format!("{} B", len + 4), format!("{window:?}"));
                println!("{frame:<12}{copies:>8}{window:>10}{decoding:>12.1}{judging:>12.1}{removed:>12}");
            }
        }
    }
}

/// Frames of one length one after the other.
struct Traffic {
    len: usize,
    bytes: Vec<u8>,
}

impl Traffic {
    fn make(len: usize, count: usize, with_copies: bool) -> Self {
        let mut random = 1_u64;
        let mut frame = vec![0; len];
        let mut bytes = Vec::with_capacity(len * count);
        for number in 0..count {
            if with_copies && number % 2 == 1 {
                // The same packet behind the router.
                (frame[5], frame[11], frame[22]) = (200, 201, 63);
            } else {
                // Knuth, "The Art of Computer Programming" 3.3.4: MMIX.
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                fill(&mut frame, (random >> 40) as u32 % PAIRS, number as u32);
            }
            bytes.extend_from_slice(&frame);
        }
        Self { len, bytes }
    }

    /// By batches, as a worker gets them; without duplicates, decoding only.
    fn play(&self, mut duplicates: Option<&mut Duplicates>) -> Duration {
        let start = cpu_time();
        let mut observations = Vec::with_capacity(BATCH);
        let mut seen_at = Timestamp::ZERO;
        for batch in self.bytes.chunks(self.len * BATCH) {
            observations.clear();
            for frame in batch.chunks(self.len) {
                seen_at = seen_at + Duration::from_nanos(GAP_NANOS);
                if let Outcome::Packet(packet) = decode(LinkType::Ethernet, frame, self.len as u32, Options::default()) {
                    observations.push(Observation { seen_at, packet });
                }
            }
            let Some(duplicates) = duplicates.as_deref_mut() else {
                black_box(&observations);
                continue;
            };
            for (observation, frame) in observations.iter().zip(batch.chunks(self.len)) {
                black_box(duplicates.judge(&observation.packet, frame, observation.seen_at));
            }
        }
        cpu_time() - start
    }

    /// Decoding alone and looking for copies alone, and how many were removed; the best of three.
    fn judge(&self, window: Duration) -> Option<(Duration, Duration, u64)> {
        let decoding = (0..3).map(|_| self.play(None)).min()?;
        let config = DuplicateConfig { window, contents: (64 * window.as_micros()) as usize };
        let run = |_| {
            let mut duplicates = Duplicates::new(config, 1);
            (self.play(Some(&mut duplicates)), duplicates.counts().total())
        };
        let (both, removed) = (0..3).map(run).min()?;
        Some((decoding, both.saturating_sub(decoding), removed))
    }
}

/// Of this process: other programs' time does not count.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// A TCP segment of a pair of hosts.
fn fill(frame: &mut [u8], pair: u32, number: u32) {
    let [_, a, b, c] = pair.to_be_bytes();
    let len = (frame.len() as u16 - 14).to_be_bytes();
    let id = (number as u16).to_be_bytes();
    let head = [2, 0, 0, 0, 1, c % 20, 2, 0, 0, 0, 0, c % 50, 8, 0, 0x45, 0, len[0], len[1], id[0], id[1], 0x40, 0, 64, 6, 0, 0];
    frame[..head.len()].copy_from_slice(&head);
    frame[26..34].copy_from_slice(&[10, a, b, c, 10, 200, a, b]);
    frame[34..38].copy_from_slice(&[0x9c, 0x40, 1, 0xbb]);
    frame[38..42].copy_from_slice(&number.to_be_bytes());
    frame[46..48].copy_from_slice(&[0x50, 0x10]);
}
