//! Where every frame went: the numbers that must balance.

use sensor_flow::DuplicateCounts;
use sensor_model::Change;
use sensor_wire::{Anomalies, NonIpKind, SkipReason};
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
    /// The same by protocol.
    non_ip: [u64; NON_IP_KINDS],
    /// Packets that break a rule of their own and are counted in a flow all the same.
    anomalies: [u64; ANOMALIES],
    /// Of a link type that the capture's reader does not know.
    pub unreadable_link: u64,
    skipped: [u64; SKIP_REASONS],
}

const SKIP_REASONS: usize = SkipReason::ALL.len();
const NON_IP_KINDS: usize = NonIpKind::ALL.len();
const ANOMALIES: usize = Anomalies::ALL.len();

impl FrameCounts {
    pub fn skip(&mut self, reason: SkipReason) {
        let place = SkipReason::ALL.iter().position(|known| *known == reason);
        if let Some(count) = place.and_then(|at| self.skipped.get_mut(at)) {
            *count += 1;
        }
    }

    /// A frame that is neither IP nor ARP.
    pub fn non_ip(&mut self, ethertype: u16) {
        self.other_non_ip += 1;
        let place = NonIpKind::ALL.iter().position(|known| *known == NonIpKind::of(ethertype));
        if let Some(count) = place.and_then(|at| self.non_ip.get_mut(at)) {
            *count += 1;
        }
    }

    /// What is wrong with a packet that counts: nothing, most of the time.
    #[inline]
    pub fn anomalies(&mut self, anomalies: Anomalies) {
        if anomalies != Anomalies::default() {
            for (count, (bit, _)) in self.anomalies.iter_mut().zip(Anomalies::ALL) {
                *count += u64::from(anomalies.has(*bit));
            }
        }
    }

    /// Every protocol with its count.
    pub fn non_ip_by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NonIpKind::ALL.iter().map(|kind| kind.as_str()).zip(self.non_ip)
    }

    /// Every anomaly with its count. One packet may have several.
    pub fn anomalies_by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Anomalies::ALL.iter().map(|(_, name)| *name).zip(self.anomalies)
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
        let mine = self.skipped.iter_mut().chain(&mut self.non_ip).chain(&mut self.anomalies);
        for (mine, theirs) in mine.zip(other.skipped.iter().chain(&other.non_ip).chain(&other.anomalies)) {
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

    #[test]
    fn non_ip_frames_and_anomalies_are_counted_by_name_and_added() {
        let mut counts = FrameCounts::default();
        counts.non_ip(0x88e5);
        counts.non_ip(39);
        counts.anomalies(Anomalies(Anomalies::LENGTH_FROM_FRAME | Anomalies::TRANSPORT_LENGTH));
        counts.anomalies(Anomalies::default());
        let mut sum = counts;
        sum.add(&counts);
        let seen: Vec<_> = sum.non_ip_by_kind().chain(sum.anomalies_by_kind()).filter(|(_, count)| *count > 0).collect();
        assert_eq!(seen, [("llc", 2), ("macsec", 2), ("length_from_frame", 2), ("transport_length", 2)]);
        assert_eq!((sum.other_non_ip, sum.skipped_total()), (4, 0));
    }
}
