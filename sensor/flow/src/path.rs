//! How the first packet of a flow came by: MACs, VLANs and tunnel. Many flows share one path, so each is kept once.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use sensor_model::{MacAddr, VlanId};
use sensor_wire::{Packet, Tunnel};

/// Layer 2 of a flow's first packet, originator first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
}

impl Path {
    /// With the sides exchanged.
    pub const fn exchanged(self) -> Self {
        let [originator, responder] = self.macs;
        Self { macs: [responder, originator], ..self }
    }
}

/// Every path in use, by number, with the number of flows that use it.
#[derive(Debug)]
pub struct Paths {
    known: HashMap<Path, u32, FixedState>,
    entries: Vec<(Path, u32)>,
    free: Vec<u32>,
}

impl Paths {
    pub fn new(seed: u64) -> Self {
        Self { known: HashMap::with_hasher(FixedState::with_seed(seed)), entries: Vec::new(), free: Vec::new() }
    }

    pub fn get(&self, number: u32) -> Path {
        self.entries.get(number as usize).map(|entry| entry.0).unwrap_or_default()
    }

    /// The number of `path`, for one more flow.
    pub fn take(&mut self, path: Path) -> u32 {
        if let Some(&number) = self.known.get(&path) {
            self.entries[number as usize].1 += 1;
            return number;
        }
        let number = match self.free.pop() {
            Some(free) => {
                self.entries[free as usize] = (path, 1);
                free
            }
            None => {
                self.entries.push((path, 1));
                (self.entries.len() - 1) as u32
            }
        };
        self.known.insert(path, number);
        number
    }

    /// One flow less uses it.
    pub fn release(&mut self, number: u32) {
        let Some(entry) = self.entries.get_mut(number as usize) else { return };
        entry.1 = entry.1.saturating_sub(1);
        if entry.1 == 0 {
            self.known.remove(&entry.0);
            self.free.push(number);
        }
    }
}
