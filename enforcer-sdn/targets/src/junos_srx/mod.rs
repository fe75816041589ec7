//! Junos security policies (SRX): sessions, judged by their first packet; first match decides.
//!
//! Words that differ, from Juniper's "Security Policies User Guide for Security Devices":
//! - A packet of a session that was admitted passes without a policy being asked, both ways, and so does an ICMP error about it. Hence a
//!   ruleset must begin with established packets allowed, and the reading does.
//! - Policies stand between two zones, and a zone is a set of interfaces: nothing that a packet carries. We write global policies, which
//!   are asked for every pair of zones after the pair's own ones, and name zones where the point says what is behind each. Where it
//!   does not, the policies of one pair are read with a remark, those of two are refused. Policies of the zone `junos-host` are about the
//!   device itself and left out with a remark.
//! - A zone's own address book is asked before the global one; a name may mean different addresses in two zones.
//! - What no policy matches is denied, also within a zone, unless `default-policy permit-all` stands there.
//! - Addresses and applications are names. `any` is both IP versions, `any-ipv4` and `any-ipv6` one each; application `any` is every
//!   protocol. Our objects are named by their content, so that an older text with the same name means the same.
//! - A session is logged when it begins (`session-init`) or ends (`session-close`); a denied one only by the former.
//! - The text deletes the global policies before it sets them: they belong to the ruleset. Addresses and applications of others stay.
//! - Of a whole configuration, what stands beside the policies is known to be harmless, or an error: screens, filters on interfaces, and
//!   translated destinations decide too. Sources are translated after policies were asked.
//! - TCP that begins without SYN is dropped before any rule is asked, unless `set security flow tcp-session no-syn-check` stands elsewhere: what is
//!   proven is what the rules say.
//!
//! Checked by reading back only: no SRX is at hand.

mod applications;
mod book;
mod parse;
mod predefined;
mod render;

use crate::cost;
use crate::target::{Capability, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "junos-srx",
    title: "Junos security policies (SRX), global, stateful",
    capability: Capability { stateful: true, ipv6: true, log: true, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::Places(parse::parse_with),
    cost: cost::policies,
};
