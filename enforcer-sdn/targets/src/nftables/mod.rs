//! nftables, family `inet`: one table with one base chain on hook forward, named interval sets, first match decides.
//!
//! Words that differ: here `inet` means both IP versions, and `ip saddr` alone already means IPv4, so a rule about addresses of both
//! versions is two rules. `accept` ends this base chain only. `ct state new` is not "everything but established": there are also
//! `invalid` and `untracked`. `meta l4proto` is the protocol after extension headers, `ip6 nexthdr` only the first header.
//! `meta hour` counts seconds, is converted with the time zone of whoever loads the file (load and list with TZ=UTC), and does not
//! cross midnight; `meta day` is the kernel's day, 0 = Sunday. With connection tracking loaded, hook forward sees reassembled
//! packets, so ports are there in every one. A listing may say less than the kernel holds: nft 1.0.6 leaves `meta nfproto` out before
//! `meta l4proto icmp`, so such a rule, written by others, is read back wider than it is. Without a `delete table` before it, a file adds to what is loaded.

mod flags;
mod lex;
mod parse;
mod render;
mod rule;
mod sets;
mod statements;
mod values;
mod week;

use crate::cost;
use crate::target::{Capability, FlagWords, LinkWords, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "nftables",
    title: "nftables, table inet, hook forward",
    capability: Capability {
        stateful: true,
        ipv6: true,
        log: true,
        log_only: true,
        schedule: true,
        tcp_flags: FlagWords::Any,
        link: LinkWords::NONE,
    },
    render: render::render,
    parse: parse::parse,
    cost: cost::lines,
};
