//! A set of TCP flag bytes as values under masks, for renderers of dialects that have nothing else.

use enforcer_packetset::FlagSet;

/// `(value, mask)` pairs that share no byte and whose union is the set: one for a set that is such a pair, few for those in use.
pub(crate) fn cubes(set: FlagSet) -> Vec<(u8, u8)> {
    let mut found = Vec::new();
    split(set, 0, 0, &mut found);
    found
}

fn split(set: FlagSet, value: u8, mask: u8, found: &mut Vec<(u8, u8)>) {
    let within = set.intersection(FlagSet::masked(value, mask));
    if within.is_empty() {
        return;
    }
    // Only bits that matter: on either side of any other one the same bytes are members.
    let matters = |bit: u8| mask & bit == 0 && within.bytes().any(|byte| !within.contains(byte ^ bit));
    match (0..8).rev().map(|shift| 1u8 << shift).find(|bit| matters(*bit)) {
        None => found.push((value, mask)),
        Some(bit) => {
            split(within, value | bit, mask | bit, found);
            split(within, value, mask | bit, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubes_are_the_set_and_few() {
        let sets = [FlagSet::full(), FlagSet::of(2), FlagSet::ack_or_rst(), FlagSet::from_ranges([(3, 77), (200, 201)])];
        for set in sets {
            let union = cubes(set).iter().fold(FlagSet::empty(), |all, &(value, mask)| all.union(FlagSet::masked(value, mask)));
            assert_eq!(union, set);
        }
        assert_eq!(cubes(FlagSet::ack_or_rst()), [(16, 16), (4, 20)]);
        assert_eq!(cubes(FlagSet::masked(2, 0x17)), [(2, 0x17)]);
        assert!(cubes(FlagSet::empty()).is_empty());
    }
}
