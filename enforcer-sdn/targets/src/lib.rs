//! Dialects: a ruleset becomes a device's text, and any text of the dialect becomes the packets that it denies and logs.
//!
//! Renderer and parser of a dialect share nothing but value types, so that reading a rendering back is an independent check. `prove` is
//! that check: the text equals the ruleset as sets of packets, or there is a packet that shows the difference.

mod around;
pub mod cisco_ios;
pub mod cost;
pub mod counterexample;
mod entries;
mod isolated;
pub mod kubernetes;
pub mod mud;
pub mod nftables;
pub mod openconfig;
mod product;
mod prove;
mod registry;
pub mod rfc8519;
mod target;
#[cfg(test)]
mod template;
mod tree;

pub use prove::{Difference, NotProven, Proof, Semantics, Way, prove};
pub use registry::{TARGETS, find};
pub use target::{
    Capability, FlagWords, LinkWords, ParseError, Parsed, RenderError, RenderOptions, RenderedLine, Rendering, Target,
};
