//! What only few flows need: out-of-order data, counters beyond 32 bits, long histories. Kept beside the slots, so that
//! the common flow stays small.

/// Blocks ahead of a hole that are remembered for one direction.
const MAX_BLOCKS: usize = 8;
/// Letters kept of one history beyond the packed ones.
const MAX_LETTERS: usize = 244;
/// Zeek's `tcp_max_above_hole_without_any_acks`: so much data above a hole with no acknowledgment at all means that the
/// other direction is not seen, and holes say nothing.
const MAX_ABOVE_HOLE: u32 = 16_384;
/// Bytes that one gap may have and still be believed.
const MAX_GAP: u32 = 1 << 20;

/// The rare part of one flow.
#[derive(Clone, Debug, Default)]
pub struct Rare {
    /// Multiples of 2^32: packets, IP bytes, frame bytes; originator, responder.
    pub carries: [[u32; 3]; 2],
    /// Later IP fragments: packets, IP bytes, frame bytes; originator, responder.
    pub fragments: [[u64; 3]; 2],
    /// Multiples of 256 of the slot's counters.
    pub retransmit_carries: [u32; 2],
    pub zero_window_carries: [u32; 2],
    /// Of the retransmissions, what was none.
    pub keep_alives: [u32; 2],
    pub streams: [Stretch; 2],
    pub gaps: [u32; 2],
    pub missed_bytes: u64,
    /// Last packet after a reset.
    pub trailed_until: Option<i64>,
    /// Gaps of connections that were joined midway as well.
    pub gap_bytes: u64,
    /// The last gap of each side: where it began, and its length. Its data may only have been late.
    pub last_gaps: [(u32, u32); 2],
    pub history: String,
}

impl Rare {
    /// What a mirror of several ports shows after its acknowledgment was not lost.
    pub fn fill_last_gap(&mut self, side: usize, start: u32, end: u32) {
        let (from, len) = self.last_gaps[side];
        let to = from.wrapping_add(len);
        let (start, end) = (upper(start, from), lower(end, to));
        if len > 0 && before(start, end) {
            let filled = end.wrapping_sub(start);
            self.gap_bytes = self.gap_bytes.saturating_sub(u64::from(filled));
            // What is left of it, as long as it is one piece.
            self.last_gaps[side] = if start == from { (end, to.wrapping_sub(end)) } else { (from, start.wrapping_sub(from)) };
        }
    }

    pub fn push_letter(&mut self, letter: char) {
        if self.history.len() < MAX_LETTERS {
            self.history.push(letter);
        }
    }
}

impl Rare {
    /// The originator becomes the responder.
    pub fn exchange_sides(&mut self) {
        self.carries.reverse();
        self.fragments.reverse();
        self.streams.reverse();
        self.last_gaps.reverse();
        for pair in [&mut self.retransmit_carries, &mut self.zero_window_carries, &mut self.keep_alives, &mut self.gaps] {
            pair.reverse();
        }
        let exchange =
            |letter: char| if letter.is_ascii_uppercase() { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() };
        self.history = self.history.chars().map(exchange).collect();
    }
}

/// Where one direction of a TCP stream is not contiguous.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    /// Something is missing between `next` and the highest sequence number.
    pub open: bool,
    /// Holes say nothing here any more.
    gave_up: bool,
    /// A FIN or RST waits for the missing data (Zeek closes the side only then).
    pub close_waits: bool,
    /// Everything below was seen or given up.
    pub next: u32,
    /// Highest acknowledgment while it is beyond the highest sequence number seen.
    pub acked: Option<u32>,
    blocks: [(u32, u32); MAX_BLOCKS],
    len: u8,
}

impl Stretch {
    /// Begins a hole at `next`.
    pub fn begin(&mut self, next: u32) {
        if !self.open {
            self.open = true;
            self.next = next;
            self.len = 0;
        }
    }

    /// Data from `start` to `end` arrived; true when any of it is new.
    pub fn arrive(&mut self, start: u32, end: u32) -> bool {
        if before(self.next, start) { self.insert(start, end) } else { self.advance(end) }
    }

    /// All of it can be forgotten: the stream is contiguous up to `last`.
    pub fn is_whole(&self, last: u32, fin_seen: bool) -> bool {
        let end = if fin_seen { last.wrapping_sub(1) } else { last };
        self.len == 0 && !before(self.next, end) && self.acked.is_none_or(|acked| !before(last, acked))
    }

    /// The peer acknowledged up to `upto`: what was not seen by now never will be. Calls `gap` with the start and length of each.
    pub fn acknowledge(&mut self, upto: u32, mut gap: impl FnMut(u32, u32)) {
        if self.gave_up || !before(self.next, upto) {
            return;
        }
        while self.len > 0 && before(self.blocks[0].0, upto) {
            let (start, end) = self.blocks[0];
            gap(self.next, start.wrapping_sub(self.next));
            self.remove_first();
            self.next = end;
        }
        if before(self.next, upto) {
            gap(self.next, upto.wrapping_sub(self.next));
            self.next = upto;
            self.absorb();
        }
    }

    /// No acknowledgment was ever seen: gives up when too much is above the hole.
    pub fn without_acks(&mut self) {
        let top = if self.len > 0 { self.blocks[self.len as usize - 1].1 } else { self.next };
        self.gave_up |= top.wrapping_sub(self.next) > MAX_ABOVE_HOLE;
    }

    fn advance(&mut self, end: u32) -> bool {
        let new = before(self.next, end);
        if new {
            self.next = end;
            self.absorb();
        }
        new
    }

    fn absorb(&mut self) {
        while self.len > 0 && !before(self.next, self.blocks[0].0) {
            let end = self.blocks[0].1;
            self.remove_first();
            if before(self.next, end) {
                self.next = end;
            }
        }
    }

    fn remove_first(&mut self) {
        self.blocks.copy_within(1..self.len as usize, 0);
        self.len -= 1;
    }

    /// Keeps the blocks sorted and apart. With no room left the last block swallows what is above it, which can only
    /// understate what was missed.
    fn insert(&mut self, start: u32, end: u32) -> bool {
        let len = self.len as usize;
        let first = self.blocks[..len].iter().position(|block| !before(block.1, start)).unwrap_or(len);
        let mut merged = (start, end);
        let mut past = first;
        let mut covered = false;
        while past < len && !before(merged.1, self.blocks[past].0) {
            let block = self.blocks[past];
            covered |= !before(start, block.0) && !before(block.1, end);
            merged = (lower(merged.0, block.0), upper(merged.1, block.1));
            past += 1;
        }
        if past > first {
            self.blocks[first] = merged;
            self.blocks.copy_within(past..len, first + 1);
            self.len -= (past - first - 1) as u8;
        } else if len < MAX_BLOCKS {
            self.blocks.copy_within(first..len, first + 1);
            self.blocks[first] = merged;
            self.len += 1;
        } else {
            let slot = first.min(len - 1);
            self.blocks[slot] = (lower(self.blocks[slot].0, start), upper(self.blocks[slot].1, end));
        }
        !covered
    }
}

/// Counts a gap, unless it is longer than anything that is lost at once: an acknowledgment out of nothing.
pub fn note_gap(gap_bytes: &mut u64, last_gap: &mut (u32, u32), gap: (u32, u32)) {
    if gap.1 <= MAX_GAP {
        *gap_bytes = gap_bytes.saturating_add(u64::from(gap.1));
        *last_gap = gap;
    }
}

/// `a` comes before `b` in sequence space (RFC 9293 3.4).
pub const fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

const fn lower(a: u32, b: u32) -> u32 {
    if before(b, a) { b } else { a }
}

const fn upper(a: u32, b: u32) -> u32 {
    if before(a, b) { b } else { a }
}

/// Rare parts by number, bounded; 0 is none.
#[derive(Debug)]
pub struct Rares {
    parts: Vec<Rare>,
    free: Vec<u32>,
    limit: usize,
}

impl Rares {
    pub fn new(limit: usize) -> Self {
        Self { parts: Vec::new(), free: Vec::new(), limit }
    }

    pub fn get(&self, number: u32) -> Option<&Rare> {
        self.parts.get((number as usize).checked_sub(1)?)
    }

    pub fn get_mut(&mut self, number: u32) -> Option<&mut Rare> {
        self.parts.get_mut((number as usize).checked_sub(1)?)
    }

    /// The part of `number`, made when it is 0; None at the limit.
    pub fn of(&mut self, number: &mut u32) -> Option<&mut Rare> {
        if *number == 0 && self.free.is_empty() && self.parts.len() >= self.limit {
            return None;
        }
        self.beyond_limit(number)
    }

    /// The part of `number`, made when it is 0.
    pub fn beyond_limit(&mut self, number: &mut u32) -> Option<&mut Rare> {
        if *number == 0 {
            *number = self.free.pop().unwrap_or_else(|| {
                self.parts.push(Rare::default());
                u32::try_from(self.parts.len()).unwrap_or(0)
            });
        }
        self.get_mut(*number)
    }

    pub fn memory_bytes(&self) -> usize {
        let histories: usize = self.parts.iter().map(|part| part.history.capacity()).sum();
        self.parts.capacity() * size_of::<Rare>() + self.free.capacity() * size_of::<u32>() + histories
    }

    pub fn release(&mut self, number: u32) {
        if let Some(part) = self.get_mut(number) {
            *part = Rare::default();
            self.free.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missed_by(stretch: &mut Stretch, upto: u32) -> Vec<u32> {
        let mut gaps = Vec::new();
        stretch.acknowledge(upto, |_, len| gaps.push(len));
        gaps
    }

    #[test]
    fn reordered_data_leaves_no_gap() {
        let mut stretch = Stretch::default();
        stretch.begin(100);
        assert!(stretch.arrive(300, 400) && stretch.arrive(200, 300) && stretch.arrive(100, 200));
        assert!(stretch.is_whole(400, false));
        assert_eq!(missed_by(&mut stretch, 400), []);
    }

    #[test]
    fn an_acknowledged_hole_is_missed_once_and_across_the_wrap() {
        let mut stretch = Stretch::default();
        stretch.begin(u32::MAX - 9);
        stretch.arrive(10, 30);
        stretch.arrive(50, 60);
        assert_eq!(missed_by(&mut stretch, 60), [20, 20]);
        assert_eq!(missed_by(&mut stretch, 60), []);
        assert!(!stretch.arrive(0, 10));
    }

    #[test]
    fn a_block_seen_before_is_not_new() {
        let mut stretch = Stretch::default();
        stretch.begin(0);
        assert!(stretch.arrive(100, 200));
        assert!(!stretch.arrive(120, 180));
        assert!(stretch.arrive(150, 250));
    }

    #[test]
    fn more_holes_than_remembered_understate_the_loss() {
        let mut stretch = Stretch::default();
        stretch.begin(0);
        for number in 1..=20 {
            stretch.arrive(number * 100, number * 100 + 10);
        }
        let missed: u32 = missed_by(&mut stretch, 2_010).iter().sum();
        assert!((1..=1_800).contains(&missed), "{missed}");
    }
}
