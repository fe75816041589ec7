//! Fixed arrays in huge pages that cost memory only where they were touched.
//!
//! At a million flows in random order nearly every access misses the TLB with 4 KiB pages; see `examples/bench_table.rs`.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut, Range};

use memmap2::{Advice, MmapMut};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What the system gives at a time on x86-64 and most of ARM.
const HUGE_PAGE: usize = 2 << 20;
/// So much of an arena that grows stays in small pages.
const SMALL_START: usize = 256 << 10;

/// A fixed number of values, all bits zero at first.
#[derive(Debug)]
pub struct Arena<T> {
    mapped: Option<MmapMut>,
    /// Where in the mapping the values are, in bytes.
    place: Range<usize>,
    /// Used where the system gives no mapping.
    heap: Vec<T>,
    values: PhantomData<T>,
}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout + Clone> Arena<T> {
    /// For values used from the first on: the beginning stays in small pages, so that a small table costs little.
    pub fn growing(len: usize) -> Self {
        Self::with_huge_pages_from(len, SMALL_START)
    }

    /// For values used anywhere from the start.
    pub fn scattered(len: usize) -> Self {
        Self::with_huge_pages_from(len, 0)
    }

    /// The byte at `offset` is the first of a huge page. The mapping is longer for that; what nobody touches costs nothing.
    fn with_huge_pages_from(len: usize, offset: usize) -> Self {
        let bytes = len.saturating_mul(size_of::<T>());
        let is_large = bytes >= offset + HUGE_PAGE;
        let mapped = MmapMut::map_anon(if is_large { bytes.saturating_add(HUGE_PAGE) } else { bytes }).ok();
        let mut start = 0;
        if let (true, Some(mapped)) = (is_large, &mapped) {
            let huge = mapped.as_ptr().addr().wrapping_add(offset).next_multiple_of(HUGE_PAGE) - mapped.as_ptr().addr();
            start = huge - offset;
            // Only a wish: without huge pages it is slower, not wrong.
            let _ = mapped.advise_range(Advice::HugePage, huge, bytes - offset);
        }
        let heap = if mapped.is_some() { Vec::new() } else { vec![T::new_zeroed(); len] };
        Self { mapped, place: start..start + bytes, heap, values: PhantomData }
    }

    /// Of the first `len` values.
    pub const fn bytes_of(len: usize) -> usize {
        len * size_of::<T>()
    }

    /// Every value.
    pub fn values(&self) -> &[T] {
        match &self.mapped {
            // Values begin at a page and have the right length: this cannot fail.
            Some(mapped) => {
                mapped.get(self.place.clone()).and_then(|bytes| <[T]>::ref_from_bytes(bytes).ok()).unwrap_or_default()
            }
            None => &self.heap,
        }
    }

    /// Every value, to change.
    pub fn values_mut(&mut self) -> &mut [T] {
        match &mut self.mapped {
            Some(mapped) => {
                mapped.get_mut(self.place.clone()).and_then(|bytes| <[T]>::mut_from_bytes(bytes).ok()).unwrap_or_default()
            }
            None => &mut self.heap,
        }
    }
}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout + Clone> Index<usize> for Arena<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.values()[at]
    }
}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout + Clone> IndexMut<usize> for Arena<T> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.values_mut()[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_zero_until_they_are_set() {
        let mut arena = Arena::<u64>::growing(100_000);
        assert_eq!((arena.values().len(), arena[99_999]), (100_000, 0));
        arena[7] = 5;
        assert_eq!(arena.values().iter().sum::<u64>(), 5);
    }
}
