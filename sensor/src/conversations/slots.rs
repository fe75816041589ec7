//! Where edges live. A flow holds its edge by an id that stays good while the edge is merged into another one or has to go, so a slot is
//! used again only when no flow holds it.

use super::Edge;

const NOWHERE: u32 = u32::MAX;

/// An edge that somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeId(u32);

impl EdgeId {
    pub(super) const fn slot(self) -> u32 {
        self.0
    }
}

#[derive(Debug)]
struct Slot {
    edge: Option<Edge>,
    /// The slot that took the edge over.
    moved_to: u32,
    holders: u32,
}

#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
    live: usize,
}

impl Slots {
    pub const fn live(&self) -> usize {
        self.live
    }

    pub fn insert(&mut self, edge: Edge) -> Option<u32> {
        let slot = Slot { edge: Some(edge), moved_to: NOWHERE, holders: 0 };
        let at = match self.free.pop() {
            Some(at) => {
                *self.slots.get_mut(at as usize)? = slot;
                at
            }
            None => {
                let at = u32::try_from(self.slots.len()).ok()?;
                self.slots.push(slot);
                at
            }
        };
        self.live += 1;
        Some(at)
    }

    pub fn hold(&mut self, at: u32) -> EdgeId {
        if let Some(slot) = self.slots.get_mut(at as usize) {
            slot.holders += 1;
        }
        EdgeId(at)
    }

    pub fn release(&mut self, id: EdgeId) {
        let mut at = id.0;
        // A slot without holders lets go of the slot it leads to.
        while let Some(slot) = self.slots.get_mut(at as usize) {
            slot.holders = slot.holders.saturating_sub(1);
            if slot.holders > 0 || slot.edge.is_some() {
                return;
            }
            self.free.push(at);
            at = slot.moved_to;
        }
    }

    /// Where the edge is now. When it has moved or is gone, the old slot is released.
    pub fn settle(&mut self, id: EdgeId) -> Option<EdgeId> {
        let mut at = id;
        loop {
            let slot = self.slots.get(at.0 as usize)?;
            if slot.edge.is_some() {
                return Some(at);
            }
            let to = slot.moved_to;
            // Hold the next before the last is let go.
            let next = (to != NOWHERE).then(|| self.hold(to));
            self.release(at);
            at = next?;
        }
    }

    /// Takes an edge out; it is gone for whoever holds it.
    pub fn remove(&mut self, at: u32) -> Option<Edge> {
        self.remove_into(at, NOWHERE)
    }

    /// Takes an edge out, for one that stands in `into`.
    pub fn remove_into(&mut self, at: u32, into: u32) -> Option<Edge> {
        let slot = self.slots.get_mut(at as usize)?;
        let edge = slot.edge.take()?;
        self.live -= 1;
        slot.moved_to = into;
        if slot.holders == 0 {
            self.free.push(at);
        } else if let Some(target) = self.slots.get_mut(into as usize) {
            // The way must not be used again before everybody has gone it: the old slot holds the new one.
            target.holders += 1;
        }
        Some(edge)
    }

    pub fn get(&self, id: EdgeId) -> Option<&Edge> {
        self.at(id.0)
    }

    pub fn get_mut(&mut self, id: EdgeId) -> Option<&mut Edge> {
        self.at_mut(id.0)
    }

    pub fn at(&self, at: u32) -> Option<&Edge> {
        self.slots.get(at as usize)?.edge.as_ref()
    }

    pub fn at_mut(&mut self, at: u32) -> Option<&mut Edge> {
        self.slots.get_mut(at as usize)?.edge.as_mut()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Edge> {
        self.slots.iter().filter_map(|slot| slot.edge.as_ref())
    }
}
