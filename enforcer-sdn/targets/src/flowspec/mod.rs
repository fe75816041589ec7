//! BGP flow specifications (RFC 8955, for IPv6 RFC 8956) as ExaBGP 4 reads them from its configuration and announces them.
//!
//! Words that differ: the order of the lines means nothing. A router sorts what it hears (RFC 8955 5.1): the longer destination prefix
//! first, then the longer source prefix, a component before none, and the bytes of numbers, whatever they mean. So the renderer relies on
//! prefixes and on components that are there or not, and says elsewhere only what no other route contradicts; the parser sorts as the
//! RFC does. Junos sorts by an older draft unless it has `term-order standard`. What matches stops, without any action too: no
//! action is `accept`. `action terminal` sets the bit called terminal, and with it the router goes on with the next route. Discarding
//! is a traffic rate of 0; any other rate lets some packets through, so it is refused.
//!
//! A route is one of IPv4 or of IPv6. ExaBGP knows which by its prefixes alone, so the destination is always written; routers that validate
//! (RFC 8955 6) want one too, and an unicast route to it from the same neighbor. `protocol` and `next-header` are one component, in IPv6 the
//! protocol behind extension headers. Ports are of TCP and UDP only, so ports of SCTP cannot be said. Packets whose header is not there,
//! such as later fragments, match no port, ICMP type or flag. `tcp-flags ack+rst` is any of them, `=` all, `!` none. ExaBGP adds
//! what `+` stands between: `protocol tcp+udp` is 23, and is refused. Its `ipip` is 94, its names of ICMP types are IPv4's.
//! Fragments, lengths, DSCP and prefixes with an offset are refused: a policy does not tell such packets apart.
//!
//! There is no log; a route that logs has the action `sample`, and what a router does with that is its own matter. Routes are announced and
//! withdrawn one by one, and when the session ends all of them are gone: a router that lost its speaker lets everything through.
//! The routes are for packets in every direction and on every interface that has flow specifications switched on.
//!
//! Checked with real packets: announced by ExaBGP 4.2.21 to BIRD 2.0.12, and dropped by a Linux router which the tests give what BIRD
//! received; announced, read back and withdrawn by the driver `exabgp`. (FRR 8.4 receives the same routes, and installs none of them.) No vendor's router was tried.

mod cells;
mod matches;
mod order;
mod parse;
mod regions;
mod render;
mod terms;

use crate::cost;
use crate::target::{Capability, FlagWords, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "flowspec",
    title: "BGP flow specifications, announced by ExaBGP",
    capability: Capability { ipv6: true, log: true, tcp_flags: FlagWords::Any, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cost::lines,
};
