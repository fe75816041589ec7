//! PAN-OS security rules, in `set` form and in XML: sessions, judged by their first packet; first match decides.
//!
//! Words that differ, from Palo Alto Networks' "PAN-OS Administrator's Guide: Security Policy" and the CLI's own listing
//! (`set cli config-output-format set`):
//! - A packet of a session that was admitted passes without a rule being asked. Hence a ruleset must begin with established packets
//!   allowed, and the reading does.
//! - Zones are sets of interfaces: nothing that a packet carries. We name them where the point says what is behind each, and write `any` where
//!   it does not; rules of one pair of zones are then read with a remark.
//! - What no rule matches is allowed within a zone (`intrazone-default`) and denied between zones (`interzone-default`). That is not in the
//!   packet either, so without the point's word rules from any zone to any zone must end in one for everything, or the two defaults must be
//!   overridden alike. A rule is about both, unless its `rule-type` says `intrazone` or `interzone`.
//! - Rules of `pre-rulebase` come before the device's own, those of `post-rulebase` after them.
//! - An address that is a name of a host, or a wildcard, is an error in the rule that means it.
//! - `application any` with `service any` is every protocol. A service is TCP or UDP with ports; nothing else has one: ICMP and other
//!   protocols are applications, known by content, and neither written nor read. `application-default` depends on the
//!   application, with `any` too, and is refused; so are security profiles, users and categories, which look at other things than packets.
//! - `log-end` is on where it does not stand; `log-start` is off. Either makes a log entry, of a denied session too.
//! - A rule with `disabled yes` is not asked. `deny`, `drop` and the resets all deny.
//! - Addresses are written where they are used, as `10.0.0.0/8`; `0.0.0.0/0` is IPv4 only, `any` both versions. Services are named by their
//!   content, so that an older text with the same name means the same.
//! - The text deletes the rulebase's security rules before it sets them: they belong to the ruleset.
//! - TCP that begins without SYN is dropped before any rule is asked, unless `tcp-reject-non-syn no` stands elsewhere: what is
//!   proven is what the rules say.
//! - Of a whole configuration, parts that decide about no packet that passes through are known by their paths; what decides beside the rules, such as
//!   zone protection, translated destinations and policy based forwarding, is refused unless it is disabled. Rules see addresses
//!   before they are translated.
//!
//! - In XML, as the device exports it and the API takes it (`type=config`), the paths are the same: an `entry` is a name, a `member` a value. A
//!   rendering is one `config` with the services and the rulebase of `vsys1`; the element `rules` in it is what `action=edit` replaces as a
//!   whole. Where it stands, `dirtyId`, `uuid` and the like say nothing; another attribute is refused.
//!
//! Checked by reading back only: no such firewall is at hand.

mod beside;
mod objects;
mod parse;
mod render;
mod xml;

use crate::cost;
use crate::target::{Capability, OwnNames, Target};

const CAPABILITY: Capability = Capability { stateful: true, ipv6: true, log: true, ..Capability::LEAST };

/// The dialect.
pub const TARGET: Target = Target {
    name: "panos",
    title: "PAN-OS security rules in set form, stateful",
    capability: CAPABILITY,
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::Places(parse::parse_with),
    cost: cost::policies,
};

/// The same in XML; either form is read for both.
pub const XML: Target =
    Target { name: "panos-xml", title: "PAN-OS security rules in XML, stateful", render: render::render_xml, ..TARGET };
