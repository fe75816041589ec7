//! The flow table: a batch of packets in, what each did to its flow and what happened to flows out.

use sensor_model::{Direction, DirectionReason, FlowRecord, Timestamp};
use sensor_wire::{Fragment, Packet};

use crate::config::{Config, Reports};
use crate::event::{FlowEvent, TableStats};
use crate::expiry::{Clock, Standing, Timeouts};
use crate::key::{FlowKey, TCP, wide_pair};
use crate::orient::orient;
use crate::path::Path;
use crate::realm::{Realms, UNHEARD};
use crate::record::reason_number;
use crate::slot::{Hot, ORIGINATOR};
use crate::store::{GROUP, Store, Waiting};
use crate::{handshake, plain, tcp};

/// A decoded packet and when it was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    pub seen_at: Timestamp,
    pub packet: Packet,
}

/// Names a tracked flow until its `Ended` event; reused later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowId(pub u32);

/// What a packet did to its flow: the worker's link to dissection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    pub flow: FlowId,
    pub direction: Direction,
    /// First packet of the flow.
    pub opened: bool,
    /// First packet that its sender put into the flow.
    pub first_of_sender: bool,
    /// Wanted for dissection: new in-order payload and `Table::stop_inspecting` was not called.
    pub inspect: bool,
    /// Offset of this payload in the direction's byte stream, when TCP and known; 0 for datagrams, and where nothing is to inspect.
    pub stream_offset: u32,
}

/// Flows of one worker or shard.
#[derive(Debug)]
pub struct Table {
    timeouts: Timeouts,
    reports: Reports,
    store: Store,
    clock: Clock,
    /// Names given by `set_service`; a slot keeps the number.
    services: Vec<&'static str>,
    stats: TableStats,
}

impl Table {
    /// `seed` keys the hash against crafted collisions; it never shows in any output.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Self {
        Self {
            timeouts: Timeouts::of(&config),
            reports: config.reports,
            store: Store::new(config.capacity, Realms::new(config.vlan_key, seed), seed),
            clock: Clock::default(),
            services: Vec::new(),
            stats: TableStats::default(),
        }
    }

    /// Takes a batch in order; fills `touches` with one entry for each packet. Appends to `events`.
    ///
    /// A flow that ends here keeps its id to itself until the next call (for batches of up to 256 packets).
    pub fn process(&mut self, batch: &[Observation], touches: &mut Vec<Option<Touch>>, events: &mut Vec<FlowEvent>) {
        touches.clear();
        self.store.begin_batch();
        touches.reserve(batch.len());
        let mut waiting = [Waiting::default(); GROUP];
        // In rounds, so that the cache misses of a round overlap instead of adding up.
        for group in batch.chunks(GROUP) {
            let waiting = &mut waiting[..group.len()];
            for (waiting, observation) in waiting.iter_mut().zip(group) {
                *waiting = self.store.look_up(&observation.packet);
            }
            self.store.guess(waiting);
            self.store.prepare(waiting);
            for (waiting, observation) in waiting.iter().zip(group) {
                let touch = match self.take_plain(&waiting.key, waiting.guess, observation) {
                    Some(touch) => Some(touch),
                    None => self.take(waiting, observation, events),
                };
                touches.push(touch);
            }
        }
    }

    /// Names the application; it shows in every later record.
    pub fn set_service(&mut self, flow: FlowId, service: &'static str) {
        let known = self.services.iter().position(|&known| known == service);
        let number = known.unwrap_or_else(|| {
            self.services.push(service);
            self.services.len() - 1
        });
        // Names come from a closed set of dissectors, far below 255.
        if let (Ok(number), true) = (u8::try_from(number + 1), self.store.hot(flow.0 as usize).is_some()) {
            self.store.slot(flow.0 as usize).cold.service = number;
        }
    }

    /// No packet of this flow will be wanted for dissection again.
    pub fn stop_inspecting(&mut self, flow: FlowId) {
        if let Some(hot) = self.store.hot_mut(flow.0 as usize) {
            hot.flags |= Hot::INSPECTION_STOPPED;
        }
    }

    /// A dissector read who asks: packets that went `direction` so far came from the originator. Overrules what was guessed from
    /// ports and order, not what a SYN said; later records, and later touches, are oriented by it.
    pub fn set_originator(&mut self, flow: FlowId, direction: Direction) {
        let slot = flow.0 as usize;
        if self.store.hot(slot).is_none() {
            return;
        }
        let mut parts = self.store.slot(slot);
        if parts.cold.reason <= reason_number(DirectionReason::Role) {
            return;
        }
        parts.cold.reason = reason_number(DirectionReason::Role);
        if direction == Direction::ToOriginator {
            parts.exchange_sides();
            let old = parts.cold.path;
            let path = self.store.paths.take(&self.store.paths.get(old).exchanged());
            self.store.paths.release(old);
            self.store.slot(slot).cold.path = path;
        }
    }

    /// Ends flows that are idle at `now`, examining at most `budget` slots; call between batches.
    pub fn sweep(&mut self, now: Timestamp, budget: usize, events: &mut Vec<FlowEvent>) {
        let now = now.as_nanos();
        let mut left = self.clock.due(&self.store, now, budget);
        while let Some(slot) = self.clock.next_over(&self.store, &self.timeouts, now, &mut left) {
            self.end(slot, events);
        }
    }

    /// Ends every flow, at the end of a capture or on drain.
    pub fn drain(&mut self, events: &mut Vec<FlowEvent>) {
        for slot in 0..self.store.len() {
            if self.store.hot(slot).is_some() {
                self.end(slot, events);
            }
        }
    }

    /// Every flow, those that began first in front: the order for a last report of all.
    #[must_use]
    pub fn by_age(&self) -> Vec<(Timestamp, FlowId)> {
        let begun = |slot: usize| self.store.hot(slot).map(|_| (self.store.first_seen(slot), FlowId(slot as u32)));
        let mut flows: Vec<_> = (0..self.store.len()).filter_map(begun).collect();
        flows.sort_unstable_by_key(|(first_seen, flow)| (*first_seen, flow.0));
        flows
    }

    /// Asks for the memory of a flow, whose record is wanted soon.
    pub fn prefetch(&self, flow: FlowId) {
        self.store.prefetch(flow.0 as usize);
    }

    /// A flow as it stands.
    #[must_use]
    pub fn record_of(&self, flow: FlowId) -> Option<FlowRecord> {
        let slot = flow.0 as usize;
        self.store.hot(slot).map(|_| self.store.view(slot, &self.services).record())
    }

    /// Memory that its flows take. Untouched room for more is not in it: the system gives that when it is used.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.store.memory_bytes()
    }

    #[must_use]
    pub const fn stats(&self) -> TableStats {
        self.stats
    }

    /// A packet that needs nothing but to be counted.
    #[inline]
    fn take_plain(&mut self, key: &FlowKey, guess: u32, observation: &Observation) -> Option<Touch> {
        let packet = &observation.packet;
        if key.wide && !self.store.is_wide_pair(guess as usize, &wide_pair(packet, key.from_low)) {
            return None;
        }
        let hot = self.store.guessed(guess)?;
        let side = plain::count(hot, key, packet, observation.seen_at.as_nanos(), &self.timeouts)?;
        let has_news = (key.protocol != TCP) | (packet.payload_len > 0);
        let inspect = has_news & (packet.payload_captured > 0) & !hot.is(Hot::INSPECTION_STOPPED);
        self.stats.packets_counted += 1;
        let stream_offset = match packet.tcp {
            Some(segment) if inspect => {
                segment.sequence.wrapping_sub(self.store.stream_start(guess as usize, side)).wrapping_sub(1)
            }
            _ => 0,
        };
        Some(Touch {
            flow: FlowId(guess),
            direction: direction_of(side),
            opened: false,
            first_of_sender: false,
            inspect,
            stream_offset,
        })
    }

    fn take(&mut self, waiting: &Waiting, observation: &Observation, events: &mut Vec<FlowEvent>) -> Option<Touch> {
        let (key, packet) = (&waiting.key, &observation.packet);
        let now = observation.seen_at.as_nanos();
        let found = self.store.find(waiting, packet, now, &self.timeouts);
        if matches!(packet.fragment, Fragment::Later { .. }) {
            return self.take_fragment(found, key, observation, events);
        }
        let found = found.filter(|&slot| !self.ends_before(slot, key, packet, now, events));
        let (slot, opened) = match found {
            Some(slot) => (slot, false),
            None => (self.open(waiting, packet, now, events), true),
        };
        self.stats.packets_counted += 1;
        Some(self.count(slot, opened, key, observation, events))
    }

    /// Counts a later fragment, with the ports of its first from [`crate::Fragments`]. It opens no flow: without one it is refused.
    fn take_fragment(
        &mut self,
        found: Option<usize>,
        key: &FlowKey,
        observation: &Observation,
        events: &mut Vec<FlowEvent>,
    ) -> Option<Touch> {
        let (packet, now) = (&observation.packet, observation.seen_at.as_nanos());
        let counted = found.filter(|&slot| {
            let mut flow = self.store.slot(slot);
            let side = flow.hot.side_of(key.from_low);
            !self.timeouts.is_over(flow.hot, || flow.cold.first_seen, now)
                && flow.count_fragment(side, packet.ip_len, packet.wire_len)
        });
        let Some(slot) = counted else {
            self.stats.packets_refused += 1;
            return None;
        };
        self.stats.packets_counted += 1;
        let mut flow = self.store.slot(slot);
        let (side, due) = (flow.hot.side_of(key.from_low), self.timeouts.is_report_due(flow.hot, now));
        flow.note_time(now);
        let is_plain = flow.hot.is(Hot::PLAIN) && plain::is_possible(&flow);
        flow.hot.set(Hot::PLAIN, is_plain);
        if due {
            self.report(slot, false, now, events);
        }
        let (flow, direction) = (FlowId(slot as u32), direction_of(side));
        Some(Touch { flow, direction, opened: false, first_of_sender: false, inspect: false, stream_offset: 0 })
    }

    /// Ends the flow in `slot` when this packet comes after its timeout or begins another connection.
    fn ends_before(&mut self, slot: usize, key: &FlowKey, packet: &Packet, now: i64, events: &mut Vec<FlowEvent>) -> bool {
        let view = self.store.slot(slot);
        let side = view.hot.side_of(key.from_low);
        let ends = self.timeouts.is_over(view.hot, || view.cold.first_seen, now)
            || packet.tcp.is_some_and(|segment| key.protocol == TCP && tcp::is_reuse(&view, side, &segment));
        if ends {
            self.end(slot, events);
        }
        ends
    }

    fn open(&mut self, Waiting { key, hash, .. }: &Waiting, packet: &Packet, now: i64, events: &mut Vec<FlowEvent>) -> usize {
        if self.store.used >= self.store.capacity
            && let Some(victim) = self.clock.victim(&self.store, &self.timeouts, now)
        {
            self.stats.flows_evicted += 1;
            self.end(victim, events);
        }
        let slot = self.store.insert(key, *hash, packet);
        let orientation = orient(packet);
        let path = self.store.paths.take(&Path::of(packet, orientation.sender_is_originator));
        let mut flow = self.store.slot(slot);
        flow.cold.path = path;
        flow.cold.first_seen = now;
        flow.hot.last_seen = now;
        flow.hot.reported = self.timeouts.units(now);
        flow.cold.reason = reason_number(orientation.reason);
        if orientation.sender_is_originator == key.from_low {
            flow.hot.flags |= Hot::ORIGINATOR_IS_LOW;
        }
        if !orientation.sender_is_originator {
            flow.push_letter(b'^', ORIGINATOR);
        }
        self.stats.flows_opened += 1;
        self.stats.flows_active += 1;
        slot
    }

    /// Works one packet into its flow and reports what is due.
    fn count(
        &mut self,
        slot: usize,
        opened: bool,
        key: &FlowKey,
        observation: &Observation,
        events: &mut Vec<FlowEvent>,
    ) -> Touch {
        let packet = &observation.packet;
        let now = observation.seen_at.as_nanos();
        let mut flow = self.store.slot(slot);
        let side = flow.hot.side_of(key.from_low);
        let first_of_sender = flow.hot.counts[side].packets == 0;
        let due = first_of_sender || self.timeouts.is_report_due(flow.hot, now);
        let standing = if opened { Standing::Alive } else { Standing::of(flow.hot) };
        let heard_in = &mut flow.hot.realms[usize::from(key.from_low)];
        if *heard_in == UNHEARD {
            *heard_in = key.realm;
        }
        let before = flow.hot.last_seen;
        flow.note_time(now);
        flow.count(side, packet.ip_len, packet.wire_len);
        let arrival = match packet.tcp {
            Some(segment) if key.protocol == TCP => {
                let arrival = tcp::receive(&mut flow, side, &segment, packet.payload_len);
                handshake::measure(&mut flow, side, &segment, before, now);
                arrival
            }
            // The header was cut before its flags: the packet counts, its place in the stream is unknown.
            None if key.protocol == TCP => tcp::Arrival::default(),
            _ => {
                flow.receive_datagram(side, packet.payload_len);
                tcp::Arrival { new_payload: true, stream_offset: 0 }
            }
        };
        let inspect = arrival.new_payload && packet.payload_captured > 0 && !flow.hot.is(Hot::INSPECTION_STOPPED);
        Timeouts::classify(flow.hot);
        let moved_to = Standing::of(flow.hot);
        let is_plain = moved_to != Standing::HalfOpen && plain::is_possible(&flow);
        flow.hot.set(Hot::PLAIN, is_plain);
        if moved_to != standing {
            self.store.move_standing(slot, standing, moved_to);
        }
        // The totals of a short connection are known when it closes: whoever looks now need not wait for its timeout.
        if due || moved_to == Standing::Closed && standing != Standing::Closed {
            self.report(slot, opened, now, events);
        }
        let stream_offset = if inspect { arrival.stream_offset } else { 0 };
        Touch { flow: FlowId(slot as u32), direction: direction_of(side), opened, first_of_sender, inspect, stream_offset }
    }

    /// How many flows may go the short way; none of them from now on when it is not allowed.
    #[cfg(test)]
    pub fn allow_plain(&mut self, allowed: bool) -> usize {
        let mut plain = 0;
        for slot in 0..self.store.len() {
            let Some(hot) = self.store.hot_mut(slot) else { continue };
            hot.set(Hot::PLAIN, hot.is(Hot::PLAIN) && allowed);
            plain += usize::from(hot.is(Hot::PLAIN));
        }
        plain
    }

    /// Openings, first answers, and whatever is due.
    fn report(&mut self, slot: usize, opened: bool, now: i64, events: &mut Vec<FlowEvent>) {
        if self.reports == Reports::EndsOnly {
            return;
        }
        self.store.slot(slot).hot.reported = self.timeouts.units(now);
        let (flow, record) = (FlowId(slot as u32), self.record(slot));
        events.push(if opened { FlowEvent::Opened { flow, record } } else { FlowEvent::Interim { flow, record } });
    }

    fn end(&mut self, slot: usize, events: &mut Vec<FlowEvent>) {
        events.push(FlowEvent::Ended { flow: FlowId(slot as u32), record: self.record(slot) });
        self.store.remove(slot);
        self.stats.flows_ended += 1;
        self.stats.flows_active -= 1;
    }

    fn record(&self, slot: usize) -> Box<FlowRecord> {
        Box::new(self.store.view(slot, &self.services).record())
    }
}

const fn direction_of(side: usize) -> Direction {
    if side == ORIGINATOR { Direction::ToResponder } else { Direction::ToOriginator }
}
