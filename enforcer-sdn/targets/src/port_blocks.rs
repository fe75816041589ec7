//! Ranges of ports as values under masks, for renderers of OpenFlow and what speaks it.

use enforcer_packetset::PortSet;

/// The fewest `(value, mask)` blocks whose union is the set, ascending.
pub(crate) fn blocks(set: &PortSet) -> Vec<(u16, u16)> {
    let mut found = Vec::new();
    for &(first, last) in set.ranges() {
        let (mut start, last) = (u32::from(first), u32::from(last));
        while start <= last {
            let mut size = if start == 0 { 1 << 16 } else { 1 << start.trailing_zeros() };
            while start + size - 1 > last {
                size /= 2;
            }
            // Both fit: a block lies within 16 bits.
            found.push((start as u16, (0x1_0000 - size) as u16));
            start += size;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use enforcer_packetset::RangeSet;

    use super::*;

    #[test]
    fn blocks_are_the_set() {
        for set in [RangeSet::full(), RangeSet::range(1, 65535), RangeSet::from_ranges([(0, 0), (80, 95), (1000, 2000)])] {
            let within = |port: u16| blocks(&set).iter().filter(|(value, mask)| port & mask == *value).count();
            assert!((0..=u16::MAX).all(|port| within(port) == usize::from(set.contains(port))));
        }
        assert_eq!(blocks(&RangeSet::range(80, 95)), [(80, 0xfff0)]);
        assert_eq!(blocks(&RangeSet::full()), [(0, 0)]);
    }
}
