//! What the hub publishes for HTTP and MQTT: one immutable value, replaced as a whole.

use std::time::Instant;

use sensor_capture::SourceStats;
use sensor_model::{Accounting, Alert, FlowMap, SCHEMA, TapCoverage, Timestamp};
use serde::Serialize;

use super::ledger::{Counted, Stage};
use super::port::Told;
use crate::counts::{FrameCounts, StageCounts};

/// Recent alerts that are kept for readers.
pub const RECENT_ALERTS: usize = 1_000;

#[derive(Clone, Debug)]
pub struct Snapshot {
    pub published_at: Instant,
    pub map: FlowMap,
    pub status: Status,
    /// Latest last.
    pub alerts: Vec<Alert>,
    pub frames: FrameCounts,
    pub stages: StageCounts,
    pub source: SourceStats,
}

/// How the sensor is doing, for `sensor status` and `/v1/status`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Status {
    pub sensor: String,
    pub version: &'static str,
    pub interface: String,
    pub capture: &'static str,
    pub capture_reason: String,
    /// `up`, `down` or `gone`.
    pub port_state: &'static str,
    pub started_at: Timestamp,
    pub now: Timestamp,
    pub learning_until: Option<Timestamp>,
    pub packets: u64,
    pub bytes: u64,
    pub flow_packets: u64,
    pub non_ip_packets: u64,
    pub later_fragments: u64,
    pub skipped_packets: u64,
    pub refused_packets: u64,
    /// Left out, as the mirror delivered them more than once.
    pub duplicate_packets: u64,
    /// Lost before a worker saw them: on the port, in the kernel, on a full ring.
    pub lost_packets: u64,
    pub dropped_events: u64,
    /// Frames the port sent; must stay 0.
    pub sent_frames: u64,
    pub active_flows: u64,
    pub evicted_flows: u64,
    pub uninspected_flows: u64,
    pub assets: usize,
    pub conversations: usize,
    pub refused_conversations: u64,
    pub alerts: u64,
    pub suppressed_alerts: u64,
    pub waiting_alerts: u64,
    pub dropped_alerts: u64,
    pub broker_connected: Option<bool>,
    /// From the wire to the broker: what came in, what was lost and why, what went on.
    pub stages: Vec<Stage>,
}

impl Snapshot {
    /// Before the first packet.
    #[must_use]
    pub fn empty(sensor: &str, interface: &str, told: Told) -> Self {
        let now = super::lane::now();
        let status = Status {
            sensor: sensor.to_owned(),
            version: env!("CARGO_PKG_VERSION"),
            interface: interface.to_owned(),
            capture: told.path,
            capture_reason: told.reason,
            stages: Counted::default().stages(),
            started_at: now,
            now,
            ..Status::default()
        };
        let map = FlowMap {
            schema: SCHEMA.to_owned(),
            sensor: sensor.to_owned(),
            first_seen: now,
            last_seen: now,
            accounting: Accounting::default(),
            coverage: TapCoverage::default(),
            assets: Vec::new(),
            conversations: Vec::new(),
        };
        Self {
            published_at: Instant::now(),
            map,
            status,
            alerts: Vec::new(),
            frames: FrameCounts::default(),
            stages: StageCounts::default(),
            source: SourceStats::default(),
        }
    }
}
