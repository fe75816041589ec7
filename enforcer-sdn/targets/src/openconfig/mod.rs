//! Access control lists of OpenConfig (module `openconfig-acl`) as JSON: one set of type `ACL_IPV4`, one of type `ACL_IPV6`.
//!
//! Words that differ: entries are asked by `sequence-id`, not by their place in the text; numbers are ours, for a set is replaced as a
//! whole. Name and type together are a set's key. Each container has `config`, and perhaps `state`, which must say the same. What becomes
//! of the rest the model does not say, so a rendering ends in an entry that accepts it, and a text without one is read as if it denied the
//! rest, with a note. A set without entries is an error. Ports are a number, `"a..b"` with both ends, or `ANY`; beside them the protocol must
//! be TCP or UDP, for the model does not say what ports of all protocols are. `tcp-flags` of older models does not say whether all or any
//! of the flags, and is refused; newer ones have `detail-mode`, with words for ACK or RST (`TCP_ESTABLISHED`) and a first packet. ICMP types and codes are names, of types that had one in 2023; there is no protocol 255. `REJECT` is `DROP`
//! with a word to the sender. Sets that are not bound at an interface do nothing, if any set is; binding is the driver's business.
//!
//! Checked by parse-back, and against the model itself (revision 2017-05-26, which has no ICMP types and no flag modes) with yanglint
//! where the tool and the model can be had; by no real device.

mod icmp;
mod parse;
mod read;
mod render;

use crate::cost;
use crate::target::{Capability, FlagWords, OwnNames, Target};

/// The YANG module.
const MODULE: &str = "openconfig-acl";

/// The dialect.
pub const TARGET: Target = Target {
    name: "openconfig",
    title: "OpenConfig access control lists as JSON, stateless",
    capability: Capability { ipv6: true, log: true, tcp_flags: FlagWords::Any, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cost::products,
};
