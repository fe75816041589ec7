//! Reads a capture to its end, in chunks of one and of many frames, which must give the same.

use sensor_capture::file::parse_bytes;
use sensor_capture::{ChunkEnd, Frame};

pub fn read(bytes: &[u8]) {
    let (one_by_one, many) = (frames(bytes, 1), frames(bytes, 64));
    assert_eq!(one_by_one.len(), many.len());
    for (one, other) in one_by_one.iter().zip(&many) {
        assert_eq!((one.seen_at_nanos, one.wire_len, one.link, one.bytes), (other.seen_at_nanos, other.wire_len, other.link, other.bytes));
        assert!(one.wire_len as usize >= one.bytes.len());
    }
}

fn frames(bytes: &[u8], max: usize) -> Vec<Frame<'_>> {
    let mut frames = Vec::new();
    let Ok(mut reader) = parse_bytes(bytes) else { return frames };
    // A block takes twelve bytes at least.
    for _ in 0..=bytes.len() {
        let before = (reader.progress(), frames.len());
        match reader.read_chunk(max, &mut frames) {
            Ok(ChunkEnd::More) => {}
            Ok(ChunkEnd::End | ChunkEnd::Truncated(_)) | Err(_) => return frames,
        }
        assert_ne!((reader.progress(), frames.len()), before, "no progress");
    }
    panic!("more chunks than bytes");
}
