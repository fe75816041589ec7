//! Suppresses repeats: a small direct-mapped cache of things already told to the hub.

use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use foldhash::fast::FixedState;
use sensor_model::Timestamp;

/// Slots of the cache; a power of two. 1024 pairs are more than one mirror port's busy hosts, in 64 KiB.
const SLOTS: usize = 1024;

/// Things told lately. Forgetting one is harmless: it is told once more.
#[derive(Debug)]
pub struct Recent<T> {
    slots: Vec<Option<(T, Timestamp)>>,
    repeat_after: Duration,
}

impl<T: Copy + Eq + Hash> Recent<T> {
    /// The same thing is news again after `repeat_after`.
    #[must_use]
    pub fn new(repeat_after: Duration) -> Self {
        Self { slots: vec![None; SLOTS], repeat_after }
    }

    /// Whether `thing` has not been told lately; from now on it has.
    pub fn is_news(&mut self, thing: T, now: Timestamp) -> bool {
        // A fixed seed: what is suppressed must not differ between runs. Crafted collisions only cost repeats.
        let place = FixedState::with_seed(0).hash_one(thing) as usize % SLOTS;
        let Some(slot) = self.slots.get_mut(place) else { return true };
        match slot {
            Some((known, told_at)) if *known == thing && now.since(*told_at) < self.repeat_after => false,
            _ => {
                *slot = Some((thing, now));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_news_only_after_the_interval() {
        let mut recent = Recent::new(Duration::from_secs(30));
        let at = |seconds: i64| Timestamp::from_nanos(seconds * 1_000_000_000);
        assert!(recent.is_news(5_u32, at(0)));
        assert!(!recent.is_news(5, at(29)));
        assert!(recent.is_news(5, at(30)));
    }
}
