//! MikroTik RouterOS filter rules, as `/export` writes them: `/ip firewall filter` for IPv4, `/ipv6 firewall filter` for IPv6. Stateful, first
//! match decides, and rules see every packet, also of known connections.
//!
//! Words that differ, from MikroTik's "Filter" and "Common Firewall Matchers and Actions":
//! - What no rule of the chain matches is accepted. `log` and `passthrough` go on with the next rule; `log=yes` logs beside any action.
//! - A rule without an action accepts. `jump` goes to another chain, which ends in a return to where it stood, or sooner with `return`.
//! - Only the chain `forward` is about packets that pass through. Rules of `input` and `output` are for the router itself: counted in a
//!   remark, like chains that only they lead to.
//! - `connection-state=established,related` is what we call established; `invalid,new,untracked` is the rest. Where a text tells `new` from
//!   `invalid`, invalid packets must fare no better than new ones, and that is remarked; `untracked` ones are made by the menu `raw`, which is
//!   refused then. `established` without `related` has no word here and is refused.
//! - `fasttrack-connection` lets later packets of a connection pass without a rule: read where the next rule accepts all of them.
//! - Entries of an address list add up, whoever wrote them: our lists are named by their content, so that an older one means the same.
//! - A rule lists up to 15 ports, of which a range takes two.
//! - `icmp-options=8:0-255` is a type with its codes. Type 255 is refused: in the packet filter below it stands for every type.
//! - `time` goes by the router's own clock and time zone: refused. Interfaces and lists of them are nothing that a packet carries: read
//!   where the point says what is behind each, and written as lists; `/interface list member` says who is in a list.
//! - Of a whole export, menus that decide about no packet that passes through are known by name, those that do are refused unless their lines are
//!   disabled. Sources are translated behind the filter, destinations before it.
//! - Loading the text adds to what is there, and is no transaction: removing older rules, in a safe order, is the driver's business.
//!
//! Checked by reading back only: no RouterOS is at hand.

mod beside;
mod chains;
mod lists;
mod parse;
mod places;
mod render;
mod rule;

use crate::cost;
use crate::target::{Capability, FlagWords, OwnNames, Target};

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
    own_names: OwnNames::Places(parse::parse_with),
    cost: cost::lines,
};
