//! Aruba AOS-CX access lists: one for IPv4, one for IPv6, first match decides.
//!
//! Words that differ (AOS-CX ACLs and Classifier Policies Guide, "ACL usage tips", `access-list ip`, `access-list ipv6`, `object-group`):
//! - A mask is a netmask behind a slash, `10.0.0.0/255.0.0.0`; a length is understood, too. A single address has no word before it.
//! - `any` in the place of the protocol is every protocol. ICMP's fields have words: `icmp-type 8 icmp-code 0`. SCTP has ports.
//! - The default is deny, for IPv6 too: there are no unwritten entries for neighbour discovery, so a list on a switch port or VLAN that does not allow
//!   it ends IPv6 there.
//! - Sequence numbers from 10 in steps of 10; an entry with the number of another replaces it, silently. These lists are this text's own. A
//!   comment belongs to the entry with its number. A list that is changed while it is bound may let packets pass meanwhile, says the guide: a
//!   new list gets a new name, and `apply` goes over to it: the driver's business.
//! - An object group's name stands without a word before it in the place of an address; port groups after `group`.
//! - `count` and `log` say nothing about verdicts. `established` is TCP with ACK or RST, which any sender can set. `vlan`, `ttl` and `fragment`
//!   select by fields that are no rule of a policy.
//!
//! Checked by reading back only; not on a device.

mod groups;
mod parse;
mod render;

use crate::cisco_ios;
use crate::target::{Capability, FlagWords, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "aruba-aoscx",
    title: "Aruba AOS-CX access lists, stateless",
    capability: Capability { ipv6: true, log: true, tcp_flags: FlagWords::AckOrRst, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cisco_ios::cost,
};
