//! Open addressing with linear probing: a hash to the numbers of slots that may hold its key. Four bytes an entry.

use crate::arena::Arena;
use crate::key::scale;

/// Entries hold a slot number plus one in the low bits and some bits of the hash above; 0 is empty.
#[derive(Debug)]
pub struct Index {
    entries: Arena<u32>,
    number_bits: u32,
    limit: usize,
}

impl Index {
    /// For at most `limit` slots at a time with numbers below `slots`; two thirds full at most.
    pub fn new(limit: usize, slots: usize) -> Self {
        let number_bits = usize::BITS - slots.leading_zeros();
        Self { entries: Arena::scattered(limit + limit / 2 + 8), number_bits, limit }
    }

    /// How many slots may be in it at a time.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    fn home(&self, hash: u64) -> usize {
        scale(hash, self.entries.values().len())
    }

    /// Where `hash` is looked for first, as it stands there; to touch it ahead of `guess`.
    pub fn touch(&self, hash: u64) -> u32 {
        let entries = self.entries.values();
        entries.get(scale(hash, entries.len())).copied().unwrap_or(0)
    }

    /// The first slot whose bits of the hash fit: nearly always its own.
    pub fn guess(&self, hash: u64) -> Option<usize> {
        self.find(hash, |_| true)
    }

    /// The first slot from the home of `hash` on that `is_it` accepts.
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(usize) -> bool) -> Option<usize> {
        let entries = self.entries.values();
        let (tag, mask) = (self.tag(hash), self.number_mask());
        let mut position = scale(hash, entries.len());
        loop {
            let entry = entries[position];
            if entry == 0 {
                return None;
            }
            if entry & !mask == tag {
                let slot = (entry & mask) as usize - 1;
                if is_it(slot) {
                    return Some(slot);
                }
            }
            position = if position + 1 == entries.len() { 0 } else { position + 1 };
        }
    }

    pub fn insert(&mut self, hash: u64, slot: usize) {
        let entry = self.tag(hash) | (slot as u32 + 1);
        let mut position = self.home(hash);
        while self.entries[position] != 0 {
            position = self.after(position);
        }
        self.entries[position] = entry;
    }

    /// Takes `slot` out and closes the hole, so that no tombstones pile up. `hash_of` gives the hash of any slot in the index.
    pub fn remove(&mut self, hash: u64, slot: usize, hash_of: impl Fn(usize) -> u64) {
        let entry = self.tag(hash) | (slot as u32 + 1);
        let mut hole = self.home(hash);
        while self.entries[hole] != entry {
            if self.entries[hole] == 0 {
                return;
            }
            hole = self.after(hole);
        }
        let mut next = self.after(hole);
        while let Some(moved) = self.peek(next) {
            let home = self.home(hash_of(moved));
            if self.distance(home, next) >= self.distance(hole, next) {
                self.entries[hole] = self.entries[next];
                hole = next;
            }
            next = self.after(next);
        }
        self.entries[hole] = 0;
    }

    fn peek(&self, position: usize) -> Option<usize> {
        ((self.entries[position] & self.number_mask()) as usize).checked_sub(1)
    }

    const fn number_mask(&self) -> u32 {
        (1 << self.number_bits) - 1
    }

    const fn tag(&self, hash: u64) -> u32 {
        hash as u32 & !self.number_mask()
    }

    fn after(&self, position: usize) -> usize {
        if position + 1 == self.entries.values().len() { 0 } else { position + 1 }
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.entries.values().len() - from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_found_until_it_is_removed() {
        // Few distinct homes, so that clusters form and wrap around the end.
        let hashes: Vec<u64> = (0..60_u64).map(|n| ((n % 3).wrapping_neg() << 58) | (n * 7)).collect();
        let mut index = Index::new(60, 60);
        for (slot, &hash) in hashes.iter().enumerate() {
            index.insert(hash, slot);
        }
        for removed in 0..60 {
            index.remove(hashes[removed], removed, |slot| hashes[slot]);
            for (slot, &hash) in hashes.iter().enumerate() {
                assert_eq!(index.find(hash, |found| found == slot).is_some(), slot > removed, "{slot} after {removed}");
            }
        }
    }
}
