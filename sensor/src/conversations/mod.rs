//! Flow reports to conversations: edges between assets, with sums that grow by the difference to the flow's last report.
//!
//! Overflow: when `limit` edges are known, a new one takes the place of an edge of lower standing (see `standing.rs`), which is counted in
//! `evicted`; when there is none, the flow is left out of the map, and counted in `refused` if it stays so to its end.

mod days;
mod slots;
mod standing;
mod tally;

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt};
use sensor_identify::AssetNumber;
use sensor_model::{
    Activity, AssetId, Conversation, DirectionReason, EachWay, FlowRecord, IpProtocol, Service, Strength, Timestamp,
};
use smallvec::SmallVec;

use crate::service_ports;
pub use slots::EdgeId;
use slots::Slots;
use standing::Queue;
pub use standing::Standing;
pub use tally::{Report, Share, Tally};

/// Applications kept apart on one edge; a further one is counted as unrecognised.
const MAX_APPLICATIONS: usize = 16;

/// An edge's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    client: AssetNumber,
    server: AssetNumber,
    protocol: IpProtocol,
    port: u16,
}

#[derive(Clone, Debug)]
struct Edge {
    key: Key,
    /// Alerts have judged it.
    judged: bool,
    is_external: bool,
    standing: Standing,
    /// By application, the unrecognised flows first. Nearly always there is one.
    tallies: SmallVec<[(Option<Cow<'static, str>>, Tally); 1]>,
}

impl Edge {
    fn place(&self, application: Option<&str>) -> Result<usize, usize> {
        self.tallies.binary_search_by(|(name, _)| name.as_deref().cmp(&application))
    }

    fn tally(&mut self, application: Option<&str>) -> Option<&mut Tally> {
        let at = self.place(application).ok()?;
        self.tallies.get_mut(at).map(|(_, tally)| tally)
    }

    fn unrecognised(&self) -> Option<&Tally> {
        self.tallies.first().filter(|(name, _)| name.is_none()).map(|(_, tally)| tally)
    }

    /// The recognised applications, by name.
    fn applications(&self) -> &[(Option<Cow<'static, str>>, Tally)] {
        self.tallies.get(usize::from(self.unrecognised().is_some())..).unwrap_or_default()
    }

    fn tally_or_new(&mut self, application: Option<&'static str>, first_seen: Timestamp) -> Option<&mut Tally> {
        let at = match self.place(application) {
            Ok(at) => at,
            Err(_) if application.is_some() && self.applications().len() >= MAX_APPLICATIONS => {
                return self.tally_or_new(None, first_seen);
            }
            Err(at) => {
                self.tallies.insert(at, (application.map(Cow::Borrowed), Tally::new(first_seen)));
                at
            }
        };
        self.tallies.get_mut(at).map(|(_, tally)| tally)
    }

    fn merge(&mut self, other: Self) {
        self.judged |= other.judged;
        for (name, tally) in other.tallies {
            match self.place(name.as_deref()) {
                Ok(at) => {
                    if let Some((_, known)) = self.tallies.get_mut(at) {
                        known.merge(tally);
                    }
                }
                Err(at) => self.tallies.insert(at, (name, tally)),
            }
        }
    }
}

#[derive(Debug)]
pub struct Conversations {
    limit: usize,
    /// Flows that ended without a place in the map.
    pub refused: u64,
    /// Edges that made room for better ones.
    pub evicted: u64,
    edges: Slots,
    index: HashMap<Key, u32>,
    /// Edges at an asset, by its number; may name edges that have gone elsewhere.
    edges_at: Vec<Vec<u32>>,
    queue: Queue,
}

impl Conversations {
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            refused: 0,
            evicted: 0,
            edges: Slots::default(),
            index: HashMap::new(),
            edges_at: Vec::new(),
            queue: Queue::default(),
        }
    }

    /// The edge a flow belongs to; made when unknown. None when the map is full of better ones. Whoever gets it gives it back by `release`.
    pub fn edge(
        &mut self,
        (client, server): (AssetNumber, AssetNumber),
        record: &FlowRecord,
        standing: Standing,
        is_external: bool,
    ) -> Option<EdgeId> {
        let key = Key { client, server, protocol: record.protocol, port: service_port(record) };
        let at = self.edge_for(key, standing, is_external)?;
        Some(self.edges.hold(at))
    }

    /// The flow needs its edge no longer; what it counted stays.
    pub fn release(&mut self, id: EdgeId) {
        self.edges.release(id);
    }

    /// Follows an edge that was merged into another one; None when it had to go.
    pub fn settle(&mut self, id: EdgeId) -> Option<EdgeId> {
        self.edges.settle(id)
    }

    /// A flow joins the edge, under the application's name when known.
    pub fn join(&mut self, id: EdgeId, application: Option<&'static str>, record: &FlowRecord) {
        if let Some(tally) = self.tally(id, application, record.first_seen) {
            tally.join(record);
        }
    }

    /// A flow of the edge reports.
    pub fn advance(&mut self, id: EdgeId, application: Option<&'static str>, share: &mut Share, report: Report<'_>) {
        let Some(edge) = self.edges.get_mut(id) else { return };
        if let Some(tally) = edge.tally_or_new(application, report.record.first_seen) {
            tally.advance(share, report);
        }
        self.note_standing(id.slot());
    }

    /// The application of a flow on this edge is known now, or known better.
    pub fn rename_application(&mut self, id: EdgeId, old: Option<&'static str>, new: &'static str, share: &Share) {
        let Some(was) = self.tally(id, old, Timestamp::MAX).cloned() else { return };
        self.leave(id, old, share);
        if let Some(tally) = self.tally(id, Some(new), was.first_seen()) {
            tally.enter(share, &was);
        }
    }

    /// A flow turns out to belong to another edge or application. What is empty after it goes.
    pub fn leave(&mut self, id: EdgeId, application: Option<&str>, share: &Share) {
        let Some(edge) = self.edges.get_mut(id) else { return };
        // Beyond `MAX_APPLICATIONS` it was counted as unrecognised.
        let Some(at) = edge.place(application).or_else(|_| edge.place(None)).ok() else { return };
        let is_empty = edge.tallies.get_mut(at).is_some_and(|(_, tally)| {
            tally.leave(share);
            tally.flows() == 0
        });
        if is_empty {
            edge.tallies.remove(at);
        }
    }

    pub fn operate(&mut self, id: EdgeId, application: Option<&str>, operation: &'static str) {
        if let Some(tally) = self.edges.get_mut(id).and_then(|edge| edge.tally(application)) {
            tally.operate(operation);
        }
    }

    /// True the first time it is asked about an edge that is not remembered from before.
    pub fn first_judgement(&mut self, id: EdgeId) -> bool {
        self.edges.get_mut(id).is_some_and(|edge| !std::mem::replace(&mut edge.judged, true))
    }

    /// Whether `application` is heard on an edge where others are known already and it is not.
    #[must_use]
    pub fn is_another_application(&self, id: EdgeId, application: &str) -> bool {
        let is_other = |edge: &Edge| edge.judged && !edge.applications().is_empty() && edge.place(Some(application)).is_err();
        self.edges.get(id).is_some_and(is_other)
    }

    /// Two assets were one: their edges become one.
    pub fn rename(&mut self, old: AssetNumber, new: AssetNumber) {
        let moving = self.edges_at.get_mut(old.index()).map(std::mem::take).unwrap_or_default();
        for at in moving {
            let Some(edge) = self.edges.at_mut(at) else { continue };
            let was = edge.key;
            let swap = |asset: AssetNumber| if asset == old { new } else { asset };
            let now = Key { client: swap(was.client), server: swap(was.server), ..was };
            if was == now {
                continue;
            }
            self.index.remove(&was);
            match self.index.get(&now).copied() {
                Some(target) => self.merge(at, target),
                None => {
                    edge.key = now;
                    self.index.insert(now, at);
                    self.note_edge_at(new, at);
                }
            }
        }
    }

    /// Puts back what an earlier run knew; it counts as judged.
    pub fn remember(&mut self, (client, server): (AssetNumber, AssetNumber), conversation: &Conversation, is_external: bool) {
        let Service { protocol, port, name, name_strength } = &conversation.service;
        let key = Key { client, server, protocol: *protocol, port: *port };
        let standing = Standing::of_flow(conversation.answered_flows > 0, is_external, u64::MAX);
        let Some(at) = self.edge_for(key, standing, is_external) else { return };
        let Some(edge) = self.edges.at_mut(at) else { return };
        edge.judged = true;
        let remembered = (
            name.as_ref().filter(|_| *name_strength != Some(Strength::Port)).map(|name| Cow::Owned(name.clone())),
            Tally::remembered(conversation),
        );
        match edge.place(remembered.0.as_deref()) {
            Ok(place) => edge.tallies.get_mut(place).into_iter().for_each(|tally| *tally = remembered.clone()),
            Err(place) => edge.tallies.insert(place, remembered),
        }
        self.note_standing(at);
    }

    /// Every conversation by client, server, service. Flows nobody recognised join the busiest recognised application of their edge:
    /// they are its connection attempts far more often than anything else. `id_of` gives the assets their text.
    #[must_use]
    pub fn snapshot(&self, id_of: impl Fn(AssetNumber) -> AssetId) -> Vec<Conversation> {
        let mut edges: Vec<&Edge> = self.edges.iter().collect();
        let mut assets: Vec<AssetNumber> = edges.iter().flat_map(|edge| [edge.key.client, edge.key.server]).collect();
        assets.sort_unstable();
        assets.dedup();
        let mut named: Vec<(AssetId, AssetNumber)> = assets.into_iter().map(|asset| (id_of(asset), asset)).collect();
        named.sort_unstable();
        // By number: the place in the order of ids.
        let mut ranks: Vec<usize> = Vec::new();
        for (rank, (_, asset)) in named.iter().enumerate() {
            if ranks.len() <= asset.index() {
                ranks.resize(asset.index() + 1, 0);
            }
            ranks.get_mut(asset.index()).into_iter().for_each(|place| *place = rank);
        }
        let rank = |asset: AssetNumber| ranks.get(asset.index()).copied().unwrap_or_default();
        edges.sort_unstable_by_key(|edge| (rank(edge.key.client), rank(edge.key.server), edge.key.protocol, edge.key.port));
        let text = |asset: AssetNumber| named.get(rank(asset)).map_or_else(|| id_of(asset), |(id, _)| id.clone());
        let mut all: Vec<Conversation> = Vec::with_capacity(edges.len());
        for edge in edges {
            write_edge(edge, &text, &mut all);
        }
        all
    }

    /// The place of the edge; made when there is room.
    fn edge_for(&mut self, key: Key, standing: Standing, is_external: bool) -> Option<u32> {
        if let Some(at) = self.index.get(&key) {
            return Some(*at);
        }
        if self.edges.live() >= self.limit && !self.make_room(standing) {
            return None;
        }
        let edge = Edge { key, judged: false, is_external, standing, tallies: SmallVec::new() };
        let at = self.edges.insert(edge)?;
        self.index.insert(key, at);
        self.queue_up(at, standing);
        for asset in [key.client, key.server] {
            self.note_edge_at(asset, at);
        }
        Some(at)
    }

    fn make_room(&mut self, newcomer: Standing) -> bool {
        let edges = &self.edges;
        let Some(at) = self.queue.take_below(newcomer, |at| edges.at(at).map(|edge| edge.standing)) else { return false };
        let Some(edge) = self.edges.remove(at) else { return false };
        self.index.remove(&edge.key);
        self.evicted += 1;
        true
    }

    fn note_edge_at(&mut self, asset: AssetNumber, at: u32) {
        if self.edges_at.len() <= asset.index() {
            self.edges_at.resize_with(asset.index() + 1, Vec::new);
        }
        let edges = &self.edges;
        let Some(known) = self.edges_at.get_mut(asset.index()) else { return };
        if known.len() == known.capacity() {
            // Rather than grow, forget what has gone elsewhere.
            known.retain(|at| edges.at(*at).is_some_and(|edge| edge.key.client == asset || edge.key.server == asset));
        }
        known.push(at);
    }

    fn tally(&mut self, id: EdgeId, application: Option<&'static str>, first_seen: Timestamp) -> Option<&mut Tally> {
        self.edges.get_mut(id)?.tally_or_new(application, first_seen)
    }

    fn merge(&mut self, from: u32, into: u32) {
        let Some(edge) = self.edges.remove_into(from, into) else { return };
        let Some(target) = self.edges.at_mut(into) else { return };
        target.merge(edge);
        self.note_standing(into);
    }

    fn note_standing(&mut self, at: u32) {
        let Some(edge) = self.edges.at_mut(at) else { return };
        let standing = Standing::of_edge(edge);
        if edge.standing != standing {
            edge.standing = standing;
            self.queue_up(at, standing);
        }
    }

    fn queue_up(&mut self, at: u32, standing: Standing) {
        let edges = &self.edges;
        self.queue.put(at, standing);
        self.queue.tidy(edges.live(), |at| edges.at(at).map(|edge| edge.standing));
    }
}

fn write_edge(edge: &Edge, text: &impl Fn(AssetNumber) -> AssetId, all: &mut Vec<Conversation>) {
    let applications = edge.applications();
    let busiest = applications.iter().max_by_key(|(name, tally)| (tally.flows(), std::cmp::Reverse(name)));
    let busiest = busiest.map(|(name, _)| name);
    for (name, tally) in applications {
        let whole = edge.unrecognised().filter(|_| Some(name) == busiest).map(|rest| {
            let mut whole = tally.clone();
            whole.merge(rest.clone());
            whole
        });
        all.push(conversation(edge.key, text, name.as_deref(), whole.as_ref().unwrap_or(tally)));
    }
    if let (None, Some(tally)) = (busiest, edge.unrecognised()) {
        all.push(conversation(edge.key, text, None, tally));
    }
}

fn conversation(key: Key, text: &impl Fn(AssetNumber) -> AssetId, application: Option<&str>, tally: &Tally) -> Conversation {
    let mut conversation = Conversation {
        client: text(key.client),
        server: text(key.server),
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

/// The port that names the service: the responder's, for ICMP the type of the request.
const fn service_port(record: &FlowRecord) -> u16 {
    match record.protocol {
        IpProtocol::Icmp => record.originator_port,
        _ => record.responder_port,
    }
}

#[cfg(test)]
mod tests;
