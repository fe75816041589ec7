//! The control plane's centre: events in packet order in; assets, conversations, alerts and finished flow records out. It owns all
//! state and does no input or output of its own.

mod track;

use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt, HashSet};
use sensor_dissect::Finding;
use sensor_flow::FlowEvent;
use sensor_identify::{Inventory, OwnDrops, Presence, Sighting, Unplaced};
use sensor_model::{
    Accounting, Alert, Asset, AssetId, DirectionReason, Fact, FactKind, FlowMap, FlowRecord, IpProtocol, MacAddr, SCHEMA, Scope,
    Strength, Subject, Timestamp,
};

use crate::alert::{Alerts, Happening, Party, Settings as AlertSettings, scope_of};
use crate::conversations::{Conversations, Report};
use crate::event::{Event, FlowRef, What};
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
    flows: HashMap<FlowRef, Track>,
    /// First and last packet time.
    seen: Option<(Timestamp, Timestamp)>,
    missed_bytes: u64,
    /// Known from an earlier run; the inventory meets them again only when they speak.
    remembered: Vec<Asset>,
}

impl Hub {
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            inventory: Inventory::new(settings.identify.clone()),
            conversations: Conversations::new(settings.max_conversations),
            alerts: Alerts::new(settings.alert.clone()),
            flows: HashMap::new(),
            seen: None,
            missed_bytes: 0,
            remembered: Vec::new(),
            settings,
        }
    }

    /// Goes on from what an earlier run stored: known things are not new again.
    pub fn remember(&mut self, map: FlowMap, learning_until: Option<Timestamp>) {
        self.alerts.remember(map.assets.iter().map(|asset| asset.id.clone()), learning_until);
        for conversation in &map.conversations {
            self.conversations.remember(conversation);
        }
        self.note_time(map.first_seen);
        self.remembered = map.assets;
    }

    pub fn take(&mut self, event: Event) {
        match event.what {
            What::Flow(flow_event) => self.take_flow(event.table, flow_event),
            What::Found { flow, finding } => self.take_finding(FlowRef { table: event.table, flow }, finding),
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
            conversations: self.conversations.snapshot(),
        }
    }

    fn take_flow(&mut self, table: u16, event: FlowEvent) {
        let is_new = matches!(event, FlowEvent::Opened { .. });
        let (flow, mut record, has_ended) = match event {
            FlowEvent::Opened { flow, record } | FlowEvent::Interim { flow, record } => (flow, record, false),
            FlowEvent::Ended { flow, record } => (flow, record, true),
        };
        let at = FlowRef { table, flow };
        // The end of the id's last flow may have been lost on a full queue.
        let known = self.flows.remove(&at).filter(|_| !is_new);
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
        self.inventory.weigh(&mut track.weighed, &record);
        if has_ended {
            self.judge_conversation(&mut track, &record, true);
        } else {
            self.judge_conversation(&mut track, &record, false);
            self.flows.insert(at, track);
        }
    }

    fn take_finding(&mut self, at: FlowRef, finding: Finding) {
        match finding {
            Finding::Fact(fact) => self.take_fact(&fact),
            Finding::Service(name) => {
                let Some(mut track) = self.flows.remove(&at) else { return };
                self.rename_application(&mut track, name);
                self.flows.insert(at, track);
            }
            Finding::Reversed(reason) => {
                if let Some(track) = self.flows.get_mut(&at) {
                    track.reversed = Some(reason);
                }
            }
            Finding::Operation(name) => {
                if let Some(track) = self.flows.get(&at)
                    && let Some(edge) = track.edge
                {
                    self.conversations.operate(edge, track.application, name);
                }
            }
        }
    }

    fn take_sighting(&mut self, sighting: Sighting) {
        self.note_time(sighting.seen_at);
        self.inventory.see(sighting);
        self.meet(sighting.ip, Some(sighting.mac), sighting.seen_at);
    }

    fn take_fact(&mut self, fact: &Fact) {
        self.note_time(fact.seen_at);
        self.inventory.learn(fact);
        self.follow_renames();
        if let (Subject::Ip(ip), "arp") = (fact.subject, fact.source.as_str()) {
            self.meet(ip, fact.value.parse().ok(), fact.seen_at);
        }
    }

    /// Puts the flow's news into its conversation. A flow whose ends were exchanged since its last report moves.
    fn attribute(&mut self, track: &mut Track, record: &FlowRecord) {
        let ends = track::ends_of(record);
        if track.edge.is_none() || track.ends != ends {
            self.leave(track);
            let client = self.inventory.asset_of(record.originator, record.last_seen);
            let server = self.inventory.asset_of(record.responder, record.last_seen);
            self.follow_renames();
            track.ends = ends;
            track.edge = self.conversations.edge(&client, &server, record);
            if let Some(edge) = track.edge {
                self.conversations.join(edge, track.application, record);
            }
        }
        let answered = track::is_answered(record);
        if answered && !track.share.answered && track.application.is_none() {
            self.guess_roles(record);
        }
        if let Some(edge) = track.edge {
            self.conversations.advance(edge, track.application, &mut track.share, Report { record, answered });
        }
    }

    /// What an answered flow on a registered port suggests of its two ends. Dissection speaks for the flows it recognises.
    fn guess_roles(&mut self, record: &FlowRecord) {
        let Some(name) = service_ports::name_of(record.protocol, record.responder_port) else { return };
        for (ip, kind) in [(record.responder, FactKind::Serves), (record.originator, FactKind::Uses)] {
            self.inventory.learn(&Fact {
                subject: Subject::Ip(ip),
                kind,
                value: name.to_owned(),
                strength: Strength::Port,
                source: "port".to_owned(),
                seen_at: record.last_seen,
            });
        }
        self.follow_renames();
    }

    fn leave(&mut self, track: &mut Track) {
        if let Some(edge) = track.edge.take() {
            self.conversations.leave(edge, track.application, &track.share);
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
        let group = |ip: IpAddr, mac: Option<MacAddr>| scope_of(ip, &[]) == Scope::Group || mac.is_some_and(MacAddr::is_group);
        let to_group = group(record.responder, record.received.mac);
        // Whatever the address looks like: a frame to everybody has no host as its destination.
        if record.tunnel.is_none() && record.received.packets == 0 && record.received.mac.is_some_and(MacAddr::is_group) {
            self.inventory.note_group(record.responder);
        }
        let heard =
            |mac: Option<MacAddr>, packets: u64| mac.filter(|mac| packets > 0 && record.tunnel.is_none() && !mac.is_group());
        let seen_at = record.last_seen;
        self.inventory.count(Presence {
            ip: record.originator,
            mac: heard(record.sent.mac, record.sent.packets),
            sent_packets: sent,
            received_packets: received,
            peer_is_group: to_group,
            seen_at,
        });
        self.inventory.count(Presence {
            ip: record.responder,
            mac: heard(record.received.mac, record.received.packets),
            sent_packets: received,
            received_packets: sent,
            peer_is_group: group(record.originator, record.sent.mac),
            seen_at,
        });
        self.follow_renames();
    }

    fn meet(&mut self, ip: IpAddr, mac: Option<MacAddr>, at: Timestamp) {
        let asset = self.inventory.asset_of(ip, at);
        self.follow_renames();
        if self.alerts.meet(&asset) {
            let by_address = AssetId::of_ip(ip);
            if asset != by_address && self.alerts.knows(&by_address) {
                // Known by its address from an earlier run; now its MAC is known too.
                self.rename(&by_address, &asset);
                return;
            }
            // The MAC is the asset's own only where the asset is named by it; else a router's.
            let mac = mac.filter(|mac| AssetId::of_mac(*mac) == asset);
            let label = ip.to_string();
            let party = self.party(&asset, &label, ip);
            self.alerts.judge(&Happening::AssetAppeared { party, mac, at });
        }
    }

    /// Tells the alerts of a conversation once its direction is sure: by a handshake, an answer, or the flow's end.
    fn judge_conversation(&mut self, track: &mut Track, record: &FlowRecord, has_ended: bool) {
        let Some(edge) = track.edge.filter(|_| !track.judged) else { return };
        let is_sure = record.direction_reason <= DirectionReason::Role || track::is_answered(record) || has_ended;
        if !is_sure {
            return;
        }
        track.judged = true;
        let replaces_application = std::mem::take(&mut track.replaces_application);
        if self.conversations.first_judgement(edge) || replaces_application {
            self.tell_of_conversation(track.application, replaces_application, record);
        }
    }

    fn tell_of_conversation(&mut self, application: Option<&str>, replaces_application: bool, record: &FlowRecord) {
        let port = match record.protocol {
            IpProtocol::Icmp => record.originator_port,
            _ => record.responder_port,
        };
        let client = self.inventory.asset_of(record.originator, record.last_seen);
        let server = self.inventory.asset_of(record.responder, record.last_seen);
        let service = service_ports::service(record.protocol, port, application);
        let (client_label, server_label) = (record.originator.to_string(), record.responder.to_string());
        self.alerts.judge(&Happening::ConversationAppeared {
            client: self.party(&client, &client_label, record.originator),
            server: self.party(&server, &server_label, record.responder),
            weight: service_ports::weight_of(record.protocol, port, application),
            answered: track::is_answered(record),
            replaces_application,
            service: &service,
            at: record.last_seen,
        });
    }

    fn party<'a>(&self, asset: &'a AssetId, label: &'a str, ip: IpAddr) -> Party<'a> {
        Party { asset, label, ip, scope: scope_of(ip, &self.settings.identify.internal) }
    }

    fn follow_renames(&mut self) {
        for (old, new) in self.inventory.take_renamed() {
            self.rename(&old, &new);
        }
    }

    fn rename(&mut self, old: &AssetId, new: &AssetId) {
        self.conversations.rename(old, new);
        self.alerts.rename(old, new);
        self.remembered.retain(|asset| asset.id != *old);
    }

    fn note_time(&mut self, at: Timestamp) {
        self.seen = Some(self.seen.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
    }
}

/// The inventory's assets, and those of earlier runs that have not spoken since. Labels stay unique.
fn with_remembered(mut assets: Vec<Asset>, remembered: &[Asset]) -> Vec<Asset> {
    if remembered.is_empty() {
        return assets;
    }
    let places: HashMap<AssetId, usize> = assets.iter().enumerate().map(|(at, asset)| (asset.id.clone(), at)).collect();
    let mut labels: HashSet<String> = assets.iter().map(|asset| asset.label.clone()).collect();
    for old in remembered {
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
