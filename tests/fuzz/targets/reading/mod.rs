//! Reads a capture to its end, in chunks of one frame and of many, which must give the same frames.

use sensor_capture::file::parse_bytes;
use sensor_capture::{Chunk, ChunkEnd};
use sensor_wire::LinkType;

type Seen = (i64, u32, LinkType, Vec<u8>);

pub fn read(bytes: &[u8]) {
    let (one_by_one, many) = (frames(bytes, 1), frames(bytes, 64));
    assert_eq!(one_by_one, many);
    for (_, wire_len, _, frame) in one_by_one {
        assert!(wire_len as usize >= frame.len() && frame.len() <= bytes.len());
    }
}

fn frames(bytes: &[u8], max: usize) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    let Ok(mut reader) = parse_bytes(bytes) else { return seen };
    let mut chunk = Chunk::default();
    // A frame takes sixteen bytes at least, in either format.
    for _ in 0..=bytes.len() {
        let Ok(end) = reader.next_chunk(max, &mut chunk) else { return seen };
        let before = seen.len();
        seen.extend(chunk.frames().iter().map(|frame| (frame.seen_at_nanos, frame.wire_len, frame.link, frame.bytes.to_vec())));
        if end != ChunkEnd::More {
            return seen;
        }
        assert!(seen.len() > before && seen.len() <= before + max, "no progress");
    }
    panic!("more chunks than bytes");
}
