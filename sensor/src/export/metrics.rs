//! Prometheus text from a snapshot. The only place that knows the library. Labels come from closed sets, never an address.

use prometheus::{Encoder, Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

use crate::live::ledger::Stage;
use crate::live::snapshot::Snapshot;
use sensor_model::{CoverageCause, FlowMap, Visibility};

/// Stages whose loss is missing in the flow map, and which nobody chose.
const LOSING_PACKETS: [&str; 5] = ["wire", "port", "program", "ring", "handover"];

/// Every metric of a scrape. The totals are kept elsewhere, so a scrape builds its own registry.
pub fn render(snapshot: &Snapshot) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    write_packet_path(&registry, snapshot)?;
    write_control_plane(&registry, snapshot)?;
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text)?;
    Ok(String::from_utf8(text).unwrap_or_default())
}

fn write_packet_path(registry: &Registry, snapshot: &Snapshot) -> Result<(), prometheus::Error> {
    let (frames, stages, source, status) = (&snapshot.frames, &snapshot.stages, &snapshot.source, &snapshot.status);
    counter(registry, "sensor_packets_total", "Frames that reached a worker.", frames.packets)?;
    counter(registry, "sensor_wire_bytes_total", "Bytes of these frames on the wire.", frames.wire_bytes)?;
    let outcome = counters(
        registry,
        "sensor_decoded_packets_total",
        "Frames by what they turned out to be; they add up to all.",
        &["outcome"],
    )?;
    for (label, count) in [
        ("flow", stages.flow_packets),
        ("refused", stages.refused_packets),
        ("duplicate", stages.duplicates.total()),
        ("later_fragment", frames.unplaced_fragments()),
        ("arp", frames.arp),
        ("non_ip", frames.other_non_ip),
    ] {
        outcome.with_label_values(&[label]).inc_by(count);
    }
    for (reason, count) in frames.skipped() {
        outcome.with_label_values(&[reason]).inc_by(count);
    }
    let non_ip =
        counters(registry, "sensor_non_ip_packets_total", "Frames that are neither IP nor ARP, by protocol.", &["protocol"])?;
    for (protocol, count) in frames.non_ip_by_kind() {
        non_ip.with_label_values(&[protocol]).inc_by(count);
    }
    let anomalies = counters(
        registry,
        "sensor_packet_anomalies_total",
        "Packets that break a rule of their own and are counted in a flow all the same.",
        &["kind"],
    )?;
    for (kind, count) in frames.anomalies_by_kind() {
        anomalies.with_label_values(&[kind]).inc_by(count);
    }
    let duplicates = counters(
        registry,
        "sensor_duplicate_packets_total",
        "Frames left out because the mirror delivered them more than once, by how they differ from their originals.",
        &["change"],
    )?;
    for (change, count) in stages.duplicates.by_change() {
        duplicates.with_label_values(&[change]).inc_by(count);
    }
    counter(
        registry,
        "sensor_port_received_packets_total",
        "Frames the port took in, as its driver counts.",
        source.port_received,
    )?;
    counter(registry, "sensor_port_sent_packets_total", "Frames the port sent; must stay 0.", source.port_sent)?;
    write_stages(registry, &status.stages)?;
    counter(registry, "sensor_fill_ring_empty_total", "Times the kernel found no free buffer.", source.fill_ring_empty)?;
    counter(registry, "sensor_flows_opened_total", "Flows that began.", stages.flows_opened)?;
    counter(registry, "sensor_flows_evicted_total", "Flows dropped from a full table before their end.", stages.flows_evicted)?;
    gauge(registry, "sensor_flows_active", "Flows tracked now.", stages.flows_active)?;
    counter(registry, "sensor_sessions_opened_total", "Flows whose payload was inspected.", stages.sessions_opened)?;
    counter(registry, "sensor_sessions_refused_total", "Flows that went uninspected for want of room.", stages.sessions_refused)?;
    counter(registry, "sensor_events_dropped_total", "Events that found the hub's queue full.", status.dropped_events)
}

/// The ledger: `entered` is the sum of the others.
fn write_stages(registry: &Registry, stages: &[Stage]) -> Result<(), prometheus::Error> {
    let entered =
        counters(registry, "sensor_stage_entered_total", "What came into a stage, from the wire to the broker.", &["stage"])?;
    let lost = counters(registry, "sensor_stage_lost_total", "What a stage lost, by cause.", &["stage", "why"])?;
    let aside =
        counters(registry, "sensor_stage_set_aside_total", "What a stage took out on purpose, by kind.", &["stage", "why"])?;
    let passed = counters(registry, "sensor_stage_passed_total", "What a stage handed on.", &["stage"])?;
    let lost_packets =
        counters(registry, "sensor_lost_packets_total", "Packets lost before a flow table saw them, by where.", &["stage"])?;
    for stage in stages {
        if LOSING_PACKETS.contains(&stage.stage) {
            lost_packets.with_label_values(&[stage.stage]).inc_by(stage.lost_total());
        }
        entered.with_label_values(&[stage.stage]).inc_by(stage.entered);
        passed.with_label_values(&[stage.stage]).inc_by(stage.passed);
        for (vector, parts) in [(&lost, &stage.lost), (&aside, &stage.set_aside)] {
            for part in parts {
                vector.with_label_values(&[stage.stage, &part.why.replace(' ', "_")]).inc_by(part.count);
            }
        }
    }
    Ok(())
}

fn write_control_plane(registry: &Registry, snapshot: &Snapshot) -> Result<(), prometheus::Error> {
    let (status, map) = (&snapshot.status, &snapshot.map);
    gauge(registry, "sensor_assets", "Assets known.", status.assets as u64)?;
    gauge(registry, "sensor_conversations", "Conversations known.", status.conversations as u64)?;
    counter(registry, "sensor_conversations_refused_total", "Flows left out of a full map.", status.refused_conversations)?;
    counter(
        registry,
        "sensor_missed_bytes_total",
        "TCP bytes that were acknowledged and never seen.",
        map.accounting.missed_bytes,
    )?;
    let seen = IntGaugeVec::new(Opts::new("sensor_hosts", "Assets by how the tap sees them."), &["visibility"])?;
    registry.register(Box::new(seen.clone()))?;
    for visibility in Visibility::ALL {
        let count = map.assets.iter().filter(|asset| asset.coverage.visibility == *visibility).count();
        seen.with_label_values(&[&visibility.as_str().replace(' ', "_")]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    write_coverage(registry, map)?;
    counter(registry, "sensor_alerts_total", "Alerts raised.", status.alerts)?;
    counter(
        registry,
        "sensor_alerts_suppressed_total",
        "Alerts held back by the hourly limit of their asset.",
        status.suppressed_alerts,
    )?;
    gauge(registry, "sensor_outbox_alerts", "Alerts that the broker has not acknowledged.", status.waiting_alerts)?;
    counter(registry, "sensor_outbox_dropped_alerts_total", "Alerts dropped from a full outbox.", status.dropped_alerts)?;
    if let Some(connected) = status.broker_connected {
        gauge(registry, "sensor_broker_connected", "1 while the MQTT broker is connected.", connected.into())?;
    }
    let age = Gauge::new("sensor_snapshot_age_seconds", "Time since the published state was built.")?;
    age.set(snapshot.published_at.elapsed().as_secs_f64());
    registry.register(Box::new(age))
}

fn counter(registry: &Registry, name: &str, help: &str, total: u64) -> Result<(), prometheus::Error> {
    let counter = IntCounter::new(name, help)?;
    counter.inc_by(total);
    registry.register(Box::new(counter))
}

/// What is behind the visibility of hosts: causes, VLANs, directions of flows, loss.
fn write_coverage(registry: &Registry, map: &FlowMap) -> Result<(), prometheus::Error> {
    let gauges = |name: &str, help: &str, label: &str| {
        let gauges = IntGaugeVec::new(Opts::new(name, help), &[label])?;
        registry.register(Box::new(gauges.clone()))?;
        Ok::<_, prometheus::Error>(gauges)
    };
    let set = |gauges: &IntGaugeVec, label: &str, count: u64| {
        gauges.with_label_values(&[label]).set(i64::try_from(count).unwrap_or(i64::MAX));
    };
    let causes = gauges("sensor_host_causes", "Assets by the likely cause of how badly they are seen.", "cause")?;
    for cause in CoverageCause::ALL {
        set(&causes, cause.as_str(), map.assets.iter().filter(|asset| asset.coverage.cause == Some(*cause)).count() as u64);
    }
    let vlans = gauges("sensor_vlans", "VLANs by how the tap sees them.", "visibility")?;
    for visibility in Visibility::ALL {
        let count = map.coverage.vlans.iter().filter(|vlan| vlan.visibility == *visibility).count() as u64;
        set(&vlans, &visibility.as_str().replace(' ', "_"), count);
    }
    let flows = gauges("sensor_flow_sights", "Flows so far by the directions that were seen.", "directions")?;
    let sights = map.coverage.flows;
    for (label, count) in [("both_ways", sights.both_ways), ("one_way", sights.one_way), ("unanswered", sights.unanswered)] {
        set(&flows, label, count);
    }
    if let Some(ratio) = map.coverage.loss.ratio() {
        let lost =
            Gauge::new("sensor_loss_ratio", "Part of TCP data that was acknowledged and never seen, of flows seen both ways.")?;
        lost.set(ratio);
        registry.register(Box::new(lost))?;
    }
    Ok(())
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(counters.clone()))?;
    Ok(counters)
}

fn gauge(registry: &Registry, name: &str, help: &str, value: u64) -> Result<(), prometheus::Error> {
    let gauge = IntGauge::new(name, help)?;
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    registry.register(Box::new(gauge))
}
