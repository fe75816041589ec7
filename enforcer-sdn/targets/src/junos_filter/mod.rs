//! Junos firewall filters (MX, EX, QFX): one for `inet`, which is IPv4 only, and one for `inet6`. Stateless, first match decides.
//!
//! Words that differ, from Juniper's "Routing Policies, Firewall Filters, and Traffic Policers User Guide":
//! - A filter ends in an unwritten discard of everything. A family without a filter is not filtered.
//! - A term without `from` matches everything. A term without `then`, or with nothing but `count`, `log` or `syslog`, accepts: only
//!   `next term` goes on. `next term` may stand neither in the last term nor in one without conditions, so ours asks for the prefix of
//!   length 0, and a last term that accepts follows.
//! - In a list of prefixes the longest that contains the address decides, whatever the order; what none contains does not match. A list
//!   of nothing but `except` matches nothing, which nobody means: it is refused.
//! - Ports, ICMP types and TCP flags are bits at a place: the filter does not look whether the protocol has such a field. So they are read
//!   only beside a protocol that has them.
//! - `tcp-established` is ACK or RST, which any sender can set: no connection state. `tcp-initial` is SYN without ACK.
//! - `port` and `address` match either side.
//! - In `inet6`, `next-header` looks at the first header only, so a packet with an extension header escapes it; `payload-protocol` finds
//!   the protocol behind them. We write the latter and remark on the former.
//! - `discard` is silent, `reject` answers; both deny. `log` (a buffer on the device) and `syslog` both log; we write `syslog`.
//! - Of a whole configuration, the filter counts that interfaces bind; `lo0` and the management ports are the device itself. What stands beside
//!   is known to be harmless, or an error.
//! - The text is for `load replace`: a filter of the same name is replaced, others stay. Binding it is the driver's business, and in both
//!   directions where the point's traffic passes.
//!
//! Checked by reading back only: no Junos device is at hand.

mod flags;
mod from;
mod names;
mod parse;
mod render;

use enforcer_policy::Ruleset;

use crate::cost::{self, Cost, Entries, Hardware};
use crate::target::{Capability, FlagWords, OwnNames, Rendering, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "junos-filter",
    title: "Junos firewall filters (MX, EX, QFX), stateless",
    capability: Capability { ipv6: true, log: true, log_only: true, tcp_flags: FlagWords::Any, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost,
};

/// The hardware has no lists: each prefix stands with each other and each port. Both filters end with a term of their own.
fn cost(ruleset: &Ruleset, rendering: &Rendering, hardware: &Hardware) -> Cost {
    let mut cost = cost::products(ruleset, rendering, hardware);
    cost.rest = Entries { v4: 1, v6: hardware.v6_width, either: 0 };
    cost
}
