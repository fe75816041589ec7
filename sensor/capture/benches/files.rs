//! Nanoseconds a packet of 64 bytes, from memory: `cargo bench -p sensor-capture`.

use std::hint::black_box;
use std::time::Instant;

use sensor_capture::file::parse_bytes;
use sensor_capture::{Chunk, ChunkEnd};

const PACKETS: usize = 1_000_000;
const ROUNDS: usize = 5;

fn main() {
    for (format, file) in [("pcap", pcap()), ("pcapng", pcapng())] {
        let best = (0..ROUNDS).map(|_| nanos_per_packet(&file)).fold(f64::INFINITY, f64::min);
        println!("{format}: {best:.1} ns a packet, best of {ROUNDS}");
    }
}

fn nanos_per_packet(file: &[u8]) -> f64 {
    let start = Instant::now();
    let (mut chunk, mut packets) = (Chunk::default(), 0_usize);
    let Ok(mut reader) = parse_bytes(file) else { return f64::NAN };
    while let Ok(ChunkEnd::More) = reader.next_chunk(2_048, &mut chunk) {
        packets += black_box(chunk.frames()).len();
    }
    assert_eq!(packets, PACKETS);
    start.elapsed().as_nanos() as f64 / packets as f64
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn pcap() -> Vec<u8> {
    let header = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1]);
    let record = [words(&[1, 2, 64, 64]), vec![0; 64]].concat();
    [header, record.repeat(PACKETS)].concat()
}

fn pcapng() -> Vec<u8> {
    let section = words(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28]);
    let interface = words(&[1, 20, 1, 0, 20]);
    let packet = [words(&[6, 96, 0, 0, 9, 64, 64]), vec![0; 64], words(&[96])].concat();
    [section, interface, packet.repeat(PACKETS)].concat()
}
