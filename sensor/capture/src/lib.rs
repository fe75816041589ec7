//! How bytes arrive: capture files, libpcap, AF_XDP. The only room with `unsafe`; it never sends.

mod frame;

pub use frame::Frame;
