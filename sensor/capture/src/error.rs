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
    #[error("`{file}` cannot be read on: {reason}; what was read is counted")]
    Read { file: String, reason: String },
    #[error("no interface `{interface}`; there are {known}")]
    NoInterface { interface: String, known: String },
    #[error("interface `{interface}` is down; bring it up: ip link set {interface} up")]
    InterfaceDown { interface: String },
    #[error("interface `{interface}` was removed; start again when it is back")]
    InterfaceGone { interface: String },
    #[error("cannot capture on `{interface}`: {reason}")]
    Refused { interface: String, reason: String },
    #[error("`{field}` is {value}; {wanted}")]
    Setting { field: &'static str, value: u64, wanted: &'static str },
    #[error("capture on `{interface}` failed: {reason}")]
    Receive { interface: String, reason: String },
}
