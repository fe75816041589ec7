//! Cisco IOS and IOS-XE access lists: one for IPv4, one for IPv6, first match decides. Written as extended ones, read as standard ones too.
//!
//! Words that differ (Cisco IOS Security Command Reference, `permit (IP)`, `permit (IPv6)`; Security Configuration Guides "IP Access List
//! Entry Sequence Numbering" and "Object Groups for ACLs"; Catalyst "Configuring Port ACLs"):
//! - A list ends in an unwritten `deny ip any any`, the IPv6 one in two unwritten `permit icmp any any nd-na` and `nd-ns` before it; a list that
//!   is not there, or is empty, permits everything. The two lists may not share a name.
//! - A mask is a wildcard: set bits are free; but in an object group it is a netmask. `ip` means every protocol. Names of ports differ between TCP
//!   and UDP: `cmd` is TCP 514, `syslog` UDP 514.
//! - `established` is TCP with ACK or RST, which any sender can set: a set of flags, and no connection state. `match-all` and `match-any` are
//!   read; several flags without such a word are not, for releases differ.
//! - `log` and `log-input` log what they match. `dscp`, `ttl`, `fragments`, `reflect` and `evaluate` are refused. A `permit` with ports also
//!   lets later fragments of the same addresses pass; sets of packets know whole packets only.
//! - `time-range` is local time: as UTC it is written, and read, unless the text has a `clock timezone`; a clock that changes in summer is refused
//!   beside it, for the policy's windows are those of the season that is. A window lasts until second 59 of its last minute, and `absolute`
//!   dates are refused.
//! - Of a running configuration, the list counts that an interface binds. What stands beside is known to be harmless, or an error.
//! - `ip access-group` on a routed interface, and on a switch port (a PACL, inward only): the same list for the same packets. On a port it also judges
//!   what is bridged. VLAN maps are another dialect, `cisco-vacl`, for there `permit` means another thing. Lists of MAC addresses are refused.
//! - Entered over an older list of the same name, entries add to it: replacing it, and binding it where both directions pass, is the driver's
//!   business. Names: 32 characters before their ending here, remarks 100.

mod objects;
mod parse;
mod render;

use enforcer_policy::Ruleset;
pub(crate) use objects::{kind, member};
pub(crate) use parse::{GRAMMAR, header, unwritten};
pub(crate) use render::STYLE;

use crate::cost::{self, Cost, Entries, Hardware};
use crate::target::{Capability, FlagWords, OwnNames, Rendering, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "cisco-ios",
    title: "Cisco IOS and IOS-XE extended access lists, stateless",
    capability: Capability { ipv6: true, log: true, schedule: true, tcp_flags: FlagWords::AckOrRst, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost,
};

/// A line is an entry, and each list ends with one of its own.
pub(crate) fn cost(ruleset: &Ruleset, rendering: &Rendering, hardware: &Hardware) -> Cost {
    let mut cost = cost::products(ruleset, rendering, hardware);
    cost.rest = Entries { v4: 1, v6: hardware.v6_width, either: 0 };
    cost
}
