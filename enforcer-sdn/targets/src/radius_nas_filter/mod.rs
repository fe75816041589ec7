//! RADIUS `NAS-Filter-Rule` (RFC 4849): filters that come with an Access-Accept, in the `IPFilterRule` syntax of RFC 6733 4.3.1.
//!
//! Words that differ: the rules are for one terminal at one port; `in` is from the terminal, `out` is to it, and each way has its own
//! order, first match decides. Where no rule of a way matches, the packet is dropped if that way's last rule is a `permit` and passed if it
//! is a `deny`: a rendering ends each way by permitting the rest, and a text in which a way has no rule at all is refused, for then
//! nothing is said. A rule that does not speak of a way is written for both. `ip` is every protocol, others are numbers; `!` in front of
//! an address is every other one of its IP version; `any` is every address of both, and so `0.0.0.0/0` and `::/0` are written. Ports
//! (TCP, UDP, SCTP) are lists of numbers and ranges, and a rule with ports never matches a later fragment. `established` is RST or ACK,
//! `setup` SYN without ACK, `tcpflags` knows six flags, `!` for one that is not set. `icmptypes` has no codes, and its types are IPv4's.
//! `assigned` is the terminal's own address, which a text does not say: refused, as are `frag`, `ipoptions` and `tcpoptions`. No log.
//!
//! A line is a rule; comments begin with `#`. The server puts the rules into attributes with a NUL between two. Lines of a user file,
//! `NAS-Filter-Rule += "permit ..."`, with `\000` between two rules, are read too. Checked by parse-back alone.

mod options;
mod parse;
mod render;

use crate::cost;
use crate::target::{Capability, FlagWords, LinkWords, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "radius-nas-filter",
    title: "RADIUS NAS-Filter-Rule (RFC 4849), stateless, each way its own rules",
    capability: Capability {
        ipv6: true,
        tcp_flags: FlagWords::Any,
        link: LinkWords { vlan: false, mac: false, heading: true },
        ..Capability::LEAST
    },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cost::lines,
};
