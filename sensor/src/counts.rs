//! Where every frame went: the numbers that must balance.

use sensor_flow::DuplicateCounts;
use sensor_model::Change;
use sensor_wire::SkipReason;
use serde::Serialize;

/// Frames by outcome. `packets` is the sum of everything else that counts packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    pub packets: u64,
    pub wire_bytes: u64,
    pub captured_bytes: u64,
    /// Handed to the flow table: counted in a flow, or refused by a full table.
    pub to_flows: u64,
    pub later_fragments: u64,
    /// Later fragments whose flow was found: they are in `to_flows` too.
    pub placed_fragments: u64,
    pub arp: u64,
    /// Neither IP nor ARP.
    pub other_non_ip: u64,
    /// Of a link type that the capture's reader does not know.
    pub unreadable_link: u64,
    skipped: [u64; SKIP_REASONS],
}

const SKIP_REASONS: usize = SkipReason::ALL.len();

impl FrameCounts {
    pub fn skip(&mut self, reason: SkipReason) {
        let place = SkipReason::ALL.iter().position(|known| *known == reason);
        if let Some(count) = place.and_then(|at| self.skipped.get_mut(at)) {
            *count += 1;
        }
    }

    /// Every reason with its count.
    pub fn skipped(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let unreadable = std::iter::once(("unreadable_link", self.unreadable_link));
        SkipReason::ALL.iter().map(|reason| reason.as_str()).zip(self.skipped).chain(unreadable)
    }

    /// Later fragments that belong to no flow we know of.
    #[must_use]
    pub const fn unplaced_fragments(&self) -> u64 {
        self.later_fragments.saturating_sub(self.placed_fragments)
    }

    #[must_use]
    pub fn skipped_total(&self) -> u64 {
        self.skipped.iter().sum::<u64>() + self.unreadable_link
    }

    pub fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.wire_bytes += other.wire_bytes;
        self.captured_bytes += other.captured_bytes;
        self.to_flows += other.to_flows;
        self.later_fragments += other.later_fragments;
        self.placed_fragments += other.placed_fragments;
        self.arp += other.arp;
        self.other_non_ip += other.other_non_ip;
        self.unreadable_link += other.unreadable_link;
        for (mine, theirs) in self.skipped.iter_mut().zip(other.skipped) {
            *mine += theirs;
        }
    }
}

/// What the stages after decoding did, over all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StageCounts {
    pub flow_packets: u64,
    /// The table was full and the packet's flow was not tracked.
    pub refused_packets: u64,
    pub flows_opened: u64,
    pub flows_ended: u64,
    pub flows_evicted: u64,
    pub flows_active: u64,
    pub sessions_opened: u64,
    /// Flows that went uninspected because `dissect.max_sessions` was reached.
    pub sessions_refused: u64,
    /// Left out before the flow table.
    pub duplicates: Copies,
}

impl StageCounts {
    pub fn add(&mut self, other: &Self) {
        self.flow_packets += other.flow_packets;
        self.refused_packets += other.refused_packets;
        self.flows_opened += other.flows_opened;
        self.flows_ended += other.flows_ended;
        self.flows_evicted += other.flows_evicted;
        self.flows_active += other.flows_active;
        self.sessions_opened += other.sessions_opened;
        self.sessions_refused += other.sessions_refused;
        self.duplicates.add(&other.duplicates);
    }
}

/// Frames that the mirror delivered more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Copies {
    pub same_hop: u64,
    pub routed: u64,
    pub other_vlan: u64,
    pub other_macs: u64,
    /// Contents that were forgotten before their time, and frames from paths without room: copies of these pass.
    pub forgotten: u64,
    pub unplaced: u64,
}

impl Copies {
    /// By how they differ from their originals.
    #[must_use]
    pub const fn by_change(&self) -> [(&'static str, u64); 4] {
        [
            (Change::SameHop.as_str(), self.same_hop),
            (Change::Routed.as_str(), self.routed),
            (Change::OtherVlan.as_str(), self.other_vlan),
            (Change::OtherMacs.as_str(), self.other_macs),
        ]
    }

    #[must_use]
    pub const fn total(&self) -> u64 {
        self.same_hop + self.routed + self.other_vlan + self.other_macs
    }

    const fn add(&mut self, other: &Self) {
        self.same_hop += other.same_hop;
        self.routed += other.routed;
        self.other_vlan += other.other_vlan;
        self.other_macs += other.other_macs;
        self.forgotten += other.forgotten;
        self.unplaced += other.unplaced;
    }
}

impl From<DuplicateCounts> for Copies {
    fn from(counts: DuplicateCounts) -> Self {
        let [same_hop, routed, other_vlan, other_macs] = counts.removed;
        let DuplicateCounts { forgotten, unplaced, .. } = counts;
        Self { same_hop, routed, other_vlan, other_macs, forgotten, unplaced }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_counted_under_its_own_reason_and_no_other() {
        let mut counts = FrameCounts::default();
        counts.skip(SkipReason::BadLength);
        let seen: Vec<_> = counts.skipped().filter(|(_, count)| *count > 0).collect();
        assert_eq!(seen, [("bad_length", 1)]);
    }
}
