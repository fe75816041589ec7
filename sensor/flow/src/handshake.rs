//! Round-trip times from the three segments that open a connection, as the tap saw them pass.
//!
//! From the SYN to the SYN-ACK is the way from the tap to the responder and back, from the SYN-ACK to the ACK the way to the
//! originator; together they are the path's. A repeated segment leaves open what the answer was to, so nothing is measured then (RFC
//! 6298 3, Karn's algorithm).

use sensor_wire::{TcpFlags, TcpSegment};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::endpoint::SEEN_SYN;
use crate::slot::{ORIGINATOR, RESPONDER, Slot};

/// A length of time in three bytes, to two millionths of itself; all zero is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(transparent)]
pub struct ShortTime([u8; 3]);

impl ShortTime {
    const MANTISSA_BITS: u32 = 19;

    /// Unknown when it is negative.
    pub fn of_nanos(nanos: i64) -> Self {
        // One more, to tell no time at all from an unknown one.
        let Some(count) = u64::try_from(nanos).ok().and_then(|nanos| nanos.checked_add(1)) else { return Self::default() };
        let exponent = (u64::BITS - count.leading_zeros()).saturating_sub(Self::MANTISSA_BITS).min(31);
        let mantissa = (count >> exponent).min((1 << Self::MANTISSA_BITS) - 1) as u32;
        let [low, middle, high, _] = (exponent << Self::MANTISSA_BITS | mantissa).to_le_bytes();
        Self([low, middle, high])
    }

    pub fn nanos(self) -> Option<u64> {
        let [low, middle, high] = self.0;
        let bits = u32::from_le_bytes([low, middle, high, 0]);
        let mantissa = u64::from(bits & ((1 << Self::MANTISSA_BITS) - 1));
        (mantissa << (bits >> Self::MANTISSA_BITS)).checked_sub(1)
    }
}

/// Measures when this segment, already counted, is the second or third of a handshake. `before` is when the last one passed.
pub fn measure(flow: &mut Slot<'_>, side: usize, segment: &TcpSegment, before: i64, now: i64) {
    let packets = [flow.hot.counts[ORIGINATOR].packets, flow.hot.counts[RESPONDER].packets];
    let is_its_turn = match side {
        ORIGINATOR => packets == [2, 1] && !segment.flags.has(TcpFlags::SYN),
        _ => packets == [1, 1] && segment.flags.has(TcpFlags::SYN),
    };
    let peer = RESPONDER - side;
    let answers = segment.flags.has(TcpFlags::ACK)
        && !segment.flags.has(TcpFlags::RST)
        && flow.hot.seen[ORIGINATOR] & flow.hot.seen[RESPONDER] & SEEN_SYN != 0
        && segment.acknowledgment == flow.stream.start[peer].wrapping_add(1);
    if is_its_turn && answers {
        flow.cold.round_trips[side] = ShortTime::of_nanos(now.saturating_sub(before));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_comes_back_to_two_millionths() {
        for nanos in [0, 1, 999, 524_286, 524_287, 1_000_000, 123_456_789, 60_000_000_000, 3_600_000_000_000] {
            let back = ShortTime::of_nanos(nanos).nanos().unwrap() as i64;
            assert!((nanos - back).abs() <= nanos / 250_000, "{nanos} {back}");
        }
    }

    #[test]
    fn an_unknown_time_is_none_and_an_impossible_one_is_large_or_none() {
        assert_eq!(ShortTime::default().nanos(), None);
        assert_eq!(ShortTime::of_nanos(-1).nanos(), None);
        assert!(ShortTime::of_nanos(i64::MAX).nanos().unwrap() > 1 << 49);
    }
}
