//! The flow table.

use std::time::Duration;

use sensor_model::{Direction, FlowRecord, Timestamp};
use sensor_wire::Packet;

/// Limits and timeouts. Every field has its default in `config/sensor.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Hard limit of tracked flows in this table.
    pub capacity: usize,
    pub tcp_idle_timeout: Duration,
    /// For TCP that never finished its handshake, or has been closed or reset.
    pub tcp_attempt_timeout: Duration,
    pub udp_idle_timeout: Duration,
    pub icmp_idle_timeout: Duration,
    /// A flow that is still alive is reported with its counts so far this often.
    pub interim_interval: Duration,
}

/// A decoded packet and when it was seen.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    pub seen_at: Timestamp,
    pub packet: Packet,
}

/// Names a tracked flow until its `Ended` event; reused later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowId(pub u32);

/// What a packet did to its flow: the worker's link to dissection.
#[derive(Clone, Copy, Debug)]
pub struct Touch {
    pub flow: FlowId,
    pub direction: Direction,
    /// First packet of the flow.
    pub opened: bool,
    /// Wanted for dissection: new in-order payload and `Table::stop_inspecting` was not called.
    pub inspect: bool,
    /// Offset of this payload in the direction's byte stream, when TCP and known; 0 for datagrams.
    pub stream_offset: u32,
}

/// What the table tells the control plane. Counts in a record are totals since the flow began.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowEvent {
    /// First packet.
    Opened { flow: FlowId, record: Box<FlowRecord> },
    /// Still alive at an interim interval, or just answered for the first time.
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

/// Which of `shards` a packet belongs to; both directions give the same answer, and so does every run.
#[must_use]
pub fn shard_of(packet: &Packet, shards: usize) -> usize {
    let _ = packet;
    shards.saturating_sub(1)
}

/// Flows of one worker or shard.
#[derive(Debug)]
pub struct Table {
    stats: TableStats,
}

impl Table {
    /// `seed` keys the hash against crafted collisions; it never shows in any output.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Self {
        let _ = (config, seed);
        Self { stats: TableStats::default() }
    }

    /// Takes a batch in order; fills `touches` with one entry for each packet. Appends to `events`.
    pub fn process(&mut self, batch: &[Observation], touches: &mut Vec<Option<Touch>>, events: &mut Vec<FlowEvent>) {
        let _ = (batch, touches, events);
    }

    /// Names the application; it shows in every later record.
    pub fn set_service(&mut self, flow: FlowId, service: &'static str) {
        let _ = (flow, service);
    }

    /// No packet of this flow will be wanted for dissection again.
    pub fn stop_inspecting(&mut self, flow: FlowId) {
        let _ = flow;
    }

    /// Ends flows that are idle at `now`, examining at most `budget` slots; call between batches.
    pub fn sweep(&mut self, now: Timestamp, budget: usize, events: &mut Vec<FlowEvent>) {
        let _ = (now, budget, events);
    }

    /// Ends every flow, at the end of a capture or on drain.
    pub fn drain(&mut self, events: &mut Vec<FlowEvent>) {
        let _ = events;
    }

    #[must_use]
    pub const fn stats(&self) -> TableStats {
        self.stats
    }
}
