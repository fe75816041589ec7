//! pf rules, as FreeBSD, OPNsense and pfSense load and list them (`pf.conf`, `pfctl -sr`): stateful, the last match decides.
//!
//! Words that differ, from pf.conf(5):
//! - Every rule is asked, and the last that matches decides, unless a rule with `quick` matches: it decides at once. So rules with `quick`
//!   come first in their order, then the others from the last to the first. We write `quick` everywhere.
//! - A packet that belongs to a state passes without a rule being asked, both ways, and so does an ICMP error about it. `pass` keeps state
//!   unless it says `no state`. Hence a ruleset must begin with established packets allowed, and the reading does.
//! - A `pass` that keeps state has `flags S/SA` where it says nothing: of TCP it matches the opening SYN only. We write `flags any`, for
//!   that is what a rule without flags says.
//! - What no rule matches passes, without a state, and its answers are asked about like new packets. A text that leaves packets to that is
//!   read as if all established packets were asked about: equal to a policy only where that makes no difference.
//! - A forwarded packet is asked about twice, coming in and going out, and must pass both times. We write no direction.
//! - A backslash at the end of a comment's line joins the next line to the comment, however much that looks like a rule.
//! - A list in braces is a rule for each element, so `!` in it adds nearly everything; it is read as that. In a table `!` takes an entry
//!   out, and the longest prefix decides; ours are `const`, so that nobody changes them beside the text, and others are remarked on.
//! - `block` drops unless `set block-policy` says that it returns an error: both deny. `log` on a `pass` with state logs the opening packet.
//! - Without an address family ICMP types cannot be said; `proto 0` is every protocol. Interfaces are nothing that a packet carries:
//!   rules for some are read where the point says what is behind each; nothing passes through the loopback.
//! - The text is for `pfctl -f`, alone or in an anchor: it replaces what was there. Its tables belong to it.
//!
//! Checked by reading back only: `pfctl` runs on no Linux, so nothing here was loaded into a pf.

mod hosts;
mod icmp;
mod parse;
mod render;
mod rule;
mod statements;

use crate::cost;
use crate::target::{Capability, FlagWords, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "pf",
    title: "pf rules (FreeBSD, OPNsense, pfSense), stateful",
    capability: Capability { stateful: true, ipv6: true, log: true, tcp_flags: FlagWords::Any, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::Places(parse::parse_with),
    cost: cost::with_tables,
};
