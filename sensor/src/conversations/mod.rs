//! Flow reports to conversations: edges between assets, with sums that grow by the difference to the flow's last report.
//!
//! Overflow: when `limit` edges are known, a flow between a new pair is counted in `refused` and left out of the map.

mod days;
mod tally;

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt};
use sensor_model::{
    Activity, AssetId, Conversation, DirectionReason, EachWay, FlowRecord, IpProtocol, Service, Strength, Timestamp,
};

use crate::service_ports;
pub use tally::{Report, Share, Tally};

/// Applications kept apart on one edge; a further one is counted as unrecognised.
const MAX_APPLICATIONS: usize = 16;

/// Names an edge; stays good after merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EdgeId(u32);

/// An edge's identity. Assets are interned: the id strings stand in `assets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    client: u32,
    server: u32,
    protocol: IpProtocol,
    port: u16,
}

#[derive(Clone, Debug)]
struct Edge {
    key: Key,
    /// Alerts have judged it.
    judged: bool,
    unrecognised: Option<Tally>,
    applications: BTreeMap<String, Tally>,
}

#[derive(Clone, Debug)]
enum Slot {
    Live(Box<Edge>),
    /// Merged into another one.
    Moved(u32),
}

#[derive(Debug)]
pub struct Conversations {
    limit: usize,
    pub refused: u64,
    assets: Vec<AssetId>,
    asset_numbers: HashMap<AssetId, u32>,
    slots: Vec<Slot>,
    index: HashMap<Key, u32>,
    /// Edges at an asset, by its number; may name edges that have moved.
    edges_at: Vec<Vec<u32>>,
    live: usize,
}

impl Conversations {
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            refused: 0,
            assets: Vec::new(),
            asset_numbers: HashMap::new(),
            slots: Vec::new(),
            index: HashMap::new(),
            edges_at: Vec::new(),
            live: 0,
        }
    }

    /// The edge a flow belongs to; made when unknown. None when the limit is reached.
    pub fn edge(&mut self, client: &AssetId, server: &AssetId, record: &FlowRecord) -> Option<EdgeId> {
        self.edge_for(client, server, record.protocol, service_port(record))
    }

    /// A flow joins the edge, under the application's name when known.
    pub fn join(&mut self, id: EdgeId, application: Option<&str>, record: &FlowRecord) {
        if let Some(tally) = self.tally(id, application, record.first_seen) {
            tally.join(record);
        }
    }

    /// A flow of the edge reports.
    pub fn advance(&mut self, id: EdgeId, application: Option<&str>, share: &mut Share, report: Report<'_>) {
        if let Some(tally) = self.tally(id, application, report.record.first_seen) {
            tally.advance(share, report);
        }
    }

    /// The application of a flow on this edge is known now, or known better.
    pub fn rename_application(&mut self, id: EdgeId, old: Option<&str>, new: &str, share: &Share) {
        let Some(was) = self.tally(id, old, Timestamp::MAX).cloned() else { return };
        self.leave(id, old, share);
        if let Some(tally) = self.tally(id, Some(new), was.first_seen()) {
            tally.enter(share, &was);
        }
    }

    /// A flow turns out to belong to another edge or application. What is empty after it goes.
    pub fn leave(&mut self, id: EdgeId, application: Option<&str>, share: &Share) {
        let Some(edge) = self.live_edge(id) else { return };
        match application.filter(|name| edge.applications.contains_key(*name)) {
            Some(name) => {
                if let Some(tally) = edge.applications.get_mut(name) {
                    tally.leave(share);
                }
                edge.applications.retain(|_, tally| tally.flows() > 0);
            }
            None => {
                if let Some(tally) = &mut edge.unrecognised {
                    tally.leave(share);
                }
                edge.unrecognised = edge.unrecognised.take().filter(|tally| tally.flows() > 0);
            }
        }
    }

    pub fn operate(&mut self, id: EdgeId, application: Option<&str>, operation: &str) {
        if let Some(edge) = self.live_edge(id) {
            let tally = match application {
                Some(name) => edge.applications.get_mut(name),
                None => edge.unrecognised.as_mut(),
            };
            if let Some(tally) = tally {
                tally.operate(operation);
            }
        }
    }

    /// True the first time it is asked about an edge that is not remembered from before.
    pub fn first_judgement(&mut self, id: EdgeId) -> bool {
        self.live_edge(id).is_some_and(|edge| !std::mem::replace(&mut edge.judged, true))
    }

    /// Whether `application` is heard on an edge where others are known already and it is not.
    #[must_use]
    pub fn is_another_application(&self, id: EdgeId, application: &str) -> bool {
        self.find(id)
            .is_some_and(|edge| edge.judged && !edge.applications.is_empty() && !edge.applications.contains_key(application))
    }

    /// Two assets were one: their edges become one.
    pub fn rename(&mut self, old: &AssetId, new: &AssetId) {
        let (Some(old), new) = (self.asset_numbers.get(old).copied(), self.number_of(new)) else { return };
        let moving = self.edges_at.get_mut(old as usize).map(std::mem::take).unwrap_or_default();
        for at in moving {
            let Some(Slot::Live(edge)) = self.slots.get(at as usize) else { continue };
            let was = edge.key;
            let swap = |asset: u32| if asset == old { new } else { asset };
            let now = Key { client: swap(was.client), server: swap(was.server), ..was };
            if was == now {
                continue;
            }
            self.index.remove(&was);
            match self.index.get(&now).copied() {
                Some(target) => self.merge(at, target),
                None => {
                    if let Some(Slot::Live(edge)) = self.slots.get_mut(at as usize) {
                        edge.key = now;
                    }
                    self.index.insert(now, at);
                    self.edges_at.get_mut(new as usize).into_iter().for_each(|edges| edges.push(at));
                }
            }
        }
    }

    /// Puts back what an earlier run knew; it counts as judged.
    pub fn remember(&mut self, conversation: &Conversation) {
        let Service { protocol, port, name, name_strength } = &conversation.service;
        let (protocol, port) = (*protocol, *port);
        let Some(id) = self.edge_for(&conversation.client, &conversation.server, protocol, port) else { return };
        let Some(edge) = self.live_edge(id) else { return };
        edge.judged = true;
        let remembered = Tally::remembered(conversation);
        match name.as_ref().filter(|_| *name_strength != Some(Strength::Port)) {
            Some(name) => {
                edge.applications.insert(name.clone(), remembered);
            }
            None => edge.unrecognised = Some(remembered),
        }
    }

    /// Every conversation by client, server, service. Flows nobody recognised join the busiest recognised application of their edge:
    /// they are its connection attempts far more often than anything else.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Conversation> {
        let mut all: Vec<Conversation> = Vec::with_capacity(self.live);
        for slot in &self.slots {
            if let Slot::Live(edge) = slot {
                self.write_edge(edge, &mut all);
            }
        }
        all.sort_by(|a, b| (&a.client, &a.server, &a.service).cmp(&(&b.client, &b.server, &b.service)));
        all
    }

    fn write_edge(&self, edge: &Edge, all: &mut Vec<Conversation>) {
        let busiest = edge.applications.iter().max_by_key(|(name, tally)| (tally.flows(), std::cmp::Reverse(*name)));
        let busiest = busiest.map(|(name, _)| name);
        for (name, tally) in &edge.applications {
            let mut tally = tally.clone();
            if Some(name) == busiest
                && let Some(rest) = &edge.unrecognised
            {
                tally.merge(rest.clone());
            }
            all.push(self.conversation(edge.key, Some(name), &tally));
        }
        if let (None, Some(tally)) = (busiest, &edge.unrecognised) {
            all.push(self.conversation(edge.key, None, tally));
        }
    }

    fn conversation(&self, key: Key, application: Option<&str>, tally: &Tally) -> Conversation {
        let asset = |number: u32| self.assets.get(number as usize).cloned().unwrap_or_else(|| AssetId(String::new()));
        let mut conversation = Conversation {
            client: asset(key.client),
            server: asset(key.server),
            service: service_ports::service(key.protocol, key.port, application),
            client_addresses: Vec::new(),
            server_addresses: Vec::new(),
            addresses_omitted: 0,
            flows: 0,
            answered_flows: 0,
            packets: EachWay::default(),
            bytes: EachWay::default(),
            first_seen: tally.first_seen(),
            last_seen: tally.first_seen(),
            activity: Activity::default(),
            direction_reason: DirectionReason::default(),
            operations: Vec::new(),
        };
        tally.write_to(&mut conversation);
        conversation
    }

    fn edge_for(&mut self, client: &AssetId, server: &AssetId, protocol: IpProtocol, port: u16) -> Option<EdgeId> {
        let known = self.asset_numbers.get(client).copied().zip(self.asset_numbers.get(server).copied());
        if let Some((client, server)) = known
            && let Some(at) = self.index.get(&Key { client, server, protocol, port })
        {
            return Some(EdgeId(*at));
        }
        if self.live >= self.limit {
            self.refused += 1;
            return None;
        }
        let key = Key { client: self.number_of(client), server: self.number_of(server), protocol, port };
        let at = u32::try_from(self.slots.len()).ok()?;
        let edge = Edge { key, judged: false, unrecognised: None, applications: BTreeMap::new() };
        self.slots.push(Slot::Live(Box::new(edge)));
        self.index.insert(key, at);
        self.live += 1;
        for asset in [key.client, key.server] {
            self.edges_at.get_mut(asset as usize).into_iter().for_each(|edges| edges.push(at));
        }
        Some(EdgeId(at))
    }

    fn tally(&mut self, id: EdgeId, application: Option<&str>, first_seen: Timestamp) -> Option<&mut Tally> {
        let edge = self.live_edge(id)?;
        let known = &mut edge.applications;
        match application {
            Some(name) if known.contains_key(name) => known.get_mut(name),
            Some(name) if known.len() < MAX_APPLICATIONS => {
                Some(known.entry(name.to_owned()).or_insert_with(|| Tally::new(first_seen)))
            }
            _ => Some(edge.unrecognised.get_or_insert_with(|| Tally::new(first_seen))),
        }
    }

    fn merge(&mut self, from: u32, into: u32) {
        let Some(slot) = self.slots.get_mut(from as usize) else { return };
        let Slot::Live(edge) = std::mem::replace(slot, Slot::Moved(into)) else { return };
        self.live -= 1;
        let Some(target) = self.live_edge(EdgeId(into)) else { return };
        target.judged |= edge.judged;
        if let Some(tally) = edge.unrecognised {
            merge_into(&mut target.unrecognised, tally);
        }
        for (name, tally) in edge.applications {
            let mut known = target.applications.remove(&name);
            merge_into(&mut known, tally);
            target.applications.extend(known.map(|tally| (name, tally)));
        }
    }

    fn place_of(&self, id: EdgeId) -> Option<usize> {
        let mut at = id.0;
        loop {
            // Each step goes to the edge that took this one over; an edge takes over only while it is live, so there is no circle.
            match self.slots.get(at as usize)? {
                Slot::Live(_) => return Some(at as usize),
                Slot::Moved(to) => at = *to,
            }
        }
    }

    fn find(&self, id: EdgeId) -> Option<&Edge> {
        match self.slots.get(self.place_of(id)?)? {
            Slot::Live(edge) => Some(edge),
            Slot::Moved(_) => None,
        }
    }

    fn live_edge(&mut self, id: EdgeId) -> Option<&mut Edge> {
        let at = self.place_of(id)?;
        match self.slots.get_mut(at)? {
            Slot::Live(edge) => Some(edge),
            Slot::Moved(_) => None,
        }
    }

    fn number_of(&mut self, asset: &AssetId) -> u32 {
        if let Some(number) = self.asset_numbers.get(asset) {
            return *number;
        }
        let number = u32::try_from(self.assets.len()).unwrap_or(u32::MAX);
        self.assets.push(asset.clone());
        self.asset_numbers.insert(asset.clone(), number);
        self.edges_at.push(Vec::new());
        number
    }
}

fn merge_into(target: &mut Option<Tally>, tally: Tally) {
    match target {
        Some(known) => known.merge(tally),
        None => *target = Some(tally),
    }
}

/// The port that names the service: the responder's, for ICMP the type of the request.
const fn service_port(record: &FlowRecord) -> u16 {
    match record.protocol {
        IpProtocol::Icmp => record.originator_port,
        _ => record.responder_port,
    }
}

#[cfg(test)]
mod tests;
