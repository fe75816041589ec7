//! Which network the addresses of a packet belong to (overlay segment and VLAN tags), as a short number; and when two numbers may
//! be one flow's.
//!
//! The same addresses in two overlay segments are different hosts. In two VLANs they may be, too; but a mirror may as well tag each
//! direction of one flow with another VLAN. What tells the two apart without knowing the network: one direction of one flow comes in
//! one VLAN. So under [`VlanKey::Auto`] a flow holds each of its directions to the VLAN in which that direction was first seen, and
//! a packet goes to the flow whose same direction has its VLAN; else to one whose other direction has its VLAN and that was not
//! answered yet; else to one in another VLAN that was not answered yet, if it can be its answer (TCP: by the acknowledgment); else it
//! opens a flow. No packet waits and nothing is learned across flows, so shards and batches change nothing. What stays open: two
//! conversations without sequence numbers, between the same ports, in two VLANs, of which the first packets seen go opposite ways,
//! look like one that is mirrored into two VLANs. `VlanKey::Always` tells them apart.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use sensor_model::VlanId;
use sensor_wire::{Packet, TunnelKind};

/// Whether VLAN tags tell flows apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VlanKey {
    /// Where both directions share their tags.
    #[default]
    Auto,
    /// Flows of different tags are different flows; so is the answer in another VLAN.
    Always,
    Never,
}

/// Neither segment nor tag.
pub const NONE: u16 = 0;
/// No packet came this way yet.
pub const UNHEARD: u16 = u16::MAX;
/// For all networks beyond the 65,533 that have numbers: they are not told apart.
const OTHERS: u16 = u16::MAX - 1;

const TAG_BITS: u32 = 24;

/// Numbers of networks.
#[derive(Debug)]
pub struct Realms {
    vlan_key: VlanKey,
    numbers: HashMap<u64, u16, FixedState>,
    networks: Vec<u64>,
    /// Traffic comes in runs.
    last: (u64, u16),
}

impl Realms {
    pub fn new(vlan_key: VlanKey, seed: u64) -> Self {
        Self { vlan_key, numbers: HashMap::with_hasher(FixedState::with_seed(seed)), networks: vec![0], last: (0, NONE) }
    }

    pub const fn vlan_key(&self) -> VlanKey {
        self.vlan_key
    }

    /// The number of a packet's network.
    #[inline]
    pub fn of(&mut self, packet: &Packet) -> u16 {
        if packet.vlan.is_none() && packet.tunnel.is_none() { NONE } else { self.number(packet) }
    }

    pub fn memory_bytes(&self) -> usize {
        self.networks.capacity() * size_of::<u64>() + self.numbers.capacity() * size_of::<(u64, u16)>()
    }

    /// What of a realm goes into the hash of a key: what both directions share.
    #[inline]
    pub fn salt(&self, realm: u16) -> u64 {
        if realm == NONE { 0 } else { self.salt_of_some(realm) }
    }

    /// Segment and tags of a realm: unlike its number, the same in every table.
    pub fn network(&self, realm: u16) -> u64 {
        self.networks.get(usize::from(realm)).copied().unwrap_or(u64::MAX)
    }

    /// The overlay segment of a realm.
    pub fn segment(&self, realm: u16) -> u32 {
        (self.network(realm) >> TAG_BITS) as u32
    }

    fn salt_of_some(&self, realm: u16) -> u64 {
        let shared = match self.vlan_key {
            VlanKey::Auto | VlanKey::Never => u64::from(self.segment(realm)),
            VlanKey::Always => self.network(realm),
        };
        shared.rotate_left(32)
    }

    fn number(&mut self, packet: &Packet) -> u16 {
        let tags = if self.vlan_key == VlanKey::Never { 0 } else { tags(packet) };
        let network = u64::from(segment(packet)) << TAG_BITS | u64::from(tags);
        if network == 0 {
            return NONE;
        }
        if network != self.last.0 {
            self.last = (network, self.known(network));
        }
        self.last.1
    }

    fn known(&mut self, network: u64) -> u16 {
        if let Some(&number) = self.numbers.get(&network) {
            return number;
        }
        let number = u16::try_from(self.networks.len()).unwrap_or(OTHERS);
        if number >= OTHERS {
            return OTHERS;
        }
        self.networks.push(network);
        self.numbers.insert(network, number);
        number
    }
}

/// Only tunnels whose number names a network and is the same in both directions: GRE keys and GTP TEIDs are chosen by each
/// receiver.
pub fn segment(packet: &Packet) -> u32 {
    let Some(tunnel) = packet.tunnel else { return 0 };
    let kind = match tunnel.kind {
        TunnelKind::Vxlan => 1,
        TunnelKind::Geneve => 2,
        TunnelKind::Nvgre => 3,
        TunnelKind::Pbb => 4,
        _ => return 0,
    };
    kind << 24 | tunnel.id & 0x00ff_ffff
}

/// VLAN 0 is a priority without a VLAN (IEEE 802.1Q 9.6).
fn tags(packet: &Packet) -> u32 {
    let id = |vlan: Option<VlanId>| vlan.map_or(0, |vlan| u32::from(vlan.get()));
    id(packet.vlan) << 12 | id(packet.inner_vlan)
}
