//! What a replay says when it is over: what came, where the rest went, what to look at next.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use crate::export::stats::Stats;

/// A few lines for people; all of it, and more, is in `stats.json`.
pub struct Summary<'a> {
    pub stats: &'a Stats,
    pub out: &'a Path,
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { stats, out } = self;
        let out = out.display();
        write!(
            f,
            "{} of {}: {}",
            many(stats.packets, "packet"),
            many(stats.files.len() as u64, "file"),
            many(stats.flows, "flow")
        )?;
        if let Some(map) = &stats.map {
            let (assets, conversations) = (many(map.assets as u64, "asset"), many(map.conversations as u64, "conversation"));
            write!(f, ", {assets}, {conversations}, {}", many(map.alerts, "alert"))?;
        }
        let outside = outside_flows(stats);
        if !outside.is_empty() {
            write!(f, "\nin no flow: {}", outside.join(", "))?;
        }
        match &stats.map {
            Some(_) => write!(f, "\nwritten to {out}; look at it with: sensor assets --flowmap {out}/flowmap.json"),
            None => write!(f, "\nwritten to {out}"),
        }
    }
}

/// Packets that are in no flow, by reason.
fn outside_flows(stats: &Stats) -> Vec<String> {
    let skipped = stats.skipped.iter().map(|(reason, count)| (*count, format!("skipped as {reason}")));
    let others = [
        (stats.arp_packets, "ARP"),
        (stats.non_ip_packets - stats.arp_packets, "not IP"),
        (stats.later_fragments, "fragments without their first"),
        (stats.duplicates.total(), "copies"),
        (stats.refused_packets, "refused by the full flow table"),
    ];
    let others = others.map(|(count, what)| (count, what.to_owned()));
    others.into_iter().chain(skipped).filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
}

fn many(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::{FrameCounts, StageCounts};
    use sensor_wire::SkipReason;

    #[test]
    fn every_packet_is_said_to_be_in_a_flow_or_why_not() {
        // Given ten packets: six in two flows, one ARP, one of LLDP, one too short, one fragment.
        let mut frames = FrameCounts::default();
        (frames.packets, frames.arp, frames.later_fragments) = (10, 1, 1);
        frames.non_ip(0x88cc);
        frames.skip(SkipReason::Truncated);
        let stages = StageCounts { flow_packets: 6, flows_opened: 2, ..StageCounts::default() };
        let stats = Stats::new("tap", &frames, &stages, None, Vec::new());

        let said = Summary { stats: &stats, out: Path::new("out") }.to_string();

        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(
            lines,
            [
                "10 packets of 0 files: 2 flows",
                "in no flow: 1 ARP, 1 not IP, 1 fragments without their first, 1 skipped as truncated",
                "written to out",
            ]
        );
    }
}
