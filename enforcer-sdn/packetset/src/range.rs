//! Sets of whole numbers as sorted, disjoint, non-adjacent inclusive ranges.

use std::fmt;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A number with neighbours.
pub trait Number: Copy + Ord + Debug + Hash + 'static {
    const MIN: Self;
    const MAX: Self;
    /// The one range that holds every number.
    const WHOLE: &'static [(Self, Self)];
    /// The next number; None at the top.
    fn next(self) -> Option<Self>;
    /// The number before; None at the bottom.
    fn previous(self) -> Option<Self>;
}

macro_rules! step {
    ($($number:ty),*) => {$(
        impl Number for $number {
            const MIN: Self = <$number>::MIN;
            const MAX: Self = <$number>::MAX;
            const WHOLE: &'static [(Self, Self)] = &[(<$number>::MIN, <$number>::MAX)];
            fn next(self) -> Option<Self> { self.checked_add(1) }
            fn previous(self) -> Option<Self> { self.checked_sub(1) }
        }
    )*};
}
step!(u8, u16, u32, u128);

/// A set of numbers; equal sets are equal values. A copy shares its ranges, so that ten thousand rules about one zone hold it once.
#[derive(Clone)]
pub struct RangeSet<T: 'static>(Ranges<T>);

#[derive(Clone)]
enum Ranges<T: 'static> {
    Fixed(&'static [(T, T)]),
    Shared(Arc<[(T, T)]>),
}

impl<T: Number> Default for RangeSet<T> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T> RangeSet<T> {
    #[must_use]
    pub const fn empty() -> Self {
        Self(Ranges::Fixed(&[]))
    }

    /// The caller promises that the ranges are ascending, disjoint and not adjacent.
    pub(crate) const fn fixed(ranges: &'static [(T, T)]) -> Self {
        Self(Ranges::Fixed(ranges))
    }

    /// The ranges, ascending.
    #[must_use]
    pub fn ranges(&self) -> &[(T, T)] {
        match &self.0 {
            Ranges::Fixed(ranges) => ranges,
            Ranges::Shared(ranges) => ranges,
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges().is_empty()
    }
}

impl<T: Number> RangeSet<T> {
    #[must_use]
    pub const fn full() -> Self {
        Self(Ranges::Fixed(T::WHOLE))
    }

    #[must_use]
    pub fn of(value: T) -> Self {
        Self::range(value, value)
    }

    /// Both ends included; empty when `first > last`.
    #[must_use]
    pub fn range(first: T, last: T) -> Self {
        if first > last { Self::empty() } else { Self::sorted(&[(first, last)]) }
    }

    /// From ranges that are already ascending, disjoint and not adjacent.
    fn sorted(ranges: &[(T, T)]) -> Self {
        match ranges {
            [] => Self::empty(),
            [(first, last)] if (*first, *last) == (T::MIN, T::MAX) => Self::full(),
            _ => Self(Ranges::Shared(Arc::from(ranges))),
        }
    }

    /// From inclusive ranges in any order, overlapping or not.
    #[must_use]
    pub fn from_ranges(ranges: impl IntoIterator<Item = (T, T)>) -> Self {
        let mut sorted: Vec<(T, T)> = ranges.into_iter().filter(|(first, last)| first <= last).collect();
        sorted.sort_unstable();
        let mut merged: Vec<(T, T)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match merged.last_mut() {
                Some((_, end)) if end.next().is_none_or(|after| first <= after) => *end = (*end).max(last),
                _ => merged.push((first, last)),
            }
        }
        Self::sorted(&merged)
    }

    #[must_use]
    pub fn is_full(&self) -> bool {
        self.ranges() == T::WHOLE
    }

    #[must_use]
    pub fn contains(&self, value: T) -> bool {
        let ranges = self.ranges();
        ranges
            .partition_point(|&(first, _)| first <= value)
            .checked_sub(1)
            .and_then(|at| ranges.get(at))
            .is_some_and(|&(_, last)| value <= last)
    }

    /// The smallest member.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.ranges().first().map(|&(first, _)| first)
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_ranges(self.ranges().iter().chain(other.ranges()).copied())
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.ranges().iter().copied().peekable(), other.ranges().iter().copied().peekable());
        let mut shared = Vec::new();
        while let (Some(&(a, b)), Some(&(c, d))) = (left.peek(), right.peek()) {
            if a.max(c) <= b.min(d) {
                shared.push((a.max(c), b.min(d)));
            }
            if b < d {
                left.next()
            } else {
                right.next()
            };
        }
        Self::sorted(&shared)
    }

    #[must_use]
    pub fn complement(&self) -> Self {
        let mut gaps = Vec::with_capacity(self.ranges().len() + 1);
        let mut start = Some(T::MIN);
        for &(first, last) in self.ranges() {
            if let (Some(from), Some(to)) = (start, first.previous())
                && from <= to
            {
                gaps.push((from, to));
            }
            start = last.next();
        }
        if let Some(from) = start {
            gaps.push((from, T::MAX));
        }
        Self::sorted(&gaps)
    }

    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.intersection(&other.complement())
    }

    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }
}

impl<T: PartialEq> PartialEq for RangeSet<T> {
    fn eq(&self, other: &Self) -> bool {
        let (left, right) = (self.ranges(), other.ranges());
        std::ptr::eq(left, right) || left == right
    }
}

impl<T: Eq> Eq for RangeSet<T> {}

impl<T: Ord> PartialOrd for RangeSet<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> Ord for RangeSet<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.ranges().cmp(other.ranges())
    }
}

impl<T: Hash> Hash for RangeSet<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ranges().hash(state);
    }
}

impl<T: Debug> Debug for RangeSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RangeSet").field(&self.ranges()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(set: &RangeSet<u8>) -> Vec<u8> {
        (0..=255).filter(|&n| set.contains(n)).collect()
    }

    #[test]
    fn operations_agree_with_membership() {
        let sets = [
            RangeSet::empty(),
            RangeSet::full(),
            RangeSet::of(0),
            RangeSet::of(255),
            RangeSet::from_ranges([(3, 9), (10, 12), (200, 255)]),
            RangeSet::from_ranges([(0, 5), (7, 7), (9, 210)]),
        ];
        for a in &sets {
            assert_eq!(members(&a.complement()), (0..=255).filter(|n| !a.contains(*n)).collect::<Vec<_>>());
            for b in &sets {
                assert_eq!(members(&a.union(b)), (0..=255).filter(|n| a.contains(*n) || b.contains(*n)).collect::<Vec<_>>());
                assert_eq!(
                    members(&a.intersection(b)),
                    (0..=255).filter(|n| a.contains(*n) && b.contains(*n)).collect::<Vec<_>>()
                );
                assert_eq!(
                    members(&a.difference(b)),
                    (0..=255).filter(|n| a.contains(*n) && !b.contains(*n)).collect::<Vec<_>>()
                );
            }
        }
    }

    #[test]
    fn adjacent_ranges_become_one() {
        assert_eq!(RangeSet::from_ranges([(5u8, 9), (0, 4)]).ranges(), &[(0, 9)]);
    }
}
