//! Captures that end anywhere: all whole packets are given, and it is said what was cut.

use sensor_capture::file::parse_bytes;
use sensor_capture::{CaptureError, Chunk, ChunkEnd};

use crate::made::{Endian, enhanced, interface, pcap_header, pcap_record, section};

/// What precedes the first packet, then the packets.
fn captures() -> Vec<(Vec<u8>, [Vec<u8>; 2])> {
    let mut captures = Vec::new();
    for e in [Endian::Little, Endian::Big] {
        for magic in [0xa1b2_c3d4, 0xa1b2_3c4d] {
            captures
                .push((pcap_header(e, magic, 2, 4, 1), [pcap_record(e, 1, 2, 5, b"first"), pcap_record(e, 1, 3, 9, b"second")]));
        }
        let start = [section(e), interface(e, 1, 0, &[(9, &[9]), (0, b"")])].concat();
        captures.push((start, [enhanced(e, 0, 1, 5, b"first"), enhanced(e, 0, 2, 9, b"second")]));
    }
    captures
}

#[test]
fn a_capture_cut_at_any_byte_gives_its_whole_packets_and_says_so() {
    for (start, [first, second]) in captures() {
        let file = [&start[..], &first, &second].concat();
        let after_first = start.len() + first.len();
        for len in 0..=file.len() {
            let whole = usize::from(len >= after_first) + usize::from(len == file.len());
            let mut reader = match parse_bytes(&file[..len]) {
                Ok(reader) => reader,
                Err(error) => {
                    assert!(len < start.len(), "cut at {len}: {error}");
                    continue;
                }
            };
            let (mut chunk, mut given) = (Chunk::default(), 0);
            let end = loop {
                match reader.next_chunk(1, &mut chunk) {
                    Ok(ChunkEnd::More) => given += chunk.frames().len(),
                    end => break end,
                }
            };
            assert_eq!(given, whole, "cut at {len}");
            match end {
                Ok(ChunkEnd::End) => assert!(ends_a_block(len, &start, after_first, file.len()), "cut at {len}"),
                Ok(ChunkEnd::Truncated(cut)) => assert!(cut.present_bytes < cut.claimed_bytes && cut.packet == whole as u64 + 1),
                Ok(ChunkEnd::More) => panic!("cut at {len}: no end"),
                Err(CaptureError::Malformed { .. }) => assert!(len < start.len(), "cut at {len}"),
                Err(error) => panic!("cut at {len}: {error}"),
            }
        }
    }
}

/// Between two records nothing is missing that could be noticed.
fn ends_a_block(len: usize, start: &[u8], after_first: usize, whole: usize) -> bool {
    let after_section = if start.len() == 24 { 24 } else { 28 };
    [after_section, start.len(), after_first, whole].contains(&len)
}
