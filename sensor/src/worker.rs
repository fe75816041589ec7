//! The packet path after decoding: packets in, events out. One worker owns one flow table and its sessions and shares
//! nothing, so there is no lock here, no clock, no log line and no allocation a packet.
//!
//! ```text
//! Frame -> wire::decode -> flow::Table -> dissect::Session -> Event -> hub
//!          (sort.rs)       +------------ this file ------------+
//! ```

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use sensor_capture::Frame;
use sensor_dissect::{Finding, SessionKey, Status};
use sensor_flow::{FlowEvent, Observation, Table, Touch};
use sensor_identify::Sighting;
use sensor_model::{Direction, Fact, FactKind, IpProtocol, MacAddr, Strength, Subject, Timestamp};
use sensor_wire::{Arp, Packet};

use crate::counts::StageCounts;
use crate::event::{Event, What};
use crate::recent::Recent;
use crate::sessions::Sessions;
use crate::sort::{Bucket, Sorted};

/// Packets that go through the flow table at once: enough for its prefetching, few enough to stay in the cache.
const BATCH: usize = 32;
/// Slots examined for idle flows after each batch. A table is passed through every `capacity / SWEEP_SLOTS` batches.
const SWEEP_SLOTS: usize = 64;
/// A host that keeps talking is reported again this often.
const SIGHTING_INTERVAL: Duration = Duration::from_secs(30);

/// Limits of one worker.
#[derive(Clone, Debug)]
pub struct Limits {
    pub flow: sensor_flow::Config,
    pub max_sessions: usize,
}

/// One table with its sessions.
#[derive(Debug)]
pub struct Worker {
    number: u16,
    table: Table,
    sessions: Sessions,
    /// By flow id: in which directions its packets have come.
    heard: Vec<u8>,
    sighted: Recent<(MacAddr, IpAddr)>,
    announced: Recent<(MacAddr, Ipv4Addr)>,
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
            table: Table::new(limits.flow.clone(), seed),
            sessions: Sessions::new(limits.max_sessions),
            heard: Vec::new(),
            sighted: Recent::new(SIGHTING_INTERVAL),
            announced: Recent::new(SIGHTING_INTERVAL),
            touches: Vec::new(),
            flow_events: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Takes the ARP packets of a sorted chunk whose first frame is packet `base`.
    pub fn take_arps(&mut self, base: u64, sorted: &Sorted, events: &mut Vec<Event>) {
        for (place, seen_at, arp) in &sorted.arps {
            if let Some(fact) = self.binding(arp, *seen_at) {
                events.push(self.event(base + u64::from(*place), What::Heard(fact)));
            }
        }
    }

    /// Takes a bucket of packets whose frames stand in `frames`; the first frame is packet `base`.
    pub fn take(&mut self, base: u64, bucket: &Bucket, frames: &[Frame<'_>], events: &mut Vec<Event>) {
        for (observations, places) in bucket.observations.chunks(BATCH).zip(bucket.places.chunks(BATCH)) {
            self.take_batch(base, observations, places, frames, events);
        }
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

    #[must_use]
    pub const fn counts(&self) -> StageCounts {
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
        let mut pending = flow_events.drain(..).peekable();
        let mut number = base;
        for (at, (observation, place)) in observations.iter().zip(places).enumerate() {
            number = base + u64::from(*place);
            let Some(touch) = touches.get(at).copied().flatten() else { continue };
            if self.is_first_of_its_way(touch) {
                self.sight(observation, number, events);
            }
            // Events stand in packet order. Those up to the opening of this packet's flow, or to its interim report,
            // were caused by this packet or by an earlier one.
            while let Some(event) = pending.next_if(|event| is_due(event, touch, touches.get(at + 1..).unwrap_or_default())) {
                self.pass_on(event, number, events);
            }
            let taken_over = || later_opened(touches.get(at + 1..).unwrap_or_default(), touch);
            if touch.inspect && !(an_id_may_be_reused && taken_over()) {
                let payload =
                    frames.get(*place as usize).map(|frame| observation.packet.payload(frame.bytes)).unwrap_or_default();
                self.inspect(observation, touch, payload, number, events);
            }
        }
        for event in pending {
            self.pass_on(event, number, events);
        }
        self.touches = touches;
        self.flow_events = flow_events;
        if let Some(last) = observations.last() {
            self.sweep(last.seen_at, SWEEP_SLOTS, number, events);
        }
    }

    fn inspect(&mut self, observation: &Observation, touch: Touch, payload: &[u8], number: u64, events: &mut Vec<Event>) {
        if self.sessions.get(touch.flow).is_none()
            && !self.sessions.open(touch.flow, session_key(&observation.packet, touch.direction))
        {
            self.table.stop_inspecting(touch.flow);
            return;
        }
        let Some((key, session)) = self.sessions.get(touch.flow) else { return };
        let key = *key;
        let status = session.feed(&key, touch.direction, touch.stream_offset, payload, observation.seen_at, &mut self.findings);
        for finding in self.findings.drain(..) {
            if let Finding::Service(name) = finding {
                self.table.set_service(touch.flow, name);
            }
            let what = What::Found { flow: touch.flow, finding };
            events.push(Event { number, table: self.number, what });
        }
        if status == Status::Done {
            self.sessions.close(touch.flow);
            self.table.stop_inspecting(touch.flow);
        }
    }

    fn pass_on(&mut self, event: FlowEvent, number: u64, events: &mut Vec<Event>) {
        match event {
            // An id may be taken by a new flow before its first payload comes.
            FlowEvent::Ended { flow, .. } | FlowEvent::Opened { flow, .. } => self.sessions.close(flow),
            FlowEvent::Interim { .. } => {}
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

    /// The first packet of its flow in its direction: the only one whose source is looked at.
    fn is_first_of_its_way(&mut self, touch: Touch) -> bool {
        let at = touch.flow.0 as usize;
        if self.heard.len() <= at {
            self.heard.resize(at + 1, 0);
        }
        let way = if touch.direction == Direction::ToResponder { 1 } else { 2 };
        let Some(heard) = self.heard.get_mut(at) else { return true };
        let before = if touch.opened { 0 } else { *heard };
        *heard = before | way;
        before & way == 0
    }

    /// Tells of a source address under a source MAC. Inside a tunnel the MAC is the tunnel's, not the host's.
    fn sight(&mut self, observation: &Observation, number: u64, events: &mut Vec<Event>) {
        let packet = &observation.packet;
        if packet.tunnel.is_some() || packet.source_mac.is_zero() || packet.source_mac.is_group() {
            return;
        }
        let (mac, ip) = (packet.source_mac, packet.source_address());
        if self.sighted.is_news((mac, ip), observation.seen_at) {
            events.push(self.event(number, What::Sighted(Sighting { mac, ip, seen_at: observation.seen_at })));
        }
    }

    /// What an ARP packet says of its sender; RFC 5227 probes come from 0.0.0.0 and claim nothing.
    fn binding(&mut self, arp: &Arp, seen_at: Timestamp) -> Option<Fact> {
        let claims = !arp.sender_ip.is_unspecified() && !arp.sender_mac.is_zero() && !arp.sender_mac.is_group();
        (claims && self.announced.is_news((arp.sender_mac, arp.sender_ip), seen_at)).then(|| Fact {
            subject: Subject::Ip(IpAddr::V4(arp.sender_ip)),
            kind: FactKind::MacOfAddress,
            value: arp.sender_mac.to_string(),
            strength: Strength::Confirmed,
            source: "arp".to_owned(),
            seen_at,
        })
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
        FlowEvent::Ended { .. } => touch.opened || !later.iter().flatten().any(|other| other.opened),
    }
}

fn later_opened(later: &[Option<Touch>], touch: Touch) -> bool {
    later_opened_flow(later, touch.flow)
}

fn later_opened_flow(later: &[Option<Touch>], flow: sensor_flow::FlowId) -> bool {
    later.iter().flatten().any(|other| other.opened && other.flow == flow)
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
