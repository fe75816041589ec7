//! The control plane's centre: events in packet order in; assets, conversations, alerts and finished flow records out. It owns all
//! state and does no input or output of its own.

mod judge;
mod track;

use std::collections::BTreeMap;
use std::net::IpAddr;

use foldhash::{HashMap, HashSet};
use sensor_dissect::Finding;
use sensor_flow::{FlowEvent, FlowId};
use sensor_identify::{AssetNumber, Inventory, OwnDrops, Place, Presence, Sighting, Unplaced, is_group, scope_of};
use sensor_model::{
    Accounting, Alert, Asset, AssetId, DirectionReason, Fact, FactKind, FlowMap, FlowRecord, IpProtocol, MacAddr, SCHEMA, Scope,
    Subject, Timestamp,
};

use crate::alert::{Alerts, Happening, Party, Settings as AlertSettings};
use crate::conversations::{Conversations, Report, Standing};
use crate::event::{Event, What};
use crate::orientation::reverse;
use crate::service_ports;
use track::Track;

/// What the hub is told once.
#[derive(Clone, Debug)]
pub struct Settings {
    pub identify: sensor_identify::Config,
    pub max_conversations: usize,
    pub alert: AlertSettings,
}

#[derive(Debug)]
pub struct Hub {
    settings: Settings,
    inventory: Inventory,
    conversations: Conversations,
    alerts: Alerts,
    /// By table and by flow id, which are small numbers.
    flows: Vec<Vec<Option<Track>>>,
    /// First and last packet time.
    seen: Option<(Timestamp, Timestamp)>,
    missed_bytes: u64,
    /// Known from an earlier run; the inventory meets them again only when they speak.
    remembered: BTreeMap<AssetNumber, Asset>,
}

impl Hub {
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            inventory: Inventory::new(settings.identify.clone()),
            conversations: Conversations::new(settings.max_conversations),
            alerts: Alerts::new(settings.alert.clone()),
            flows: Vec::new(),
            seen: None,
            missed_bytes: 0,
            remembered: BTreeMap::new(),
            settings,
        }
    }

    /// Goes on from what an earlier run stored: known things are not new again.
    pub fn remember(&mut self, map: FlowMap, learning_until: Option<Timestamp>) {
        self.note_time(map.first_seen);
        let mut numbers: HashMap<AssetId, (AssetNumber, Scope)> = HashMap::default();
        for asset in map.assets {
            let number = self.inventory.remember(&asset);
            self.alerts.remember([number], learning_until);
            numbers.insert(asset.id.clone(), (number, asset.scope));
            if !number.is_other() {
                self.remembered.insert(number, asset);
            }
        }
        for conversation in &map.conversations {
            let ends = numbers.get(&conversation.client).zip(numbers.get(&conversation.server));
            if let Some(((client, one), (server, other))) = ends {
                let is_external = [one, other].contains(&&Scope::External);
                self.conversations.remember((*client, *server), conversation, is_external);
            }
        }
        self.alerts.remember([], learning_until);
    }

    pub fn take(&mut self, event: Event) {
        match event.what {
            What::Flow(flow_event) => self.take_flow(event.table, flow_event),
            What::Found { flow, finding } => self.take_finding(event.table, flow, finding),
            What::Sighted(sighting) => self.take_sighting(sighting),
            What::Heard(fact) => self.take_fact(&fact),
            What::Linked { mac, tags, to_group } => self.inventory.hear_in(tags, mac, None, !to_group),
            What::Mentioned(mention) => self.inventory.name_vlan(mention.vlan, mention.is_tagged, mention.by),
        }
    }

    pub fn take_alerts(&mut self) -> Vec<Alert> {
        self.alerts.take_raised()
    }

    #[must_use]
    pub const fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    #[must_use]
    pub const fn conversations(&self) -> &Conversations {
        &self.conversations
    }

    /// What found no room in the inventory.
    #[must_use]
    pub const fn unplaced(&self) -> Unplaced {
        self.inventory.unplaced()
    }

    /// What is known now. `accounting` comes from the packet path; the hub adds what only it knows.
    #[must_use]
    pub fn flow_map(&self, accounting: Accounting) -> FlowMap {
        let (first_seen, last_seen) = self.seen.unwrap_or_default();
        FlowMap {
            schema: SCHEMA.to_owned(),
            sensor: self.settings.alert.sensor.clone(),
            first_seen,
            last_seen,
            accounting: Accounting { missed_bytes: self.missed_bytes, ..accounting },
            coverage: self
                .inventory
                .tap_coverage(OwnDrops { packets: accounting.packets, lost_packets: accounting.lost_packets }),
            assets: with_remembered(self.inventory.assets(), &self.remembered),
            conversations: self.conversations.snapshot(|asset| self.inventory.id(asset)),
        }
    }

    fn take_flow(&mut self, table: u16, event: FlowEvent) {
        let is_new = matches!(event, FlowEvent::Opened { .. });
        let (flow, mut record, has_ended) = match event {
            FlowEvent::Opened { flow, record } | FlowEvent::Interim { flow, record } => (flow, record, false),
            FlowEvent::Ended { flow, record } => (flow, record, true),
        };
        let mut known = self.track(table, flow).take();
        // The end of the id's last flow may have been lost on a full queue.
        if let Some(lost) = known.take_if(|track| is_new || !track.is_of(&record)) {
            self.let_go(&lost);
        }
        let mut track = known.unwrap_or_else(|| Track::new(&record));
        self.note_time(record.first_seen);
        self.note_time(record.last_seen);
        self.count_presence(&mut track, &record);
        self.missed_bytes += record.missed_bytes.saturating_sub(track.missed_bytes);
        track.missed_bytes = record.missed_bytes;
        // What the table saw in the handshake is stronger than what the bytes suggest.
        if let Some(reason) = track.reversed.filter(|reason| *reason < record.direction_reason) {
            reverse(&mut record, reason);
        }
        self.attribute(&mut track, &record);
        self.inventory.weigh(&mut track.weighed, &record, track.places);
        self.judge_conversation(&mut track, &record, has_ended);
        if has_ended {
            self.let_go(&track);
        } else {
            *self.track(table, flow) = Some(track);
        }
    }

    /// What is kept of a flow.
    fn track(&mut self, table: u16, flow: FlowId) -> &mut Option<Track> {
        let (table, flow) = (usize::from(table), flow.0 as usize);
        if self.flows.len() <= table {
            self.flows.resize_with(table + 1, Vec::new);
        }
        let flows = &mut self.flows[table];
        if flows.len() <= flow {
            flows.resize_with(flow + 1, || None);
        }
        &mut flows[flow]
    }

    fn let_go(&mut self, track: &Track) {
        match track.edge {
            Some(edge) => self.conversations.release(edge),
            None => self.conversations.refused += 1,
        }
    }

    fn take_finding(&mut self, table: u16, flow: FlowId, finding: Finding) {
        if let Finding::Fact(fact) = &finding {
            return self.take_fact(fact);
        }
        let Some(mut track) = self.track(table, flow).take() else { return };
        self.settle(&mut track);
        match finding {
            Finding::Service(name) => self.rename_application(&mut track, name),
            Finding::Reversed(reason) => track.reversed = Some(reason),
            Finding::Operation(name) => {
                if let Some(edge) = track.edge {
                    self.conversations.operate(edge, track.application, name);
                }
            }
            Finding::Proof(proof) => track.weighed.prove(proof),
            Finding::Fact(_) => {}
        }
        *self.track(table, flow) = Some(track);
    }

    fn take_sighting(&mut self, sighting: Sighting) {
        self.note_time(sighting.seen_at);
        let mut place = Place::default();
        self.inventory.see_at(&mut place, sighting);
        self.meet(sighting.ip, Some(sighting.mac), sighting.seen_at, &mut place);
    }

    fn take_fact(&mut self, fact: &Fact) {
        self.note_time(fact.seen_at);
        self.inventory.learn(fact);
        self.follow_renames();
        if let (Subject::Ip(ip), "arp") = (fact.subject, fact.source.as_str()) {
            self.meet(ip, fact.value.parse().ok(), fact.seen_at, &mut Place::default());
        }
    }

    /// Puts the flow's news into its conversation. A flow whose ends were exchanged since its last report moves, and so does one whose ends
    /// had no room when they had shown less.
    fn attribute(&mut self, track: &mut Track, record: &FlowRecord) {
        let ends = track::ends_of(record);
        let answered = track::is_answered(record);
        self.settle(track);
        let is_first_answer = answered && !track.share.answered;
        let has_turned = track.ends != ends;
        if has_turned {
            track.places.reverse();
        }
        let wants_room = track.edge.is_none() || track.is_among_others;
        if has_turned || (wants_room && track.tried < Some(self.standing(record))) {
            self.leave(track);
            track.ends = ends;
            self.find_edge(track, record);
        }
        if is_first_answer && track.application.is_none() {
            self.guess_roles(track, record);
        }
        if let Some(edge) = track.edge {
            self.conversations.advance(edge, track.application, &mut track.share, Report { record, answered });
        }
    }

    /// What a flow has shown so far.
    fn standing(&self, record: &FlowRecord) -> Standing {
        Standing::of_flow(track::is_proven(record), self.is_external(record), record.sent.packets + record.received.packets)
    }

    fn is_external(&self, record: &FlowRecord) -> bool {
        let internal = &self.settings.identify.internal;
        [record.originator, record.responder].iter().any(|ip| scope_of(*ip, internal) == Scope::External)
    }

    fn find_edge(&mut self, track: &mut Track, record: &FlowRecord) {
        let standing = self.standing(record);
        let [client_place, server_place] = &mut track.places;
        let client = self.inventory.asset_at(client_place, record.originator, record.last_seen);
        let server = self.inventory.asset_at(server_place, record.responder, record.last_seen);
        self.follow_renames();
        track.tried = Some(standing);
        track.is_among_others = client.is_other() || server.is_other();
        track.edge = self.conversations.edge((client, server), record, standing, self.is_external(record));
        if let Some(edge) = track.edge {
            self.conversations.join(edge, track.application, record);
        }
    }

    /// What an answered flow on a registered port suggests of its two ends. Dissection speaks for the flows it recognises.
    fn guess_roles(&mut self, track: &mut Track, record: &FlowRecord) {
        let Some(name) = service_ports::name_of(record.protocol, record.responder_port) else { return };
        let [client, server] = &mut track.places;
        self.inventory.suggest(server, record.responder, FactKind::Serves, name, record.last_seen);
        self.inventory.suggest(client, record.originator, FactKind::Uses, name, record.last_seen);
        self.follow_renames();
    }

    /// The flow's edge may have been merged into another one, or have made room.
    fn settle(&mut self, track: &mut Track) {
        if let Some(edge) = track.edge {
            track.edge = self.conversations.settle(edge);
            if track.edge.is_none() {
                track.share = Default::default();
            }
        }
    }

    fn leave(&mut self, track: &mut Track) {
        if let Some(edge) = track.edge.take() {
            self.conversations.leave(edge, track.application, &track.share);
            self.conversations.release(edge);
        }
        track.share = Default::default();
    }

    fn rename_application(&mut self, track: &mut Track, name: &'static str) {
        if track.application == Some(name) {
            return;
        }
        if let Some(edge) = track.edge {
            track.replaces_application = self.conversations.is_another_application(edge, name);
            track.judged &= !track.replaces_application;
            self.conversations.rename_application(edge, track.application, name, &track.share);
        }
        track.application = Some(name);
    }

    fn count_presence(&mut self, track: &mut Track, record: &FlowRecord) {
        let (sent, received) = track.news_of_packets(record);
        let group = |ip: IpAddr, mac: Option<MacAddr>| is_group(ip) || mac.is_some_and(MacAddr::is_group);
        // Whatever the address looks like: a frame to everybody has no host as its destination.
        if record.tunnel.is_none() && record.received.packets == 0 && record.received.mac.is_some_and(MacAddr::is_group) {
            self.inventory.note_group(record.responder);
        }
        let heard =
            |mac: Option<MacAddr>, packets: u64| mac.filter(|mac| packets > 0 && record.tunnel.is_none() && !mac.is_group());
        let originator = Presence {
            ip: record.originator,
            mac: heard(record.sent.mac, record.sent.packets),
            sent_packets: sent,
            received_packets: received,
            peer_is_group: group(record.responder, record.received.mac),
            is_proven: track::is_proven(record),
            seen_at: record.last_seen,
        };
        let responder = Presence {
            ip: record.responder,
            mac: heard(record.received.mac, record.received.packets),
            sent_packets: received,
            received_packets: sent,
            peer_is_group: group(record.originator, record.sent.mac),
            is_proven: record.sent.packets > 0 && record.received.packets > 0,
            seen_at: record.last_seen,
        };
        // The table's originator may be the server of the track.
        let [client, server] = &mut track.places;
        let (from, to) = if track.ends.0 == record.originator { (client, server) } else { (server, client) };
        self.inventory.count_at(from, originator);
        self.inventory.count_at(to, responder);
        self.follow_renames();
    }

    fn follow_renames(&mut self) {
        for (old, new) in self.inventory.take_renamed() {
            self.rename(old, new);
        }
    }

    fn rename(&mut self, old: AssetNumber, new: AssetNumber) {
        self.conversations.rename(old, new);
        self.alerts.rename(old, new);
        self.remembered.remove(&old);
    }

    fn note_time(&mut self, at: Timestamp) {
        self.seen = Some(self.seen.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
    }
}

/// The inventory's assets, and those of earlier runs that have not spoken since. Labels stay unique.
fn with_remembered(mut assets: Vec<Asset>, remembered: &BTreeMap<AssetNumber, Asset>) -> Vec<Asset> {
    if remembered.is_empty() {
        return assets;
    }
    let places: HashMap<AssetId, usize> = assets.iter().enumerate().map(|(at, asset)| (asset.id.clone(), at)).collect();
    let mut labels: HashSet<String> = assets.iter().map(|asset| asset.label.clone()).collect();
    for old in remembered.values() {
        if let Some(asset) = places.get(&old.id).and_then(|at| assets.get_mut(*at)) {
            asset.first_seen = asset.first_seen.min(old.first_seen);
            continue;
        }
        let mut old = old.clone();
        if !labels.insert(old.label.clone()) {
            old.label = format!("{} ({})", old.label, old.id);
            labels.insert(old.label.clone());
        }
        assets.push(old);
    }
    assets.sort_by(|a, b| a.id.cmp(&b.id));
    assets
}

#[cfg(test)]
mod tests;
