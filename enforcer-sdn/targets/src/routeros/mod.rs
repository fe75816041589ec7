//! MikroTik RouterOS filter rules, as `/export` writes them: `/ip firewall filter` for IPv4, `/ipv6 firewall filter` for IPv6. Stateful, first
//! match decides, and rules see every packet, also of known connections.
//!
//! Words that differ, from MikroTik's "Filter" and "Common Firewall Matchers and Actions":
//! - What no rule of the chain matches is accepted. `log` and `passthrough` go on with the next rule; `log=yes` logs beside any action.
//! - A rule without an action accepts; exports always write one, so a rule without is refused rather than guessed at.
//! - Only the chain `forward` is about packets that pass through. Rules of `input` and `output` are for the router itself: counted in a
//!   remark. Other chains are reached by `jump`, which is not read.
//! - `connection-state=established,related` is what we call established; `invalid,new,untracked` is the rest. Other sets of states
//!   (`established,related,untracked` or `invalid` alone, as the factory's rules have them) have no word here and are refused. A packet that
//!   `fasttrack-connection` took is not asked about any more: refused.
//! - Entries of an address list add up, whoever wrote them: our lists are named by their content, so that an older one means the same.
//! - A rule lists up to 15 ports, of which a range takes two.
//! - `icmp-options=8:0-255` is a type with its codes. Type 255 is refused: in the packet filter below it stands for every type.
//! - `time` goes by the router's own clock and time zone, and interfaces are nothing that a packet carries: refused.
//! - Loading the text adds to what is there, and is no transaction: removing older rules, in a safe order, is the driver's business.
//!
//! Checked by reading back only: no RouterOS is at hand.

mod lists;
mod parse;
mod render;
mod rule;

use crate::cost;
use crate::target::{Capability, FlagWords, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "routeros",
    title: "MikroTik RouterOS filter rules, stateful",
    capability: Capability {
        stateful: true,
        ipv6: true,
        log: true,
        log_only: true,
        tcp_flags: FlagWords::Any,
        ..Capability::LEAST
    },
    render: render::render,
    parse: parse::parse,
    cost: cost::lines,
};
