//! Turns a flow record round when the bytes show that its originator is the server.

use sensor_model::{ConnState, DirectionReason, FlowRecord};

/// The record as seen from the other end; `reason` says who knows.
pub fn reverse(record: &mut FlowRecord, reason: DirectionReason) {
    std::mem::swap(&mut record.originator, &mut record.responder);
    std::mem::swap(&mut record.originator_port, &mut record.responder_port);
    std::mem::swap(&mut record.sent, &mut record.received);
    record.state = reversed_state(record.state);
    record.history = reversed_history(&record.history);
    record.direction_reason = reason;
}

/// Upper case is the originator's, lower case the responder's; `^` tells that the sides were exchanged (Zeek, `Conn::Info$history`).
fn reversed_history(history: &str) -> String {
    let swap = |c: char| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
    match history.strip_prefix('^') {
        Some(rest) => rest.chars().map(swap).collect(),
        None => std::iter::once('^').chain(history.chars().map(swap)).collect(),
    }
}

const fn reversed_state(state: ConnState) -> ConnState {
    match state {
        // Only the new responder was heard.
        ConnState::S0 => ConnState::SHR,
        ConnState::SHR => ConnState::S0,
        ConnState::S2 => ConnState::S3,
        ConnState::S3 => ConnState::S2,
        ConnState::RSTO => ConnState::RSTR,
        ConnState::RSTR => ConnState::RSTO,
        ConnState::RSTOS0 => ConnState::RSTRH,
        ConnState::RSTRH => ConnState::RSTOS0,
        ConnState::S1 | ConnState::SF | ConnState::OTH => state,
        // A half-open state of a handshake cannot be read from its other end.
        ConnState::REJ | ConnState::SH => ConnState::OTH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::record;

    #[test]
    fn turning_twice_gives_the_record_back() {
        let before = record();
        let mut after = before.clone();
        reverse(&mut after, DirectionReason::Role);
        assert_eq!((after.originator, after.responder_port, after.sent.packets), (before.responder, 40_000, 5));
        assert_eq!(after.history, "^sHadADfF");
        reverse(&mut after, before.direction_reason);
        assert_eq!(after, before);
    }
}
