//! How the tap sees a host, and the likely reason when it sees it badly.

use sensor_model::{Coverage, CoverageCause, Visibility};

use crate::record::Counts;

/// Fewer unanswered packets say nothing of the mirror: a syslog sender is answered by nobody.
const TELLING_PACKETS: u64 = 8;

/// `gave_sign` when the host itself was heard in some other way: an ARP answer, a name it announced.
pub(crate) fn coverage_of(counts: Counts, gave_sign: bool) -> Coverage {
    let Counts { sent, received, group } = counts;
    let visibility = match (sent > 0, received > 0, group > 0) {
        (true, true, _) => Visibility::BothWays,
        (true, false, _) => Visibility::SendsOnly,
        (false, true, _) => Visibility::ReceivesOnly,
        (false, false, true) => Visibility::BroadcastOnly,
        (false, false, false) => Visibility::Never,
    };
    let cause = match visibility {
        Visibility::SendsOnly if sent >= TELLING_PACKETS => Some(CoverageCause::OneDirectionMirror),
        // It is alive, and what it sends to single hosts does not reach the tap.
        Visibility::ReceivesOnly if gave_sign || group > 0 => Some(CoverageCause::OneDirectionMirror),
        Visibility::ReceivesOnly => Some(CoverageCause::NoAnswer),
        Visibility::BroadcastOnly => Some(CoverageCause::PortNotMirrored),
        Visibility::Never if gave_sign => Some(CoverageCause::PortNotMirrored),
        Visibility::BothWays | Visibility::SendsOnly | Visibility::Never => None,
    };
    Coverage { visibility, cause, sent_packets: sent, received_packets: received, group_packets: group }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_being_seen_has_its_word_and_cause() {
        use CoverageCause::{NoAnswer, OneDirectionMirror, PortNotMirrored};
        use Visibility::{BothWays, BroadcastOnly, Never, ReceivesOnly, SendsOnly};
        for (sent, received, group, gave_sign, visibility, cause) in [
            (1, 1, 0, false, BothWays, None),
            (1, 0, 0, true, SendsOnly, None),
            (8, 0, 5, true, SendsOnly, Some(OneDirectionMirror)),
            (0, 3, 0, false, ReceivesOnly, Some(NoAnswer)),
            (0, 3, 0, true, ReceivesOnly, Some(OneDirectionMirror)),
            (0, 3, 1, false, ReceivesOnly, Some(OneDirectionMirror)),
            (0, 0, 2, true, BroadcastOnly, Some(PortNotMirrored)),
            (0, 0, 0, true, Never, Some(PortNotMirrored)),
            (0, 0, 0, false, Never, None),
        ] {
            let coverage = coverage_of(Counts { sent, received, group }, gave_sign);
            assert_eq!((coverage.visibility, coverage.cause), (visibility, cause), "{sent} {received} {group} {gave_sign}");
        }
    }
}
