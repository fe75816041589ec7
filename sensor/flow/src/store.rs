//! Where the parts of all flows live: arrays by slot number, and which numbers are free.

use prefetch_index::prefetch_index;
use sensor_model::Timestamp;
use sensor_wire::Packet;

use crate::arena::Arena;
use crate::bits::Bits;
use crate::expiry::{Standing, Timeouts};
use crate::index::Index;
use crate::key::{self, FlowKey, Seeds};
use crate::path::Paths;
use crate::rare::Rares;
use crate::realm::Realms;
use crate::record::View;
use crate::search::Search;
use crate::slot::{Hot, Rest, Slot};

/// Packets whose memory is asked for together, before the first of them is worked.
pub const GROUP: usize = 64;
/// Slot numbers beyond the capacity, so that a number is not given out again in the batch in which its flow ended.
const SPARE: usize = 256;
/// Up to so many flows a small index does, which touches little memory: most captures, and every idle worker.
const SMALL: [usize; 2] = [1 << 12, 1 << 15];
/// Slot numbers and some bits of the hash share 31 bits.
const MAX_CAPACITY: usize = 1 << 27;

/// A packet between the steps of [`crate::Table::process`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Waiting {
    pub key: FlowKey,
    pub hash: u64,
    pub guess: u32,
}

/// Slots, found by key.
#[derive(Debug)]
pub struct Store {
    pub capacity: usize,
    pub used: usize,
    /// Slots that were ever used.
    len: usize,
    hot: Arena<Hot>,
    rest: Arena<Rest>,
    /// IPv6 addresses, lower end first.
    wide: Arena<[[u8; 16]; 2]>,
    has_wide: bool,
    index: Index,
    /// Slots in use; and those that are the first to go for want of room.
    in_use: Bits,
    half_open: Bits,
    closed: Bits,
    free: Vec<u32>,
    /// Ended in this batch.
    resting: Vec<u32>,
    pub rares: Rares,
    pub paths: Paths,
    pub realms: Realms,
    seeds: Seeds,
}

impl Store {
    pub fn new(capacity: usize, realms: Realms, seed: u64) -> Self {
        let capacity = capacity.clamp(1, MAX_CAPACITY);
        let slots = capacity + SPARE;
        let seeds = Seeds::new(seed);
        Self {
            capacity,
            used: 0,
            len: 0,
            hot: Arena::growing(slots),
            rest: Arena::growing(slots),
            wide: Arena::growing(slots),
            has_wide: false,
            index: Index::new(capacity.min(SMALL[0]), slots),
            in_use: Bits::new(slots),
            half_open: Bits::new(slots),
            closed: Bits::new(slots),
            free: Vec::new(),
            resting: Vec::new(),
            // An eighth of the flows may be unusual at a time; a ceiling, so that crafted traffic cannot double the table.
            rares: Rares::new((capacity / 8).max(1024)),
            paths: Paths::new(slots, seeds),
            realms,
            seeds,
        }
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

    /// A slot that is probably that of a key; its parts may be anything.
    #[inline]
    pub fn guessed(&mut self, guess: u32) -> Option<&mut Hot> {
        self.hot.values_mut().get_mut(guess as usize)
    }

    /// A wish for both parts of a slot.
    pub fn prefetch(&self, slot: usize) {
        prefetch_index(self.hot.values(), slot);
        self.prefetch_rest(slot);
    }

    /// It reaches into a second cache line nearly always.
    #[inline]
    fn prefetch_rest(&self, slot: usize) {
        prefetch_index(self.rest.values(), slot);
        prefetch_index(self.rest.values(), slot + 1);
    }

    pub fn first_seen(&self, slot: usize) -> Timestamp {
        Timestamp::from_nanos(self.rest[slot].cold.first_seen)
    }

    /// Of the stream of a side, one before its first byte.
    pub fn stream_start(&self, slot: usize, side: usize) -> u32 {
        self.rest[slot].stream.start[side]
    }

    pub fn is_wide_pair(&self, slot: usize, pair: &[[u8; 16]; 2]) -> bool {
        self.wide.values().get(slot) == Some(pair)
    }

    /// The next slot in use from `slot` on; after the last comes the first.
    pub fn next_used(&self, slot: usize) -> Option<usize> {
        self.in_use.next(slot).or_else(|| self.in_use.next(0))
    }

    /// The same for those that may go first when there is no room: half-open ones, else closed ones.
    pub fn next_expendable(&self, slot: usize) -> Option<usize> {
        let next = |bits: &Bits| bits.next(slot).or_else(|| bits.next(0));
        next(&self.half_open).or_else(|| next(&self.closed))
    }

    /// Keeps the books about a flow whose standing has changed.
    pub fn move_standing(&mut self, slot: usize, from: Standing, to: Standing) {
        match from {
            Standing::HalfOpen => self.half_open.remove(slot),
            Standing::Closed => self.closed.remove(slot),
            Standing::Alive => {}
        }
        match to {
            Standing::HalfOpen => self.half_open.insert(slot),
            Standing::Closed => self.closed.insert(slot),
            Standing::Alive => {}
        }
    }

    pub fn slot(&mut self, slot: usize) -> Slot<'_> {
        let rest = &mut self.rest[slot];
        Slot { hot: &mut self.hot[slot], stream: &mut rest.stream, cold: &mut rest.cold, rares: &mut self.rares }
    }

    pub fn view<'a>(&'a self, slot: usize, services: &[&'static str]) -> View<'a> {
        let (hot, rest) = (&self.hot[slot], &self.rest[slot]);
        View {
            hot,
            stream: &rest.stream,
            cold: &rest.cold,
            rare: self.rares.get(rest.cold.rare),
            wide: if hot.is(Hot::WIDE) { self.wide[slot] } else { Default::default() },
            path: self.paths.get(rest.cold.path),
            service: usize::from(rest.cold.service).checked_sub(1).and_then(|number| services.get(number)).copied(),
        }
    }

    /// The first step for a packet: its key, and a wish for what a look into the index will need.
    #[inline]
    pub fn look_up(&mut self, packet: &Packet) -> Waiting {
        let realm = self.realms.of(packet);
        let key = FlowKey::of(packet, realm, self.seeds);
        let hash = key.hash(self.realms.salt(realm), self.seeds);
        self.index.prefetch(hash);
        Waiting { key, hash, guess: 0 }
    }

    /// The second step for a group of packets: which slots it probably is, and a wish for them.
    #[inline]
    pub fn guess(&self, waiting: &mut [Waiting]) {
        let hot = self.hot.values();
        for waiting in waiting {
            waiting.guess = self.index.guess(waiting.hash);
            prefetch_index(hot, waiting.guess as usize);
            if waiting.key.wide {
                prefetch_index(self.wide.values(), waiting.guess as usize);
            }
        }
    }

    /// The third step: a wish for the second parts of those slots that a packet will not leave with the first.
    #[inline]
    pub fn prepare(&self, waiting: &[Waiting]) {
        let hot = self.hot.values();
        for waiting in waiting {
            if hot.get(waiting.guess as usize).is_some_and(|hot| !hot.is(Hot::PLAIN)) {
                self.prefetch_rest(waiting.guess as usize);
            }
        }
    }

    /// The slot of the flow that a packet belongs to.
    pub fn find(&self, waiting: &Waiting, packet: &Packet, now: i64, timeouts: &Timeouts) -> Option<usize> {
        let Waiting { key, hash, guess } = waiting;
        let mut search = Search::new(key, packet, &self.realms, now, timeouts);
        let hot = self.hot.values();
        let wide = key.wide.then(|| key::wide_pair(packet, key.from_low));
        let between = |search: &Search<'_>, slot: usize| {
            hot.get(slot).filter(|hot| search.is_candidate(hot) && wide.as_ref().is_none_or(|pair| self.is_wide_pair(slot, pair)))
        };
        // Nearly always the guess is right; if not, the search looks at all there are.
        let (guess, first_seen) = (*guess as usize, |slot: usize| self.rest[slot].cold.first_seen);
        if between(&search, guess).is_some_and(|hot| search.is_certain(hot, || first_seen(guess))) {
            return Some(guess);
        }
        let exact = self
            .index
            .find(*hash, |slot| between(&search, slot).is_some_and(|hot| search.is_exact(slot, hot, || first_seen(slot))));
        exact.or_else(|| search.second_best())
    }

    /// An empty slot under `key`. The caller has made room.
    pub fn insert(&mut self, key: &FlowKey, hash: u64, packet: &Packet) -> usize {
        if self.used >= self.index.limit() {
            self.enlarge_index();
        }
        let slot = self.take_number();
        let mut realms = [crate::realm::UNHEARD; 2];
        realms[usize::from(key.from_low)] = key.realm;
        self.hot[slot] = Hot {
            pair: key.pair,
            ports: key.ports,
            realms,
            protocol: key.protocol,
            flags: Hot::USED | if key.wide { Hot::WIDE } else { 0 },
            ..Hot::default()
        };
        self.rest[slot] = Rest::default();
        if key.wide {
            self.has_wide = true;
            self.wide[slot] = key::wide_pair(packet, key.from_low);
        }
        self.index.insert(hash, slot);
        self.in_use.insert(slot);
        self.used += 1;
        slot
    }

    pub fn remove(&mut self, slot: usize) {
        let (hot, seeds, realms) = (&self.hot, self.seeds, &self.realms);
        let hash = |slot: usize| hash_of(&hot[slot], realms, seeds);
        self.index.remove(hash(slot), slot, hash);
        self.move_standing(slot, Standing::of(&self.hot[slot]), Standing::Alive);
        self.in_use.remove(slot);
        self.hot[slot].flags = 0;
        let cold = &self.rest[slot].cold;
        self.rares.release(cold.rare);
        self.paths.release(cold.path);
        self.resting.push(slot as u32);
        self.used -= 1;
    }

    /// Memory that flows have touched so far: slots, index, sets, paths, rare parts and lists. IPv6 addresses are another 32 bytes a
    /// slot, but only once the table has seen one: their pages are not touched before.
    pub fn memory_bytes(&self) -> usize {
        let slots = Arena::<Hot>::bytes_of(self.len) + Arena::<Rest>::bytes_of(self.len);
        let wide = if self.has_wide { Arena::<[[u8; 16]; 2]>::bytes_of(self.len) } else { 0 };
        let sets = [&self.in_use, &self.half_open, &self.closed].map(Bits::memory_bytes).iter().sum::<usize>();
        let lists = (self.free.capacity() + self.resting.capacity()) * size_of::<u32>();
        let parts = self.rares.memory_bytes() + self.paths.memory_bytes() + self.realms.memory_bytes();
        slots + wide + self.index.memory_bytes() + sets + lists + parts
    }

    /// The numbers of ended flows may be given out again.
    pub fn begin_batch(&mut self) {
        self.free.append(&mut self.resting);
    }

    /// Twice in a table's life, within a millisecond or two.
    fn enlarge_index(&mut self) {
        let hot = self.hot.values();
        let limit = SMALL.into_iter().find(|&limit| limit > self.index.limit());
        let mut index = Index::new(limit.map_or(self.capacity, |limit| self.capacity.min(limit)), hot.len());
        for (slot, hot) in hot.iter().enumerate().take(self.len).filter(|(_, hot)| hot.is(Hot::USED)) {
            index.insert(hash_of(hot, &self.realms, self.seeds), slot);
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

fn hash_of(hot: &Hot, realms: &Realms, seeds: Seeds) -> u64 {
    // One side was heard, and what of a realm goes into the hash both sides share.
    let [from_high, from_low] = hot.realms;
    let realm = if from_high == crate::realm::UNHEARD { from_low } else { from_high };
    key::hash_of(hot.pair, hot.ports, realms.salt(realm), hot.protocol, seeds)
}
