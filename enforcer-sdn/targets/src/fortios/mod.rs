//! FortiOS firewall policies (6.4 and later: one list for both IP versions), with their objects: sessions, judged by their first packet;
//! first match decides.
//!
//! Words that differ, from Fortinet's "FortiOS CLI Reference" (`firewall policy`, `firewall address`, `firewall service custom`):
//! - A packet of a session that was admitted passes without a policy being asked. Hence a ruleset must begin with established packets
//!   allowed, and the reading does.
//! - A policy without `set action accept` denies. What no policy matches is denied by policy 0, which is not in the list.
//! - Policies are asked in the order of the list, whatever their numbers are. We number from 1 after a `purge`: the list belongs to the
//!   ruleset. Objects are named by their content, so that an older object with the same name means the same.
//! - `srcaddr` and `dstaddr` are IPv4, `srcaddr6` and `dstaddr6` IPv6; a policy may have both pairs, and matches either. `all` is all of
//!   the one version. An address without a subnet is everything: read only under the name `all`.
//! - Interfaces and zones are nothing that a packet carries. We name them where the point says what is behind each, and write `any` where it
//!   does not; policies of one pair are then read with a remark. Between interfaces of one zone packets that no policy is about are denied, unless
//!   `intrazone allow` stands there.
//! - An address that is a host's name, a country or the like, and a service for proxies, are an error in the policy that means them.
//! - In a port range the destination comes first, then `:` and the source. One service may have TCP, UDP and SCTP ports: their union.
//!   `protocol IP` without a number, or with 0, is every protocol; 255 cannot be said.
//! - `logtraffic all` logs; `utm`, which holds where nothing stands, logs what security profiles find: without them nothing.
//! - `status disable` switches a policy off. Schedules other than `always` go by the device's time zone, which the text does not say: refused,
//!   as are security profiles, users and internet services, which look at other things than packets.
//! - A policy that denies does not see packets for a virtual IP unless `match-vip` says so: addresses are meant as they are routed.
//! - TCP that begins without SYN is dropped before any rule is asked, unless `set tcp-session-without-syn all` stands elsewhere: what is
//!   proven is what the rules say.
//! - In a whole configuration, sections and settings that decide about no packet on its way through are known by their names and passed over;
//!   those that filter, translate or turn packets beside the policies are an error, unless they are empty or off, and so are unknown ones.
//!
//! Checked by reading back only: no such firewall is at hand.

mod addresses;
mod beside;
mod defaults;
mod device;
mod parse;
mod predefined;
mod render;
mod services;
mod tree;

use crate::cost;
use crate::target::{Capability, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "fortios",
    title: "FortiOS firewall policies with their objects, stateful",
    capability: Capability { stateful: true, ipv6: true, log: true, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::Places(parse::parse_with),
    cost: cost::policies,
};
