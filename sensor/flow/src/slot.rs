//! What the table keeps of one flow: 64 + 56 bytes by how often a packet touches them, originator first in every pair.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::endpoint::{Endpoint, SEEN_DATA};
use crate::expiry;
use crate::handshake::ShortTime;
use crate::history::{self, History};
use crate::key::UDP;
use crate::rare::{Rare, Rares};

/// Index of a side in every pair.
pub const ORIGINATOR: usize = 0;
pub const RESPONDER: usize = 1;

/// Every packet reads and writes this, and most packets nothing else: one cache line.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
pub struct Hot {
    pub pair: u64,
    pub last_seen: i64,
    pub ports: u32,
    /// Where packets of the higher end came from, and of the lower end: numbers from [`crate::realm`].
    pub realms: [u16; 2],
    pub counts: [Counts; 2],
    /// TCP: one past the highest byte seen (a SYN and a FIN count as a byte). Else low half of the payload bytes.
    pub last: [u32; 2],
    pub ends: [Endpoint; 2],
    /// Letters of the history that are written once; see [`crate::endpoint`].
    pub seen: [u8; 2],
    pub protocol: u8,
    pub flags: u8,
    /// When the flow was last reported, in the units of [`crate::expiry::Intervals`].
    pub reported: u16,
}

impl Hot {
    pub const USED: u8 = 0x01;
    pub const WIDE: u8 = 0x02;
    pub const ORIGINATOR_IS_LOW: u8 = 0x04;
    pub const INSPECTION_STOPPED: u8 = 0x08;
    /// There is a rare part: spares a look at [`Cold`] when there is none.
    pub const RARE: u8 = 0x10;
    /// The next packet may be counted the short way; see [`crate::plain`].
    pub const PLAIN: u8 = 0x20;
    /// Which timeout counts: a number in the two bits from here on; see [`crate::expiry::Timeouts`].
    pub const TIMEOUT_SHIFT: u32 = 6;

    #[inline]
    pub const fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub fn set(&mut self, flag: u8, on: bool) {
        self.flags = self.flags & !flag | if on { flag } else { 0 };
    }

    /// Who sent a packet of this flow.
    #[inline]
    pub const fn side_of(&self, from_low: bool) -> usize {
        (self.is(Self::ORIGINATOR_IS_LOW) != from_low) as usize
    }

    /// Packets of both sides were seen.
    pub const fn is_two_way(&self) -> bool {
        self.counts[ORIGINATOR].packets > 0 && self.counts[RESPONDER].packets > 0
    }
}

/// Low halves of one side's counters; the upper halves are in [`Rare::carries`].
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Counts {
    pub packets: u32,
    pub ip_bytes: u32,
    pub frame_bytes: u32,
}

/// TCP sequence numbers of both sides, besides [`Hot::last`].
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stream {
    /// Of the SYN, or one before the first byte seen.
    pub start: [u32; 2],
    /// How often [`Hot::last`] passed 2^32.
    pub wraps: [u16; 2],
    /// Low half of where the last FIN and RST stood, to tell a repeated one from another.
    pub last_fin: [u16; 2],
    pub last_rst: [u16; 2],
    pub retransmits: [u8; 2],
    pub zero_windows: [u8; 2],
}

/// Touched when a flow begins, ends, is reported, or something unusual happens.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Cold {
    pub first_seen: i64,
    pub history: History,
    /// Number of the path (MACs, VLANs, tunnel).
    pub path: u32,
    /// Number of the rare part, 0 for none.
    pub rare: u32,
    /// Number of the service's name, 0 for none.
    pub service: u8,
    pub reason: u8,
    /// Between the tap and each side, by the handshake.
    pub round_trips: [ShortTime; 2],
}

/// The second part of a slot.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Rest {
    pub stream: Stream,
    pub cold: Cold,
}

/// A flow's parts together, for as long as one packet is worked in.
pub struct Slot<'a> {
    pub hot: &'a mut Hot,
    pub stream: &'a mut Stream,
    pub cold: &'a mut Cold,
    pub rares: &'a mut Rares,
}

impl Slot<'_> {
    /// The rare part, made when there is none; None when there are too many.
    pub fn rare(&mut self) -> Option<&mut Rare> {
        let rare = self.rares.of(&mut self.cold.rare);
        if rare.is_some() {
            self.hot.flags |= Hot::RARE;
        }
        rare
    }

    /// For what may not be lost: it takes gigabytes of traffic to need it, so it has no limit.
    fn rare_for_totals(&mut self) -> Option<&mut Rare> {
        self.hot.flags |= Hot::RARE;
        self.rares.beyond_limit(&mut self.cold.rare)
    }

    pub fn known_rare(&mut self) -> Option<&mut Rare> {
        if !self.hot.is(Hot::RARE) {
            return None;
        }
        self.rares.get_mut(self.cold.rare)
    }

    /// Something is missing in a direction of its stream.
    pub fn has_holes(&self) -> bool {
        self.hot.is(Hot::RARE)
            && self.rares.get(self.cold.rare).is_some_and(|rare| rare.streams.iter().any(|stretch| stretch.open))
    }

    pub fn push_letter(&mut self, letter: u8, side: usize) {
        if !self.cold.history.push(letter, side == RESPONDER) {
            let letter = history::letter(letter, side == RESPONDER);
            if let Some(rare) = self.rare() {
                rare.push_letter(letter);
            }
        }
    }

    /// The originator becomes the responder.
    pub fn exchange_sides(&mut self) {
        self.hot.flags ^= Hot::ORIGINATOR_IS_LOW;
        self.hot.counts.reverse();
        self.hot.ends.reverse();
        self.hot.seen.reverse();
        self.hot.last.reverse();
        let stream = &mut *self.stream;
        stream.start.reverse();
        for pair in [&mut stream.wraps, &mut stream.last_fin, &mut stream.last_rst] {
            pair.reverse();
        }
        stream.retransmits.reverse();
        stream.zero_windows.reverse();
        self.cold.history.exchange_sides();
        self.cold.round_trips.reverse();
        if let Some(rare) = self.known_rare() {
            rare.exchange_sides();
        }
    }

    /// A packet came at `now`. What trails after both sides closed does not lengthen a connection, and what comes after a reset
    /// lengthens it but not its time to live (as Zeek).
    pub fn note_time(&mut self, now: i64) {
        if self.hot.ends[ORIGINATOR].did_close() && self.hot.ends[RESPONDER].did_close() {
            return;
        }
        if !expiry::was_closed(self.hot) {
            self.hot.last_seen = self.hot.last_seen.max(now);
        } else if let Some(rare) = self.rare() {
            rare.trailed_until = rare.trailed_until.max(Some(now));
        }
    }

    /// Adds one packet to a side's counters.
    pub fn count(&mut self, side: usize, ip_bytes: u32, frame_bytes: u32) {
        let counts = &mut self.hot.counts[side];
        let mut carries = [false; 3];
        (counts.packets, carries[0]) = counts.packets.overflowing_add(1);
        (counts.ip_bytes, carries[1]) = counts.ip_bytes.overflowing_add(ip_bytes);
        (counts.frame_bytes, carries[2]) = counts.frame_bytes.overflowing_add(frame_bytes);
        if carries != [false; 3]
            && let Some(rare) = self.rare_for_totals()
        {
            for (total, carry) in rare.carries[side].iter_mut().zip(carries) {
                *total = total.saturating_add(u32::from(carry));
            }
        }
    }

    /// Adds one later fragment to a side's; false when there are too many unusual flows.
    pub fn count_fragment(&mut self, side: usize, ip_bytes: u32, frame_bytes: u32) -> bool {
        let Some(rare) = self.rare() else { return false };
        let [packets, all_ip_bytes, all_frame_bytes] = &mut rare.fragments[side];
        *packets = packets.saturating_add(1);
        *all_ip_bytes = all_ip_bytes.saturating_add(u64::from(ip_bytes));
        *all_frame_bytes = all_frame_bytes.saturating_add(u64::from(frame_bytes));
        true
    }

    /// Counts the payload of a protocol without sequence numbers.
    pub fn receive_datagram(&mut self, side: usize, len: u32) {
        if self.hot.protocol == UDP && self.hot.seen[side] & SEEN_DATA == 0 {
            self.hot.seen[side] |= SEEN_DATA;
            self.push_letter(b'D', side);
        }
        let (last, carry) = self.hot.last[side].overflowing_add(len);
        self.hot.last[side] = last;
        self.stream.wraps[side] = self.stream.wraps[side].saturating_add(u16::from(carry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_fits_its_budget() {
        assert_eq!((size_of::<Hot>(), size_of::<Rest>()), (64, 56));
    }
}
