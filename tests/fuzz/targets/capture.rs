//! Any bytes as a capture file: frames inside the file, an end or an error, never a loop without progress.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sensor_capture::file::parse_bytes;
use sensor_capture::{Chunk, ChunkEnd};

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = parse_bytes(bytes) else { return };
    let mut chunk = Chunk::default();
    // A frame takes sixteen bytes at least, in either format.
    for _ in 0..=bytes.len() {
        let Ok(end) = reader.next_chunk(64, &mut chunk) else { return };
        let frames = chunk.frames();
        for frame in &frames {
            assert!(frame.bytes.len() <= bytes.len());
            assert!(frame.wire_len as usize >= frame.bytes.len());
        }
        if end != ChunkEnd::More {
            return;
        }
        assert!(!frames.is_empty(), "no progress");
    }
    panic!("more chunks than bytes");
});
