//! The assets of one sensor: takes sightings, facts and counts, keeps who owns which address, and gives assets.

use std::collections::HashSet;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use sensor_model::{AddressUse, Asset, AssetId, Fact, FactKind, MacAddr, Scope, Strength, Subject, Timestamp, VlanStack};

use crate::ledger::Ledger;
use crate::number::{AssetNumber, Kind, Place};
use crate::ownership::owner_of;
use crate::record::{
    Binding, Counts, IpRecord, MAX_ADDRESSES_A_MAC, MAX_BINDINGS, MAX_MACS_AN_ADDRESS, MacNumber, MacRecord, Owner, Span,
};
use crate::scope::{is_group, scope_of};
use crate::slots::Slots;
use crate::standing::{Queue, Standing};

/// What is ours, and how much to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Prefixes that count as internal besides private and link-local ones, as `(network, length)`.
    pub internal: Vec<(IpAddr, u8)>,
    /// Most MAC and IP addresses remembered, together. External addresses may take three quarters, addresses that others only spoke of half,
    /// so that a scan or a long answer cannot displace the hosts next door. Where there is no room, an address that has shown more takes the
    /// place of one that has shown less (`standing.rs`); who finds or keeps none is `other-internal` or `other-external`.
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
    /// Since the flow began it has sent and received: a forged address would not.
    pub is_proven: bool,
    pub seen_at: Timestamp,
}

/// Everything known of the assets. Feed facts in packet order; the same facts give the same inventory.
#[derive(Debug)]
pub struct Inventory {
    pub(crate) config: Config,
    pub(crate) macs: Slots<MacAddr, MacRecord>,
    pub(crate) ips: Slots<IpAddr, IpRecord>,
    /// Addresses that frames to everybody were sent to, though they look like a host's (a subnet's broadcast).
    pub(crate) groups: HashSet<IpAddr, RandomState>,
    pub(crate) unplaced: Unplaced,
    pub(crate) ledger: Ledger,
    renamed: Vec<(AssetNumber, AssetNumber)>,
    queue: Queue,
}

/// What found no room under `Config::max_assets`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unplaced {
    /// Sightings, facts and questions about internal addresses and MACs that found no room or lost it.
    pub internal: u64,
    /// The same for external addresses.
    pub external: u64,
    /// Facts about addresses that were never heard.
    pub hearsay: u64,
    /// Addresses that made room for others.
    pub evicted: u64,
}

/// Why an address is wanted, which decides how much room it may take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// It took part in traffic, and so far it has shown at least this.
    Heard(Standing),
    /// It takes part both ways.
    Proven,
    Hearsay,
}

impl Inventory {
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            macs: Slots::new(),
            ips: Slots::new(),
            groups: HashSet::default(),
            unplaced: Unplaced::default(),
            ledger: Ledger::default(),
            renamed: Vec::new(),
            queue: Queue::default(),
        }
    }

    /// A source address under a source MAC.
    pub fn see(&mut self, sighting: Sighting) {
        self.see_at(&mut Place::default(), sighting);
    }

    /// One observation.
    pub fn learn(&mut self, fact: &Fact) {
        let limit = self.config.max_evidence_an_asset;
        match fact.subject {
            Subject::Mac(mac) if !mac.is_group() && !mac.is_zero() => {
                if let Some(record) = self.mac_mut(mac, fact.seen_at).and_then(|number| self.macs.get_mut(number.0)) {
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
                let mut at = Place::default();
                if self.place(&mut at, ip, fact.seen_at, Need::Hearsay)
                    && let Some(record) = self.ips.get_mut(at.0)
                {
                    record.dossier.add(fact, limit);
                }
            }
            Subject::Mac(_) | Subject::Ip(_) => {}
        }
    }

    /// What the port of an answered flow suggests: the address `Serves` or `Uses` what is registered for it.
    pub fn suggest(&mut self, at: &mut Place, ip: IpAddr, kind: FactKind, service: &'static str, seen_at: Timestamp) {
        let limit = self.config.max_evidence_an_asset;
        if !is_group(ip)
            && self.place(at, ip, seen_at, Need::Hearsay)
            && let Some(record) = self.ips.get_mut(at.0)
        {
            record.dossier.add_known(kind, service, (Strength::Port, "port"), seen_at, limit);
        }
    }

    /// New packets of a flow (differences, not totals).
    pub fn count(&mut self, presence: Presence) {
        self.count_at(&mut Place::default(), presence);
    }

    /// The same, for whoever keeps the address's place.
    pub fn count_at(&mut self, at: &mut Place, presence: Presence) {
        let Presence { ip, mac, sent_packets, received_packets, peer_is_group, is_proven, seen_at } = presence;
        if let Some(mac) = mac.filter(|_| sent_packets > 0) {
            self.see_sender(at, mac, ip, seen_at);
        }
        let (sent, group) = if peer_is_group { (0, sent_packets) } else { (sent_packets, 0) };
        let counts = Counts { sent, received: received_packets, group };
        let need = if is_proven { Need::Proven } else { Need::Heard(Standing::of_strange(counts)) };
        if !self.place(at, ip, seen_at, need) {
            return;
        }
        let Some(record) = self.ips.get_mut(at.0) else { return };
        // A flow may be reported after its address has moved on.
        match record.former_owner(seen_at).and_then(|mac| self.macs.get_mut(mac.0)) {
            Some(former) => former.former_counts.add(counts),
            None => {
                record.hear(seen_at);
                record.counts.add(counts);
                let standing = if is_proven { Standing::of_proven(record.scope) } else { Standing::of_strange(record.counts) };
                self.raise(at.0, standing);
            }
        }
    }

    /// A frame to everybody was sent to this address, so it is a group's whatever it looks like (a subnet's broadcast address).
    pub fn note_group(&mut self, ip: IpAddr) {
        if !is_group(ip) && self.groups.len() < self.config.max_assets && self.groups.insert(ip) {
            let Some(number) = self.ips.find(&ip) else { return };
            if let Some(record) = self.ips.get_mut(number) {
                record.scope = Scope::Group;
            }
            self.refresh(number);
        }
    }

    /// The asset that uses this address now; made when unknown.
    pub fn asset_of(&mut self, ip: IpAddr, seen_at: Timestamp) -> AssetNumber {
        self.asset_at(&mut Place::default(), ip, seen_at)
    }

    /// The same, for whoever keeps the address's place.
    pub fn asset_at(&mut self, at: &mut Place, ip: IpAddr, seen_at: Timestamp) -> AssetNumber {
        if !self.place(at, ip, seen_at, Need::Heard(Standing::Silent)) {
            return self.overflow_of(ip);
        }
        let Some(record) = self.ips.get_mut(at.0) else { return self.overflow_of(ip) };
        if let Some(mac) = record.former_owner(seen_at) {
            return AssetNumber::of_mac(mac.0);
        }
        record.hear(seen_at);
        record.told = Some(record.owner);
        number_of(at.0, record.owner)
    }

    /// Keeps a number for an asset of an earlier run; it is not reported before it is heard again.
    pub fn remember(&mut self, asset: &Asset) -> AssetNumber {
        let standing = Standing::of_remembered(asset);
        let mac = asset.macs.iter().find(|mac| AssetId::of_mac(**mac) == asset.id);
        let ip = asset.addresses.iter().find(|used| AssetId::of_ip(used.address) == asset.id);
        let number = match (mac, ip) {
            (Some(mac), _) => self
                .macs
                .find(mac)
                .or_else(|| {
                    let has_room = self.used() < self.config.max_assets || self.make_room(standing);
                    has_room.then(|| self.macs.insert(*mac, MacRecord::new(asset.last_seen)))
                })
                .map(AssetNumber::of_mac),
            (None, Some(used)) => {
                let mut at = Place::default();
                let is_placed = self.place(&mut at, used.address, asset.last_seen, Need::Heard(standing));
                is_placed.then(|| AssetNumber::of_address(at.0))
            }
            (None, None) => None,
        };
        let others = if asset.scope == Scope::External { AssetNumber::OTHER_EXTERNAL } else { AssetNumber::OTHER_INTERNAL };
        number.unwrap_or(others)
    }

    /// The asset that the address would be if no MAC owned it.
    #[must_use]
    pub fn by_address(&self, ip: IpAddr) -> Option<AssetNumber> {
        self.ips.find(&ip).map(AssetNumber::of_address)
    }

    /// The asset of this MAC.
    #[must_use]
    pub fn by_mac(&self, mac: MacAddr) -> Option<AssetNumber> {
        self.macs.find(&mac).map(AssetNumber::of_mac)
    }

    /// What documents call an asset.
    #[must_use]
    pub fn id(&self, asset: AssetNumber) -> AssetId {
        let known = match asset.kind() {
            Kind::OtherInternal => None,
            Kind::OtherExternal => return AssetId(OTHER_EXTERNAL.to_owned()),
            Kind::Address(slot) => self.ips.key(slot).map(AssetId::of_ip),
            Kind::Mac(slot) => self.macs.key(slot).map(AssetId::of_mac),
        };
        known.unwrap_or_else(|| AssetId(OTHER_INTERNAL.to_owned()))
    }

    /// Assets that were merged into another since the last call: `(old, new)`, for whoever keeps conversations.
    pub fn take_renamed(&mut self) -> Vec<(AssetNumber, AssetNumber)> {
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

    /// `see`, for whoever keeps the address's place.
    pub fn see_at(&mut self, at: &mut Place, sighting: Sighting) {
        let Sighting { mac, ip, tags, seen_at } = sighting;
        self.see_sender(at, mac, ip, seen_at);
        self.hear_at(*at, tags, mac, Some(ip), false);
    }

    fn see_sender(&mut self, at: &mut Place, mac: MacAddr, ip: IpAddr, seen_at: Timestamp) {
        if mac.is_group() || mac.is_zero() || is_group(ip) {
            return;
        }
        if !self.place(at, ip, seen_at, Need::Heard(Standing::OneSided)) {
            return;
        }
        if self.sees_again(*at, mac, seen_at) {
            return;
        }
        let Some(number) = self.mac_mut(mac, seen_at) else { return };
        let Some(mac_record) = self.macs.get_mut(number.0) else { return };
        mac_record.sight(ip);
        let of_family = mac_record.sighted.iter().filter(|other| other.is_ipv4() == ip.is_ipv4()).count();
        let Some(record) = self.ips.get_mut(at.0) else { return };
        record.hear(seen_at);
        match record.sightings.iter_mut().find(|(known, _)| *known == number) {
            Some((_, first_seen)) if seen_at < *first_seen => {
                *first_seen = seen_at;
                self.refresh(at.0);
            }
            Some(_) => {}
            None => {
                if record.sightings.len() < MAX_MACS_AN_ADDRESS {
                    record.sightings.push((number, seen_at));
                }
                // The second address of a family takes the first one's likely owner away; a third changes nothing for the others.
                self.refresh(at.0);
                if of_family == 2 {
                    self.refresh_all_of(number);
                }
            }
        }
    }

    /// The usual case: this address was seen under this MAC before, so nothing follows from it but that both are alive.
    fn sees_again(&mut self, at: Place, mac: MacAddr, seen_at: Timestamp) -> bool {
        let Some(record) = self.ips.get_mut(at.0) else { return false };
        let known = |(number, first_seen): &&(MacNumber, Timestamp)| *first_seen <= seen_at && self.macs.is(number.0, &mac);
        let Some((number, _)) = record.sightings.iter().find(known) else { return false };
        if let Some(mac_record) = self.macs.get_mut(number.0) {
            mac_record.hear(seen_at);
        }
        record.hear(seen_at);
        true
    }

    fn bind(&mut self, ip: IpAddr, mac: MacAddr, seen_at: Timestamp) {
        let mut at = Place::default();
        if mac.is_group() || mac.is_zero() || is_group(ip) || !self.place(&mut at, ip, seen_at, Need::Heard(Standing::Ours)) {
            return;
        }
        self.raise(at.0, Standing::Ours);
        let Some(mac) = self.mac_mut(mac, seen_at) else { return };
        let Some(mac_record) = self.macs.get_mut(mac.0) else { return };
        if mac_record.bound.len() < MAX_ADDRESSES_A_MAC {
            mac_record.bound.insert(ip);
        }
        let Some(record) = self.ips.get_mut(at.0) else { return };
        match record.bindings.last_mut() {
            Some(present) if present.mac == mac => {
                present.span.include(seen_at);
                record.hear(seen_at);
                return;
            }
            Some(_) => self.move_out(ip, at, seen_at),
            None => {}
        }
        let Some(record) = self.ips.get_mut(at.0) else { return };
        record.hear(seen_at);
        if record.bindings.len() >= MAX_BINDINGS {
            record.bindings.remove(0);
        }
        record.bindings.push(Binding { mac, span: Span::at(seen_at) });
        self.refresh(at.0);
        self.refresh_all_of(mac);
    }

    /// Leaves what was learnt of an address with the MAC that had it until now.
    fn move_out(&mut self, ip: IpAddr, at: Place, seen_at: Timestamp) {
        let limit = self.config.max_evidence_an_asset;
        let Some(record) = self.ips.get_mut(at.0) else { return };
        let dossier = std::mem::take(&mut record.dossier);
        let counts = std::mem::take(&mut record.counts);
        let signs = std::mem::take(&mut record.signs);
        let span = std::mem::replace(&mut record.span, Span::at(seen_at));
        record.sightings.clear();
        let Some(owner) = record.bindings.last().and_then(|binding| self.macs.get_mut(binding.mac.0)) else {
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

    fn refresh_all_of(&mut self, mac: MacNumber) {
        let sighted: Vec<IpAddr> =
            self.macs.get(mac.0).map(|record| record.sighted.iter().copied().collect()).unwrap_or_default();
        for number in sighted.iter().filter_map(|ip| self.ips.find(ip)).collect::<Vec<_>>() {
            self.refresh(number);
        }
    }

    /// Works out the owner anew, and says so when somebody was told otherwise.
    fn refresh(&mut self, number: u32) {
        let (Some(ip), Some(record)) = (self.ips.key(number), self.ips.get(number)) else { return };
        let owner = owner_of(ip, record, |mac| self.macs.key(mac.0).zip(self.macs.get(mac.0)));
        let told = record.told;
        if owner != record.owner
            && let Some(record) = self.ips.get_mut(number)
        {
            record.owner = owner;
            record.told = told.map(|_| owner);
        }
        // A certain owner who hands his address on keeps what was his.
        if let Some(old) = told.filter(|old| old.mac() != owner.mac() && !matches!(old, Owner::Certain(_)))
            && !self.keeps_others(old, ip)
        {
            self.renamed.push((number_of(number, old), number_of(number, owner)));
        }
    }

    /// The asset goes on under its old id, for another address of its own.
    fn keeps_others(&self, old: Owner, ip: IpAddr) -> bool {
        let Some(record) = old.mac().and_then(|mac| self.macs.get(mac.0)) else {
            return false;
        };
        let others = record.sighted.iter().filter(|other| **other != ip).filter_map(|other| self.ips.by_key(other));
        others.into_iter().any(|other| other.told.is_some() && other.owner.mac() == old.mac())
    }

    fn mac_mut(&mut self, mac: MacAddr, seen_at: Timestamp) -> Option<MacNumber> {
        let number = match self.macs.find(&mac) {
            Some(number) => number,
            None if self.used() < self.config.max_assets || self.make_room(Standing::OneSided) => {
                self.macs.insert(mac, MacRecord::new(seen_at))
            }
            None => {
                self.unplaced.internal = self.unplaced.internal.saturating_add(1);
                return None;
            }
        };
        self.macs.get_mut(number)?.hear(seen_at);
        Some(MacNumber(number))
    }

    /// Finds an address or makes room for it; false when there is none.
    fn place(&mut self, at: &mut Place, ip: IpAddr, seen_at: Timestamp, need: Need) -> bool {
        if self.ips.is(at.0, &ip) {
            return true;
        }
        if let Some(number) = self.ips.find(&ip) {
            at.0 = number;
            return true;
        }
        let scope = if self.groups.contains(&ip) { Scope::Group } else { scope_of(ip, &self.config.internal) };
        let standing = match need {
            Need::Hearsay => Standing::Silent,
            Need::Heard(standing) => standing,
            Need::Proven => Standing::of_proven(scope),
        };
        let max = self.config.max_assets;
        let room = match (need, scope) {
            (Need::Hearsay, _) => max / 2,
            (_, Scope::External) => max / 4 * 3,
            (_, Scope::Internal | Scope::Group) => max,
        };
        if self.used() >= room && !self.make_room(standing) {
            let unplaced = match (need, scope) {
                (Need::Hearsay, _) => &mut self.unplaced.hearsay,
                (_, Scope::External) => &mut self.unplaced.external,
                (_, Scope::Internal | Scope::Group) => &mut self.unplaced.internal,
            };
            *unplaced = unplaced.saturating_add(1);
            return false;
        }
        at.0 = self.ips.insert(ip, IpRecord::new(scope, seen_at));
        self.queue_up(at.0, Standing::Silent);
        self.raise(at.0, standing);
        true
    }

    /// An address never loses standing.
    fn raise(&mut self, number: u32, standing: Standing) {
        if let Some(record) = self.ips.get_mut(number)
            && record.standing < standing
        {
            record.standing = standing;
            self.queue_up(number, standing);
        }
    }

    fn queue_up(&mut self, number: u32, standing: Standing) {
        let ips = &self.ips;
        self.queue.put(number, standing, ips.len(), |number| ips.get(number).map(|record| record.standing));
    }

    /// Gives up an address of lower standing: what was counted for it goes to the asset that stands for all such.
    fn make_room(&mut self, newcomer: Standing) -> bool {
        let ips = &self.ips;
        let victim = self.queue.take_below(newcomer, |number| ips.get(number).map(|record| record.standing));
        let Some((number, (ip, record))) = victim.and_then(|number| Some((number, self.ips.remove(number)?))) else {
            return false;
        };
        self.unplaced.evicted = self.unplaced.evicted.saturating_add(1);
        let others = self.overflow_of(ip);
        let unplaced =
            if others == AssetNumber::OTHER_EXTERNAL { &mut self.unplaced.external } else { &mut self.unplaced.internal };
        *unplaced = unplaced.saturating_add(1);
        self.renamed.push((AssetNumber::of_address(number), others));
        // A MAC that was only the sender of this address goes with it.
        for (mac, _) in record.sightings {
            if self.macs.get(mac.0).is_some_and(|sender| sender.is_bare() && sender.sighted.contains(&ip)) {
                self.macs.remove(mac.0);
                self.renamed.push((AssetNumber::of_mac(mac.0), others));
            }
        }
        true
    }

    /// The address's row.
    pub(crate) fn slot(&self, at: Place, ip: IpAddr) -> Option<u32> {
        if self.ips.is(at.0, &ip) { Some(at.0) } else { self.ips.find(&ip) }
    }

    fn used(&self) -> usize {
        self.ips.len().saturating_add(self.macs.len())
    }

    fn overflow_of(&self, ip: IpAddr) -> AssetNumber {
        if scope_of(ip, &self.config.internal) == Scope::External {
            AssetNumber::OTHER_EXTERNAL
        } else {
            AssetNumber::OTHER_INTERNAL
        }
    }
}

pub(crate) const OTHER_INTERNAL: &str = "other-internal";
pub(crate) const OTHER_EXTERNAL: &str = "other-external";

/// The asset that has the address in slot `address`.
fn number_of(address: u32, owner: Owner) -> AssetNumber {
    owner.mac().map_or(AssetNumber::of_address(address), |mac| AssetNumber::of_mac(mac.0))
}
