//! A hash to the numbers of slots that may hold its key: buckets of a cache line, the next one when a bucket is full. Four bytes
//! an entry. All entries of a bucket are compared at once, without a branch that a processor could guess wrong.

use prefetch_index::prefetch_index;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::arena::Arena;
use crate::key::scale;

/// Entries of a bucket: 64 bytes.
const WIDTH: usize = 16;
/// Set in every entry, so that an empty one (0) fits no hash.
const TAKEN: u32 = 1 << 31;

/// Entries hold a slot number in the low bits and some bits of the hash above; 0 is empty.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
struct Bucket([u32; WIDTH]);

impl Bucket {
    /// A bit for each entry that is `wanted` under `mask`.
    #[inline]
    fn matches(&self, wanted: u32, mask: u32) -> u32 {
        let mut bits = 0;
        for (at, &entry) in self.0.iter().enumerate() {
            bits |= u32::from(entry & mask == wanted) << at;
        }
        bits
    }

    fn is_full(&self) -> bool {
        self.0.iter().all(|&entry| entry != 0)
    }
}

#[derive(Debug)]
pub struct Index {
    buckets: Arena<Bucket>,
    number_mask: u32,
    limit: usize,
}

impl Index {
    /// For at most `limit` slots at a time with numbers below `slots`; three quarters full at most, where one entry in sixty stands in a later bucket.
    pub fn new(limit: usize, slots: usize) -> Self {
        let number_bits = usize::BITS - slots.leading_zeros();
        let buckets = Arena::scattered((limit + limit / 3).div_ceil(WIDTH) + 1);
        Self { buckets, number_mask: (1 << number_bits) - 1, limit }
    }

    /// How many slots may be in it at a time.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Asks for the bucket where `hash` is looked for first, ahead of [`Self::guess`].
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        prefetch_index(self.buckets.values(), self.home(hash));
    }

    /// The slot of `hash`, if it is there at all: any number else.
    #[inline]
    pub fn guess(&self, hash: u64) -> u32 {
        self.buckets.values().get(self.home(hash)).map_or(0, |bucket| {
            let fits = bucket.matches(self.tag(hash), !self.number_mask);
            bucket.0[fits.trailing_zeros() as usize % WIDTH] & self.number_mask
        })
    }

    /// The first slot from the home of `hash` on that `is_it` accepts.
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(usize) -> bool) -> Option<usize> {
        let buckets = self.buckets.values();
        let tag = self.tag(hash);
        let mut home = self.home(hash);
        loop {
            let bucket = &buckets[home];
            let mut fits = bucket.matches(tag, !self.number_mask);
            while fits != 0 {
                let slot = (bucket.0[fits.trailing_zeros() as usize % WIDTH] & self.number_mask) as usize;
                if is_it(slot) {
                    return Some(slot);
                }
                fits &= fits - 1;
            }
            if !bucket.is_full() {
                return None;
            }
            home = self.after(home);
        }
    }

    pub fn insert(&mut self, hash: u64, slot: usize) {
        let entry = self.tag(hash) | slot as u32;
        let mut home = self.home(hash);
        loop {
            if let Some(free) = self.buckets[home].0.iter_mut().find(|entry| **entry == 0) {
                *free = entry;
                return;
            }
            home = self.after(home);
        }
    }

    /// Takes `slot` out. Where its bucket was full, an entry that had to go to a later one is brought back, so that a search may end
    /// at the first bucket with room. `hash_of` gives the hash of any slot in the index.
    pub fn remove(&mut self, hash: u64, slot: usize, hash_of: impl Fn(usize) -> u64) {
        let entry = self.tag(hash) | slot as u32;
        let mut at = self.home(hash);
        let mut hole = loop {
            if let Some(place) = self.buckets[at].0.iter().position(|&known| known == entry) {
                break place;
            }
            if !self.buckets[at].is_full() {
                return;
            }
            at = self.after(at);
        };
        let mut next = at;
        while self.buckets[next].is_full() {
            next = self.after(next);
            let hole_is_on_its_way = |&entry: &u32| {
                let home = self.home(hash_of((entry & self.number_mask) as usize));
                entry != 0 && self.distance(home, next) >= self.distance(at, next)
            };
            if let Some(place) = self.buckets[next].0.iter().position(hole_is_on_its_way) {
                self.buckets[at].0[hole] = self.buckets[next].0[place];
                (at, hole) = (next, place);
            }
        }
        self.buckets[at].0[hole] = 0;
    }

    pub fn memory_bytes(&self) -> usize {
        Arena::<Bucket>::bytes_of(self.buckets.values().len())
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        scale(hash, self.buckets.values().len())
    }

    #[inline]
    const fn tag(&self, hash: u64) -> u32 {
        hash as u32 & !self.number_mask | TAKEN
    }

    fn after(&self, bucket: usize) -> usize {
        if bucket + 1 == self.buckets.values().len() { 0 } else { bucket + 1 }
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.buckets.values().len() - from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_found_until_it_is_removed() {
        // Few distinct homes, so that buckets overflow, one into the next and the last into the first.
        let hashes: Vec<u64> = (0..600_u64).map(|n| ((n % 3).wrapping_neg() << 58) | (n * 7)).collect();
        let mut index = Index::new(600, 600);
        for (slot, &hash) in hashes.iter().enumerate() {
            index.insert(hash, slot);
        }
        for removed in (0..600).map(|n| n * 7 % 600) {
            assert!(index.find(hashes[removed], |found| found == removed).is_some());
            index.remove(hashes[removed], removed, |slot| hashes[slot]);
            for (slot, &hash) in hashes.iter().enumerate() {
                let is_there = slot * 343 % 600 > removed * 343 % 600;
                assert_eq!(index.find(hash, |found| found == slot).is_some(), is_there, "{slot} after {removed}");
            }
        }
    }

    #[test]
    fn a_guess_is_the_slot_where_its_bits_of_the_hash_fit() {
        let mut index = Index::new(1_000, 1_000);
        let hash_of = |slot: u64| slot.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for slot in 0..1_000 {
            index.insert(hash_of(slot), slot as usize);
        }
        let right = (0..1_000).filter(|&slot| u64::from(index.guess(hash_of(slot))) == slot).count();
        assert!(right > 900, "{right}");
    }
}
