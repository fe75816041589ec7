//! The assets of one sensor: takes sightings, facts and counts, keeps who owns which address, and gives assets.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use foldhash::fast::RandomState;
use sensor_model::{AddressUse, Asset, AssetId, Fact, FactKind, MacAddr, Scope, Subject, Timestamp, VlanStack};

use crate::ledger::Ledger;
use crate::ownership::owner_of;
use crate::record::{Binding, Counts, IpRecord, MAX_ADDRESSES_A_MAC, MAX_BINDINGS, MAX_MACS_AN_ADDRESS, MacRecord, Owner, Span};
use crate::scope::{is_group, scope_of};

/// What is ours, and how much to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Prefixes that count as internal besides private and link-local ones, as `(network, length)`.
    pub internal: Vec<(IpAddr, u8)>,
    /// Most MAC and IP addresses remembered, together. External addresses may take three quarters, addresses that others only spoke of half,
    /// so that a scan or a long answer cannot displace the hosts next door. What finds no room is `other-internal` or `other-external`.
    pub max_assets: usize,
    pub max_evidence_an_asset: usize,
}

/// An IP address heard with a source MAC. Only senders: a destination MAC may be a router's.
#[derive(Clone, Copy, Debug)]
pub struct Sighting {
    pub mac: MacAddr,
    pub ip: IpAddr,
    pub tags: VlanStack,
    pub seen_at: Timestamp,
}

/// How one address took part in one flow, for coverage and roles.
#[derive(Clone, Copy, Debug)]
pub struct Presence {
    pub ip: IpAddr,
    /// MAC in the frames it sent, None when it sent none.
    pub mac: Option<MacAddr>,
    pub sent_packets: u64,
    pub received_packets: u64,
    /// The peer is a broadcast or multicast address.
    pub peer_is_group: bool,
    pub seen_at: Timestamp,
}

/// Everything known of the assets. Feed facts in packet order; the same facts give the same inventory.
#[derive(Debug)]
pub struct Inventory {
    pub(crate) config: Config,
    pub(crate) macs: HashMap<MacAddr, MacRecord, RandomState>,
    pub(crate) ips: HashMap<IpAddr, IpRecord, RandomState>,
    /// Addresses that frames to everybody were sent to, though they look like a host's (a subnet's broadcast).
    pub(crate) groups: HashSet<IpAddr, RandomState>,
    pub(crate) unplaced: Unplaced,
    pub(crate) ledger: Ledger,
    renamed: Vec<(AssetId, AssetId)>,
}

/// What found no room under `Config::max_assets`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unplaced {
    /// Sightings, facts and questions about internal addresses and MACs that are not remembered.
    pub internal: u64,
    /// The same for external addresses.
    pub external: u64,
    /// Facts about addresses that were never heard.
    pub hearsay: u64,
}

/// Why an address is wanted, which decides how much room it may take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Heard,
    Hearsay,
}

impl Inventory {
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            macs: HashMap::default(),
            ips: HashMap::default(),
            groups: HashSet::default(),
            unplaced: Unplaced::default(),
            ledger: Ledger::default(),
            renamed: Vec::new(),
        }
    }

    /// A source address under a source MAC.
    pub fn see(&mut self, sighting: Sighting) {
        let Sighting { mac, ip, tags, seen_at } = sighting;
        self.see_sender(mac, ip, seen_at);
        self.hear_in(tags, mac, Some(ip), false);
    }

    fn see_sender(&mut self, mac: MacAddr, ip: IpAddr, seen_at: Timestamp) {
        if mac.is_group() || mac.is_zero() || is_group(ip) {
            return;
        }
        if !self.place(ip, seen_at, Need::Heard) {
            return;
        }
        let Some(mac_record) = self.mac_mut(mac, seen_at) else { return };
        mac_record.sight(ip);
        let of_family = mac_record.sighted.iter().filter(|other| other.is_ipv4() == ip.is_ipv4()).count();
        let Some(record) = self.ips.get_mut(&ip) else { return };
        record.hear(seen_at);
        match record.sightings.iter_mut().find(|(known, _)| *known == mac) {
            Some((_, first_seen)) if seen_at < *first_seen => {
                *first_seen = seen_at;
                self.refresh(ip);
            }
            Some(_) => {}
            None => {
                if record.sightings.len() < MAX_MACS_AN_ADDRESS {
                    record.sightings.push((mac, seen_at));
                }
                // The second address of a family takes the first one's likely owner away; a third changes nothing for the others.
                self.refresh(ip);
                if of_family == 2 {
                    self.refresh_all_of(mac);
                }
            }
        }
    }

    /// One observation.
    pub fn learn(&mut self, fact: &Fact) {
        let limit = self.config.max_evidence_an_asset;
        match fact.subject {
            Subject::Mac(mac) if !mac.is_group() && !mac.is_zero() => {
                if let Some(record) = self.mac_mut(mac, fact.seen_at) {
                    record.dossier.add(fact, limit);
                }
                if let (FactKind::LeasedAddress, Ok(ip)) = (fact.kind, fact.value.parse()) {
                    self.bind(ip, mac, fact.seen_at);
                }
            }
            Subject::Ip(ip) if !is_group(ip) => {
                if let (FactKind::MacOfAddress, Ok(mac)) = (fact.kind, fact.value.parse()) {
                    self.bind(ip, mac, fact.seen_at);
                }
                if self.place(ip, fact.seen_at, Need::Hearsay)
                    && let Some(record) = self.ips.get_mut(&ip)
                {
                    record.dossier.add(fact, limit);
                }
            }
            Subject::Mac(_) | Subject::Ip(_) => {}
        }
    }

    /// New packets of a flow (differences, not totals).
    pub fn count(&mut self, presence: Presence) {
        let Presence { ip, mac, sent_packets, received_packets, peer_is_group, seen_at } = presence;
        if let Some(mac) = mac.filter(|_| sent_packets > 0) {
            self.see_sender(mac, ip, seen_at);
        }
        if !self.place(ip, seen_at, Need::Heard) {
            return;
        }
        let Some(record) = self.ips.get_mut(&ip) else { return };
        let (sent, group) = if peer_is_group { (0, sent_packets) } else { (sent_packets, 0) };
        let counts = Counts { sent, received: received_packets, group };
        // A flow may be reported after its address has moved on.
        match record.former_owner(seen_at).and_then(|mac| self.macs.get_mut(&mac)) {
            Some(former) => former.former_counts.add(counts),
            None => {
                record.hear(seen_at);
                record.counts.add(counts);
            }
        }
    }

    /// A frame to everybody was sent to this address, so it is a group's whatever it looks like (a subnet's broadcast address).
    pub fn note_group(&mut self, ip: IpAddr) {
        if !is_group(ip) && self.groups.len() < self.config.max_assets && self.groups.insert(ip) {
            if let Some(record) = self.ips.get_mut(&ip) {
                record.scope = Scope::Group;
            }
            self.refresh(ip);
        }
    }

    /// The asset that uses this address now; made when unknown.
    pub fn asset_of(&mut self, ip: IpAddr, seen_at: Timestamp) -> AssetId {
        if !self.place(ip, seen_at, Need::Heard) {
            return self.overflow_id(ip);
        }
        let Some(record) = self.ips.get_mut(&ip) else {
            return AssetId::of_ip(ip);
        };
        if let Some(mac) = record.former_owner(seen_at) {
            return AssetId::of_mac(mac);
        }
        record.hear(seen_at);
        record.told = Some(record.owner);
        id_of(ip, record.owner)
    }

    /// Ids that were merged into another since the last call: `(old, new)`, for whoever keeps conversations.
    pub fn take_renamed(&mut self) -> Vec<(AssetId, AssetId)> {
        std::mem::take(&mut self.renamed)
    }

    /// Assets by id, labels unique.
    #[must_use]
    pub fn assets(&self) -> Vec<Asset> {
        crate::report::assets(self)
    }

    /// What found no room.
    #[must_use]
    pub const fn unplaced(&self) -> Unplaced {
        self.unplaced
    }

    fn bind(&mut self, ip: IpAddr, mac: MacAddr, seen_at: Timestamp) {
        if mac.is_group() || mac.is_zero() || is_group(ip) || !self.place(ip, seen_at, Need::Heard) {
            return;
        }
        let Some(mac_record) = self.mac_mut(mac, seen_at) else { return };
        if mac_record.bound.len() < MAX_ADDRESSES_A_MAC {
            mac_record.bound.insert(ip);
        }
        let Some(record) = self.ips.get_mut(&ip) else { return };
        match record.bindings.last_mut() {
            Some(present) if present.mac == mac => {
                present.span.include(seen_at);
                record.hear(seen_at);
                return;
            }
            Some(_) => self.move_out(ip, seen_at),
            None => {}
        }
        let Some(record) = self.ips.get_mut(&ip) else { return };
        record.hear(seen_at);
        if record.bindings.len() >= MAX_BINDINGS {
            record.bindings.remove(0);
        }
        record.bindings.push(Binding { mac, span: Span::at(seen_at) });
        self.refresh(ip);
        self.refresh_all_of(mac);
    }

    /// Leaves what was learnt of an address with the MAC that had it until now.
    fn move_out(&mut self, ip: IpAddr, seen_at: Timestamp) {
        let limit = self.config.max_evidence_an_asset;
        let Some(record) = self.ips.get_mut(&ip) else { return };
        let dossier = std::mem::take(&mut record.dossier);
        let counts = std::mem::take(&mut record.counts);
        let signs = std::mem::take(&mut record.signs);
        let span = std::mem::replace(&mut record.span, Span::at(seen_at));
        record.sightings.clear();
        let Some(owner) = record.bindings.last().and_then(|binding| self.macs.get_mut(&binding.mac)) else {
            return;
        };
        owner.dossier.merge(&dossier, limit);
        owner.former_counts.add(counts);
        owner.former_signs.add(signs);
        let tenancy = AddressUse { address: ip, first_seen: span.first, last_seen: span.last };
        if let Some(known) = owner.former.iter_mut().find(|known| known.address == ip) {
            known.last_seen = known.last_seen.max(tenancy.last_seen);
        } else if owner.former.len() < MAX_ADDRESSES_A_MAC {
            owner.former.push(tenancy);
        }
    }

    fn refresh_all_of(&mut self, mac: MacAddr) {
        let sighted: Vec<IpAddr> = self.macs.get(&mac).map(|record| record.sighted.iter().copied().collect()).unwrap_or_default();
        for ip in sighted {
            self.refresh(ip);
        }
    }

    /// Works out the owner anew, and says so when somebody was told otherwise.
    fn refresh(&mut self, ip: IpAddr) {
        let Some(record) = self.ips.get(&ip) else { return };
        let owner = owner_of(ip, record, |mac| self.macs.get(&mac));
        let told = record.told;
        if owner != record.owner
            && let Some(record) = self.ips.get_mut(&ip)
        {
            record.owner = owner;
            record.told = told.map(|_| owner);
        }
        // A certain owner who hands his address on keeps what was his.
        if let Some(old) = told.filter(|old| old.mac() != owner.mac() && !matches!(old, Owner::Certain(_)))
            && !self.keeps_others(old, ip)
        {
            self.renamed.push((id_of(ip, old), id_of(ip, owner)));
        }
    }

    /// The asset goes on under its old id, for another address of its own.
    fn keeps_others(&self, old: Owner, ip: IpAddr) -> bool {
        let Some(record) = old.mac().and_then(|mac| self.macs.get(&mac)) else {
            return false;
        };
        let others = record.sighted.iter().filter(|other| **other != ip).filter_map(|other| self.ips.get(other));
        others.into_iter().any(|other| other.told.is_some() && other.owner.mac() == old.mac())
    }

    fn mac_mut(&mut self, mac: MacAddr, seen_at: Timestamp) -> Option<&mut MacRecord> {
        let full = self.ips.len().saturating_add(self.macs.len()) >= self.config.max_assets;
        if full && !self.macs.contains_key(&mac) {
            self.unplaced.internal = self.unplaced.internal.saturating_add(1);
            return None;
        }
        let record = self.macs.entry(mac).or_insert_with(|| MacRecord::new(seen_at));
        record.span.include(seen_at);
        Some(record)
    }

    /// Makes room for an address; false when there is none.
    fn place(&mut self, ip: IpAddr, seen_at: Timestamp, need: Need) -> bool {
        if self.ips.contains_key(&ip) {
            return true;
        }
        let scope = if self.groups.contains(&ip) { Scope::Group } else { scope_of(ip, &self.config.internal) };
        let max = self.config.max_assets;
        let (room, unplaced) = match (need, scope) {
            (Need::Hearsay, _) => (max / 2, &mut self.unplaced.hearsay),
            (Need::Heard, Scope::External) => (max / 4 * 3, &mut self.unplaced.external),
            (Need::Heard, Scope::Internal | Scope::Group) => (max, &mut self.unplaced.internal),
        };
        if self.ips.len().saturating_add(self.macs.len()) >= room {
            *unplaced = unplaced.saturating_add(1);
            return false;
        }
        self.ips.insert(ip, IpRecord::new(scope, seen_at));
        true
    }

    fn overflow_id(&self, ip: IpAddr) -> AssetId {
        let name = if scope_of(ip, &self.config.internal) == Scope::External { "other-external" } else { "other-internal" };
        AssetId(name.to_owned())
    }
}

pub(crate) fn id_of(ip: IpAddr, owner: Owner) -> AssetId {
    owner.mac().map_or_else(|| AssetId::of_ip(ip), AssetId::of_mac)
}
