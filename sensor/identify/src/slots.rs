//! Rows found by a key, and by a small number that stays the row's own until it is removed.

use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::RandomState;

/// Number 0 is never given out.
#[derive(Debug)]
pub(crate) struct Slots<K, R> {
    numbers: HashMap<K, u32, RandomState>,
    rows: Vec<Option<(K, R)>>,
    free: Vec<u32>,
}

impl<K: Copy + Eq + Hash, R> Slots<K, R> {
    pub fn new() -> Self {
        Self { numbers: HashMap::default(), rows: vec![None], free: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    pub fn find(&self, key: &K) -> Option<u32> {
        self.numbers.get(key).copied()
    }

    /// Whether the number is this key's.
    pub fn is(&self, number: u32, key: &K) -> bool {
        self.key(number).is_some_and(|own| own == *key)
    }

    pub fn key(&self, number: u32) -> Option<K> {
        self.rows.get(number as usize)?.as_ref().map(|(key, _)| *key)
    }

    pub fn get(&self, number: u32) -> Option<&R> {
        self.rows.get(number as usize)?.as_ref().map(|(_, row)| row)
    }

    pub fn get_mut(&mut self, number: u32) -> Option<&mut R> {
        self.rows.get_mut(number as usize)?.as_mut().map(|(_, row)| row)
    }

    pub fn by_key(&self, key: &K) -> Option<&R> {
        self.get(self.find(key)?)
    }

    /// A row for a key that has none.
    pub fn insert(&mut self, key: K, row: R) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(slot) = self.rows.get_mut(number as usize) {
            *slot = Some((key, row));
            self.numbers.insert(key, number);
        }
        number
    }

    pub fn remove(&mut self, number: u32) -> Option<(K, R)> {
        let row = self.rows.get_mut(number as usize)?.take()?;
        self.numbers.remove(&row.0);
        self.free.push(number);
        Some(row)
    }

    /// By number, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, K, &R)> {
        (0_u32..).zip(&self.rows).filter_map(|(number, slot)| slot.as_ref().map(|(key, row)| (number, *key, row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_keys_until_it_is_removed_and_then_another_ones() {
        let mut slots = Slots::new();
        let (a, b) = (slots.insert("a", 1), slots.insert("b", 2));
        assert_eq!((slots.find(&"a"), slots.by_key(&"b"), slots.len()), (Some(a), Some(&2), 2));
        assert_eq!(slots.remove(a), Some(("a", 1)));
        assert_eq!((slots.find(&"a"), slots.get(a)), (None, None));
        assert_eq!(slots.remove(a), None);
        let c = slots.insert("c", 3);
        assert!(c == a && slots.is(c, &"c") && !slots.is(c, &"a"));
        assert_eq!(slots.iter().map(|(number, ..)| number).collect::<Vec<_>>(), [c, b]);
    }
}
