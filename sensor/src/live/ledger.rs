//! Where everything went, stage by stage from the wire to the broker: what came in equals what was lost, by name, and what was set aside,
//! and what waits, and what went on.

use sensor_capture::SourceStats;
use sensor_wire::SkipReason;
use serde::Serialize;

use super::lane::LaneCounts;
use crate::export::outbox;

/// One stage of the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stage {
    pub stage: &'static str,
    /// What is counted: frames, packets, events or alerts.
    pub unit: &'static str,
    pub entered: u64,
    pub lost: Vec<Part>,
    /// Taken out on purpose: no flow.
    pub set_aside: Vec<Part>,
    /// On its way at the moment of counting.
    pub waiting: u64,
    pub passed: u64,
}

/// A share of a stage under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    pub why: &'static str,
    pub count: u64,
}

/// All that is counted, at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    pub source: SourceStats,
    pub lanes: LaneCounts,
    /// Events the hub took.
    pub events_taken: u64,
    pub outbox: outbox::State,
}

impl Stage {
    #[must_use]
    pub fn lost_total(&self) -> u64 {
        sum(&self.lost)
    }

    #[cfg(test)]
    fn balances(&self) -> bool {
        self.entered == self.lost_total() + sum(&self.set_aside) + self.waiting + self.passed
    }

    /// What is missing on the other side is on its way.
    fn through(stage: &'static str, unit: &'static str, entered: u64, lost: Vec<Part>, passed: u64) -> Self {
        Self::with_aside(stage, unit, entered, lost, Vec::new(), passed)
    }

    fn with_aside(
        stage: &'static str,
        unit: &'static str,
        entered: u64,
        lost: Vec<Part>,
        set_aside: Vec<Part>,
        passed: u64,
    ) -> Self {
        let told = sum(&lost) + sum(&set_aside) + passed;
        // Counters of the kernel are read one after the other: what came in between is seen at one end only.
        let entered = entered.max(told);
        Self { stage, unit, entered, lost, set_aside, waiting: entered - told, passed }
    }
}

impl Counted {
    /// From the wire to the broker.
    #[must_use]
    pub fn stages(&self) -> Vec<Stage> {
        let Self { source, lanes, events_taken, outbox } = self;
        let (frames, counts, handover) = (&lanes.frames, &lanes.stages, &lanes.handover);
        let (copies, tracked) = (&counts.duplicates, counts.flow_packets + counts.refused_packets);
        let mut stages = on_the_port(source);
        let lost = vec![
            part("ring full", source.ring_full),
            part("no free buffer", source.no_buffer),
            part("buffer of libpcap full", source.buffer_full),
            part("not taken by the socket", source.not_taken),
            part("left when the capture was opened anew", source.abandoned),
        ];
        stages.push(Stage::through("ring", "frames", source.offered, lost, source.received));
        let aside = vec![
            part("arp", frames.arp),
            part("not ip", frames.other_non_ip),
            part("later fragment", frames.unplaced_fragments()),
        ];
        let skipped = frames.skipped().map(|(why, count)| part(why, count)).collect();
        stages.push(Stage::with_aside("decode", "packets", source.received.max(frames.packets), skipped, aside, frames.to_flows));
        stages.push(Stage::through(
            "handover",
            "packets",
            frames.to_flows,
            vec![part("inbox of the other worker full", handover.dropped_packets)],
            frames.to_flows.saturating_sub(handover.dropped_packets).min(tracked + copies.total()),
        ));
        stages.push(Stage::with_aside(
            "copies",
            "packets",
            tracked + copies.total(),
            Vec::new(),
            copies.by_change().map(|(change, count)| part(change, count)).to_vec(),
            tracked,
        ));
        stages.push(Stage::through(
            "flow table",
            "packets",
            tracked,
            vec![part("table full", counts.refused_packets)],
            counts.flow_packets,
        ));
        let dropped = vec![part("queue to the hub full", lanes.events_dropped)];
        stages.push(Stage::through("events", "events", lanes.events_made, dropped, *events_taken));
        let kept = outbox.pushed;
        stages.push(Stage::through("export", "alerts", kept, vec![part("outbox full", outbox.dropped)], outbox.delivered));
        stages
    }
}

/// From the wire, as the device tells of it, to the sockets. An estimate, as a device need not notice what it misses.
fn on_the_port(source: &SourceStats) -> Vec<Stage> {
    let reached = source.offered + source.no_socket;
    // A port that was removed takes its latest counts with it.
    let received = source.port_received.max(reached + source.port_dropped + source.not_listening);
    let missed = vec![part("missed by the device", source.port_missed), part("damaged", source.port_bad)];
    let dropped = vec![
        part("dropped by the driver", source.port_dropped),
        part("came while the capture was opened anew", source.not_listening),
    ];
    let on_wire = received + source.port_missed + source.port_bad;
    vec![
        Stage::through("wire", "frames", on_wire, missed, received),
        Stage::through("port", "frames", received, dropped, reached),
        Stage::through("program", "frames", reached, vec![part("queue without socket", source.no_socket)], source.offered),
    ]
}

const fn part(why: &'static str, count: u64) -> Part {
    Part { why, count }
}

fn sum(parts: &[Part]) -> u64 {
    parts.iter().map(|part| part.count).sum()
}

// The closed set of names that metrics use as labels grows with the decoder's reasons, and with nothing else.
const _: () = assert!(SkipReason::ALL.len() < 64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::{FrameCounts, StageCounts};

    /// A thousand frames of which each stage loses another number, and the program loses `no_socket`.
    fn counted() -> Counted {
        let mut frames = FrameCounts::default();
        (frames.packets, frames.to_flows) = (900, 850);
        (frames.arp, frames.other_non_ip, frames.later_fragments) = (20, 10, 5);
        (0..15).for_each(|_| frames.skip(SkipReason::BadLength));
        Counted {
            source: SourceStats {
                port_received: 1_000,
                port_missed: 7,
                port_bad: 3,
                port_dropped: 11,
                not_listening: 9,
                offered: 960,
                no_socket: 20,
                ring_full: 30,
                no_buffer: 20,
                not_taken: 10,
                received: 900,
                ..SourceStats::default()
            },
            lanes: LaneCounts {
                frames,
                stages: StageCounts { flow_packets: 800, refused_packets: 40, ..StageCounts::default() },
                handover: super::super::exchange::HandoverCounts { dropped_packets: 10, ..Default::default() },
                events_made: 100,
                events_dropped: 30,
            },
            events_taken: 70,
            outbox: outbox::State { pushed: 9, waiting: 2, dropped: 3, delivered: 4, ..outbox::State::default() },
        }
    }

    #[test]
    fn every_stage_balances_and_hands_on_what_the_next_one_gets() {
        let stages = counted().stages();
        for stage in &stages {
            assert!(stage.balances(), "{stage:?}");
        }
        for pair in stages.windows(2).filter(|pair| pair[0].unit == pair[1].unit) {
            assert_eq!(pair[0].passed, pair[1].entered, "{pair:?}");
        }
        let waiting: Vec<_> = stages.iter().map(|stage| (stage.stage, stage.waiting)).filter(|(_, count)| *count > 0).collect();
        assert_eq!(waiting, [("export", 2)]);
        let lost: Vec<_> = stages.iter().map(Stage::lost_total).collect();
        assert_eq!(lost, [10, 20, 20, 60, 15, 10, 0, 40, 30, 3]);
    }

    #[test]
    fn counters_read_in_passing_never_make_a_loss() {
        // Given a frame that the port had not counted when it was asked, and one that no worker had taken.
        let source = SourceStats { port_received: 4, offered: 5, received: 4, ..SourceStats::default() };
        let stages = Counted { source, ..Counted::default() }.stages();
        assert!(stages.iter().all(|stage| stage.balances() && stage.lost_total() == 0), "{stages:?}");
        assert_eq!(stages.iter().find(|stage| stage.stage == "ring").map(|stage| stage.waiting), Some(1));
    }
}
