//! What Zeek counts by powers of ten: zero windows, retransmissions and gaps, with their history letters.

use sensor_wire::TcpFlags;

use crate::endpoint::State;
use crate::rare::Rare;
use crate::slot::{RESPONDER, Slot, Stream};

/// A zero window tells of a reader that cannot keep up, unless the connection is ending anyway.
pub fn note_window(slot: &mut Slot<'_>, side: usize, flags: TcpFlags, window: u16) {
    let ends = slot.hot.ends;
    if window == 0
        && !flags.has(TcpFlags::RST)
        && ends[RESPONDER - side].state() != State::Closed
        && ends[side].state() != State::Reset
    {
        count_scaled(slot, side, b'W', |stream| &mut stream.zero_windows[side], |rare| &mut rare.zero_window_carries[side]);
    }
}

/// Payload that was seen before. One octet just below what comes next asks whether the peer is alive, and repeats nothing that was
/// lost (RFC 9293 3.8.4).
pub fn note_retransmit(slot: &mut Slot<'_>, side: usize, is_keep_alive: bool) {
    count_scaled(slot, side, b'T', |stream| &mut stream.retransmits[side], |rare| &mut rare.retransmit_carries[side]);
    if is_keep_alive && let Some(rare) = slot.rare() {
        rare.keep_alives[side] = rare.keep_alives[side].saturating_add(1);
    }
}

/// How often a side sent payload that lay wholly at or below what it had sent before, keep-alives left out.
pub fn retransmits(stream: &Stream, rare: Option<&Rare>, side: usize) -> u64 {
    let (carried, keep_alives) = rare.map_or((0, 0), |rare| (rare.retransmit_carries[side], rare.keep_alives[side]));
    (u64::from(carried) << 8 | u64::from(stream.retransmits[side])).saturating_sub(u64::from(keep_alives))
}

/// Counts in the slot's octet, and its carries in the rare part; without one the octet stays at its end.
fn count_scaled(
    slot: &mut Slot<'_>,
    side: usize,
    letter: u8,
    octet: impl Fn(&mut Stream) -> &mut u8,
    carries: impl Fn(&mut Rare) -> &mut u32,
) {
    let (count, carry) = octet(slot.stream).overflowing_add(1);
    if carry {
        let Some(carries) = slot.rare().map(&carries) else { return };
        *carries = carries.saturating_add(1);
    }
    *octet(slot.stream) = count;
    let carried = slot.known_rare().map_or(0, |rare| *carries(rare));
    write(slot, side, letter, u64::from(carried) << 8 | u64::from(count));
}

/// `C`, `G`, `T` and `W` are written at the first, tenth, hundredth ... time.
pub fn write(slot: &mut Slot<'_>, side: usize, letter: u8, count: u64) {
    if count.checked_ilog10().is_some_and(|power| 10_u64.pow(power) == count) {
        slot.push_letter(letter, side);
    }
}
