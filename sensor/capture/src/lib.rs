//! How bytes arrive: capture files, libpcap, AF_XDP. The only room with `unsafe`; it never sends.

mod afxdp;
mod counters;
mod cpu;
mod descriptor;
mod error;
pub mod file;
mod frame;
mod interface;
#[cfg(feature = "libpcap")]
mod libpcap;
pub mod live;
mod mute;
mod offload;
mod spread;
mod waker;

pub use cpu::{defer_thread, pin_thread, prefer_thread};
pub use error::CaptureError;
pub use file::{CaptureFile, Chunk, ChunkEnd, Truncation, UnreadableLink};
pub use frame::Frame;
pub use interface::InterfaceState;
pub use live::{CapturePath, Live, LiveConfig, PathChoice, Queue, SourceStats};
pub use mute::{Muted, mute};
pub use spread::Spreading;
pub use waker::Waker;
