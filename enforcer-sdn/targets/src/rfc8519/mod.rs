//! Access control lists of RFC 8519 (module `ietf-access-control-list`) as JSON (RFC 7951): one list for IPv4, one for IPv6.
//!
//! Words that differ: the entries (ACEs) of a list are `ordered-by user`, so their place in the text is their order, and nothing else is
//! ordered. What happens at the end of a list the standard does not say: devices differ. So a rendering always ends in an entry that
//! accepts all, and a text without such an end is read as if it denied the rest, with a note. A list without entries is an error. A
//! container without members is no container (RFC 7950 7.5.1): `"tcp": {}` selects *every* packet, and is refused; all of TCP is
//! `"protocol": 6`. An ACE without `matches` selects every packet of the list's type. `protocol` is IPv6's upper-layer header. `icmp`
//! is ICMP in an IPv4 list and ICMPv6 in an IPv6 list; in a mixed list it needs `ipv4` or `ipv6` beside it. `flags` of `tcp` has no mask,
//! and whether other flags may be set too is not said: it is refused. Rules with TCP flags take `flags-bitmask` of RFC 9899 (module
//! `ietf-acl-enh`), which a device must know; other lists keep to RFC 8519. There are no SCTP ports, no sets, no
//! connections, and `reject` is `drop` with a word to the sender. Names are at most 64 characters without blanks. Lists that are not bound
//! at an `attachment-points` interface do nothing, if any list is; binding is the driver's business.
//!
//! Checked by parse-back, and against the module itself with yanglint where the tool and the module can be had; by no real device.

pub(crate) mod ace;
pub(crate) mod matches;
mod parse;
mod render;

use crate::cost;
use crate::target::{Capability, FlagWords, OwnNames, Target};

/// The YANG module.
pub(crate) const MODULE: &str = "ietf-access-control-list";

/// The dialect.
pub const TARGET: Target = Target {
    name: "rfc8519",
    title: "RFC 8519 access control lists as JSON, stateless",
    capability: Capability { ipv6: true, log: true, tcp_flags: FlagWords::Any, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cost::products,
};
