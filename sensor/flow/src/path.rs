//! How the first packet of a flow came by: MACs, VLANs and tunnel. Many flows share one path, so each is kept once, in 28 bytes.

use sensor_model::{MacAddr, VlanId};
use sensor_wire::{Packet, Tunnel, TunnelKind};

use crate::index::Index;
use crate::key::{Seeds, hash_words};

/// Layer 2 of a flow's first packet, originator first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path {
    pub macs: [MacAddr; 2],
    pub vlan: Option<VlanId>,
    pub inner_vlan: Option<VlanId>,
    pub tunnel: Option<Tunnel>,
}

impl Path {
    pub fn of(packet: &Packet, sender_is_originator: bool) -> Self {
        let (source, destination) = (packet.source_mac, packet.destination_mac);
        let macs = if sender_is_originator { [source, destination] } else { [destination, source] };
        Self { macs, vlan: packet.vlan, inner_vlan: packet.inner_vlan, tunnel: packet.tunnel }
    }

    /// With the sides exchanged.
    pub const fn exchanged(self) -> Self {
        let [originator, responder] = self.macs;
        Self { macs: [responder, originator], ..self }
    }
}

/// A path in six words: the MACs in three, the VLANs in one, the tunnel's kind and its id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Packed([u32; 6]);

/// In place of a VLAN that is not there: more than any VLAN.
const NO_VLAN: u32 = 0xffff;

impl Packed {
    fn of(path: &Path) -> Self {
        let [MacAddr([a, b, c, d, e, f]), MacAddr([g, h, i, j, k, l])] = path.macs;
        let word = u32::from_be_bytes;
        let id = |vlan: Option<VlanId>| vlan.map_or(NO_VLAN, |vlan| u32::from(vlan.get()));
        let kind = |tunnel: Tunnel| TunnelKind::ALL.iter().position(|&kind| kind == tunnel.kind).map_or(0, |at| at as u32 + 1);
        Self([
            word([a, b, c, d]),
            word([e, f, g, h]),
            word([i, j, k, l]),
            id(path.vlan) << 16 | id(path.inner_vlan),
            path.tunnel.map_or(0, kind),
            path.tunnel.map_or(0, |tunnel| tunnel.id),
        ])
    }

    fn unpacked(self) -> Path {
        let [first, middle, last, vlans, kind, id] = self.0;
        let ([a, b, c, d], [e, f, g, h], [i, j, k, l]) = (first.to_be_bytes(), middle.to_be_bytes(), last.to_be_bytes());
        let kind = (kind as usize).checked_sub(1).and_then(|at| TunnelKind::ALL.get(at));
        Path {
            macs: [MacAddr([a, b, c, d, e, f]), MacAddr([g, h, i, j, k, l])],
            vlan: VlanId::new((vlans >> 16) as u16),
            inner_vlan: VlanId::new(vlans as u16),
            tunnel: kind.map(|&kind| Tunnel { kind, id }),
        }
    }
}

/// Every path in use, by number, with the number of flows that use it.
#[derive(Debug)]
pub struct Paths {
    entries: Vec<(Packed, u32)>,
    free: Vec<u32>,
    index: Index,
    /// There are no more than flows.
    limit: usize,
    seeds: Seeds,
}

/// Paths that the index has room for at first.
const FEW: usize = 256;

impl Paths {
    pub fn new(limit: usize, seeds: Seeds) -> Self {
        Self { entries: Vec::new(), free: Vec::new(), index: Index::new(FEW, limit), limit, seeds }
    }

    pub fn get(&self, number: u32) -> Path {
        self.entries.get(number as usize).map(|entry| entry.0.unpacked()).unwrap_or_default()
    }

    /// The number of `path`, for one more flow.
    pub fn take(&mut self, path: &Path) -> u32 {
        let packed = Packed::of(path);
        let hash = hash_words(&packed.0, self.seeds);
        let entries = &self.entries;
        if let Some(number) = self.index.find(hash, |number| entries[number].0 == packed) {
            self.entries[number].1 += 1;
            return number as u32;
        }
        if self.entries.len() - self.free.len() >= self.index.limit() {
            self.enlarge_index();
        }
        let number = self.free.pop().unwrap_or_else(|| {
            self.entries.push((packed, 0));
            (self.entries.len() - 1) as u32
        });
        self.entries[number as usize] = (packed, 1);
        self.index.insert(hash, number as usize);
        number
    }

    /// One flow less uses it.
    pub fn release(&mut self, number: u32) {
        let Some(entry) = self.entries.get_mut(number as usize) else { return };
        entry.1 = entry.1.saturating_sub(1);
        if entry.1 == 0 {
            let (entries, seeds) = (&self.entries, self.seeds);
            let hash_of = |number: usize| hash_words(&entries[number].0.0, seeds);
            self.index.remove(hash_of(number as usize), number as usize, hash_of);
            self.free.push(number);
        }
    }

    pub fn memory_bytes(&self) -> usize {
        let entries = self.entries.capacity() * size_of::<(Packed, u32)>();
        entries + self.free.capacity() * size_of::<u32>() + self.index.memory_bytes()
    }

    fn enlarge_index(&mut self) {
        let mut index = Index::new(self.index.limit() * 2, self.limit);
        for (number, (packed, _)) in self.entries.iter().enumerate().filter(|(_, (_, users))| *users > 0) {
            index.insert(hash_words(&packed.0, self.seeds), number);
        }
        self.index = index;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(number: u32) -> Path {
        let [a, b, c, d] = number.to_be_bytes();
        Path {
            macs: [MacAddr([2, 0, a, b, c, d]), MacAddr([2, 1, d, c, b, a])],
            vlan: VlanId::new((number % 5_000) as u16),
            inner_vlan: VlanId::new((number % 4_999) as u16),
            tunnel: TunnelKind::ALL.get(number as usize % 20).map(|&kind| Tunnel { kind, id: number }),
        }
    }

    #[test]
    fn paths_come_back_whole_and_equal_ones_are_one() {
        let mut paths = Paths::new(10_000, Seeds::new(1));
        let numbers: Vec<u32> = (0..3_000).map(|number| paths.take(&path(number))).collect();
        for (number, &kept) in (0..).zip(&numbers) {
            assert_eq!((paths.get(kept), paths.take(&path(number))), (path(number), kept));
        }
    }

    #[test]
    fn a_number_is_free_when_its_last_flow_is_gone() {
        let mut paths = Paths::new(10, Seeds::new(1));
        let (first, again) = (paths.take(&path(1)), paths.take(&path(1)));
        paths.release(first);
        assert_eq!(paths.get(again), path(1));
        assert_ne!(paths.take(&path(2)), again);
        paths.release(again);
        assert_eq!(paths.take(&path(3)), again);
    }
}
