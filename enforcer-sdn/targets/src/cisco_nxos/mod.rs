//! Cisco NX-OS access lists: one for IPv4, one for IPv6, first match decides.
//!
//! Words that differ (Nexus 9000 Series NX-OS Security Configuration Guide, "Configuring IP ACLs"; Security Command Reference,
//! `permit (IPv4)`, `permit (IPv6)`, `object-group`):
//! - There is no `extended`: every list is. Networks are prefixes; a wildcard (set bits are free) is understood, too, a netmask is not.
//! - Every entry has a sequence number, and the list is kept in their order; an entry with the number of another replaces it. Here they begin at
//!   10 and go up by 10, so the lists are this text's own, and replacing them is the driver's business.
//! - A list ends in an unwritten deny; an IPv6 list permits before it `nd-na`, `nd-ns`, `router-advertisement` and
//!   `router-solicitation`, two more than IOS. What an empty list does when it is bound is not the same on all models: it is refused.
//! - `addrgroup` and `portgroup` name groups; their members have sequence numbers of their own. A list of either version may not share a name
//!   with the other's. Names: 63 characters here, remarks 100.
//! - `time-range` is local time, as on IOS, with seconds: `to 18:00:00` is read as `to 17:59:59`, for of the one second between no policy speaks.
//! - `established` is TCP with ACK or RST, which any sender can set. `statistics per-entry` counts; `fragments permit-all` and `deny-all`
//!   decide on later fragments, which sets of packets do not know.
//!
//! Checked by reading back, and against the output of a public generator; not on a device.

mod groups;
mod parse;
mod render;

use crate::cisco_ios;
use crate::target::{Capability, FlagWords, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "cisco-nxos",
    title: "Cisco NX-OS access lists, stateless",
    capability: Capability { ipv6: true, log: true, schedule: true, tcp_flags: FlagWords::AckOrRst, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cisco_ios::cost,
};
