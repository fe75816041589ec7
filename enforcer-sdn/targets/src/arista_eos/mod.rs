//! Arista EOS access lists: one for IPv4, one for IPv6, first match decides.
//!
//! Words that differ (EOS User Manual, "ACLs and Route Maps"):
//! - There is no `extended`: every list is, unless it says `standard`. Networks are prefixes; a wildcard (set bits are free) is understood, too.
//! - Entries have sequence numbers from 10 in steps of 10; one with the number of another replaces it. These lists are this text's own.
//! - ICMP of IPv6 is `icmpv6`. Up to ten ports stand after `eq`.
//! - A list ends in an unwritten deny. What an IPv6 list does before it with neighbour discovery is not said the same for all releases:
//!   such a list is read only when an entry decides on the rest, and is always written so.
//! - `established` is TCP with ACK or RST, which any sender can set; `tracked` would follow connections and is refused. `counters
//!   per-entry` and `statistics per-entry` count.
//!
//! Checked by reading back, and against the output of a public generator; not on a device.

mod names;
mod parse;
mod render;

use crate::cisco_ios;
use crate::target::{Capability, FlagWords, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "arista-eos",
    title: "Arista EOS access lists, stateless",
    capability: Capability { ipv6: true, log: true, tcp_flags: FlagWords::AckOrRst, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cisco_ios::cost,
};
