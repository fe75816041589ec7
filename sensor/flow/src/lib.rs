//! Who talks with whom: packets in, flow events out. Pure; time is the packets' own.
//!
//! One `Table` belongs to one worker (live) or one shard (replay). What a flow's record says depends only on that
//! flow's packets and the configuration, never on when the table was swept or how many tables there are.

mod table;

pub use table::{Config, FlowEvent, FlowId, Observation, Table, TableStats, Touch, shard_of};
