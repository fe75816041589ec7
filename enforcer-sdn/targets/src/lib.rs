//! Dialects: a ruleset becomes a device's text, and any text of the dialect becomes the packets that it denies and logs.
//!
//! Renderer and parser of a dialect share nothing but value types, so that reading a rendering back is an independent check. `prove` is
//! that check: the text equals the ruleset as sets of packets, or there is a packet that shows the difference.

pub mod arista_eos;
mod around;
pub mod aruba_aoscx;
pub mod cisco_asa;
pub mod cisco_ios;
pub mod cisco_nxos;
pub mod cisco_vacl;
mod conjunction;
pub mod cost;
pub mod counterexample;
mod day_windows;
mod device_zones;
pub mod edl;
mod entries;
pub mod faucet;
mod flag_cubes;
pub mod flowspec;
pub mod fortios;
pub mod iptables;
mod isolated;
mod junos_beside;
pub mod junos_filter;
pub mod junos_srx;
pub mod kubernetes;
mod lines;
mod list_entries;
mod list_times;
mod lists;
pub mod mud;
pub mod nftables;
pub mod openconfig;
pub mod openflow;
pub mod panos;
pub mod pf;
mod port_blocks;
mod product;
mod prove;
pub mod radius_dacl;
pub mod radius_nas_filter;
mod reading;
mod registry;
pub mod rfc8519;
pub mod routeros;
mod saying;
mod selecting;
mod services;
mod target;
#[cfg(test)]
mod template;
mod tree;
pub mod update;
mod words;

pub use device_zones::DeviceZones;
pub use prove::{Difference, NotProven, Place, Proof, Semantics, Way, prove, prove_at};
pub use registry::{TARGETS, find};
pub use target::{
    Capability, FlagWords, LinkWords, OwnNames, ParseError, Parsed, RenderError, RenderOptions, RenderedLine, Rendering, Target,
};
