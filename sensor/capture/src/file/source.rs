//! The bytes of a capture, plain or unpacked on the way, from a file or a pipe.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Error, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// What a decompressor takes from the file at a time.
const PACKED_BUFFER: usize = 1 << 17;

/// A capture's bytes in order.
pub(super) struct Source {
    bytes: Box<dyn Read + Send>,
    pub compressed: bool,
    taken: Arc<AtomicU64>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("compressed", &self.compressed).field("taken", &self.taken).finish_non_exhaustive()
    }
}

impl Source {
    /// `-` is standard input.
    pub fn open(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" { Self::over(io::stdin()) } else { Self::over(File::open(path)?) }
    }

    /// What is compressed shows in the first bytes.
    pub fn over(mut bytes: impl Read + Send + 'static) -> io::Result<Self> {
        let mut start = Vec::new();
        bytes.by_ref().take(ZSTD.len() as u64).read_to_end(&mut start)?;
        let (gzip, zstd) = (start.starts_with(&GZIP), start.starts_with(&ZSTD));
        let taken = Arc::new(AtomicU64::new(0));
        let bytes = Counted { inner: Cursor::new(start).chain(bytes), taken: Arc::clone(&taken) };
        let bytes: Box<dyn Read + Send> = if gzip {
            // `gzip` may write several members one after the other (RFC 1952 2.2).
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(PACKED_BUFFER, bytes)))
        } else if zstd {
            Box::new(ZstdFrames::new(BufReader::with_capacity(PACKED_BUFFER, bytes)))
        } else {
            Box::new(bytes)
        };
        Ok(Self { bytes, compressed: gzip || zstd, taken })
    }

    /// Bytes taken from the file or pipe so far.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(into)
    }
}

#[derive(Debug)]
struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(into)?;
        self.taken.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// All frames of a zstd file one after the other, passing over the skippable ones (RFC 8878 3.1).
struct ZstdFrames<R> {
    packed: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(packed: R) -> Self {
        Self { packed, decoder: FrameDecoder::new(), in_frame: false }
    }

    /// False when there is no further frame.
    fn begin_frame(&mut self) -> io::Result<bool> {
        while !self.packed.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.packed) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let wanted = u64::from(length);
                    if io::copy(&mut self.packed.by_ref().take(wanted), &mut io::sink())? < wanted {
                        return Err(Error::new(ErrorKind::UnexpectedEof, "it ends inside a skippable frame"));
                    }
                }
                Err(error) => return Err(Error::other(error)),
            }
        }
        Ok(false)
    }

    fn end_frame(&mut self) -> io::Result<()> {
        let wanted = self.decoder.get_checksum_from_data();
        if wanted.is_some() && wanted != self.decoder.get_calculated_checksum() {
            return Err(Error::other("the checksum of its content is wrong"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame && !self.begin_frame()? {
                return Ok(0);
            }
            self.in_frame = true;
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(into);
            }
            if self.decoder.is_finished() {
                self.in_frame = false;
                self.end_frame()?;
            } else {
                self.decoder.decode_blocks(&mut self.packed, BlockDecodingStrategy::UptoBlocks(1)).map_err(Error::other)?;
            }
        }
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

    /// At most `limit` bytes, and whether it then ended well.
    fn unpack(packed: Vec<u8>, limit: u64) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        let source = Source::over(Cursor::new(packed)).expect("in memory");
        let well = source.take(limit).read_to_end(&mut bytes).is_ok();
        (bytes, well)
    }

    fn plain() -> Vec<u8> {
        (0..60_000_u32).flat_map(|number| (number / 3 * number).to_le_bytes()).collect()
    }

    #[test]
    fn members_and_frames_one_after_the_other_give_their_bytes_in_order() {
        let bytes = plain();
        let (first, second) = bytes.split_at(100_001);
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        for packed in
            [[gzip(first), gzip(second)].concat(), [zstd(first), skippable.to_vec(), zstd(second)].concat(), bytes.clone()]
        {
            let (unpacked, well) = unpack(packed, u64::MAX);
            assert!(well && unpacked == bytes);
        }
    }

    #[test]
    fn what_is_cut_gives_what_came_before_and_an_error() {
        for packed in [gzip(&plain()), zstd(&plain())] {
            let (unpacked, well) = unpack(packed[..packed.len() - 3].to_vec(), u64::MAX);
            assert!(!well && plain().starts_with(&unpacked));
        }
    }

    proptest! {
        #[test]
        fn mutated_compressed_files_never_hurt(
            with_gzip in any::<bool>(), cut in any::<prop::sample::Index>(),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let plain = &plain()[..8_000];
            let mut packed = if with_gzip { gzip(plain) } else { zstd(plain) };
            for (at, value) in changes {
                let at = at.index(packed.len());
                packed[at] = value;
            }
            packed.truncate(cut.index(packed.len() + 1));
            let (bytes, _) = unpack(packed, 1 << 20);
            prop_assert!(bytes.len() <= 1 << 20);
        }
    }
}
