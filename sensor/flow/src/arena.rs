//! Fixed arrays in huge pages that cost memory only where they were touched.
//!
//! At a million flows in random order nearly every access misses the TLB with 4 KiB pages; see `examples/bench_table.rs`.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

use memmap2::{Advice, MmapMut};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What the system gives at a time on x86-64 and most of ARM.
const HUGE_PAGE: usize = 2 << 20;

/// A fixed number of values, all bits zero at first.
#[derive(Debug)]
pub struct Arena<T> {
    mapped: Option<MmapMut>,
    /// Used where the system gives no mapping.
    heap: Vec<T>,
    values: PhantomData<T>,
}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout + Clone> Arena<T> {
    /// For values used from the first on: the beginning stays in small pages, so that a small table costs little.
    pub fn growing(len: usize) -> Self {
        Self::with_huge_pages_from(len, HUGE_PAGE)
    }

    /// For values used anywhere from the start.
    pub fn scattered(len: usize) -> Self {
        Self::with_huge_pages_from(len, 0)
    }

    fn with_huge_pages_from(len: usize, offset: usize) -> Self {
        let bytes = len.saturating_mul(size_of::<T>());
        let mapped = MmapMut::map_anon(bytes).ok();
        if let Some(mapped) = &mapped
            && bytes >= offset + HUGE_PAGE
        {
            // Only a wish: without huge pages it is slower, not wrong.
            let _ = mapped.advise_range(Advice::HugePage, offset, bytes - offset);
        }
        let heap = if mapped.is_some() { Vec::new() } else { vec![T::new_zeroed(); len] };
        Self { mapped, heap, values: PhantomData }
    }

    /// Of the first `len` values.
    pub const fn bytes_of(len: usize) -> usize {
        len * size_of::<T>()
    }

    /// Every value.
    pub fn values(&self) -> &[T] {
        match &self.mapped {
            // A mapping begins at a page and has the right length: this cannot fail.
            Some(mapped) => <[T]>::ref_from_bytes(mapped).unwrap_or_default(),
            None => &self.heap,
        }
    }

    /// Every value, to change.
    pub fn values_mut(&mut self) -> &mut [T] {
        match &mut self.mapped {
            Some(mapped) => <[T]>::mut_from_bytes(mapped).unwrap_or_default(),
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
