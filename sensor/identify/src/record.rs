//! What is remembered of one MAC address and of one IP address.

use std::collections::BTreeSet;
use std::net::IpAddr;

use sensor_model::{AddressUse, Scope, Timestamp, VlanStack};
use smallvec::SmallVec;

use crate::coverage::Signs;
use crate::dossier::Dossier;
use crate::standing::Standing;

/// IP addresses remembered under a MAC; whoever has more forwards for others.
pub(crate) const MAX_ADDRESSES_A_MAC: usize = 64;
/// MACs remembered under an IP: the host, and the routers on both sides of the tap.
pub(crate) const MAX_MACS_AN_ADDRESS: usize = 8;
/// Bindings remembered of an address; the oldest goes.
pub(crate) const MAX_BINDINGS: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub first: Timestamp,
    pub last: Timestamp,
}

impl Span {
    pub const fn at(time: Timestamp) -> Self {
        Self { first: time, last: time }
    }

    pub fn include(&mut self, time: Timestamp) {
        self.first = self.first.min(time);
        self.last = self.last.max(time);
    }
}

/// Packets by how they were addressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub sent: u64,
    pub received: u64,
    /// Sent to everybody.
    pub group: u64,
}

impl Counts {
    pub const fn add(&mut self, other: Self) {
        self.sent = self.sent.saturating_add(other.sent);
        self.received = self.received.saturating_add(other.received);
        self.group = self.group.saturating_add(other.group);
    }
}

/// A MAC's number in the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MacNumber(pub u32);

/// The VLANs in which an address was heard, as long as they are two at most.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeardIn {
    first: Option<VlanStack>,
    second: Option<VlanStack>,
    are_more: bool,
}

impl HeardIn {
    pub fn note(&mut self, tags: VlanStack) {
        if self.first.is_none() {
            self.first = Some(tags);
        } else if self.second.is_none() && self.first != Some(tags) {
            self.second = Some(tags);
        } else {
            self.are_more |= !self.contains(tags);
        }
    }

    pub fn contains(&self, tags: VlanStack) -> bool {
        self.first == Some(tags) || self.second == Some(tags)
    }

    pub const fn is_nowhere(&self) -> bool {
        self.first.is_none()
    }

    /// None unless it is one.
    pub const fn only(&self) -> Option<VlanStack> {
        if self.second.is_none() && !self.are_more { self.first } else { None }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct MacRecord {
    /// Sources of frames with this source MAC.
    pub sighted: BTreeSet<IpAddr>,
    /// Addresses that ARP, NDP or DHCP ever gave to this MAC.
    pub bound: BTreeSet<IpAddr>,
    /// More addresses than are remembered.
    pub is_crowded: bool,
    pub dossier: Dossier,
    /// Addresses that others use now, and what was learnt while they were this MAC's.
    pub former: Vec<AddressUse>,
    pub former_counts: Counts,
    pub former_signs: Signs,
    pub span: Span,
    /// In this run; otherwise an earlier one knew it.
    pub is_heard: bool,
}

impl MacRecord {
    pub fn new(seen_at: Timestamp) -> Self {
        Self {
            sighted: BTreeSet::new(),
            bound: BTreeSet::new(),
            is_crowded: false,
            dossier: Dossier::default(),
            former: Vec::new(),
            former_counts: Counts::default(),
            former_signs: Signs::default(),
            span: Span::at(seen_at),
            is_heard: false,
        }
    }

    pub fn hear(&mut self, seen_at: Timestamp) {
        if self.is_heard {
            self.span.include(seen_at);
        } else {
            self.span = Span::at(seen_at);
            self.is_heard = true;
        }
    }

    /// Nothing is known of it but one address that it sent from, or less.
    pub fn is_bare(&self) -> bool {
        self.sighted.len() <= 1 && self.bound.is_empty() && self.former.is_empty() && self.dossier.is_empty()
    }

    pub fn sight(&mut self, ip: IpAddr) {
        if self.sighted.len() < MAX_ADDRESSES_A_MAC {
            self.sighted.insert(ip);
        } else if !self.sighted.contains(&ip) {
            self.is_crowded = true;
        }
    }
}

/// An address that a MAC said is its own, or was leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub mac: MacNumber,
    pub span: Span,
}

/// Whose an address is, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Nobody's MAC is known to be its own.
    Itself,
    /// By its sightings only; may be taken back.
    Likely(MacNumber),
    /// By ARP, NDP, DHCP, or because such an address is never forwarded.
    Certain(MacNumber),
}

impl Owner {
    pub const fn mac(self) -> Option<MacNumber> {
        match self {
            Self::Itself => None,
            Self::Likely(mac) | Self::Certain(mac) => Some(mac),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct IpRecord {
    pub scope: Scope,
    /// In order of time; the last is the present one.
    pub bindings: Vec<Binding>,
    /// Source MACs and when each was first seen; nearly always one.
    pub sightings: SmallVec<[(MacNumber, Timestamp); 1]>,
    pub dossier: Dossier,
    pub counts: Counts,
    pub signs: Signs,
    pub heard_in: HeardIn,
    pub span: Span,
    /// Took part in traffic itself; otherwise others only spoke of it, and it is no asset.
    pub is_heard: bool,
    pub owner: Owner,
    /// The owner that `asset_of` has told somebody.
    pub told: Option<Owner>,
    pub standing: Standing,
}

impl IpRecord {
    pub fn new(scope: Scope, seen_at: Timestamp) -> Self {
        Self {
            scope,
            bindings: Vec::new(),
            sightings: SmallVec::new(),
            dossier: Dossier::default(),
            counts: Counts::default(),
            signs: Signs::default(),
            heard_in: HeardIn::default(),
            span: Span::at(seen_at),
            is_heard: false,
            owner: Owner::Itself,
            told: None,
            standing: Standing::default(),
        }
    }

    pub fn hear(&mut self, seen_at: Timestamp) {
        if self.is_heard {
            self.span.include(seen_at);
        } else {
            // What others said before does not count as having been there.
            self.span = Span::at(seen_at);
            self.is_heard = true;
        }
    }

    /// The MAC that was bound at a time before the present binding.
    pub fn former_owner(&self, at: Timestamp) -> Option<MacNumber> {
        let present = self.bindings.last().filter(|binding| at < binding.span.first)?;
        let former = self.bindings.iter().rev().find(|binding| binding.span.first <= at).or(self.bindings.first())?;
        (former.mac != present.mac).then_some(former.mac)
    }
}
