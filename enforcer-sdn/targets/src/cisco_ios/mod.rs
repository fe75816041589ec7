//! Cisco IOS and IOS-XE extended access lists: one for IPv4, one for IPv6, first match decides.
//!
//! Words that differ: a list ends in an unwritten `deny ip any any`, the IPv6 one in two unwritten `permit icmp any any nd-na` and
//! `nd-ns` before it; a list that is not there at all permits everything. A mask is a wildcard: set bits are free. `ip` means every
//! protocol, `established` is TCP with ACK or RST, which any sender can set: it is no connection state and is neither written nor read.
//! The two lists may not share a name. A `permit` with ports also lets later fragments of the same addresses pass; sets of packets
//! know whole packets only. Entered over an older list of the same name, entries add to it: replacing it, and binding it where both directions
//! pass, is the driver's business.

mod objects;
mod parse;
mod render;

pub(crate) use parse::GRAMMAR;
pub(crate) use render::STYLE;

use crate::target::{Capability, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "cisco-ios",
    title: "Cisco IOS and IOS-XE extended access lists, stateless",
    capability: Capability { stateful: false, ipv6: true, log_only: false, schedule: false },
    render: render::render,
    parse: parse::parse,
};
