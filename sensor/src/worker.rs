//! The packet path after decoding: packets in, events out. One worker owns one flow table and its sessions and shares
//! nothing, so there is no lock here, no clock, no log line and no allocation a packet.
//!
//! ```text
//! Frame -> wire::decode -> flow::Duplicates -> flow::Table -> dissect::Session -> Event -> hub
//!          (sort.rs)       +------------ this file ------------+
//! ```

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use sensor_capture::Frame;
use sensor_dissect::{Finding, SessionKey, Status};
use sensor_flow::{DuplicateConfig, FlowEvent, FlowId, Observation, Reports, Table, Touch};
use sensor_identify::Sighting;
use sensor_model::{Direction, DirectionReason, DuplicatePath, FlowRecord, IpProtocol, MacAddr, Timestamp, VlanStack};
use sensor_wire::Packet;

use crate::counts::StageCounts;
use crate::dedup::Dedup;
use crate::event::{Event, What};
use crate::link_layer::LinkWatch;
use crate::orientation::reverse;
use crate::recent::Recent;
use crate::sessions::Sessions;
use crate::sort::{Bucket, Sorted};

/// Packets that go through the flow table at once: enough for its prefetching, few enough to stay in the cache.
const BATCH: usize = 64;
/// Slots examined for idle flows after each batch, at most: the table looks at as many as packet time went by.
const SWEEP_SLOTS: usize = 512;
/// A host that keeps talking is reported again this often.
const SIGHTING_INTERVAL: Duration = Duration::from_secs(30);

/// Limits of one worker.
#[derive(Clone, Debug)]
pub struct Limits {
    pub flow: sensor_flow::Config,
    pub max_sessions: usize,
    /// None: copies count as packets.
    pub duplicates: Option<DuplicateConfig>,
}

impl Limits {
    /// Whether somebody keeps a map, or only wants the records of ended flows.
    #[must_use]
    pub fn tells_everything(&self) -> bool {
        self.flow.reports == Reports::All
    }
}

/// One table with its sessions.
#[derive(Debug)]
pub struct Worker {
    number: u16,
    dedup: Option<Box<Dedup>>,
    table: Table,
    sessions: Sessions,
    tells_everything: bool,
    sighted: Recent<(MacAddr, IpAddr, VlanStack)>,
    links: LinkWatch,
    // Emptied after each use, kept for their memory.
    touches: Vec<Option<Touch>>,
    flow_events: Vec<FlowEvent>,
    findings: Vec<Finding>,
}

impl Worker {
    /// `number` names the worker's table in its events; `seed` keys the table's hash.
    #[must_use]
    pub fn new(number: u16, limits: &Limits, seed: u64) -> Self {
        Self {
            number,
            dedup: limits.duplicates.map(|config| Box::new(Dedup::new(config, seed))),
            table: Table::new(limits.flow.clone(), seed),
            sessions: Sessions::new(limits.max_sessions),
            tells_everything: limits.tells_everything(),
            sighted: Recent::new(SIGHTING_INTERVAL),
            links: LinkWatch::new(SIGHTING_INTERVAL),
            touches: Vec::new(),
            flow_events: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Takes the frames without IP of a sorted piece whose frames are `frames` and whose first frame is packet `base`.
    pub fn take_others(&mut self, base: u64, sorted: &Sorted, frames: &[Frame<'_>], events: &mut Vec<Event>) {
        if self.tells_everything {
            let (links, table) = (&mut self.links, self.number);
            links.take(sorted, frames, |place, what| events.push(Event { number: base + u64::from(place), table, what }));
        }
    }

    /// Takes a bucket of packets whose frames stand in `frames`; the first frame is packet `base`.
    pub fn take(&mut self, base: u64, bucket: &Bucket, frames: &[Frame<'_>], events: &mut Vec<Event>) {
        let mut dedup = self.dedup.take();
        for (observations, places) in bucket.observations.chunks(BATCH).zip(bucket.places.chunks(BATCH)) {
            let (observations, places) = match &mut dedup {
                Some(dedup) => dedup.originals(observations, places, frames),
                None => (observations, places),
            };
            self.take_batch(base, observations, places, frames, events);
        }
        self.dedup = dedup;
    }

    /// What copies told of mirrors and routers so far.
    #[must_use]
    pub fn duplicate_paths(&self) -> Vec<DuplicatePath> {
        self.dedup.as_ref().map(|dedup| dedup.paths()).unwrap_or_default()
    }

    /// Ends flows that are idle at `now`; for a quiet port, where no packet drives the sweep.
    pub fn sweep(&mut self, now: Timestamp, budget: usize, number: u64, events: &mut Vec<Event>) {
        self.table.sweep(now, budget, &mut self.flow_events);
        self.flush_flow_events(number, events);
    }

    /// Ends every flow.
    pub fn drain(&mut self, number: u64, events: &mut Vec<Event>) {
        self.table.drain(&mut self.flow_events);
        self.flush_flow_events(number, events);
    }

    /// Flows that have not ended, those that began first in front.
    #[must_use]
    pub fn by_age(&self) -> Vec<(Timestamp, FlowId)> {
        self.table.by_age()
    }

    /// Asks for the memory of a flow.
    pub fn prefetch(&self, flow: FlowId) {
        self.table.prefetch(flow);
    }

    /// What is known of a flow that has not ended.
    #[must_use]
    pub fn record_of(&self, flow: FlowId) -> Option<FlowRecord> {
        self.table.record_of(flow)
    }

    /// The end of a flow that no packet ended.
    #[must_use]
    pub fn last_event(&self, flow: FlowId, record: FlowRecord) -> Event {
        self.event(u64::MAX, What::Flow(FlowEvent::Ended { flow, record: Box::new(record) }))
    }

    #[must_use]
    pub fn counts(&self) -> StageCounts {
        let table = self.table.stats();
        StageCounts {
            flow_packets: table.packets_counted,
            refused_packets: table.packets_refused,
            flows_opened: table.flows_opened,
            flows_ended: table.flows_ended,
            flows_evicted: table.flows_evicted,
            flows_active: table.flows_active,
            sessions_opened: self.sessions.opened,
            sessions_refused: self.sessions.refused,
            duplicates: self.dedup.as_ref().map(|dedup| *dedup.counts()).unwrap_or_default().into(),
        }
    }

    fn take_batch(
        &mut self,
        base: u64,
        observations: &[Observation],
        places: &[u32],
        frames: &[Frame<'_>],
        events: &mut Vec<Event>,
    ) {
        let mut touches = std::mem::take(&mut self.touches);
        let mut flow_events = std::mem::take(&mut self.flow_events);
        touches.clear();
        self.table.process(observations, &mut touches, &mut flow_events);
        let an_id_may_be_reused = flow_events.iter().any(|event| matches!(event, FlowEvent::Ended { .. }));
        let mut pending = VecDeque::from(flow_events);
        let mut number = base;
        for (at, (observation, place)) in observations.iter().zip(places).enumerate() {
            number = base + u64::from(*place);
            let Some(touch) = touches.get(at).copied().flatten() else { continue };
            if touch.first_of_sender && self.tells_everything {
                self.sight(observation, number, events);
            }
            // Events stand in packet order. Those up to the opening of this packet's flow, or to its interim report,
            // were caused by this packet or by an earlier one.
            let later = touches.get(at + 1..).unwrap_or_default();
            while let Some(event) = pending.pop_front_if(|event| is_due(event, touch, later)) {
                self.pass_on(event, number, events);
            }
            if touch.opened {
                // After the end of the flow that had this id before.
                self.sessions.close(touch.flow);
            }
            let taken_over = || later_opened(later, touch);
            if touch.inspect && !(an_id_may_be_reused && taken_over()) {
                let payload =
                    frames.get(*place as usize).map(|frame| observation.packet.payload(frame.bytes)).unwrap_or_default();
                self.inspect(observation, touch, payload, number, &mut pending, events);
            }
        }
        for event in pending.drain(..) {
            self.pass_on(event, number, events);
        }
        self.touches = touches;
        self.flow_events = pending.into();
        if let Some(last) = observations.last() {
            self.sweep(last.seen_at, SWEEP_SLOTS, number, events);
        }
    }

    /// `pending` holds the events of the batch that are still to be passed on.
    fn inspect(
        &mut self,
        observation: &Observation,
        touch: Touch,
        payload: &[u8],
        number: u64,
        pending: &mut VecDeque<FlowEvent>,
        events: &mut Vec<Event>,
    ) {
        // The batch's touches were made before an earlier packet of it finished the flow.
        if self.sessions.is_finished(touch.flow) {
            return;
        }
        if self.sessions.get(touch.flow).is_none()
            && !self.sessions.open(touch.flow, session_key(&observation.packet, touch.direction))
        {
            self.table.stop_inspecting(touch.flow);
            return;
        }
        let Some((key, session)) = self.sessions.get(touch.flow) else { return };
        let key = *key;
        let direction = direction_in(&key, &observation.packet, touch.direction);
        let status = session.feed(&key, direction, touch.stream_offset, payload, observation.seen_at, &mut self.findings);
        for finding in self.findings.drain(..) {
            match finding {
                Finding::Service(name) => {
                    self.table.set_service(touch.flow, name);
                    amend_end(pending, touch.flow, |record| record.service = Some(name));
                }
                Finding::Reversed(_) => {
                    // The session's responder asks: what it sends goes this packet's way, or the other one.
                    let asks = if direction == Direction::ToOriginator { touch.direction } else { opposite(touch.direction) };
                    self.table.set_originator(touch.flow, asks);
                    amend_end(pending, touch.flow, |record| set_originator(record, asks));
                }
                Finding::Fact(_) | Finding::Operation(_) | Finding::Proof(_) => {}
            }
            if self.tells_everything {
                let what = What::Found { flow: touch.flow, finding };
                events.push(Event { number, table: self.number, what });
            }
        }
        if status == Status::Done {
            self.sessions.finish(touch.flow);
            self.table.stop_inspecting(touch.flow);
        }
    }

    fn pass_on(&mut self, event: FlowEvent, number: u64, events: &mut Vec<Event>) {
        // The end may be passed on before the flow's last packets of the batch: only a new flow makes its id open again.
        if let FlowEvent::Ended { flow, .. } = event {
            self.sessions.finish(flow);
        }
        events.push(self.event(number, What::Flow(event)));
    }

    fn flush_flow_events(&mut self, number: u64, events: &mut Vec<Event>) {
        let mut flow_events = std::mem::take(&mut self.flow_events);
        for event in flow_events.drain(..) {
            self.pass_on(event, number, events);
        }
        self.flow_events = flow_events;
    }

    /// Tells of a source address under a source MAC. Inside a tunnel the MAC is the tunnel's, not the host's.
    fn sight(&mut self, observation: &Observation, number: u64, events: &mut Vec<Event>) {
        let packet = &observation.packet;
        if packet.tunnel.is_some() || packet.source_mac.is_zero() || packet.source_mac.is_group() {
            return;
        }
        let (mac, ip) = (packet.source_mac, packet.source_address());
        let tags = VlanStack { vlan: packet.vlan, inner_vlan: packet.inner_vlan };
        if self.sighted.is_news((mac, ip, tags), observation.seen_at) {
            events.push(self.event(number, What::Sighted(Sighting { mac, ip, tags, seen_at: observation.seen_at })));
        }
    }

    const fn event(&self, number: u64, what: What) -> Event {
        Event { number, table: self.number, what }
    }
}

/// Whether the next event of a batch belongs to this packet or to one before it. An event without a packet of its own (the end
/// of an evicted flow) goes with the packet that pushed it out, which is the one whose event follows.
fn is_due(event: &FlowEvent, touch: Touch, later: &[Option<Touch>]) -> bool {
    let named_later = |flow| later.iter().flatten().any(|other| other.flow == flow);
    match event {
        FlowEvent::Opened { flow, .. } => (*flow == touch.flow && touch.opened) || !later_opened_flow(later, *flow),
        FlowEvent::Interim { flow, .. } => *flow == touch.flow || !named_later(*flow),
        // Only an opening ends another flow, whose own packets are all before it: they are inspected first.
        FlowEvent::Ended { flow, .. } => touch.opened && *flow != touch.flow && !named_later(*flow),
    }
}

/// The record of a flow that ends in this batch was made before the batch's bytes were read.
fn amend_end(pending: &mut VecDeque<FlowEvent>, flow: FlowId, amend: impl FnOnce(&mut FlowRecord)) {
    let record = pending.iter_mut().find_map(|event| match event {
        FlowEvent::Ended { flow: ended, record } if *ended == flow => Some(record),
        _ => None,
    });
    if let Some(record) = record {
        amend(record);
    }
}

/// As `Table::set_originator`, for a record that has left the table.
fn set_originator(record: &mut FlowRecord, asks: Direction) {
    if record.direction_reason <= DirectionReason::Role {
        return;
    }
    match asks {
        Direction::ToResponder => record.direction_reason = DirectionReason::Role,
        Direction::ToOriginator => reverse(record, DirectionReason::Role),
    }
}

fn later_opened(later: &[Option<Touch>], touch: Touch) -> bool {
    later_opened_flow(later, touch.flow)
}

fn later_opened_flow(later: &[Option<Touch>], flow: sensor_flow::FlowId) -> bool {
    later.iter().flatten().any(|other| other.opened && other.flow == flow)
}

/// Which way a packet goes in its session, whose ends stay where they were when the table turns the flow round. An endpoint that
/// talks to itself has only the table to tell.
fn direction_in(key: &SessionKey, packet: &Packet, in_table: Direction) -> Direction {
    let source = (packet.source_address(), packet.source_port);
    if (key.originator, key.originator_port) == (key.responder, key.responder_port) {
        in_table
    } else if source == (key.originator, key.originator_port) {
        Direction::ToResponder
    } else if source == (key.responder, key.responder_port) {
        Direction::ToOriginator
    } else {
        // ICMP, whose ports are a type and a code.
        in_table
    }
}

const fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::ToResponder => Direction::ToOriginator,
        Direction::ToOriginator => Direction::ToResponder,
    }
}

/// The flow's key as its table has it oriented.
fn session_key(packet: &Packet, direction: Direction) -> SessionKey {
    let source = (packet.source_address(), packet.source_port, packet.source_mac);
    let destination = (packet.destination_address(), packet.destination_port, packet.destination_mac);
    let (originator, responder) = match direction {
        Direction::ToResponder => (source, destination),
        Direction::ToOriginator => (destination, source),
    };
    SessionKey {
        protocol: IpProtocol::from_number(packet.protocol),
        originator: originator.0,
        originator_port: originator.1,
        responder: responder.0,
        responder_port: responder.1,
        originator_mac: originator.2,
    }
}

#[cfg(test)]
mod tests;
