//! Dialects: a ruleset becomes a device's text, and any text of the dialect becomes the packets that it denies and logs.
//!
//! Renderer and parser of a dialect share nothing but value types, so that reading a rendering back is an independent check. `prove` is
//! that check: the text equals the ruleset as sets of packets, or there is a packet that shows the difference.

pub mod cisco_ios;
mod conjunction;
pub mod cost;
pub mod counterexample;
mod flag_cubes;
pub mod iptables;
pub mod nftables;
mod prove;
mod registry;
mod target;
#[cfg(test)]
mod template;

pub use prove::{Difference, NotProven, Proof, Semantics, Way, prove};
pub use registry::{TARGETS, find};
pub use target::{
    Capability, FlagWords, LinkWords, ParseError, Parsed, RenderError, RenderOptions, RenderedLine, Rendering, Target,
};
