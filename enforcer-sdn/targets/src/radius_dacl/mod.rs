//! Cisco's downloadable access lists in RADIUS, as `Cisco-AVPair` values `ip:inacl#NUMBER=ENTRY` and `ipv6:inacl#NUMBER=ENTRY` (Cisco IOS
//! "Configuring IEEE 802.1X Port-Based Authentication", per-user ACLs): entries of IOS extended lists that come with an Access-Accept.
//!
//! Words that differ: the source of every entry is `any`, and the switch puts the address of the authenticated host there; so a text does
//! not say whose it is. A rendering begins with a comment `# hosts: ` and the prefixes of the zone, and a text without it cannot be
//! compared with anything and is refused; so is an entry with another source. `inacl` is what the host sends into its port, and nothing else is
//! judged: rules for what is sent *to* the hosts are refused here, and belong to another point (`one_way` of a point leaves them to it, and says
//! so as a gap). `outacl` is refused, for switches take VSAs inward only. Entries are sorted by their numbers; only ascending ones stand as
//! they are read. A version without any entry is not judged at all; one with entries ends in an unwritten `deny`, for IPv6 behind the
//! neighbour discovery that IOS lists permit unwritten. `established` is ACK or RST. Port lists do not log. Object groups are not in the
//! text and are refused. Server and switch bound the length of a list by packet and hardware: see `capacity` of the point.
//!
//! Lines are those of a server's user file, `Cisco-AVPair += "ip:inacl#10=..."`, or the values alone. Checked by parse-back alone.

mod parse;
mod render;

use enforcer_policy::Ruleset;

use crate::cost::{self, Cost, Entries, Hardware};
use crate::target::{Capability, FlagWords, OwnNames, Rendering, Target};

/// Before the prefixes of the hosts.
const HOSTS: &str = "# hosts:";

/// The dialect.
pub const TARGET: Target = Target {
    name: "radius-dacl",
    title: "Cisco downloadable access lists in RADIUS, stateless, what one zone sends",
    capability: Capability { ipv6: true, tcp_flags: FlagWords::AckOrRst, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost,
};

/// A line is an entry, and each list ends with one of its own.
fn cost(ruleset: &Ruleset, rendering: &Rendering, hardware: &Hardware) -> Cost {
    let mut cost = cost::lines(ruleset, rendering, hardware);
    let lists = ["\"ip:inacl#", "\"ipv6:inacl#"].iter().filter(|list| rendering.text.contains(**list)).count();
    cost.rest = Entries { either: lists, ..Entries::default() };
    cost
}
