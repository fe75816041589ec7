//! The assets of one sensor: takes sightings, facts and counts, keeps who owns which address, and gives assets.

mod owners;
mod room;

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
        let (sent, group) = if peer_is_group { (0, sent_packets) } else { (sent_packets, 0) };
        let counts = Counts { sent, received: received_packets, group };
        let need = if is_proven { Need::Proven } else { Need::Heard(Standing::of_strange(counts)) };
        if !self.place(at, ip, seen_at, need) {
            return;
        }
        if let Some(mac) = mac.filter(|_| sent_packets > 0) {
            self.see_sender(at, mac, ip, seen_at);
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
        self.hear_at(self.slot(*at, ip), tags, mac, Some(ip), false);
    }

    /// The row of an address whose place was looked for just before.
    pub(crate) fn slot(&self, at: Place, ip: IpAddr) -> Option<u32> {
        self.ips.is(at.0, &ip).then_some(at.0)
    }
}

pub(crate) const OTHER_INTERNAL: &str = "other-internal";
pub(crate) const OTHER_EXTERNAL: &str = "other-external";

/// The asset that has the address in slot `address`.
fn number_of(address: u32, owner: Owner) -> AssetNumber {
    owner.mac().map_or(AssetNumber::of_address(address), |mac| AssetNumber::of_mac(mac.0))
}
