//! Cisco VLAN maps (VACLs) of Catalyst switches: clauses with an access list and an action, for everything that enters a VLAN, bridged or routed.
//!
//! Words that differ (Catalyst 9000 and 3750 Security Configuration Guides, "Configuring VLAN Maps"; 6500, "Configuring VACLs"):
//! - In a list that a clause matches, `permit` means "is selected" and `deny` "is not": what then happens says the clause's `action`. A packet
//!   that a clause does not select goes to the next one. So lists here hold `permit` only, whatever the action; a list with a `deny` in the midst
//!   is refused when it is read.
//! - A packet that no clause selects is dropped if some clause matches its kind (IPv4, IPv6), else forwarded.
//! - An IPv6 list permits neighbour discovery unwritten at its end, which would be a selection. Each ends in a written `deny ipv6 any any`,
//!   and is refused without it.
//! - A map has no direction: it sees requests and answers, and knows no connections. Only `drop` can log, and only on switches that take
//!   `action drop log`; others refuse the line.
//! - Entries with a `time-range` are selected while it is open, on the device's local time: see `cisco-ios`.
//! - `vlan filter` binds a map to VLANs; a map that is bound nowhere does nothing. Clauses are kept in the order of their numbers; one that is entered
//!   again adds to what is there: replacing maps is the driver's business.
//!
//! Checked by reading back only; not on a device.

mod parse;
mod render;
mod selection;

use crate::cisco_ios;
use crate::target::{Capability, FlagWords, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "cisco-vacl",
    title: "Cisco VLAN maps with their access lists, stateless",
    capability: Capability { ipv6: true, log: true, schedule: true, tcp_flags: FlagWords::AckOrRst, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cisco_ios::cost,
};
