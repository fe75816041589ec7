//! The contents of the last window, each with the places where it was seen. A fixed table of small sets: the oldest of a set makes room.

use prefetch_index::prefetch_index;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::places::Seen;
use crate::arena::Arena;
use crate::key::scale;

/// Contents of one set: two cache lines.
const WAYS: usize = 4;
/// Places of one content: four hops of its way.
const PLACES: usize = 4;
/// A place counts no further.
pub const MAX_COUNT: u8 = u8::MAX;
/// The lowest bit of a digest is given to [`Entry::is_telling`].
const TELLING: u64 = 1;

/// One content.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(32))]
pub struct Entry {
    digest: u64,
    /// When it last showed up, in nanoseconds.
    last_seen: i64,
    pub places: [Place; PLACES],
}

/// How often a content came by one path with one TTL; a count of 0 means that the place is free.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Place {
    pub path: u16,
    pub ttl: u8,
    pub count: u8,
}

impl Entry {
    /// Hosts do not repeat such a content by habit.
    pub const fn is_telling(&self) -> bool {
        self.digest & TELLING != 0
    }

    /// Of the content, and whether it is a telling one.
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    pub fn used(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().take_while(|place| place.count > 0)
    }

    pub fn place_of(&self, seen: Seen) -> Option<usize> {
        self.used().position(|place| place.path == seen.path && place.ttl == seen.ttl)
    }

    pub const fn touch(&mut self, now: i64) {
        self.last_seen = now;
    }

    /// Takes packets that every place has seen out of all counts, so that they can go on; `times_mirrored` is of a path.
    pub fn settle(&mut self, times_mirrored: impl Fn(u16) -> u8) {
        let everywhere = self.used().map(|place| place.count / times_mirrored(place.path)).min().unwrap_or(0);
        for place in self.places.iter_mut().filter(|place| place.count > 0) {
            // One is left: a count of 0 would free the place.
            place.count -= everywhere.saturating_sub(1) * times_mirrored(place.path);
        }
    }

    pub fn free_place(&mut self) -> Option<&mut Place> {
        self.places.iter_mut().find(|place| place.count == 0)
    }

    fn is_over(&self, now: i64, window: i64) -> bool {
        self.places[0].count == 0 || now.abs_diff(self.last_seen) > window.unsigned_abs()
    }
}

/// Where a content is, or where it would go.
pub struct Lookup {
    pub known: Option<usize>,
    pub slot: usize,
    /// Another content would be forgotten within its window.
    pub forgets: bool,
}

#[derive(Debug)]
pub struct Contents {
    entries: Arena<Entry>,
    sets: usize,
}

impl Contents {
    pub fn new(capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS).max(1);
        Self { entries: Arena::scattered(sets * WAYS), sets }
    }

    /// A wish for the set of a digest: half of it lies in each of two cache lines.
    #[inline]
    pub fn prefetch(&self, digest: u64) {
        let start = scale(digest, self.sets) * WAYS;
        prefetch_index(self.entries.values(), start);
        prefetch_index(self.entries.values(), start + WAYS / 2);
    }

    #[inline]
    pub fn find(&self, digest: u64, now: i64, window: i64) -> Lookup {
        let start = scale(digest, self.sets) * WAYS;
        let set = self.entries.values().get(start..start + WAYS).unwrap_or_default();
        let mut room = Lookup { known: None, slot: start, forgets: true };
        let mut oldest = i64::MAX;
        for (slot, entry) in (start..).zip(set) {
            let is_over = entry.is_over(now, window);
            if !is_over && (entry.digest | TELLING) == (digest | TELLING) {
                return Lookup { known: Some(slot), slot, forgets: false };
            }
            let age = if is_over { i64::MIN } else { entry.last_seen };
            if age < oldest {
                oldest = age;
                room = Lookup { known: None, slot, forgets: !is_over };
            }
        }
        room
    }

    /// Begins a content, without a place yet.
    pub fn put(&mut self, slot: usize, digest: u64, now: i64, is_telling: bool) -> &mut Entry {
        let entry = &mut self.entries[slot];
        *entry = Entry { digest: digest & !TELLING | u64::from(is_telling), last_seen: now, places: Default::default() };
        entry
    }

    pub fn entry_mut(&mut self, slot: usize) -> &mut Entry {
        &mut self.entries[slot]
    }
}
