//! Everything that can go wrong at the edge of this room, with what to do about it.

use std::io;

/// Why a capture cannot be opened or read on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    #[error("cannot open `{file}`: {source}")]
    Open { file: String, source: io::Error },
    #[error("`{file}` is not a capture: it starts with {start}; {hint}")]
    NotACapture { file: String, start: String, hint: &'static str },
    #[error("link type {number} ({name}) of `{file}` cannot be read; capture at an Ethernet, cooked or raw IP interface instead")]
    UnknownLinkType { file: String, number: u32, name: &'static str },
    #[error("`{file}` is damaged at packet #{packet}, offset {offset}: {reason}; what comes behind cannot be read")]
    Malformed { file: String, packet: u64, offset: u64, reason: String },
    #[error("`{file}` cannot be decompressed to its end: {reason}; unpack it by hand, or fetch it again")]
    Decompress { file: String, reason: String },
    #[error("`{file}` takes more than {limit_mib} MiB in memory; unpack it to a file first, which is then mapped")]
    TooLarge { file: String, limit_mib: u64 },
}
