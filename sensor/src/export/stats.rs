//! `stats.json`: where every packet of a replay went. `packets` equals `flow_packets` + `refused_packets` + the four kinds of `duplicates` +
//! `non_ip_packets` + `later_fragments` + the sum of `skipped`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::counts::{Copies, FrameCounts, StageCounts};

/// How one capture file fared.
#[derive(Clone, Debug, Serialize)]
pub struct FileStats {
    pub path: String,
    pub packets: u64,
    /// On the wire.
    pub bytes: u64,
    /// Why the file was not read, or not to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Stats {
    pub sensor: String,
    pub packets: u64,
    pub bytes: u64,
    pub captured_bytes: u64,
    pub flow_packets: u64,
    /// Their flows found no room in a full table.
    pub refused_packets: u64,
    /// ARP included.
    pub non_ip_packets: u64,
    pub arp_packets: u64,
    /// What is neither IP nor ARP, by protocol; those not met are left out.
    pub non_ip: BTreeMap<&'static str, u64>,
    /// Later fragments that are counted in a flow; they are in `flow_packets`.
    pub placed_fragments: u64,
    /// Those whose first fragment was not seen.
    pub later_fragments: u64,
    /// Left out with `--dedup`.
    pub duplicates: Copies,
    pub skipped: BTreeMap<&'static str, u64>,
    /// Packets that break a rule of their own and count in a flow all the same. One may have several.
    pub anomalies: BTreeMap<&'static str, u64>,
    pub flows: u64,
    pub flow_table: FlowTableStats,
    pub dissect: DissectStats,
    /// Absent where no map was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<MapStats>,
    pub files: Vec<FileStats>,
}

#[derive(Debug, Serialize)]
pub struct FlowTableStats {
    pub opened: u64,
    pub ended: u64,
    pub evicted: u64,
}

#[derive(Debug, Serialize)]
pub struct DissectStats {
    pub sessions_opened: u64,
    pub sessions_refused: u64,
}

#[derive(Debug, Serialize)]
pub struct MapStats {
    pub assets: usize,
    /// Observations of internal and external addresses that a full inventory did not take, and facts about hosts never heard.
    pub assets_refused_internal: u64,
    pub assets_refused_external: u64,
    pub hearsay: u64,
    /// Addresses that made room for others that have shown more of themselves.
    pub assets_evicted: u64,
    pub conversations: usize,
    /// Flows that ended without a place in the map.
    pub conversations_refused: u64,
    /// Conversations that made room for others that have shown more of themselves.
    pub conversations_evicted: u64,
    pub alerts: u64,
    pub alerts_suppressed: u64,
}

impl Stats {
    #[must_use]
    pub fn new(sensor: &str, frames: &FrameCounts, stages: &StageCounts, map: Option<MapStats>, files: Vec<FileStats>) -> Self {
        Self {
            sensor: sensor.to_owned(),
            packets: frames.packets,
            bytes: frames.wire_bytes,
            captured_bytes: frames.captured_bytes,
            flow_packets: stages.flow_packets,
            refused_packets: stages.refused_packets,
            non_ip_packets: frames.arp + frames.other_non_ip,
            arp_packets: frames.arp,
            non_ip: frames.non_ip_by_kind().filter(|(_, count)| *count > 0).collect(),
            placed_fragments: frames.placed_fragments,
            later_fragments: frames.unplaced_fragments(),
            duplicates: stages.duplicates,
            skipped: frames.skipped().collect(),
            anomalies: frames.anomalies_by_kind().collect(),
            flows: stages.flows_opened,
            // What no packet ended has ended with the capture.
            flow_table: FlowTableStats {
                opened: stages.flows_opened,
                ended: stages.flows_ended + stages.flows_active,
                evicted: stages.flows_evicted,
            },
            dissect: DissectStats { sessions_opened: stages.sessions_opened, sessions_refused: stages.sessions_refused },
            map,
            files,
        }
    }
}
