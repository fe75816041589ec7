//! `sensor coverage`: how the tap sees each host. A map is worth as much as its coverage.

use anyhow::Result;
use sensor_model::{AssetId, Coverage, CoverageCause, FlowMap, Scope};
use serde::Serialize;

use super::{Format, print_json, print_table};

/// One host of ours.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    pub id: &'a AssetId,
    pub label: &'a str,
    #[serde(flatten)]
    pub coverage: &'a Coverage,
}

/// Hosts of ours, badly seen ones first. Others are behind a router: the tap sees of them what the router lets through.
pub fn rows(map: &FlowMap) -> Vec<Row<'_>> {
    let ours = map.assets.iter().filter(|asset| asset.scope == Scope::Internal);
    let mut rows: Vec<_> = ours.map(|asset| Row { id: &asset.id, label: &asset.label, coverage: &asset.coverage }).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.coverage.visibility));
    rows
}

pub fn show(map: &FlowMap, format: Format) -> Result<()> {
    let rows = rows(map);
    if format == Format::Json {
        return print_json(&rows);
    }
    print_table(
        &["asset.", "seen.", "likely cause", "sent", "received", "broadcast"],
        rows.iter().map(|row| {
            vec![
                row.label.to_owned(),
                row.coverage.visibility.as_str().to_owned(),
                row.coverage.cause.map(cause).unwrap_or_default().to_owned(),
                row.coverage.sent_packets.to_string(),
                row.coverage.received_packets.to_string(),
                row.coverage.group_packets.to_string(),
            ]
        }),
    )
}

const fn cause(cause: CoverageCause) -> &'static str {
    match cause {
        CoverageCause::OneDirectionMirror => "the mirror copies one direction only",
        CoverageCause::PortNotMirrored => "its switch port is not mirrored",
        CoverageCause::NoAnswer => "nobody answers: it may not exist",
        CoverageCause::Loss => "the mirror or the sensor loses packets",
    }
}
