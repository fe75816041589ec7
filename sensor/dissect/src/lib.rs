//! What the bytes of layer 7 say: payload of one flow in, service name, facts and operations out.
//!
//! One file a protocol behind a const registry. Pure, bounded, never panics. Knows nothing of headers below layer 7.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod session;

pub use session::{Finding, Session, SessionKey, Status};
