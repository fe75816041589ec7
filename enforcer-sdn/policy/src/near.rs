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

    /// Places of the rules whose source has an address in common with `source`, ascending.
    pub fn meeting(&self, source: &AddressSet) -> Vec<usize> {
        let mut places = Vec::new();
        let [v4, v6] = &self.0;
        spread(&source.v4, 0).for_each(|(first, last, _)| v4.overlapping(first, last, &mut places));
        spread(&source.v6, 0).for_each(|(first, last, _)| v6.overlapping(first, last, &mut places));
        places.sort_unstable();
        places.dedup();
        places
    }
}

fn spread<T: Number + Into<u128>>(set: &RangeSet<T>, at: usize) -> impl Iterator<Item = (u128, u128, usize)> {
    set.ranges().iter().map(move |&(first, last)| (first.into(), last.into(), at))
}

/// Ranges by their first value, and over them a tree of the largest last value of each half.
struct Intervals {
    sorted: Vec<(u128, u128, usize)>,
    /// Node 1 is the root, nodes 2n and 2n + 1 are the halves of n.
    largest: Vec<u128>,
}

impl Intervals {
    fn new(mut sorted: Vec<(u128, u128, usize)>) -> Self {
        sorted.sort_unstable();
        let leaves = sorted.len().next_power_of_two();
        let mut largest = vec![0; 2 * leaves];
        for (leaf, (_, last, _)) in sorted.iter().enumerate() {
            if let Some(node) = largest.get_mut(leaves + leaf) {
                *node = *last;
            }
        }
        for node in (1..leaves).rev() {
            let larger = largest.get(2 * node).copied().max(largest.get(2 * node + 1).copied());
            if let (Some(node), Some(larger)) = (largest.get_mut(node), larger) {
                *node = larger;
            }
        }
        Self { sorted, largest }
    }

    fn overlapping(&self, first: u128, last: u128, places: &mut Vec<usize>) {
        let leaves = self.largest.len() / 2;
        // No range that begins after `last` is asked.
        let end = self.sorted.partition_point(|(start, _, _)| *start <= last);
        let mut open = vec![(1, 0, leaves)];
        while let Some((node, from, to)) = open.pop() {
            if from >= end || self.largest.get(node).is_none_or(|largest| *largest < first) {
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
            intervals.overlapping(first, last, &mut found);
            found.sort_unstable();
            let wanted: Vec<usize> =
                ranges.iter().filter(|(start, end, _)| *start <= last && *end >= first).map(|(_, _, at)| *at).collect();
            assert_eq!(found, wanted, "{first} to {last}");
        }
    }

    #[test]
    fn of_nothing_nothing_is_found() {
        assert!(Near::of(&[]).meeting(&AddressSet::full()).is_empty());
    }
}
