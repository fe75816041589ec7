//! Capture files: pcap and pcapng, plain or compressed with gzip or zstd, mapped into memory and read without copying.
//! Refuses what is damaged with file, packet and offset, and never allocates by a length the file claims.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod bytes;
mod compressed;
mod interface;
mod link_name;
mod pcap;
mod pcapng;
mod reader;
mod step;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use memmap2::{Advice, Mmap};

pub use reader::{ChunkEnd, Reader, Truncation, UnreadableLink};

use crate::CaptureError;
use compressed::Unpacked;

/// The most a compressed capture, or one that comes through a pipe, may take in memory.
pub const MAX_IN_MEMORY_BYTES: u64 = 2 << 30;

/// One capture file, open and in reach of its readers.
#[derive(Debug)]
pub struct CaptureFile {
    name: String,
    content: Content,
    damage: Option<String>,
}

#[derive(Debug)]
enum Content {
    Mapped(Mmap),
    InMemory(Vec<u8>),
}

impl CaptureFile {
    /// Opens `path`; `-` is standard input.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CaptureError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let failed = |source| CaptureError::Open { file: name.clone(), source };
        let content = if path.as_os_str() == "-" {
            Content::InMemory(read_stream(io::stdin().lock(), &name)?)
        } else {
            let file = File::open(path).map_err(failed)?;
            let metadata = file.metadata().map_err(failed)?;
            // Pipes cannot be mapped, nor can files without length (as those of /proc).
            if metadata.is_file() && metadata.len() > 0 {
                Content::Mapped(map(&file).map_err(failed)?)
            } else {
                Content::InMemory(read_stream(file, &name)?)
            }
        };
        match compressed::unpack(content.bytes(), MAX_IN_MEMORY_BYTES) {
            Unpacked::Plain => Ok(Self { name, content, damage: None }),
            Unpacked::TooLarge => Err(too_large(&name)),
            Unpacked::Bytes(bytes, damage) => match damage {
                Some(reason) if bytes.is_empty() => Err(CaptureError::Decompress { file: name, reason }),
                damage => Ok(Self { name, content: Content::InMemory(bytes), damage }),
            },
        }
    }

    /// A reader at the first packet.
    pub fn reader(&self) -> Result<Reader<'_>, CaptureError> {
        let reader = Reader::over(&self.name, self.content.bytes())?;
        Ok(reader.with_damage(self.damage.as_deref()))
    }
}

impl Content {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::InMemory(bytes) => bytes,
        }
    }
}

/// A reader over the bytes of a capture that is not compressed, for callers that have it in memory.
pub fn parse_bytes(bytes: &[u8]) -> Result<Reader<'_>, CaptureError> {
    Reader::over("memory", bytes)
}

fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: upheld by whoever owns the capture: the file must not be cut short while it is read, or the process gets SIGBUS. Writers of
    // captures only append, and bytes that change below us are read as plain integers and slices that are bounded by the mapping.
    let map = unsafe { Mmap::map(file)? };
    // A hint only: the kernel may refuse it and nothing is lost.
    let _advised = map.advise(Advice::Sequential);
    Ok(map)
}

fn read_stream(stream: impl Read, name: &str) -> Result<Vec<u8>, CaptureError> {
    let mut bytes = Vec::new();
    let limit = MAX_IN_MEMORY_BYTES.saturating_add(1);
    stream.take(limit).read_to_end(&mut bytes).map_err(|source| CaptureError::Open { file: name.to_owned(), source })?;
    if bytes.len() as u64 > MAX_IN_MEMORY_BYTES { Err(too_large(name)) } else { Ok(bytes) }
}

fn too_large(name: &str) -> CaptureError {
    CaptureError::TooLarge { file: name.to_owned(), limit_mib: MAX_IN_MEMORY_BYTES >> 20 }
}
