//! iptables, ip6tables and ipset: one document with a part for each tool, which its heading names, for a chain that FORWARD jumps to.
//!
//! Words that differ: there is no rule for both IP versions, each has a tool and a table of its own; a part that is missing filters
//! nothing. A `-p` looks behind IPv6 extension headers, `-p 0` is every protocol, and `--icmp-type 255` is every ICMP type, but
//! `--icmpv6-type 255` is that type. `--ctstate NEW` is not "everything but established": there are also `INVALID` and `UNTRACKED`.
//! `-m time` is UTC to the second, both ends included, `--kerneltz` is not, and no such rule matches after 2038-01-19: the kernel
//! keeps 32 bits of the date, which listings show as `--datestop`. A multiport list holds 15 ports, and a range counts as two.
//! `--tcp-flags` knows six of the eight flags, not ECE and CWR.
//! `LOG` does not decide, and its prefix holds 29 characters: a longer rule id is cut there, not in the comment.
//! An address set is `hash:net`; its largest prefix is a half of all addresses, so "all" is never a set.
//!
//! `iptables-restore` without `--noflush` empties every chain of the table, others' too. With it, `:chain -` empties that chain only.
//! The text declares its own chain, never FORWARD, whose policy belongs to others. IPv4, IPv6 and sets are three transactions: sets
//! are called after their content, so that rules which run never see one change.
//! Checked against iptables 1.8.9 (`nf_tables`) and ipset 7.17 with real packets, and against what `iptables-save` lists.

mod chains;
mod parse;
mod render;
mod rule;
mod sets;
mod values;
mod week;
mod words;

use crate::cost;
use crate::target::{Capability, FlagWords, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "iptables",
    title: "iptables-restore, ip6tables-restore and ipset, filter table, FORWARD",
    capability: Capability {
        stateful: true,
        ipv6: true,
        log: true,
        log_only: true,
        schedule: true,
        tcp_flags: FlagWords::Any,
        ..Capability::LEAST
    },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cost::lines,
};
