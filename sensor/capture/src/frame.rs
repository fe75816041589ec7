//! One frame as a source hands it over.

use sensor_wire::LinkType;

/// Bytes of one frame, borrowed from the source until the batch ends.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Nanoseconds since the Unix epoch.
    pub seen_at_nanos: i64,
    /// Length on the wire, at least `bytes.len()`.
    pub wire_len: u32,
    pub link: LinkType,
    pub bytes: &'a [u8],
}
