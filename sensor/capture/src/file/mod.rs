//! Capture files and pipes: pcap and pcapng, plain or compressed with gzip or zstd, read a chunk at a time into memory that is used again.
//! Refuses what is damaged with file, packet and offset, and never allocates by a length the file claims.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod bytes;
mod chunk;
mod interface;
mod link_name;
mod pcap;
mod pcapng;
mod reader;
mod refusal;
mod source;
mod step;

pub use chunk::Chunk;
pub use reader::{CaptureFile, ChunkEnd, Truncation, UnreadableLink, parse_bytes};
