//! Zeek's history letters, packed: what happened in a flow, in order, upper case for the originator.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Letters that fit beside the slot; more go to the rare part of the flow.
const PACKED: u32 = 12;
const BITS: u32 = 5;
const LOWER: u64 = 16;
const LETTERS: &[u8; 13] = b"SHADFRGTWIQC^";
/// `^`, which belongs to no side.
const FLIPPED: u64 = 13;

/// Up to twelve letters in five bits each; 0 ends the sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(transparent)]
pub struct History(u64);

impl History {
    /// False when there is no room left.
    pub fn push(&mut self, letter: u8, from_responder: bool) -> bool {
        let len = self.len();
        let Some(code) = LETTERS.iter().position(|&known| known == letter) else { return true };
        if len >= PACKED {
            return false;
        }
        let code = code as u64 + 1 + if from_responder { LOWER } else { 0 };
        self.0 |= code << (len * BITS);
        true
    }

    /// The same history with the sides exchanged: every letter in the other case, and the mark that Zeek writes for it set, or
    /// taken back. A full history goes without the mark.
    pub fn exchange_sides(&mut self) {
        let mut rest = self.0;
        let mut exchanged = Self::default();
        if rest & 31 == FLIPPED {
            rest >>= BITS;
        } else if self.len() < PACKED {
            exchanged.push(b'^', false);
        }
        while rest != 0 {
            exchanged.0 |= (rest & 31 ^ LOWER) << (exchanged.len() * BITS);
            rest >>= BITS;
        }
        *self = exchanged;
    }

    pub fn write_to(self, text: &mut String) {
        let mut rest = self.0;
        while rest != 0 {
            text.push(letter_of(rest & 31));
            rest >>= BITS;
        }
    }

    const fn len(self) -> u32 {
        (u64::BITS - self.0.leading_zeros()).div_ceil(BITS)
    }
}

fn letter_of(code: u64) -> char {
    let letter = LETTERS.get((code & (LOWER - 1)) as usize - 1).copied().unwrap_or(b'^');
    char::from(if code & LOWER != 0 { letter.to_ascii_lowercase() } else { letter })
}

/// As [`History::push`] writes it, for the letters that did not fit.
pub fn letter(letter: u8, from_responder: bool) -> char {
    char::from(if from_responder { letter.to_ascii_lowercase() } else { letter })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_back_in_order_and_in_their_case() {
        let mut history = History::default();
        for (letter, from_responder) in [(b'^', false), (b'S', false), (b'H', true), (b'C', true), (b'Q', true), (b'D', false)] {
            assert!(history.push(letter, from_responder));
        }
        let mut text = String::new();
        history.write_to(&mut text);
        assert_eq!(text, "^ShcqD");
    }

    #[test]
    fn exchanging_sides_twice_changes_nothing() {
        let mut history = History::default();
        for (letter, from_responder) in [(b'D', true), (b'A', false), (b'S', false)] {
            history.push(letter, from_responder);
        }
        let before = history;
        history.exchange_sides();
        let mut text = String::new();
        history.write_to(&mut text);
        history.exchange_sides();
        assert_eq!((text.as_str(), history), ("^Das", before));
    }

    #[test]
    fn the_thirteenth_letter_is_refused_and_the_twelve_stay() {
        let mut history = History::default();
        let kept = (0..13).filter(|_| history.push(b'R', true)).count();
        let mut text = String::new();
        history.write_to(&mut text);
        assert_eq!((kept, text.as_str()), (12, "rrrrrrrrrrrr"));
    }
}
