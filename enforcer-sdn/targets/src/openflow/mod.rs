//! Open vSwitch flows as `ovs-ofctl` writes them: a bundle that replaces the flows with our cookie in table 0, and others' never.
//!
//! Words that differ: a higher `priority` is asked first, whatever the order of the lines; two flows of one priority that share a packet
//! are undefined, so such a text is refused. `ip` is IPv4 only. `nw_src=A/B` masks any bits, `tp_dst=0x10/0xfff0` is a range of ports that
//! begins at a multiple of its size, and other ranges take several flows. `nw_proto` is the protocol behind IPv6 extension headers. Later
//! fragments have no ports, here 0, so rules about ports miss them where connections are not followed. A flow without actions, and a
//! packet that no flow of a table matches, is dropped.
//!
//! With `ct`, a packet comes back to the table with `+trk`: `+new`, `+est`, `+rel` or `+inv`. Without an ALG nothing is both new and
//! related, so what belongs to a connection is `+trk-new-inv`. A connection is known only if its first packet was committed. The zone
//! is ours, so that nobody else's connections are cut. The userspace datapath (3.1) tells SCTP connections by their hosts only. Without
//! `ct` everything depends on the packet alone.
//!
//! ARP is no IP packet and always passes. IPv6 neighbour discovery is ICMPv6, so a policy at a switch must allow its types 133 to 136;
//! rules for stateless points do. There is no log; a flow that logs has a `sample` action, which writes IPFIX where the bridge has a
//! collector set of that id, and nothing where it has none. Flows with VLAN, MAC, port numbers of the switch or NAT are refused.
//! Checked with real packets against Open vSwitch 3.1 (userspace datapath), and against what `dump-flows` lists.

mod actions;
mod fields;
mod flow;
mod parse;
mod render;

use crate::cost;
use crate::target::{Capability, FlagWords, OwnNames, Target};

/// The dialect with connection tracking.
pub const TARGET: Target = Target {
    name: "openflow",
    title: "Open vSwitch flows with connection tracking",
    capability: Capability { stateful: true, ipv6: true, log: true, tcp_flags: FlagWords::Any, ..Capability::LEAST },
    render: render::stateful,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cost::lines,
};

/// The dialect for switches that look at each packet alone.
pub const STATELESS: Target = Target {
    name: "openflow-stateless",
    title: "Open vSwitch flows without connection tracking",
    capability: Capability { stateful: false, ..TARGET.capability },
    render: render::stateless,
    ..TARGET
};
