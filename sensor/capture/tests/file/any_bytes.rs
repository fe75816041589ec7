//! Bytes from anywhere: the reader ends, gives only frames inside the file, and never panics.

use crate::made::{Endian, enhanced, interface, pcap_header, pcap_record, section, simple};
use proptest::prelude::*;
use sensor_capture::file::parse_bytes;
use sensor_capture::{Chunk, ChunkEnd};

type Seen = (i64, u32, Vec<u8>);

/// Reads to the end by `step` frames, and checks what holds for every input. Gives all frames.
fn drive(bytes: &[u8], step: usize) -> Result<Vec<Seen>, TestCaseError> {
    let mut seen = Vec::new();
    let Ok(mut file) = parse_bytes(bytes) else { return Ok(seen) };
    let mut chunk = Chunk::default();
    // Each frame takes at least 12 bytes, so there cannot be more calls than bytes.
    for _ in 0..=bytes.len() {
        let end = file.next_chunk(step, &mut chunk);
        let frames = chunk.frames();
        prop_assert!(frames.len() <= step);
        for frame in &frames {
            prop_assert!(frame.wire_len as usize >= frame.bytes.len());
            let is_inside = frame.bytes.is_empty() || bytes.windows(frame.bytes.len()).any(|window| window == frame.bytes);
            prop_assert!(is_inside, "a frame of other bytes than the file's");
        }
        seen.extend(frames.iter().map(|frame| (frame.seen_at_nanos, frame.wire_len, frame.bytes.to_vec())));
        if !matches!(end, Ok(ChunkEnd::More)) {
            prop_assert!(frames.is_empty());
            // The end is an end: asking again gives nothing new.
            let again = file.next_chunk(step, &mut chunk);
            prop_assert!(chunk.frames().is_empty() && !matches!(again, Ok(ChunkEnd::More)));
            return Ok(seen);
        }
    }
    Err(TestCaseError::fail("the reader does not end"))
}

/// How many frames are asked for at a time changes nothing.
fn drive_both(bytes: &[u8]) -> Result<(), TestCaseError> {
    prop_assert_eq!(drive(bytes, 3)?, drive(bytes, usize::MAX)?);
    Ok(())
}

fn valid_file(e: Endian, kind: bool) -> Vec<u8> {
    if kind {
        let options: &[(u16, &[u8])] = &[(2, b"eth0"), (9, &[9]), (14, &[0; 8]), (0, &[])];
        let parts = [
            section(e),
            interface(e, 1, 0, options),
            enhanced(e, 0, 1 << 40, 60, b"first frame"),
            simple(e, 6, b"second"),
            section(e),
            interface(e, 1, 96, &[]),
            enhanced(e, 0, 5, 7, b"another"),
        ];
        parts.concat()
    } else {
        [pcap_header(e, 0xa1b2_c3d4, 2, 4, 1), pcap_record(e, 1, 2, 60, b"first"), pcap_record(e, 1, 2, 6, b"second")].concat()
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_behind_a_valid_start_never_hurt(
        big in any::<bool>(), kind in any::<bool>(), tail in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let e = if big { Endian::Big } else { Endian::Little };
        let mut file = if kind { [section(e), interface(e, 1, 0, &[])].concat() } else { pcap_header(e, 0xa1b2_c3d4, 2, 4, 1) };
        file.extend(tail);
        drive_both(&file)?;
    }

    #[test]
    fn mutated_captures_never_hurt(
        big in any::<bool>(), kind in any::<bool>(), cut in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let e = if big { Endian::Big } else { Endian::Little };
        let mut file = valid_file(e, kind);
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        file.truncate(cut.index(file.len() + 1));
        drive_both(&file)?;
    }
}
