//! What the hub keeps of a flow between its reports.

use std::net::IpAddr;

use sensor_identify::{Place, Weighed};
use sensor_model::{ConnState, DirectionReason, FlowRecord, IpProtocol};

use crate::conversations::{EdgeId, Share, Standing};

/// Originator and responder, address and port each.
pub type Ends = (IpAddr, u16, IpAddr, u16);

#[derive(Debug)]
pub struct Track {
    /// As last reported, after any reversal.
    pub ends: Ends,
    /// Where originator and responder stand in the inventory.
    pub places: [Place; 2],
    pub edge: Option<EdgeId>,
    pub share: Share,
    pub application: Option<&'static str>,
    /// The bytes showed that the table's originator is the server.
    pub reversed: Option<DirectionReason>,
    /// Alerts have judged its conversation, under its present application.
    pub judged: bool,
    /// Its application took the place of another one.
    pub replaces_application: bool,
    /// What it had shown when its edge was last looked for.
    pub tried: Option<Standing>,
    /// An end of its edge stands for all that found no room.
    pub is_among_others: bool,
    pub missed_bytes: u64,
    /// What it counts as in the books about the tap.
    pub weighed: Weighed,
    /// Who the two are, whichever way the table has them now, and how many packets each has sent so far.
    first_heard: (IpAddr, u16),
    packets: (u64, u64),
}

impl Track {
    #[must_use]
    pub fn new(record: &FlowRecord) -> Self {
        Self {
            ends: ends_of(record),
            places: [Place::default(); 2],
            edge: None,
            share: Share::default(),
            application: record.service,
            reversed: None,
            judged: false,
            replaces_application: false,
            tried: None,
            is_among_others: false,
            missed_bytes: 0,
            weighed: Weighed::default(),
            first_heard: (record.originator, record.originator_port),
            packets: (0, 0),
        }
    }

    /// Whether a record is of the same flow, in whichever direction.
    #[must_use]
    pub fn is_of(&self, record: &FlowRecord) -> bool {
        let ends = ends_of(record);
        self.ends == ends || self.ends == (ends.2, ends.3, ends.0, ends.1)
    }

    /// Packets since the last report, by originator and responder of `record`.
    pub fn news_of_packets(&mut self, record: &FlowRecord) -> (u64, u64) {
        let now = (record.sent.packets, record.received.packets);
        let straight = self.first_heard == (record.originator, record.originator_port);
        let before = if straight { self.packets } else { (self.packets.1, self.packets.0) };
        self.packets = if straight { now } else { (now.1, now.0) };
        (now.0.saturating_sub(before.0), now.1.saturating_sub(before.1))
    }
}

#[must_use]
pub const fn ends_of(record: &FlowRecord) -> Ends {
    (record.originator, record.originator_port, record.responder, record.responder_port)
}

/// The server took part: for TCP the handshake was done, or both were heard in mid-flow; for the rest any reply.
#[must_use]
pub const fn is_answered(record: &FlowRecord) -> bool {
    if record.received.packets == 0 {
        return false;
    }
    match (record.protocol, record.state) {
        (
            IpProtocol::Tcp,
            ConnState::S0 | ConnState::REJ | ConnState::RSTOS0 | ConnState::RSTRH | ConnState::SH | ConnState::SHR,
        ) => false,
        (IpProtocol::Tcp, ConnState::OTH) => record.sent.packets > 0,
        _ => true,
    }
}

/// The server answered and the client went on: forged sources do not.
#[must_use]
pub const fn is_proven(record: &FlowRecord) -> bool {
    is_answered(record) && (!matches!(record.protocol, IpProtocol::Tcp) || record.sent.packets > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::record;

    #[test]
    fn news_are_the_difference_even_when_the_table_exchanged_the_ends() {
        let mut flow = record();
        let mut track = Track::new(&flow);
        assert_eq!(track.news_of_packets(&flow), (6, 5));
        std::mem::swap(&mut flow.originator, &mut flow.responder);
        std::mem::swap(&mut flow.originator_port, &mut flow.responder_port);
        (flow.sent.packets, flow.received.packets) = (7, 6);
        assert_eq!(track.news_of_packets(&flow), (2, 0));
    }

    #[test]
    fn a_refused_connection_is_no_answer() {
        let mut flow = record();
        assert!(is_answered(&flow));
        flow.state = ConnState::REJ;
        assert!(!is_answered(&flow));
    }
}
