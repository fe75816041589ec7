//! Compressed captures to plain bytes in memory, up to a limit. What could be unpacked of a damaged file is kept.

use std::io::{ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

pub(super) enum Unpacked {
    Plain,
    /// The bytes, and what went wrong behind them.
    Bytes(Vec<u8>, Option<String>),
    TooLarge,
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

pub(super) fn unpack(file: &[u8], limit: u64) -> Unpacked {
    let mut out = Vec::new();
    let damage = if file.starts_with(&GZIP) {
        // `gzip` may write several members one after the other (RFC 1952 2.2).
        copy(MultiGzDecoder::new(file), &mut out, limit)
    } else if file.starts_with(&ZSTD) {
        zstd(file, &mut out, limit)
    } else {
        return Unpacked::Plain;
    };
    if out.len() as u64 > limit { Unpacked::TooLarge } else { Unpacked::Bytes(out, damage) }
}

/// All frames of a zstd file one after the other, passing over the skippable ones (RFC 8878 3.1).
fn zstd(mut file: &[u8], out: &mut Vec<u8>, limit: u64) -> Option<String> {
    while !file.is_empty() && out.len() as u64 <= limit {
        match StreamingDecoder::new(&mut file) {
            Ok(mut decoder) => {
                if let Some(damage) = copy(&mut decoder, out, limit) {
                    return Some(damage);
                }
                let wanted = decoder.decoder.get_checksum_from_data();
                if wanted.is_some() && wanted != decoder.decoder.get_calculated_checksum() {
                    return Some("the checksum of its content is wrong".to_owned());
                }
            }
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                let Some(rest) = file.get(length as usize..) else {
                    return Some("it ends inside a skippable frame".to_owned());
                };
                file = rest;
            }
            Err(error) => return Some(error.to_string()),
        }
    }
    None
}

/// Reads to the end or one byte past the limit; gives what went wrong. What came before the damage is in `out`.
fn copy(from: impl Read, out: &mut Vec<u8>, limit: u64) -> Option<String> {
    let room = limit.saturating_add(1).saturating_sub(out.len() as u64);
    match from.take(room).read_to_end(out) {
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Some("it ends too early".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "inputs are made here, and a panic fails the test")]
mod tests {
    use super::*;
    use std::io::Write;

    use proptest::prelude::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory")
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn a_small_file_that_unpacks_to_more_than_the_limit_is_refused() {
        let bomb = vec![0; 100_000];
        for packed in [gzip(&bomb), zstd(&bomb), [zstd(&bomb[..60_000]), zstd(&bomb[..60_000])].concat()] {
            assert!(matches!(unpack(&packed, 99_999), Unpacked::TooLarge));
        }
        assert!(matches!(unpack(&gzip(&bomb), 100_000), Unpacked::Bytes(bytes, None) if bytes == bomb));
    }

    proptest! {
        #[test]
        fn mutated_compressed_files_never_hurt(
            with_gzip in any::<bool>(), cut in any::<prop::sample::Index>(),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let plain: Vec<u8> = (0..2_000_u32).flat_map(|number| (number / 3 * number).to_le_bytes()).collect();
            let mut packed = if with_gzip { gzip(&plain) } else { zstd(&plain) };
            for (at, value) in changes {
                let at = at.index(packed.len());
                packed[at] = value;
            }
            packed.truncate(cut.index(packed.len() + 1));
            if let Unpacked::Bytes(bytes, _) = unpack(&packed, 1 << 20) {
                prop_assert!(bytes.len() <= 1 << 20);
            }
        }
    }
}
