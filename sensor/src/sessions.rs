//! The dissection states of the flows that are being inspected: a bounded slab, found by flow id in one step.

use sensor_dissect::{Session, SessionKey};
use sensor_flow::FlowId;

const NONE: u32 = u32::MAX;
/// In `places`: the flow has been dissected, or never will be. Stays until its id is given to a new flow.
const FINISHED: u32 = u32::MAX - 1;

/// At most `limit` sessions; a flow that finds no room goes uninspected and is counted.
#[derive(Debug)]
pub struct Sessions {
    /// By flow id: place in `slots`, `NONE` or `FINISHED`.
    places: Vec<u32>,
    slots: Vec<Option<(SessionKey, Session)>>,
    free: Vec<u32>,
    limit: usize,
    pub opened: u64,
    pub refused: u64,
}

impl Sessions {
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { places: Vec::new(), slots: Vec::new(), free: Vec::new(), limit, opened: 0, refused: 0 }
    }

    /// Starts a session for a flow, in place of an older one of the same id. False when there is no room: the flow is finished.
    pub fn open(&mut self, flow: FlowId, key: SessionKey) -> bool {
        self.close(flow);
        let place = match self.free.pop() {
            Some(place) => place,
            None if self.slots.len() < self.limit => {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
            }
            None => NONE,
        };
        let Some(slot) = self.slots.get_mut(place as usize) else {
            self.refused += 1;
            self.put(flow, FINISHED);
            return false;
        };
        *slot = Some((key, Session::new(&key)));
        self.put(flow, place);
        self.opened += 1;
        true
    }

    /// Ends a flow's dissection for as long as the flow lives: packets of the same batch may still ask for it.
    pub fn finish(&mut self, flow: FlowId) {
        self.close(flow);
        self.put(flow, FINISHED);
    }

    #[must_use]
    pub fn is_finished(&self, flow: FlowId) -> bool {
        self.places.get(flow.0 as usize) == Some(&FINISHED)
    }

    pub fn get(&mut self, flow: FlowId) -> Option<&mut (SessionKey, Session)> {
        let place = *self.places.get(flow.0 as usize)?;
        self.slots.get_mut(place as usize)?.as_mut()
    }

    /// Forgets what was of this id: a new flow has it.
    pub fn close(&mut self, flow: FlowId) {
        let Some(place) = self.places.get_mut(flow.0 as usize) else { return };
        if let Some(slot) = self.slots.get_mut(*place as usize)
            && slot.take().is_some()
        {
            self.free.push(*place);
        }
        *place = NONE;
    }

    fn put(&mut self, flow: FlowId, place: u32) {
        let at = flow.0 as usize;
        if self.places.len() <= at {
            self.places.resize(at + 1, NONE);
        }
        if let Some(entry) = self.places.get_mut(at) {
            *entry = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use sensor_model::{IpProtocol, MacAddr};

    use super::*;

    fn key() -> SessionKey {
        SessionKey {
            protocol: IpProtocol::Tcp,
            originator: IpAddr::V4(Ipv4Addr::LOCALHOST),
            originator_port: 1,
            responder: IpAddr::V4(Ipv4Addr::LOCALHOST),
            responder_port: 2,
            originator_mac: MacAddr::ZERO,
        }
    }

    #[test]
    fn a_full_slab_refuses_counts_and_takes_again_after_a_close() {
        let mut sessions = Sessions::new(1);
        assert!(sessions.open(FlowId(7), key()));
        assert!(!sessions.open(FlowId(8), key()));
        assert_eq!((sessions.opened, sessions.refused), (1, 1));
        sessions.close(FlowId(7));
        assert!(sessions.get(FlowId(7)).is_none());
        assert!(sessions.open(FlowId(8), key()));
    }

    #[test]
    fn a_reused_flow_id_does_not_leak_its_old_slot() {
        let mut sessions = Sessions::new(1);
        assert!(sessions.open(FlowId(3), key()));
        assert!(sessions.open(FlowId(3), key()));
        assert_eq!(sessions.refused, 0);
    }

    #[test]
    fn a_finished_flow_gives_its_slot_back_and_is_finished_until_its_id_is_taken_anew() {
        let mut sessions = Sessions::new(1);
        assert!(sessions.open(FlowId(3), key()));
        sessions.finish(FlowId(3));
        assert!(sessions.is_finished(FlowId(3)) && sessions.get(FlowId(3)).is_none());
        assert!(sessions.open(FlowId(4), key()));
        sessions.close(FlowId(3));
        assert!(!sessions.is_finished(FlowId(3)));
    }
}
