//! `sensor coverage`: how the tap sees each host, each VLAN, and how much it loses. A map is worth as much as its coverage.

use anyhow::Result;
use sensor_model::{AssetId, Coverage, FlowMap, FlowSights, Loss, Scope, TapCoverage, VlanCoverage};
use serde::Serialize;

use super::copies;
use super::{Format, print, print_json, print_table};

/// The whole of it, as `/v1/coverage` and `-o json` give it.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    pub hosts: Vec<Row<'a>>,
    #[serde(flatten)]
    pub tap: &'a TapCoverage,
}

/// One host of ours.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    pub id: &'a AssetId,
    pub label: &'a str,
    #[serde(flatten)]
    pub coverage: &'a Coverage,
}

#[must_use]
pub fn report(map: &FlowMap) -> Report<'_> {
    Report { hosts: rows(map), tap: &map.coverage }
}

/// Hosts of ours, badly seen ones first. Others are behind a router: the tap sees of them what the router lets through.
fn rows(map: &FlowMap) -> Vec<Row<'_>> {
    let ours = map.assets.iter().filter(|asset| asset.scope == Scope::Internal);
    let mut rows: Vec<_> = ours.map(|asset| Row { id: &asset.id, label: &asset.label, coverage: &asset.coverage }).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.coverage.visibility));
    rows
}

pub fn show(map: &FlowMap, format: Format) -> Result<()> {
    let report = report(map);
    if format == Format::Json {
        return print_json(&report);
    }
    print_table(
        &["asset.", "seen.", "likely cause", "sent", "received", "broadcast", "lost"],
        report.hosts.iter().map(|row| {
            vec![
                row.label.to_owned(),
                row.coverage.visibility.as_str().to_owned(),
                row.coverage.cause.map(|cause| cause.explanation()).unwrap_or_default().to_owned(),
                row.coverage.sent_packets.to_string(),
                row.coverage.received_packets.to_string(),
                row.coverage.group_packets.to_string(),
                percent_lost(&row.coverage.loss),
            ]
        }),
    )?;
    show_vlans(&report.tap.vlans)?;
    let copies = copies::lines(&report.tap.duplicates);
    print(&format!("{}\n{}\n{copies}", flow_line(&report.tap.flows), loss_line(&report.tap.loss)))
}

pub fn show_vlans(vlans: &[VlanCoverage]) -> Result<()> {
    print_table(
        &["VLAN.", "seen.", "likely cause", "hosts", "networks", "packets", "to groups", "one way", "lost"],
        vlans.iter().map(|vlan| {
            vec![
                vlan.tags.to_string(),
                vlan.visibility.as_str().to_owned(),
                vlan_remark(vlan),
                vlan.hosts.to_string(),
                networks(vlan),
                vlan.packets.to_string(),
                vlan.group_packets.to_string(),
                one_way_share(&vlan.flows),
                percent_lost(&vlan.loss),
            ]
        }),
    )
}

fn vlan_remark(vlan: &VlanCoverage) -> String {
    let mut remarks = Vec::new();
    remarks.extend(vlan.cause.map(|cause| cause.explanation().to_owned()));
    if !vlan.answered_in.is_empty() {
        let others: Vec<String> = vlan.answered_in.iter().map(ToString::to_string).collect();
        remarks.push(format!("other direction in VLAN {}", others.join(", ")));
    }
    if !vlan.named_by.is_empty() {
        remarks.push(format!("named by {}", vlan.named_by.join(", ")));
    }
    remarks.join("; ")
}

pub fn networks(vlan: &VlanCoverage) -> String {
    let names: Vec<String> = vlan.networks.iter().map(|network| format!("{} ({})", network.network, network.hosts)).collect();
    names.join(" ")
}

/// Of the flows whose two directions are known to exist.
pub fn one_way_share(flows: &FlowSights) -> String {
    let proven = flows.both_ways.saturating_add(flows.one_way);
    if proven == 0 { "-".to_owned() } else { format!("{:.1} %", flows.one_way as f64 * 100.0 / proven as f64) }
}

pub fn percent_lost(loss: &Loss) -> String {
    loss.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{:.2} %", ratio * 100.0))
}

fn flow_line(flows: &FlowSights) -> String {
    let FlowSights { both_ways, one_way, unanswered } = flows;
    format!("flows: {both_ways} both ways, {one_way} one way though both exist, {unanswered} without an answer")
}

fn loss_line(loss: &Loss) -> String {
    match (loss.ratio(), loss.cause) {
        (None, _) => "loss: too little TCP was seen both ways to measure it".to_owned(),
        (Some(_), None) => format!("loss: {} of TCP data", percent_lost(loss)),
        (Some(_), Some(cause)) => format!("loss: {} of TCP data; {}", percent_lost(loss), cause.explanation()),
    }
}
