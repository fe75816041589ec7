//! nftables: one table with one base chain, named interval sets, first match decides. Four dialects: family `inet` on hook forward of a
//! router, family `bridge` on hook forward with and without connection tracking, family `netdev` at ingress of interfaces.
//!
//! Words that differ: here `inet` means both IP versions, and `ip saddr` alone already means IPv4, so a rule about addresses of both
//! versions is two rules. `accept` ends this base chain only. `ct state new` is not "everything but established": there are also
//! `invalid` and `untracked`. `meta l4proto` is the protocol after extension headers, `ip6 nexthdr` only the first header.
//! `meta hour` counts seconds, is converted with the time zone of whoever loads the file (load and list with TZ=UTC), and does not
//! cross midnight; `meta day` is the kernel's day, 0 = Sunday. With connection tracking loaded, hook forward sees reassembled
//! packets, so ports are there in every one. A listing may say less than the kernel holds: nft 1.0.6 leaves `meta nfproto` out before
//! `meta l4proto icmp`, so such a rule, written by others, is read back wider than it is. Without a `delete table` before it, a file adds to what is loaded.
//!
//! Around frames (`bridge`, `netdev`) the same words mean other things, seen with `--debug=netlink` of nft 1.0.6 and on Linux 6.18:
//! - Chains see ARP too, and a rule without an IP version is about it. Ours all have one; what no rule is about passes.
//! - `meta nfproto` is the family of the chain, never IPv4: refused. `ip saddr` asks for the protocol behind a tag, `icmp type` alone for
//!   the frame's own type, so it misses tagged frames, and the listing shows neither: refused unless the version is said. `ip version 4`
//!   asks for what `ip saddr` asks for, and is listed.
//! - `vlan id` asks for an 802.1Q tag, not for one of 802.1ad, and `vlan id 0` misses frames without a tag: refused.
//! - `ct` in family bridge needs Linux 5.3 with `nf_conntrack_bridge`; a kernel without it refuses the file. There fragments are put together;
//!   without it, and at ingress, later fragments have no ports, so rules about ports miss them. At ingress there is no `ct`.
//! - A chain at ingress names its interfaces. Our text leaves them to the load, `nft -D 'interfaces={ left, right }' -f FILE`.
//!
//! Checked with real packets: inet, bridge without connections, netdev; with VLANs and MAC addresses by what the kernel lists. The
//! bridge with connections is read back only: the kernel that tests had is built without it.

mod family;
mod flags;
mod frames;
mod hook;
mod lex;
mod parse;
mod render;
mod rule;
mod sets;
mod statements;
mod values;
mod week;

use crate::cost;
use crate::target::{Capability, FlagWords, LinkWords, OwnNames, Target};

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
        ..Capability::LEAST
    },
    render: render::inet,
    parse: parse::inet,
    own_names: OwnNames::None,
    cost: cost::lines,
};

/// Frames between the ports of a bridge, with connections.
pub const BRIDGE: Target = Target {
    name: "nftables-bridge",
    title: "nftables, table bridge, hook forward, with connection tracking (Linux 5.3)",
    capability: Capability { link: LinkWords { vlan: true, mac: true, heading: false }, ..TARGET.capability },
    render: render::bridge,
    parse: parse::bridge,
    own_names: OwnNames::None,
    cost: cost::lines,
};

/// The same packet by packet.
pub const STATELESS_BRIDGE: Target = Target {
    name: "nftables-bridge-stateless",
    title: "nftables, table bridge, hook forward, without connection tracking",
    capability: Capability { stateful: false, ..BRIDGE.capability },
    render: render::stateless_bridge,
    parse: parse::stateless_bridge,
    own_names: OwnNames::None,
    cost: cost::lines,
};

/// Frames as they come in.
pub const NETDEV: Target = Target {
    name: "nftables-netdev",
    title: "nftables, table netdev, hook ingress, stateless",
    capability: STATELESS_BRIDGE.capability,
    render: render::netdev,
    parse: parse::netdev,
    own_names: OwnNames::None,
    cost: cost::lines,
};
