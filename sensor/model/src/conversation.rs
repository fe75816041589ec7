//! An edge of the map: which asset asked which asset for which service, how often and when.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{AssetId, DirectionReason, Service, Timestamp};

/// Cells of the activity grid.
pub const HOURS_PER_WEEK: usize = 168;

/// A count for each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EachWay {
    pub client: u64,
    pub server: u64,
}

/// When a conversation happens: packets per UTC hour of the week (0 = Monday 00:00), and on how many days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// `(hour of week, flows active in it)`, ascending, zero hours left out.
    pub hours: Vec<(u8, u64)>,
    /// Different UTC days with traffic.
    pub days: u32,
}

/// What the client asked the service to do, in the protocol's own words (`modbus.write_single_coil`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Operation {
    pub name: String,
    pub times: u64,
}

/// Everything one client did with one service of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    pub client: AssetId,
    pub server: AssetId,
    pub service: Service,
    /// Addresses that the two used here, ascending, at most `MAX_ADDRESSES` each way.
    pub client_addresses: Vec<IpAddr>,
    pub server_addresses: Vec<IpAddr>,
    /// Address uses beyond the limit; 0 means the lists are whole.
    #[serde(default)]
    pub addresses_omitted: u64,
    pub flows: u64,
    /// Flows in which the server answered: TCP handshake done, or any reply for the rest.
    pub answered_flows: u64,
    pub packets: EachWay,
    /// IP bytes.
    pub bytes: EachWay,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub activity: Activity,
    /// Weakest reason by which any of the flows was oriented.
    pub direction_reason: DirectionReason,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Operation>,
}

impl Conversation {
    /// Limit of `client_addresses` and of `server_addresses`.
    pub const MAX_ADDRESSES: usize = 32;
    /// Limit of `operations`; further names are counted under `other`.
    pub const MAX_OPERATIONS: usize = 64;
}
