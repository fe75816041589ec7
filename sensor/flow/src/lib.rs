//! Who talks with whom: packets in, flow events out. Pure; time is the packets' own.
//!
//! One `Table` belongs to one worker (live) or one shard (replay). What a flow's record says depends only on that
//! flow's packets and the configuration, never on when the table was swept or how many tables there are. The one exception is
//! a full table: then flows are evicted, half-open ones first, and counted.

mod arena;
mod duplicates;
mod endpoint;
mod expiry;
mod history;
mod icmp;
mod index;
mod key;
mod orient;
mod path;
mod rare;
mod record;
mod slot;
mod store;
mod table;
mod tcp;

pub use duplicates::{DuplicateConfig, DuplicateCounts, Duplicates, Verdict, join_paths};
pub use key::shard_of;
pub use table::{Config, FlowEvent, FlowId, Observation, Table, TableStats, Touch};
