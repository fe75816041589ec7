//! Sets of TCP flag bytes: what devices say as `established`, as a mask with a value, or as a list.

use std::fmt;

/// The bits of the byte (RFC 9293 3.1; ECE and CWR: RFC 3168 6.1), and sets of values of it.
///
/// In a [`crate::Selector`] the full set restricts nothing and selects other protocols too; any other set selects TCP packets only. So a
/// parser that reads flags restricts the protocol to TCP as well: a set that happens to hold every byte must not become every protocol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlagSet([u64; 4]);

impl FlagSet {
    pub const FIN: u8 = 1;
    pub const SYN: u8 = 2;
    pub const RST: u8 = 4;
    pub const PSH: u8 = 8;
    pub const ACK: u8 = 16;
    pub const URG: u8 = 32;
    pub const ECE: u8 = 64;
    pub const CWR: u8 = 128;
    /// Lower-case names in the order of the bits.
    pub const NAMES: [&'static str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];

    #[must_use]
    pub const fn empty() -> Self {
        Self([0; 4])
    }

    /// Every byte: no restriction at all.
    #[must_use]
    pub const fn full() -> Self {
        Self([u64::MAX; 4])
    }

    /// One byte exactly.
    #[must_use]
    pub fn of(byte: u8) -> Self {
        Self::collect(|other| other == byte)
    }

    /// The bytes whose bits under `mask` are `value`; none where `value` has a bit outside of `mask`.
    #[must_use]
    pub fn masked(value: u8, mask: u8) -> Self {
        Self::collect(|byte| byte & mask == value)
    }

    /// The bytes with at least one bit of `mask`.
    #[must_use]
    pub fn any_bit(mask: u8) -> Self {
        Self::collect(|byte| byte & mask != 0)
    }

    /// ACK or RST, the `established` of stateless devices: every packet of a TCP connection but the first. Anybody can send such a packet.
    #[must_use]
    pub fn ack_or_rst() -> Self {
        Self::any_bit(Self::ACK | Self::RST)
    }

    /// From inclusive ranges in any order.
    #[must_use]
    pub fn from_ranges(ranges: impl IntoIterator<Item = (u8, u8)>) -> Self {
        ranges
            .into_iter()
            .fold(Self::empty(), |all, (first, last)| all.union(Self::collect(|byte| first <= byte && byte <= last)))
    }

    fn collect(holds: impl Fn(u8) -> bool) -> Self {
        let word = |high: u8| (0..64).filter(|low| holds(high * 64 + low)).fold(0, |bits, low| bits | 1u64 << low);
        Self([word(0), word(1), word(2), word(3)])
    }

    #[must_use]
    pub const fn contains(self, byte: u8) -> bool {
        let [a, b, c, d] = self.0;
        let word = match byte >> 6 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
        word >> (byte & 63) & 1 == 1
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::empty()
    }

    #[must_use]
    pub fn is_full(self) -> bool {
        self == Self::full()
    }

    #[must_use]
    pub fn union(self, other: Self) -> Self {
        self.zip(other, |left, right| left | right)
    }

    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        self.zip(other, |left, right| left & right)
    }

    #[must_use]
    pub fn difference(self, other: Self) -> Self {
        self.zip(other, |left, right| left & !right)
    }

    #[must_use]
    pub fn complement(self) -> Self {
        Self::full().difference(self)
    }

    fn zip(self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([join(a, e), join(b, f), join(c, g), join(d, h)])
    }

    /// The members, ascending.
    pub fn bytes(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |&byte| self.contains(byte))
    }

    /// As inclusive ranges: ascending, disjoint and not adjacent.
    #[must_use]
    pub fn ranges(self) -> Vec<(u8, u8)> {
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        for byte in self.bytes() {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(byte) => *last = byte,
                _ => ranges.push((byte, byte)),
            }
        }
        ranges
    }

    /// The `(value, mask)` of which the set is [`Self::masked`]; None where it is none.
    #[must_use]
    pub fn as_masked(self) -> Option<(u8, u8)> {
        let value = self.bytes().reduce(|all, byte| all & byte)?;
        let mask = !(value ^ self.bytes().reduce(|all, byte| all | byte)?);
        (Self::masked(value, mask) == self).then_some((value, mask))
    }

    /// The mask of which the set is [`Self::any_bit`]; None where it is none.
    #[must_use]
    pub fn as_any_bit(self) -> Option<u8> {
        let mask = self.complement().bytes().fold(u8::MAX, |mask, byte| mask & !byte);
        (Self::any_bit(mask) == self && mask != 0).then_some(mask)
    }
}

impl fmt::Debug for FlagSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.as_masked(), self.as_any_bit()) {
            (Some((0, 0)), _) => f.write_str("FlagSet(full)"),
            (Some((value, mask)), _) => write!(f, "FlagSet({value:#04x} of {mask:#04x})"),
            (None, Some(mask)) => write!(f, "FlagSet(any of {mask:#04x})"),
            (None, None) => write!(f, "FlagSet({:x?})", self.ranges()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ack_or_rst_is_what_established_means() {
        let set = FlagSet::ack_or_rst();
        assert_eq!(set.bytes().count(), 192);
        for byte in 0..=255u8 {
            assert_eq!(set.contains(byte), byte & 0x14 != 0, "{byte:#x}");
        }
        assert_eq!(set.as_any_bit(), Some(FlagSet::ACK | FlagSet::RST));
        assert_eq!(set.as_masked(), None);
    }

    #[test]
    fn every_mask_and_value_is_found_again() {
        for mask in 0..=255u8 {
            for value in 0..=255u8 {
                let set = FlagSet::masked(value, mask);
                assert_eq!(set.is_empty(), value & !mask != 0);
                assert_eq!(set.as_masked(), (value & !mask == 0).then_some((value, mask)));
            }
            assert_eq!(FlagSet::any_bit(mask).as_any_bit(), (mask != 0).then_some(mask));
        }
        assert_eq!(FlagSet::full().as_masked(), Some((0, 0)));
        assert_eq!(FlagSet::full().as_any_bit(), None);
    }

    #[test]
    fn operations_agree_with_membership_and_ranges_round_trip() {
        let sets = [
            FlagSet::empty(),
            FlagSet::full(),
            FlagSet::of(2),
            FlagSet::masked(2, 0x17),
            FlagSet::from_ranges([(9, 70), (250, 255)]),
        ];
        for a in sets {
            assert_eq!(FlagSet::from_ranges(a.ranges()), a);
            for b in sets {
                for byte in 0..=255 {
                    let (left, right) = (a.contains(byte), b.contains(byte));
                    assert_eq!(a.union(b).contains(byte), left || right);
                    assert_eq!(a.intersection(b).contains(byte), left && right);
                    assert_eq!(a.difference(b).contains(byte), left && !right);
                    assert_eq!(a.complement().contains(byte), !left);
                }
            }
        }
    }
}
