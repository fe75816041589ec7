//! Cisco ASA extended access lists: one list for both IP versions (since 9.0), judged once a connection.
//!
//! Words that differ (ASA Series General Operations and Firewall CLI Configuration Guides, chapters "Access Control Lists", "Objects for
//! Access Control", "Access Rules"; command reference `access-list extended`; system log messages 106023 and 106100):
//! - A mask is a netmask: set bits count. `any` is both IP versions, `any4` and `any6` are one each.
//! - A list sees only the first packet of a connection. What belongs to a connection that was let in passes unasked and unlogged by the list,
//!   both ways: here that is the state `Established`, before any entry. So a rule that denies or logs packets of such connections cannot be
//!   said, and `established` is no word of this list. The device follows TCP and UDP; ICMP only with `inspect icmp`, and of other
//!   protocols one direction: answers it does not know are new to it, and meet the list.
//! - A `deny` without `log` is logged for every packet (106023); `log disable` ends that. A `permit` is logged with `log` only (106100).
//! - A list ends in an unwritten deny, which logs nothing: 106023 needs a written entry. Neighbour discovery of the device itself does not pass
//!   through it, so the list has no unwritten entries for it.
//! - A list that is bound nowhere does nothing; without one, security levels decide. Entries that are entered again are added at the end, so
//!   a new list gets a new name and `access-group` goes over to it: the driver's business.
//! - `time-range` is local time, as on IOS; its last minute is open to the end, and the device may take up to 100 seconds longer to close.
//! - `inactive` puts an entry out of force. Names: a list has up to 241 characters, a remark 100. Port names are the ASA's own: those whose
//!   number the releases do not agree on (`kerberos`, `sqlnet`) are not read.
//!
//! Checked by reading back, and against the output of a public generator; not on a device.

mod beside;
mod entry;
mod names;
mod objects;
mod parse;
mod render;

use crate::cost;
use crate::target::{Capability, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "cisco-asa",
    title: "Cisco ASA extended access lists, both IP versions in one, stateful",
    capability: Capability { stateful: true, ipv6: true, log: true, schedule: true, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cost::lines,
};
