//! One direction of a TCP connection, put back in order from its front, within a fixed budget.

/// Most segments that wait for an earlier one. A tap rarely sees a reordering deeper than this; a lost packet fills it.
const MAX_PENDING: usize = 4;

/// Bytes of one direction that have arrived and nobody has read yet.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Stream offset of the first byte that has not arrived.
    next: u32,
    /// Bytes still to pass over: the rest of a message that nobody wants.
    skip: u32,
    /// In order, not yet consumed; ends at `next`.
    buffer: Vec<u8>,
    /// Arrived too early, by arrival.
    pending: Vec<(u32, Vec<u8>)>,
    /// Nothing more is kept.
    closed: bool,
    /// Bytes did not fit in the buffer: what follows it is lost.
    cut: bool,
    /// The next segment is taken wherever it stands.
    anywhere: bool,
}

/// What a segment did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// New bytes stand at the end of the buffer.
    InOrder,
    /// Old, early or unwanted.
    Nothing,
    /// Bytes are lost: the buffer was dropped and holds what came after them.
    Gap,
}

impl Stream {
    /// Most bytes kept in order. A TLS hello with post-quantum shares and a session ticket stays well below.
    pub const MAX_IN_ORDER: usize = 10 * 1024;
    /// Most bytes kept that wait for earlier ones: four full Ethernet segments.
    const MAX_WAITING: usize = 6 * 1024;
    pub const MAX_BYTES: usize = Self::MAX_IN_ORDER + Self::MAX_WAITING;

    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    pub fn close(&mut self) {
        *self = Self { next: self.next, closed: true, ..Self::default() };
    }

    /// Listens again, from the next segment on, whatever its place.
    pub fn reopen(&mut self) {
        self.anywhere |= std::mem::take(&mut self.closed);
    }

    /// Bytes were lost for want of room; read what is here and close.
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// True when this segment can be read where it lies, without a copy: nothing waits before it.
    pub fn continues_at(&self, offset: u32) -> bool {
        !self.closed
            && self.skip == 0
            && self.buffer.is_empty()
            && self.pending.is_empty()
            && (offset == self.next || self.anywhere)
    }

    /// Counts a segment as arrived and its first `read` bytes as consumed.
    pub fn pass(&mut self, offset: u32, payload: &[u8], read: usize) {
        self.anywhere = false;
        self.next = offset.wrapping_add(as_u32(payload.len()));
        self.keep(payload.get(read..).unwrap_or_default());
        self.consume(read.saturating_sub(payload.len()));
    }

    /// Hands out the unread bytes, to be given back before anything else happens.
    pub fn lend(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Takes the bytes back and consumes the first `read` of them.
    pub fn give_back(&mut self, bytes: Vec<u8>, read: usize) {
        self.buffer = bytes;
        self.consume(read);
    }

    pub fn arrive(&mut self, offset: u32, payload: &[u8]) -> Arrival {
        if self.closed || payload.is_empty() {
            return Arrival::Nothing;
        }
        if std::mem::take(&mut self.anywhere) {
            self.next = offset;
        }
        // Offsets wrap at 4 GiB: the sign of the distance tells early from late (RFC 9293 3.4).
        if distance(self.next, offset) > 0 {
            return self.arrive_early(offset, payload);
        }
        if !self.append(offset, payload) {
            return Arrival::Nothing;
        }
        while let Some(at) = self.pending.iter().position(|(offset, _)| distance(self.next, *offset) <= 0) {
            let (offset, bytes) = self.pending.swap_remove(at);
            self.append(offset, &bytes);
        }
        Arrival::InOrder
    }

    fn arrive_early(&mut self, offset: u32, payload: &[u8]) -> Arrival {
        let waiting = self.pending.iter().fold(payload.len(), |sum, (_, bytes)| sum.saturating_add(bytes.len()));
        let fits = waiting <= Self::MAX_WAITING;
        if self.pending.len() < MAX_PENDING && fits {
            self.pending.push((offset, payload.to_vec()));
            return Arrival::Nothing;
        }
        let mut pieces = std::mem::take(&mut self.pending);
        pieces.push((offset, payload.to_vec()));
        pieces.sort_by_key(|(offset, _)| distance(self.next, *offset));
        self.buffer.clear();
        self.skip = 0;
        for (offset, bytes) in pieces {
            // A further gap among the pieces: only what follows the last one is whole.
            if distance(self.next, offset) > 0 {
                self.buffer.clear();
                self.next = offset;
            }
            self.append(offset, &bytes);
        }
        Arrival::Gap
    }

    /// Appends the part that is new; false when there is none.
    fn append(&mut self, offset: u32, payload: &[u8]) -> bool {
        let known = self.next.wrapping_sub(offset) as usize;
        let Some(new) = payload.get(known..).filter(|new| !new.is_empty()) else {
            return false;
        };
        self.next = self.next.wrapping_add(as_u32(new.len()));
        let skipped = (self.skip as usize).min(new.len());
        self.skip = self.skip.saturating_sub(as_u32(skipped));
        self.keep(new.get(skipped..).unwrap_or_default());
        true
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = Self::MAX_IN_ORDER.saturating_sub(self.buffer.len());
        self.cut |= room < bytes.len();
        self.buffer.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Takes `len` bytes from the front; those that have not arrived yet will be passed over.
    fn consume(&mut self, len: usize) {
        let now = len.min(self.buffer.len());
        self.buffer.drain(..now);
        self.skip = self.skip.saturating_add(as_u32(len.saturating_sub(now)));
    }
}

fn as_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// How far `offset` lies behind `from`, negative when before it, on the circle of 2^32.
const fn distance(from: u32, offset: u32) -> i32 {
    offset.wrapping_sub(from).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn swapped_segments_come_out_in_order() {
        let mut stream = Stream::default();
        assert_eq!(stream.arrive(3, b"def"), Arrival::Nothing);
        assert_eq!(stream.arrive(0, b"abc"), Arrival::InOrder);
        assert_eq!(stream.bytes(), b"abcdef");
    }

    #[test]
    fn a_repeated_or_overlapping_segment_adds_only_what_is_new() {
        let mut stream = Stream::default();
        stream.arrive(0, b"abcd");
        assert_eq!(stream.arrive(0, b"abcd"), Arrival::Nothing);
        assert_eq!(stream.arrive(2, b"cdef"), Arrival::InOrder);
        assert_eq!(stream.bytes(), b"abcdef");
    }

    #[test]
    fn a_lost_segment_is_a_gap_once_enough_came_after_it() {
        let mut stream = Stream::default();
        stream.arrive(0, b"abc");
        let arrivals: Vec<_> = (0..5).map(|n| stream.arrive(10 + n * 2, b"xy")).collect();
        assert_eq!(arrivals.last(), Some(&Arrival::Gap));
        assert_eq!(stream.bytes(), b"xyxyxyxyxy");
    }

    #[test]
    fn a_message_longer_than_its_segment_is_passed_over() {
        let mut stream = Stream::default();
        stream.arrive(0, b"abc");
        stream.consume(5);
        stream.arrive(3, b"defg");
        assert_eq!(stream.bytes(), b"fg");
    }

    #[test]
    fn offsets_wrap_after_four_gigabytes() {
        let mut stream = Stream { next: u32::MAX, ..Stream::default() };
        assert_eq!(stream.arrive(u32::MAX, b"ab"), Arrival::InOrder);
        assert_eq!(stream.arrive(1, b"c"), Arrival::InOrder);
        assert_eq!(stream.bytes(), b"abc");
    }

    proptest! {
        #[test]
        fn memory_stays_within_the_budget(segments in proptest::collection::vec((any::<u32>(), 0usize..3000), 0..64)) {
            let mut stream = Stream::default();
            for (offset, len) in segments {
                stream.arrive(offset % 40_000, &vec![0; len]);
                let waiting: usize = stream.pending.iter().map(|(_, bytes)| bytes.len()).sum();
                prop_assert!(stream.buffer.len() <= Stream::MAX_IN_ORDER && waiting <= Stream::MAX_WAITING);
            }
        }
    }
}
