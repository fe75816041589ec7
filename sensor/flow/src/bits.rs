//! A set of slot numbers: one bit each, and a bit for each word that has any, so that the next member is found in a few reads.

/// Numbers below a limit.
#[derive(Debug)]
pub struct Bits {
    /// Words of the set, then words about the words below, up to a single one.
    levels: Vec<Vec<u64>>,
}

impl Bits {
    /// An empty set for numbers below `limit`.
    pub fn new(limit: usize) -> Self {
        let mut levels = Vec::new();
        let mut words = limit.div_ceil(64).max(1);
        loop {
            levels.push(vec![0; words]);
            if words == 1 {
                return Self { levels };
            }
            words = words.div_ceil(64);
        }
    }

    pub fn memory_bytes(&self) -> usize {
        self.levels.iter().map(|level| level.capacity() * size_of::<u64>()).sum()
    }

    pub fn insert(&mut self, number: usize) {
        let mut at = number;
        for level in &mut self.levels {
            level[at / 64] |= 1 << (at % 64);
            at /= 64;
        }
    }

    pub fn remove(&mut self, number: usize) {
        let mut at = number;
        for level in &mut self.levels {
            level[at / 64] &= !(1 << (at % 64));
            if level[at / 64] != 0 {
                return;
            }
            at /= 64;
        }
    }

    /// The least member from `number` on.
    pub fn next(&self, number: usize) -> Option<usize> {
        let mut at = number;
        for (height, level) in self.levels.iter().enumerate() {
            let above = level.get(at / 64)? >> (at % 64);
            if above != 0 {
                return Some(self.first_below(height, at + above.trailing_zeros() as usize));
            }
            at = at / 64 + 1;
        }
        None
    }

    /// The least member under a bit of a level.
    fn first_below(&self, height: usize, at: usize) -> usize {
        self.levels[..height].iter().rev().fold(at, |at, level| at * 64 + level[at].trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_in_order_until_they_are_removed() {
        let mut bits = Bits::new(300_000);
        assert_eq!(bits.next(0), None);
        let members = [0, 1, 63, 64, 4_095, 4_096, 262_143, 262_144, 299_999];
        for member in members {
            bits.insert(member);
        }
        let found: Vec<_> = std::iter::successors(bits.next(0), |&last| bits.next(last + 1)).collect();
        assert_eq!(found, members);
        for (place, member) in members.into_iter().enumerate() {
            assert_eq!(bits.next(0), Some(member));
            bits.remove(member);
            assert_eq!(bits.next(member), members.get(place + 1).copied());
        }
        assert_eq!((bits.next(0), bits.next(300_000), bits.next(usize::MAX)), (None, None, None));
    }
}
