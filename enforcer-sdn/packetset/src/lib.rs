//! Exact algebra of packet sets: a set is what a policy, a ruleset or a parsed text admits. Pure, no vendor words.

mod address;
mod packet;
mod range;
mod selector;
mod week;

pub use address::{AddressSet, Prefix};
pub use packet::{ConnectionState, Packet};
pub use range::RangeSet;
pub use selector::{L4, Selector, StateSet};
pub use week::WeekSet;

/// TCP, UDP or SCTP ports.
pub type PortSet = RangeSet<u16>;
