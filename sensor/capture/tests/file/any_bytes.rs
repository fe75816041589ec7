//! Bytes from anywhere: the reader ends, gives only frames inside the file, and never panics.

use crate::made::{Endian, enhanced, interface, pcap_header, pcap_record, section, simple};
use proptest::prelude::*;
use sensor_capture::ChunkEnd;
use sensor_capture::file::parse_bytes;

/// Drives a reader to its end and checks what holds for every input.
fn drive(file: &[u8]) -> Result<(), TestCaseError> {
    let Ok(mut reader) = parse_bytes(file) else { return Ok(()) };
    let mut frames = Vec::new();
    // Each step takes at least 12 bytes, so there cannot be more calls than bytes.
    for _ in 0..=file.len() {
        frames.clear();
        let before = reader.progress().0;
        let end = reader.read_chunk(3, &mut frames);
        prop_assert!(frames.len() <= 3);
        for frame in &frames {
            prop_assert!(frame.wire_len as usize >= frame.bytes.len());
            let inside = file.as_ptr_range().contains(&frame.bytes.as_ptr()) || frame.bytes.is_empty();
            prop_assert!(inside, "a frame lies outside the file");
        }
        let (offset, total) = reader.progress();
        prop_assert!(before <= offset && offset <= total);
        match end {
            Ok(ChunkEnd::More) => {}
            Ok(_) | Err(_) => {
                // The end is an end: asking again gives nothing new.
                let mut none = Vec::new();
                let again = reader.read_chunk(3, &mut none);
                prop_assert!(none.is_empty() && !matches!(again, Ok(ChunkEnd::More)));
                return Ok(());
            }
        }
    }
    Err(TestCaseError::fail("the reader does not end"))
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
        drive(&file)?;
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
        drive(&file)?;
    }
}
