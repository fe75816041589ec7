//! Sets of whole numbers as sorted, disjoint, non-adjacent inclusive ranges.

use std::fmt::Debug;

/// A number with neighbours.
pub trait Step: Copy + Ord + Debug {
    const MIN: Self;
    const MAX: Self;
    /// The next number; None at the top.
    fn next(self) -> Option<Self>;
    /// The number before; None at the bottom.
    fn previous(self) -> Option<Self>;
}

macro_rules! step {
    ($($number:ty),*) => {$(
        impl Step for $number {
            const MIN: Self = <$number>::MIN;
            const MAX: Self = <$number>::MAX;
            fn next(self) -> Option<Self> { self.checked_add(1) }
            fn previous(self) -> Option<Self> { self.checked_sub(1) }
        }
    )*};
}
step!(u8, u16, u32, u128);

/// A set of numbers; equal sets are equal values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RangeSet<T>(Vec<(T, T)>);

impl<T: Step> Default for RangeSet<T> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T: Step> RangeSet<T> {
    #[must_use]
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    #[must_use]
    pub fn full() -> Self {
        Self(vec![(T::MIN, T::MAX)])
    }

    #[must_use]
    pub fn of(value: T) -> Self {
        Self(vec![(value, value)])
    }

    /// Both ends included; empty when `first > last`.
    #[must_use]
    pub fn range(first: T, last: T) -> Self {
        if first > last { Self::empty() } else { Self(vec![(first, last)]) }
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
        Self(merged)
    }

    /// The ranges, ascending.
    #[must_use]
    pub fn ranges(&self) -> &[(T, T)] {
        &self.0
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0 == [(T::MIN, T::MAX)]
    }

    #[must_use]
    pub fn contains(&self, value: T) -> bool {
        self.0
            .partition_point(|&(first, _)| first <= value)
            .checked_sub(1)
            .and_then(|at| self.0.get(at))
            .is_some_and(|&(_, last)| value <= last)
    }

    /// The smallest member.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.0.first().map(|&(first, _)| first)
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_ranges(self.0.iter().chain(&other.0).copied())
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.0.iter().copied().peekable(), other.0.iter().copied().peekable());
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
        Self(shared)
    }

    #[must_use]
    pub fn complement(&self) -> Self {
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        let mut start = Some(T::MIN);
        for &(first, last) in &self.0 {
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
        Self(gaps)
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
