//! Exact algebra of packet sets: a set is what a policy, a ruleset or a parsed text admits. Pure, no vendor words.

mod address;
mod chain;
mod compare;
mod cube;
mod diagram;
mod flags;
mod level;
mod link;
mod merge;
mod packet;
mod products;
mod range;
mod same;
mod selector;
mod set;
mod step;
mod week;
mod witness;

pub use address::{AddressSet, Prefix};
pub use compare::{Agreement, Disagreement, Outcomes, compare};
pub use diagram::{Limits, TooLarge};
pub use flags::FlagSet;
pub use link::{Heading, HeadingSet, Link, LinkFields, LinkSet, Mac, VlanId};
pub use merge::merge_neighbours;
pub use packet::{ConnectionState, Packet};
pub use products::{Product, Products};
pub use range::{Number, RangeSet};
pub use selector::{L4, Selector, StateSet};
pub use set::PacketSet;
pub use step::{Effect, Step, Verdict};
pub use week::WeekSet;

/// TCP, UDP or SCTP ports.
pub type PortSet = RangeSet<u16>;
