//! How bytes arrive: capture files, libpcap, AF_XDP. The only room with `unsafe`; it never sends.

mod error;
pub mod file;
mod frame;

pub use error::CaptureError;
pub use file::{CaptureFile, ChunkEnd, Reader, Truncation, UnreadableLink};
pub use frame::Frame;
