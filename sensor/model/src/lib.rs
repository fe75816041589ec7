//! The nouns that leave the sensor, shared with every reader of its documents. Plain values with `serde`; no clock, no files.

mod address;
mod alert;
mod asset;
mod conversation;
mod coverage;
mod duplicate;
mod fact;
mod flow_record;
mod flowmap;
mod service;
mod timestamp;

pub use address::{MacAddr, ParseMacError, VlanId};
pub use alert::{Alert, AlertKind, Severity};
pub use asset::{AddressUse, Asset, AssetId, Claim, Role, Scope};
pub use conversation::{Activity, Conversation, EachWay, HOURS_PER_WEEK, Operation};
pub use coverage::{
    Coverage, CoverageCause, FlowSights, Loss, NetworkHosts, Proof, TapCoverage, Visibility, VlanCoverage, VlanStack,
};
pub use duplicate::{Change, DuplicatePath, LinkSide, ParsePrefixError, Prefix};
pub use fact::{Evidence, Fact, FactKind, Strength, Subject};
pub use flow_record::{ConnState, Direction, DirectionReason, FlowRecord, Side, TunnelRef};
pub use flowmap::{Accounting, FlowMap, SCHEMA};
pub use service::{IpProtocol, Service};
pub use timestamp::{ParseTimestampError, Timestamp};
