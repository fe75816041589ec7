//! Who talks with whom: packets in, flow events out. Pure; time is the packets' own.
//!
//! One `Table` belongs to one worker (live) or one shard (replay). What a flow's record says depends only on that
//! flow's packets and the configuration, never on when the table was swept or how many tables there are. The one exception is
//! a full table: then flows are evicted, half-open ones first, and counted.
//!
//! Later IP fragments show no ports: [`Fragments`] stands before the tables and gives them those of their first.

mod arena;
mod bits;
mod config;
mod duplicates;
mod endpoint;
mod event;
mod expiry;
mod fragments;
mod handshake;
mod history;
mod icmp;
mod index;
mod key;
mod orient;
mod path;
mod plain;
mod rare;
mod realm;
mod record;
mod scaled;
mod search;
mod slot;
mod store;
mod table;
mod tcp;

pub use config::{Config, Reports};
pub use duplicates::{DuplicateConfig, DuplicateCounts, Duplicates, Identified, Verdict, join_paths};
pub use event::{FlowEvent, TableStats};
pub use fragments::{FragmentLimits, FragmentStats, Fragments};
pub use key::{shard_between, shard_of};
pub use realm::VlanKey;
pub use table::{FlowId, Observation, Table, Touch};
