//! Frames of one stretch of a capture together with the bytes they lie in.

use sensor_wire::LinkType;

use crate::Frame;

/// A stretch of a capture; refilled again and again, it keeps its memory, so that a small one stays in the cache.
#[derive(Debug, Default)]
pub struct Chunk {
    pub(super) spans: Vec<Span>,
    pub(super) buffer: Vec<u8>,
    /// How much of `buffer` came from the file.
    pub(super) filled: usize,
}

/// Where one frame lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    seen_at_nanos: i64,
    start: usize,
    len: u32,
    wire_len: u32,
    link: LinkType,
}

impl Span {
    /// Of a frame that lies within `buffer`.
    #[inline]
    pub fn within(buffer: &[u8], frame: &Frame<'_>) -> Self {
        let start = frame.bytes.as_ptr().addr().wrapping_sub(buffer.as_ptr().addr());
        // Frames are bounded by `frame_limit`.
        let len = frame.bytes.len() as u32;
        Self { seen_at_nanos: frame.seen_at_nanos, start, len, wire_len: frame.wire_len, link: frame.link }
    }
}

impl Chunk {
    /// Bytes that it holds.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.filled as u64
    }

    /// The frames, in the order of the capture.
    #[must_use]
    pub fn frames(&self) -> Vec<Frame<'_>> {
        let frame = |span: &Span| Frame {
            seen_at_nanos: span.seen_at_nanos,
            wire_len: span.wire_len,
            link: span.link,
            bytes: self.buffer.get(span.start..span.start.saturating_add(span.len as usize)).unwrap_or_default(),
        };
        self.spans.iter().map(frame).collect()
    }
}
