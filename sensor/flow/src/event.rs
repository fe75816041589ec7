//! What a table tells of its flows, and of itself.

use sensor_model::FlowRecord;

use crate::table::FlowId;

/// What the table tells the control plane. Counts in a record are totals since the flow began.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowEvent {
    /// First packet.
    Opened { flow: FlowId, record: Box<FlowRecord> },
    /// Still alive at an interim interval, or just answered for the first time, or just closed.
    Interim { flow: FlowId, record: Box<FlowRecord> },
    /// No further event will name this flow.
    Ended { flow: FlowId, record: Box<FlowRecord> },
}

/// Counters; every packet given is in exactly one of the first two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStats {
    pub packets_counted: u64,
    pub packets_refused: u64,
    pub flows_opened: u64,
    pub flows_ended: u64,
    pub flows_evicted: u64,
    pub flows_active: u64,
}
