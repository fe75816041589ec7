//! How the tap sees a host, and the likely reason when it sees it badly.
//!
//! What was seen gives the word (`Visibility`); the reason needs proof. A missing direction is the mirror's fault only when peers prove
//! that more of its packets exist than random loss would take without leaving one.

use sensor_model::{Coverage, CoverageCause, Loss, Visibility};

use crate::record::Counts;

/// Loss takes every packet of a direction with this probability at most before it is ruled out as the reason.
const LEAST_CHANCE: f64 = 1e-5;
/// So few packets prove nothing, however little is lost: two may share one fate.
const LEAST_PACKETS: u64 = 3;
/// Assumed where too little TCP was seen to measure it.
const UNMEASURED_LOSS: f64 = 0.05;
/// A host of which this much of its streams is missing suffers from loss.
const NOTABLE_LOSS: f64 = 0.01;
/// One-way flows among a host's proven flows that are too many for chance: a fifth, and so many.
const NOTABLE_ONE_WAY_SHARE: u64 = 5;
const NOTABLE_ONE_WAY_FLOWS: u64 = 5;

/// What flows tell of a host beyond its packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signs {
    /// Packets it sent, or was sent, that peers prove and the tap did not see.
    pub unseen_sent: u64,
    pub unseen_received: u64,
    /// The part of these that is better explained by the peers.
    pub excused_sent: u64,
    pub excused_received: u64,
    pub both_ways_flows: u64,
    pub one_way_flows: u64,
    /// Unanswered flows to services that answer nobody, and to others.
    pub announcing_flows: u64,
    pub asking_flows: u64,
    pub stream_bytes: u64,
    pub missed_bytes: u64,
    /// None of its network was heard.
    pub in_unseen_network: bool,
}

impl Signs {
    pub const fn add(&mut self, other: Self) {
        self.unseen_sent = self.unseen_sent.saturating_add(other.unseen_sent);
        self.unseen_received = self.unseen_received.saturating_add(other.unseen_received);
        self.excused_sent = self.excused_sent.saturating_add(other.excused_sent);
        self.excused_received = self.excused_received.saturating_add(other.excused_received);
        self.both_ways_flows = self.both_ways_flows.saturating_add(other.both_ways_flows);
        self.one_way_flows = self.one_way_flows.saturating_add(other.one_way_flows);
        self.announcing_flows = self.announcing_flows.saturating_add(other.announcing_flows);
        self.asking_flows = self.asking_flows.saturating_add(other.asking_flows);
        self.stream_bytes = self.stream_bytes.saturating_add(other.stream_bytes);
        self.missed_bytes = self.missed_bytes.saturating_add(other.missed_bytes);
        self.in_unseen_network |= other.in_unseen_network;
    }
}

/// How many packets of a direction must be proven before their absence is not loss: the least n with loss^n <= 1e-5.
pub(crate) fn telling_packets(loss: &Loss) -> u64 {
    let ratio = loss.ratio().unwrap_or(UNMEASURED_LOSS).min(0.9);
    if ratio <= 0.0 {
        return LEAST_PACKETS;
    }
    let packets = (LEAST_CHANCE.ln() / ratio.ln()).ceil();
    LEAST_PACKETS.max(packets as u64)
}

/// `gave_sign` when the host itself was heard in some other way: an ARP answer, a name it announced.
pub(crate) fn coverage_of(counts: Counts, signs: Signs, gave_sign: bool, telling_packets: u64) -> Coverage {
    let Counts { sent, received, group } = counts;
    let visibility = match (sent > 0, received > 0, group > 0) {
        (true, true, _) => Visibility::BothWays,
        (true, false, _) => Visibility::SendsOnly,
        (false, true, _) => Visibility::ReceivesOnly,
        (false, false, true) => Visibility::BroadcastOnly,
        (false, false, false) => Visibility::Never,
    };
    let loss = Loss { stream_bytes: signs.stream_bytes, missed_bytes: signs.missed_bytes, cause: None };
    let (unseen_packets, cause) = match visibility {
        Visibility::BothWays => (0, whole_cause(&signs, &loss)),
        Visibility::SendsOnly => {
            let proven = Proven { packets: signs.unseen_received, excused: signs.excused_received };
            (proven.packets, Some(proven.cause(telling_packets).unwrap_or_else(|| unanswered_cause(&signs))))
        }
        Visibility::ReceivesOnly => {
            let proven = Proven { packets: signs.unseen_sent, excused: signs.excused_sent };
            // Alive and silent: a firewall and a mirror of one direction look the same.
            let unproven = if gave_sign || group > 0 { CoverageCause::Unknown } else { CoverageCause::NoAnswer };
            let cause = match proven.cause(telling_packets) {
                Some(CoverageCause::OneDirectionMirror) if signs.in_unseen_network => CoverageCause::VlanNotMirrored,
                cause => cause.unwrap_or(unproven),
            };
            (proven.packets, Some(cause))
        }
        Visibility::BroadcastOnly => (0, Some(CoverageCause::PortNotMirrored)),
        Visibility::Never => (0, gave_sign.then_some(CoverageCause::PortNotMirrored)),
    };
    Coverage { visibility, cause, sent_packets: sent, received_packets: received, group_packets: group, unseen_packets, loss }
}

/// Packets of a missing direction that must exist.
struct Proven {
    packets: u64,
    excused: u64,
}

impl Proven {
    /// None where nothing is proven.
    const fn cause(&self, telling_packets: u64) -> Option<CoverageCause> {
        let own = self.packets.saturating_sub(self.excused);
        if own >= telling_packets {
            Some(CoverageCause::OneDirectionMirror)
        } else if own > 0 {
            Some(CoverageCause::TooFewPackets)
        } else if self.packets > 0 {
            Some(CoverageCause::UnseenPeer)
        } else {
            None
        }
    }
}

/// Of a host that was never sent a packet, as far as is known.
const fn unanswered_cause(signs: &Signs) -> CoverageCause {
    if signs.asking_flows == 0 && signs.announcing_flows > 0 { CoverageCause::OneWayService } else { CoverageCause::Unknown }
}

fn whole_cause(signs: &Signs, loss: &Loss) -> Option<CoverageCause> {
    let Signs { both_ways_flows, one_way_flows, .. } = *signs;
    let proven_flows = both_ways_flows.saturating_add(one_way_flows);
    if one_way_flows >= NOTABLE_ONE_WAY_FLOWS.max(proven_flows / NOTABLE_ONE_WAY_SHARE) {
        return Some(CoverageCause::PartlyMirrored);
    }
    loss.ratio().filter(|ratio| *ratio >= NOTABLE_LOSS).map(|_| CoverageCause::Loss)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(counts: (u64, u64, u64), signs: Signs, gave_sign: bool) -> (Visibility, Option<CoverageCause>) {
        let (sent, received, group) = counts;
        let coverage = coverage_of(Counts { sent, received, group }, signs, gave_sign, 4);
        (coverage.visibility, coverage.cause)
    }

    #[test]
    fn what_was_seen_gives_the_word_and_nothing_more_is_claimed_without_proof() {
        use CoverageCause::{NoAnswer, PortNotMirrored, Unknown};
        use Visibility::{BothWays, BroadcastOnly, Never, ReceivesOnly, SendsOnly};
        for (sent, received, group, gave_sign, visibility, cause) in [
            (1, 1, 0, false, BothWays, None),
            (1, 0, 0, true, SendsOnly, Some(Unknown)),
            (800, 0, 5, true, SendsOnly, Some(Unknown)),
            (0, 3, 0, false, ReceivesOnly, Some(NoAnswer)),
            (0, 3, 0, true, ReceivesOnly, Some(Unknown)),
            (0, 3, 1, false, ReceivesOnly, Some(Unknown)),
            (0, 0, 2, true, BroadcastOnly, Some(PortNotMirrored)),
            (0, 0, 0, true, Never, Some(PortNotMirrored)),
            (0, 0, 0, false, Never, None),
        ] {
            let seen = judged((sent, received, group), Signs::default(), gave_sign);
            assert_eq!(seen, (visibility, cause), "{sent} {received} {group} {gave_sign}");
        }
    }

    #[test]
    fn a_sender_of_logs_is_no_fault_of_the_mirror() {
        let logs = Signs { announcing_flows: 1, ..Signs::default() };
        assert_eq!(judged((900, 0, 0), logs, true).1, Some(CoverageCause::OneWayService));
        let both = Signs { asking_flows: 1, ..logs };
        assert_eq!(judged((900, 0, 0), both, true).1, Some(CoverageCause::Unknown));
    }

    #[test]
    fn proof_of_enough_packets_blames_the_mirror_and_of_fewer_nobody() {
        let proven =
            |unseen_sent, excused_sent| judged((0, 9, 0), Signs { unseen_sent, excused_sent, ..Signs::default() }, false).1;
        assert_eq!(proven(4, 0), Some(CoverageCause::OneDirectionMirror));
        assert_eq!(proven(3, 0), Some(CoverageCause::TooFewPackets));
        assert_eq!(proven(90, 90), Some(CoverageCause::UnseenPeer));
        let whole_network = Signs { unseen_sent: 9, in_unseen_network: true, ..Signs::default() };
        assert_eq!(judged((0, 9, 0), whole_network, false).1, Some(CoverageCause::VlanNotMirrored));
        let unseen_received = Signs { unseen_received: 4, ..Signs::default() };
        assert_eq!(judged((9, 0, 0), unseen_received, false).1, Some(CoverageCause::OneDirectionMirror));
    }

    #[test]
    fn a_host_seen_both_ways_can_still_be_partly_mirrored_or_suffer_loss() {
        let flows = |both_ways_flows, one_way_flows| Signs { both_ways_flows, one_way_flows, ..Signs::default() };
        assert_eq!(judged((9, 9, 0), flows(10, 5), true).1, Some(CoverageCause::PartlyMirrored));
        assert_eq!(judged((9, 9, 0), flows(100, 5), true).1, None);
        let lossy = Signs { stream_bytes: 100_000, missed_bytes: 2_000, ..Signs::default() };
        assert_eq!(judged((9, 9, 0), lossy, true).1, Some(CoverageCause::Loss));
    }

    #[test]
    fn more_loss_asks_for_more_proof() {
        let loss = |missed_bytes| Loss { stream_bytes: 1_000_000, missed_bytes, cause: None };
        let wanted = [0, 5_000, 20_000, 50_000, 300_000].map(|missed| telling_packets(&loss(missed)));
        assert_eq!(wanted, [3, 3, 3, 4, 10]);
        assert_eq!(telling_packets(&Loss::default()), 4);
    }
}
