//! Prints nanoseconds of processor time a packet for `decode` on cache-warm frames. Run: `cargo run --release -p sensor-wire --example bench_decode`.

use std::hint::black_box;

use sensor_wire::{LinkType, Options, Outcome, decode};

const ROUNDS: u32 = 5;
const PACKETS: u32 = 4_000_000;
/// Different frames in turn, so that no branch is learnt from one of them.
const FRAMES: u32 = 256;

fn main() {
    let plain = Options::default();
    let verified = Options { verify_checksums: true, ..plain };
    measure("TCP/IPv4, 64 B", plain, |n| frame(&[], 6, n));
    measure("UDP/IPv4, 64 B", plain, |n| frame(&[], 17, n));
    measure("TCP/IPv4, VLAN", plain, |n| frame(&[0x81, 0, 0, 7], 6, n));
    measure("TCP/IPv4, QinQ", plain, |n| frame(&[0x88, 0xa8, 0, 7, 0x81, 0, 0, 8], 6, n));
    measure("other IP protocol", plain, |n| frame(&[], 89, n));
    measure("TCP and UDP mixed", plain, |n| frame(&[], if n.wrapping_mul(0x9e37_79b9) & 0x100 == 0 { 6 } else { 17 }, n));
    measure("TCP/IPv6, 74 B", plain, frame_v6);
    measure("TCP/IPv4, checksums (wrong: skipped)", verified, |n| frame(&[], 6, n));
}

fn measure(name: &str, options: Options, build: impl Fn(u32) -> Vec<u8>) {
    let frames: Vec<_> = (0..FRAMES).map(build).collect();
    let mut best = u64::MAX;
    for _ in 0..ROUNDS {
        let start = processor_time();
        let mut sum = 0_u64;
        for frame in frames.iter().cycle().take(PACKETS as usize) {
            // By reference: a copy of the outcome is not the decoder's cost.
            if let Outcome::Packet(packet) = black_box(&decode(LinkType::Ethernet, black_box(frame), 64, options)) {
                sum = sum.wrapping_add(u64::from(packet.source_port));
            }
        }
        black_box(sum);
        best = best.min(processor_time().saturating_sub(start));
    }
    println!("{name}: {:.1} ns a packet", best as f64 / f64::from(PACKETS));
}

/// Nanoseconds this thread spent on a processor, so that other load does not count (proc_pid_schedstat).
fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0)
}

fn frame(tags: &[u8], protocol: u8, n: u32) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend_from_slice(tags);
    frame.extend_from_slice(&[8, 0, 0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend_from_slice(&transport(protocol, n));
    frame.resize(frame.len().max(60), 0);
    frame
}

fn frame_v6(n: u32) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 26, 6, 64];
    frame.extend_from_slice(&[0x20; 32]);
    frame.extend_from_slice(&transport(6, n));
    frame
}

fn transport(protocol: u8, n: u32) -> [u8; 26] {
    let mut bytes = [0; 26];
    let [_, _, high, low] = n.wrapping_mul(0x9e37_79b9).to_be_bytes();
    bytes[..4].copy_from_slice(&[high, low, 0x01, 0xbb]);
    match protocol {
        6 => bytes[12..14].copy_from_slice(&[0x50, 0x10]),
        _ => bytes[5] = 26,
    }
    bytes
}
