//! Rules by where their packets come from: those that can meet a selector are found without asking all.

use enforcer_packetset::{AddressSet, Number, RangeSet};

use crate::ruleset::PointRule;

/// Sources of rules, by IP version.
pub struct Near([Intervals; 2]);

impl Near {
    pub fn of(rules: &[PointRule]) -> Self {
        let numbered = || (0..).zip(rules);
        let v4 = numbered().flat_map(|(at, rule)| spread(&rule.selector.source.v4, at)).collect();
        let v6 = numbered().flat_map(|(at, rule)| spread(&rule.selector.source.v6, at)).collect();
        Self([Intervals::new(v4), Intervals::new(v6)])
    }

    /// Places below `before` of the rules whose source has an address in common with `source`, ascending.
    pub fn meeting(&self, source: &AddressSet, before: usize) -> Vec<usize> {
        let mut places = Vec::new();
        let [v4, v6] = &self.0;
        spread(&source.v4, 0).for_each(|(first, last, _)| v4.overlapping((first, last), before, &mut places));
        spread(&source.v6, 0).for_each(|(first, last, _)| v6.overlapping((first, last), before, &mut places));
        places.sort_unstable();
        places.dedup();
        places
    }
}

fn spread<T: Number + Into<u128>>(set: &RangeSet<T>, at: usize) -> impl Iterator<Item = (u128, u128, usize)> {
    set.ranges().iter().map(move |&(first, last)| (first.into(), last.into(), at))
}

/// Ranges by their first value, and over them a tree: of each half the largest last value and the lowest place.
struct Intervals {
    sorted: Vec<(u128, u128, usize)>,
    /// Node 1 is the root, nodes 2n and 2n + 1 are the halves of n.
    halves: Vec<Half>,
}

#[derive(Clone, Copy)]
struct Half {
    largest: u128,
    lowest: usize,
}

impl Half {
    const EMPTY: Self = Self { largest: 0, lowest: usize::MAX };

    fn and(self, other: Self) -> Self {
        Self { largest: self.largest.max(other.largest), lowest: self.lowest.min(other.lowest) }
    }
}

impl Intervals {
    fn new(mut sorted: Vec<(u128, u128, usize)>) -> Self {
        sorted.sort_unstable();
        let leaves = sorted.len().next_power_of_two();
        let mut halves = vec![Half::EMPTY; leaves];
        halves.extend(sorted.iter().map(|&(_, largest, lowest)| Half { largest, lowest }));
        halves.resize(2 * leaves, Half::EMPTY);
        for node in (1..leaves).rev() {
            let below = |at: usize| halves.get(at).copied().unwrap_or(Half::EMPTY);
            let both = below(2 * node).and(below(2 * node + 1));
            if let Some(half) = halves.get_mut(node) {
                *half = both;
            }
        }
        Self { sorted, halves }
    }

    fn overlapping(&self, (first, last): (u128, u128), before: usize, places: &mut Vec<usize>) {
        let leaves = self.halves.len() / 2;
        // No range that begins after `last` is asked.
        let end = self.sorted.partition_point(|(start, _, _)| *start <= last);
        let mut open = vec![(1, 0, leaves)];
        while let Some((node, from, to)) = open.pop() {
            let may_hold = |half: &Half| half.largest >= first && half.lowest < before;
            if from >= end || !self.halves.get(node).is_some_and(may_hold) {
                continue;
            }
            if to - from == 1 {
                places.extend(self.sorted.get(from).map(|(_, _, at)| *at));
                continue;
            }
            let half = from + (to - from) / 2;
            open.extend([(2 * node, from, half), (2 * node + 1, half, to)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_ranges_that_overlap_are_found() {
        // Short, long and nested ones.
        let ranges: Vec<(u128, u128, usize)> = (0..200_usize)
            .map(|at| {
                let first = (at as u128 * 7_919) % 1_000;
                (first, first + [0, 3, 40, 900][at % 4], at)
            })
            .collect();
        let intervals = Intervals::new(ranges.clone());
        for first in (0..2_000).step_by(13) {
            let last = first + first % 50;
            let mut found = Vec::new();
            let before = 50 + first as usize % 200;
            intervals.overlapping((first, last), before, &mut found);
            found.sort_unstable();
            let is_wanted = |(start, end, at): &&(u128, u128, usize)| *start <= last && *end >= first && *at < before;
            let wanted: Vec<usize> = ranges.iter().filter(is_wanted).map(|(_, _, at)| *at).collect();
            assert_eq!(found, wanted, "{first} to {last}");
        }
    }

    #[test]
    fn of_nothing_nothing_is_found() {
        assert!(Near::of(&[]).meeting(&AddressSet::full(), 9).is_empty());
    }
}
