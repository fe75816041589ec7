//! Manufacturer usage descriptions of RFC 8520 as JSON: what one kind of device may ask, and be asked. Lists are those of RFC 8519.
//!
//! Words that differ: the device of the file, the Thing, has no address in it: in a list for `from-device-policy` it is the source, in one
//! for `to-device-policy` the destination. So a rendering ends `systeminfo` with `addresses:` and the Thing's prefixes, and a file
//! without that cannot be compared with anything and is refused. Every entry accepts; whatever no entry of a policy's lists accepts is
//! denied, for both IP versions; an empty list is in order. Between two Things of one file both ends decide. `direction-initiated` is TCP's:
//! against the way of its list it is here what stateless devices call established, ACK or RST; a controller that follows
//! connections lets less through, one that drops first packets only (RFC 8520 allows both) also lets pass what has neither SYN, ACK nor
//! RST, which opens nothing. Along its list it restricts nothing more. A file in which a policy is missing does not say whether that way
//! is open, and is refused. Names instead of addresses (`local-networks`, `controller`, `my-controller`, `manufacturer`, DNS names)
//! are the controller's to resolve: refused. Nothing is logged. A rendering's `mud-url` is a placeholder below `.invalid`, and its
//! `last-update` is the epoch, for a rendering has no clock: who publishes the file sets both.
//!
//! Checked by parse-back, and against the modules `ietf-mud` and `ietf-access-control-list` with yanglint where they can be had; by no
//! controller.

mod parse;
mod render;

use crate::cost;
use crate::target::{Capability, FlagWords, OwnNames, Target};

/// The YANG module.
const MODULE: &str = "ietf-mud";
/// Before the prefixes of the Thing, at the end of `systeminfo`.
const ADDRESSES: &str = "addresses:";

/// The dialect.
pub const TARGET: Target = Target {
    name: "mud",
    title: "RFC 8520 manufacturer usage description, stateless, for one zone",
    capability: Capability { ipv6: true, tcp_flags: FlagWords::AckOrRst, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cost::lines,
};
