//! One access list of a Faucet controller as YAML: `acls: NAME: - rule: {...}`. Stateless, first match decides.
//!
//! Words that differ, from Faucet's documentation and its configuration reader:
//! - A list does nothing until `acls_in` of a port or VLAN names it; our text is the list alone, to be taken in by `include`.
//! - What no rule of a list in use matches is dropped, also ARP, LLDP and whatever is not IP. So a rendering lets ARP pass first, and what
//!   the policy has no opinion on last; IPv6 neighbour discovery is ICMPv6, so a policy at a switch must allow its types 133 to 136.
//! - `allow: 1` passes the packet on, `allow: 0` drops it, and so do actions without `allow`, unless they mirror: refused rather than guessed.
//! - `exact_match` gives all rules one priority, so that their order means nothing: refused.
//! - A field needs the fields below it: `tcp_dst` needs `ip_proto: 6`, which needs `eth_type`. The switch refuses such a flow, and so does
//!   the parser. `dl_type`, `nw_proto`, `nw_src` and `nw_dst` are older names of `eth_type`, `ip_proto`, `ipv4_src` and `ipv4_dst`.
//! - A port is a number, or one under a mask (`0x10/0xfff0`); other ranges take several rules. ICMP types and codes are numbers.
//!   `in_port` is not looked at in the list of a port: refused.
//! - There is neither a log nor a word for TCP flags, so answers over TCP can be told by their ports only.
//! - Later fragments have no ports, so rules about ports miss them.
//! - At a reload the controller compares what a list of the same name was with what it is, line by line, for its log: two lists of 350 rules
//!   took it 7 s of a core, in which it answers nobody. Open vSwitch leaves such a controller after 5 s (`inactivity_probe`) and begins cold.
//!   A list that gets another name, and is named so in `acls_in` by the same reload, is taken at once.
//!
//! Checked with real packets: the controller (1.10.12) beside Open vSwitch 3.1, short lists on both ports.

mod document;
mod parse;
mod render;

use crate::cost;
use crate::target::{Capability, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "faucet",
    title: "Faucet access list as YAML, stateless",
    capability: Capability { ipv6: true, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cost::lines,
};
