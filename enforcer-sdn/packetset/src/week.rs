//! Minutes of the UTC week: when a rule is open.

use crate::RangeSet;

/// Minutes 0 (Monday 00:00 UTC) to 10079 (Sunday 23:59 UTC). Never holds a larger number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WeekSet(RangeSet<u16>);

impl WeekSet {
    pub const MINUTES: u16 = 7 * 24 * 60;

    #[must_use]
    pub const fn never() -> Self {
        Self(RangeSet::empty())
    }

    #[must_use]
    pub const fn always() -> Self {
        Self(RangeSet::fixed(&[(0, Self::MINUTES - 1)]))
    }

    /// From inclusive minute ranges; minutes beyond the week are dropped.
    #[must_use]
    pub fn from_ranges(ranges: impl IntoIterator<Item = (u16, u16)>) -> Self {
        Self(RangeSet::from_ranges(ranges).intersection(&RangeSet::range(0, Self::MINUTES - 1)))
    }

    #[must_use]
    pub const fn minutes(&self) -> &RangeSet<u16> {
        &self.0
    }

    #[must_use]
    pub fn is_always(&self) -> bool {
        *self == Self::always()
    }

    #[must_use]
    pub fn is_never(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn contains(&self, minute: u16) -> bool {
        self.0.contains(minute)
    }
}
