//! A checked window on the captured bytes of one layer: reads return `None` past the end, and nothing can index outside.

/// The bytes of a layer from some header on, and how many there were on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    bytes: &'a [u8],
    /// Of `bytes` within the frame.
    offset: u32,
    /// Bytes from here to the end of the layer on the wire; never below `bytes.len()`.
    wire_len: u32,
}

/// A part of a view.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    skip: u32,
    wire_len: u32,
}

impl<'a> View<'a> {
    pub(crate) fn of_frame(frame: &'a [u8], wire_len: u32) -> Self {
        Self { bytes: frame, offset: 0, wire_len: wire_len.max(as_len(frame.len())) }
    }

    #[inline(always)]
    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) const fn offset(&self) -> u32 {
        self.offset
    }

    pub(crate) const fn wire_len(&self) -> u32 {
        self.wire_len
    }

    #[inline(always)]
    pub(crate) fn captured(&self) -> u32 {
        as_len(self.bytes.len())
    }

    /// Everything that was on the wire is here.
    pub(crate) fn is_whole(&self) -> bool {
        self.captured() == self.wire_len
    }

    /// The first `N` bytes.
    #[inline(always)]
    pub(crate) fn head<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.bytes.first_chunk()
    }

    #[inline(always)]
    pub(crate) fn u8_at(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    pub(crate) fn u16_at(&self, at: usize) -> Option<u16> {
        self.bytes.get(at..)?.first_chunk().map(|pair| u16::from_be_bytes(*pair))
    }

    pub(crate) fn u32_at(&self, at: usize) -> Option<u32> {
        self.bytes.get(at..)?.first_chunk().map(|quad| u32::from_be_bytes(*quad))
    }

    /// What follows a header of `len` bytes; None when the header is not whole in the capture.
    #[inline(always)]
    pub(crate) fn after(&self, len: u32) -> Option<Self> {
        let bytes = self.bytes.get(len as usize..)?;
        Some(Self { bytes, offset: self.offset.saturating_add(len), wire_len: self.wire_len.saturating_sub(len) })
    }

    /// Where `inside`, a part of this view, lies in it. Two numbers, because a view that comes back from a call through memory costs more to
    /// read than to make anew.
    pub(crate) const fn place_of(&self, inside: &Self) -> Place {
        Place { skip: inside.offset.saturating_sub(self.offset), wire_len: inside.wire_len }
    }

    #[inline(always)]
    pub(crate) fn at(&self, place: Place) -> Option<Self> {
        self.after(place.skip).map(|rest| rest.limited_to(place.wire_len))
    }

    /// What follows `len` bytes, empty when they are more than there are.
    #[inline(always)]
    pub(crate) fn after_at_most(&self, len: u32) -> Self {
        let captured = len.min(self.captured());
        let bytes = self.bytes.get(captured as usize..).unwrap_or_default();
        Self { bytes, offset: self.offset.saturating_add(captured), wire_len: self.wire_len.saturating_sub(len) }
    }

    /// At least `len` bytes were on the wire, though not in this frame.
    #[inline(always)]
    pub(crate) fn claiming(&self, len: u32) -> Self {
        Self { wire_len: self.wire_len.max(len), ..*self }
    }

    /// The first `len` bytes of the layer: what comes later is padding or a trailer.
    #[inline(always)]
    pub(crate) fn limited_to(&self, len: u32) -> Self {
        let captured = len.min(self.captured());
        let bytes = self.bytes.get(..captured as usize).unwrap_or_default();
        Self { bytes, offset: self.offset, wire_len: self.wire_len.min(len) }
    }
}

/// A slice length as the header fields count it; frames above 4 GiB do not exist.
pub(crate) fn as_len(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_never_leaves_its_layer() {
        let view = View::of_frame(&[1, 2, 3, 4, 5, 6], 10);
        let inner = view.after(2).expect("captured").limited_to(3);
        assert_eq!((inner.bytes(), inner.offset(), inner.wire_len()), (&[3, 4, 5][..], 2, 3));
        assert_eq!(inner.u16_at(2), None);
        assert_eq!(inner.after(4).map(|v| v.captured()), None);
        assert_eq!(inner.after_at_most(4).captured(), 0);
    }

    #[test]
    fn a_part_is_found_again_by_its_place() {
        let view = View::of_frame(&[1, 2, 3, 4, 5, 6], 10).after(1).expect("captured");
        for inside in [view.after(2).expect("captured").limited_to(6), view.limited_to(4).after(3).expect("captured"), view] {
            let found = view.at(view.place_of(&inside)).expect("captured");
            assert_eq!((found.bytes(), found.offset(), found.wire_len()), (inside.bytes(), inside.offset(), inside.wire_len()));
        }
    }

    #[test]
    fn the_wire_length_is_never_below_what_was_captured() {
        assert_eq!(View::of_frame(&[0; 20], 4).wire_len(), 20);
    }
}
