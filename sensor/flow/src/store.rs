//! Where the parts of all flows live: arrays by slot number, and which numbers are free.

use std::hint::black_box;

use sensor_wire::Packet;

use crate::arena::Arena;
use crate::index::Index;
use crate::key::{self, FlowKey, Seeds};
use crate::path::Paths;
use crate::rare::Rares;
use crate::record::View;
use crate::slot::{Cold, Hot, Slot, Stream};

/// Packets whose memory is asked for together, before the first of them is worked. At 1 M flows a packet costs 224 ns with 8,
/// 213 with 16, 200 with 32 and 190 with 64 (decode included).
pub const GROUP: usize = 64;
/// Slot numbers beyond the capacity, so that a number is not given out again in the batch in which its flow ended.
const SPARE: usize = 256;
/// Up to so many flows a small index does, which touches little memory: most captures, and every idle worker.
const SMALL: usize = 1 << 15;
/// Slot numbers and some bits of the hash share 32 bits.
const MAX_CAPACITY: usize = 1 << 27;

/// Slots, found by key.
#[derive(Debug)]
pub struct Store {
    pub capacity: usize,
    pub used: usize,
    /// Slots that were ever used.
    len: usize,
    hot: Arena<Hot>,
    stream: Arena<Stream>,
    cold: Arena<Cold>,
    /// IPv6 addresses, lower end first.
    wide: Arena<[[u8; 16]; 2]>,
    index: Index,
    free: Vec<u32>,
    /// Ended in this batch.
    resting: Vec<u32>,
    pub rares: Rares,
    pub paths: Paths,
    seeds: Seeds,
}

impl Store {
    pub fn new(capacity: usize, seed: u64) -> Self {
        let capacity = capacity.clamp(1, MAX_CAPACITY);
        let slots = capacity + SPARE;
        Self {
            capacity,
            used: 0,
            len: 0,
            hot: Arena::growing(slots),
            stream: Arena::growing(slots),
            cold: Arena::growing(slots),
            wide: Arena::growing(slots),
            index: Index::new(capacity.min(SMALL), slots),
            free: Vec::new(),
            resting: Vec::new(),
            // An eighth of the flows may be unusual at a time; a ceiling, so that crafted traffic cannot double the table.
            rares: Rares::new((capacity / 8).max(1024)),
            paths: Paths::new(seed),
            seeds: Seeds::new(seed),
        }
    }

    pub const fn seeds(&self) -> Seeds {
        self.seeds
    }

    /// How many slots were ever used.
    pub const fn len(&self) -> usize {
        self.len
    }

    pub fn hot(&self, slot: usize) -> Option<&Hot> {
        self.hot.values().get(slot).filter(|hot| hot.is(Hot::USED))
    }

    pub fn hot_mut(&mut self, slot: usize) -> Option<&mut Hot> {
        self.hot.values_mut().get_mut(slot).filter(|hot| hot.is(Hot::USED))
    }

    pub fn slot(&mut self, slot: usize) -> Slot<'_> {
        Slot { hot: &mut self.hot[slot], stream: &mut self.stream[slot], cold: &mut self.cold[slot], rares: &mut self.rares }
    }

    pub fn view<'a>(&'a self, slot: usize, services: &[&'static str]) -> View<'a> {
        let (hot, cold) = (&self.hot[slot], &self.cold[slot]);
        View {
            hot,
            stream: &self.stream[slot],
            cold,
            rare: self.rares.get(cold.rare),
            wide: if hot.is(Hot::WIDE) { self.wide[slot] } else { Default::default() },
            path: self.paths.get(cold.path),
            service: usize::from(hot.service).checked_sub(1).and_then(|number| services.get(number)).copied(),
        }
    }

    /// Guesses the slots of a group of packets, and touches what they will need, in three rounds without a branch on a value
    /// that is still on its way: so the cache misses of a round overlap instead of adding up.
    pub fn look_ahead(&self, hashes: &[u64], guesses: &mut [u32]) {
        black_box(hashes.iter().fold(0, |all, &hash| all ^ self.index.touch(hash)));
        for (guess, &hash) in guesses.iter_mut().zip(hashes) {
            *guess = self.index.guess(hash);
        }
        let (hot, stream) = (self.hot.values(), self.stream.values());
        black_box(guesses.iter().fold(0, |all, &slot| {
            all ^ hot.get(slot as usize).map_or(0, |hot| hot.ports) ^ stream.get(slot as usize).map_or(0, |stream| stream.last[0])
        }));
    }

    /// The slot of a key; `guess` is where it probably is.
    pub fn find(&self, key: &FlowKey, hash: u64, guess: u32, packet: &Packet) -> Option<usize> {
        let hot = self.hot.values();
        let is_it = |slot: usize| {
            hot.get(slot).is_some_and(|hot| {
                hot.is(Hot::USED)
                    && hot.pair == key.pair
                    && hot.ports == key.ports
                    && hot.segment == key.segment
                    && hot.protocol == key.protocol
                    && hot.is(Hot::WIDE) == key.wide
                    && (!key.wide || self.wide[slot] == key::wide_pair(packet, key.from_low))
            })
        };
        if is_it(guess as usize) { Some(guess as usize) } else { self.index.find(hash, is_it) }
    }

    /// An empty slot under `key`. The caller has made room.
    pub fn insert(&mut self, key: &FlowKey, hash: u64, packet: &Packet) -> usize {
        if self.used >= self.index.limit() {
            self.enlarge_index();
        }
        let slot = self.take_number();
        self.hot[slot] = Hot {
            pair: key.pair,
            ports: key.ports,
            segment: key.segment,
            protocol: key.protocol,
            flags: Hot::USED | if key.wide { Hot::WIDE } else { 0 },
            ..Hot::default()
        };
        self.stream[slot] = Stream::default();
        self.cold[slot] = Cold::default();
        if key.wide {
            self.wide[slot] = key::wide_pair(packet, key.from_low);
        }
        self.index.insert(hash, slot);
        self.used += 1;
        slot
    }

    pub fn remove(&mut self, slot: usize) {
        let (hot, seeds) = (&self.hot, self.seeds);
        let hash = |slot: usize| {
            let hot = &hot[slot];
            key::hash_of(hot.pair, hot.ports, hot.segment, hot.protocol, seeds)
        };
        self.index.remove(hash(slot), slot, hash);
        self.hot[slot].flags = 0;
        self.rares.release(self.cold[slot].rare);
        self.paths.release(self.cold[slot].path);
        self.resting.push(slot as u32);
        self.used -= 1;
    }

    /// The numbers of ended flows may be given out again.
    pub fn begin_batch(&mut self) {
        self.free.append(&mut self.resting);
    }

    /// Once in a table's life, within a millisecond or two.
    fn enlarge_index(&mut self) {
        let hot = self.hot.values();
        let mut index = Index::new(self.capacity, hot.len());
        for (slot, hot) in hot.iter().enumerate().take(self.len).filter(|(_, hot)| hot.is(Hot::USED)) {
            index.insert(key::hash_of(hot.pair, hot.ports, hot.segment, hot.protocol, self.seeds), slot);
        }
        self.index = index;
    }

    fn take_number(&mut self) -> usize {
        if let Some(free) = self.free.pop() {
            return free as usize;
        }
        if self.len < self.capacity + SPARE {
            self.len += 1;
            return self.len - 1;
        }
        // More flows ended within one batch than there are spare numbers.
        self.begin_batch();
        self.free.pop().unwrap_or(0) as usize
    }
}
