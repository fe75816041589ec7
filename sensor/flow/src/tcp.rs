//! TCP segments to connection state, history letters and stream positions, by Zeek's definitions (Zeek manual, conn.log;
//! RFC 9293 for the protocol itself).

use sensor_wire::{TcpFlags, TcpSegment};

use crate::endpoint::{self, State};
use crate::rare::{before, note_gap};
use crate::scaled;
use crate::slot::{Hot, ORIGINATOR, RESPONDER, Slot, Stream};

/// Sequence numbers of SYN and RST further away than this are not believed (as Zeek does).
const MAX_TRUSTED_STEP: i32 = 1 << 20;

/// What a segment brought to its stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Some of its payload was not seen before.
    pub new_payload: bool,
    /// Of its first payload byte, from the first byte of the stream.
    pub stream_offset: u32,
}

/// Works one segment with `len` payload bytes from `side` into its flow.
pub fn receive(slot: &mut Slot<'_>, side: usize, segment: &TcpSegment, len: u32) -> Arrival {
    let peer = RESPONDER - side;
    let flags = segment.flags;
    let end = segment.sequence.wrapping_add(control_len(flags)).wrapping_add(if flags.has(TcpFlags::RST) { 0 } else { len });
    let begun = begin_stream(slot, side, flags, segment.sequence, end);
    let position = segment.sequence.wrapping_sub(slot.stream.start[side]);

    write_letters(slot, side, flags, position, len);
    scaled::note_window(slot, side, flags, segment.window);
    if flags.has(TcpFlags::FIN) {
        slot.hot.ends[side].mark_fin();
    }
    let peer_was_silent = slot.hot.ends[peer].state() == State::Inactive;
    if flags.has(TcpFlags::ACK) && peer_was_silent {
        // Two acknowledgments of a side that was never heard: it sent what lies between them.
        let (known, now) = (slot.stream.start[peer], segment.acknowledgment.wrapping_sub(1));
        slot.hot.seen[peer] |= if known != 0 && before(known, now) { endpoint::DATA_ACKED } else { 0 };
        // The peer's numbers as if its SYN had been seen, to know that SYN when it comes late.
        (slot.stream.start[peer], slot.hot.last[peer]) = (now, now);
    }
    let previous_last = if begun { slot.stream.start[side].wrapping_add(1) } else { slot.hot.last[side] };
    advance_last(slot, side, flags, end, len);
    let closing = step(slot, side, flags, len);
    if flags.has(TcpFlags::ACK) && !flags.has(TcpFlags::RST) && !peer_was_silent {
        acknowledge(slot, peer, segment.acknowledgment);
    }

    let data_start = segment.sequence.wrapping_add(u32::from(flags.has(TcpFlags::SYN)));
    let carries_data = len > 0 && !flags.has(TcpFlags::RST) && !before(segment.sequence, slot.stream.start[side]);
    if carries_data && let Some(rare) = slot.known_rare() {
        rare.fill_last_gap(side, data_start, data_start.wrapping_add(len));
    }
    let new_payload = track_holes(slot, side, previous_last, data_start, if carries_data { len } else { 0 });
    if closing {
        close_when_complete(slot, side);
    }
    settle(slot);
    Arrival { new_payload, stream_offset: data_start.wrapping_sub(slot.stream.start[side]).wrapping_sub(1) }
}

/// Whether a segment begins another connection between the same ports rather than belonging to this one.
pub fn is_reuse(slot: &Slot<'_>, side: usize, segment: &TcpSegment) -> bool {
    if !segment.flags.has(TcpFlags::SYN) {
        return false;
    }
    let [originator, responder] = slot.hot.ends;
    let reference = if segment.flags.has(TcpFlags::ACK) {
        if originator.state() != State::Inactive {
            return false;
        }
        RESPONDER
    } else {
        ORIGINATOR
    };
    // One side is enough: a client that is refused asks again with the same number.
    if originator.did_close() || responder.did_close() {
        return true;
    }
    if side == RESPONDER && reference == ORIGINATOR {
        // Simultaneous open (RFC 9293 3.5): the responder's own SYN, or that SYN again.
        let first = originator.state() == State::SynSent && responder.state() == State::Inactive;
        if first || slot.hot.seen[RESPONDER] & endpoint::SEEN_SYN != 0 && segment.sequence == slot.stream.start[RESPONDER] {
            return false;
        }
    }
    segment.sequence != slot.stream.start[reference]
}

/// Payload bytes of a side, from its sequence numbers.
pub fn stream_bytes(stream: &Stream, last: u32, acked: Option<u32>, side: usize, sent_fin: bool) -> u64 {
    let start = u64::from(stream.start[side]);
    let mut top = u64::from(stream.wraps[side]) << 32 | u64::from(last);
    if let Some(acked) = acked.filter(|&acked| before(last, acked)) {
        top += u64::from(acked.wrapping_sub(last));
    }
    let control = 1 + u64::from(sent_fin);
    top.saturating_sub(start).saturating_sub(control)
}

/// SYN and FIN take a sequence number each (RFC 9293 3.4).
const fn control_len(flags: TcpFlags) -> u32 {
    flags.has(TcpFlags::SYN) as u32 + flags.has(TcpFlags::FIN) as u32
}

/// Sets the numbers of a side that is heard for the first time, or begins again; true when it did.
fn begin_stream(slot: &mut Slot<'_>, side: usize, flags: TcpFlags, sequence: u32, end: u32) -> bool {
    let syn = flags.has(TcpFlags::SYN);
    let ends = slot.hot.ends[side];
    let restart = match ends.state() {
        State::Inactive => true,
        State::SynSent | State::SynAckSent => syn && sequence != slot.stream.start[side],
        State::Established | State::Partial => syn,
        // A RST before the SYN may have been forged; the SYN knows better.
        State::Reset => syn && ends.previous() == State::Inactive,
        State::Closed => false,
    };
    if restart {
        // Without a SYN, as if it had been just before, so that positions agree.
        (slot.stream.start[side], slot.hot.last[side]) = if syn { (sequence, end) } else { (sequence.wrapping_sub(1), sequence) };
        slot.stream.wraps[side] = u16::from(slot.hot.last[side] < slot.stream.start[side]);
    }
    restart
}

fn write_letters(slot: &mut Slot<'_>, side: usize, flags: TcpFlags, position: u32, len: u32) {
    let (syn, fin, rst) = (flags.has(TcpFlags::SYN), flags.has(TcpFlags::FIN), flags.has(TcpFlags::RST));
    match (syn, fin, rst) {
        (_, true, true) => once(slot, side, endpoint::SEEN_FIN_RST, b'I'),
        (true, true, _) | (true, _, true) => once(slot, side, endpoint::SEEN_MULTI_FLAG, b'Q'),
        (true, false, false) => {
            let letter = if flags.has(TcpFlags::ACK) { b'H' } else { b'S' };
            let again = slot.hot.seen[side] & endpoint::SEEN_SYN != 0;
            once(slot, side, endpoint::SEEN_SYN, letter);
            if again && position != 0 {
                slot.push_letter(letter, side);
            }
        }
        (false, true, false) => {
            let at = position.wrapping_add(len) as u16;
            if !once_or_elsewhere(slot, side, endpoint::SEEN_FIN, at == slot.stream.last_fin[side]) {
                slot.push_letter(b'F', side);
            }
            slot.stream.last_fin[side] = at;
        }
        (false, false, true) => {
            let at = position as u16;
            if !once_or_elsewhere(slot, side, endpoint::SEEN_RST, at == slot.stream.last_rst[side]) {
                slot.push_letter(b'R', side);
            }
            slot.stream.last_rst[side] = at;
        }
        (false, false, false) if len > 0 => once(slot, side, endpoint::SEEN_DATA, b'D'),
        (false, false, false) if flags.has(TcpFlags::ACK) => once(slot, side, endpoint::SEEN_ACK, b'A'),
        (false, false, false) => {}
    }
}

fn once(slot: &mut Slot<'_>, side: usize, bit: u8, letter: u8) {
    if slot.hot.seen[side] & bit == 0 {
        slot.hot.seen[side] |= bit;
        slot.push_letter(letter, side);
    }
}

/// True when nothing is to be written: seen before, at the same place.
fn once_or_elsewhere(slot: &mut Slot<'_>, side: usize, bit: u8, same_place: bool) -> bool {
    let seen = slot.hot.seen[side] & bit != 0;
    slot.hot.seen[side] |= bit;
    seen && same_place
}

fn advance_last(slot: &mut Slot<'_>, side: usize, flags: TcpFlags, end: u32, len: u32) {
    let last = slot.hot.last[side];
    let step = end.wrapping_sub(last) as i32;
    let control = flags.has(TcpFlags::SYN) || flags.has(TcpFlags::RST);
    if control && !(-MAX_TRUSTED_STEP..=MAX_TRUSTED_STEP).contains(&step) {
        return;
    }
    // Only SYN and FIN were seen of a stream of more than 2 GiB: the FIN's number is right although it looks older.
    let fin_after_syn = flags.has(TcpFlags::FIN) && last == slot.stream.start[side].wrapping_add(1);
    if fin_after_syn || slot.hot.ends[side].state() != State::Reset && step > 0 {
        slot.hot.last[side] = end;
        slot.stream.wraps[side] = slot.stream.wraps[side].saturating_add(u16::from(end < last));
    } else if slot.hot.ends[side].state() != State::Reset && len > 0 {
        scaled::note_retransmit(slot, side, len == 1 && step == 0);
    }
}

/// Moves both sides; true when `side` asks to close.
fn step(slot: &mut Slot<'_>, side: usize, flags: TcpFlags, len: u32) -> bool {
    let peer = RESPONDER - side;
    let (syn, fin, rst) = (flags.has(TcpFlags::SYN), flags.has(TcpFlags::FIN), flags.has(TcpFlags::RST));
    let ends = &mut slot.hot.ends;
    match ends[side].state() {
        State::Inactive => {
            if syn {
                first_syn(ends, side, flags);
            }
            if fin {
                ends[side].enter(State::Closed);
            }
            if rst {
                ends[side].enter(State::Reset);
            }
            if ends[side].state() == State::Inactive {
                // Some stacks acknowledge a SYN before they send their own: not yet a partial connection.
                let early_ack = side == RESPONDER && len == 0 && ends[ORIGINATOR].state() == State::SynSent;
                // The SYN was missed, the SYN-ACK was not: the connection stands.
                let completes = flags.has(TcpFlags::ACK) && ends[peer].state() == State::Established;
                if completes {
                    ends[side].enter(State::Established);
                } else if !early_ack {
                    ends[side].enter(State::Partial);
                }
            }
        }
        State::SynSent | State::SynAckSent => {
            if fin {
                ends[side].enter(State::Closed);
            }
            if rst {
                ends[side].enter(State::Reset);
            }
        }
        State::Established | State::Partial => {
            let after_partial = ends[side].state() == State::Partial && ends[peer].state() == State::Inactive;
            if syn && after_partial && !flags.has(TcpFlags::ACK) {
                ends[side].enter(State::SynSent);
            }
            if fin && !rst {
                ends[side].enter(State::Closed);
                if ends[peer].state() == State::Reset && ends[peer].previous() == State::Closed {
                    // FIN, then RST, then our FIN: it ended in order after all.
                    ends[peer].enter(State::Closed);
                }
            }
            if rst {
                ends[side].enter(State::Reset);
            }
        }
        State::Closed => {
            if rst && ends[peer].state() != State::Closed {
                ends[side].enter(State::Reset);
                return !ends[side].did_close();
            }
            return false;
        }
        State::Reset => return false,
    }
    fin || rst
}

fn first_syn(ends: &mut [crate::endpoint::Endpoint; 2], side: usize, flags: TcpFlags) {
    if side == ORIGINATOR {
        ends[ORIGINATOR].enter(match (flags.has(TcpFlags::ACK), ends[RESPONDER].state()) {
            // The SYN-ACK was captured before its SYN.
            (false, State::Established) => State::Established,
            (false, _) => State::SynSent,
            (true, _) => State::SynAckSent,
        });
    } else {
        if ends[ORIGINATOR].state() == State::SynSent {
            ends[ORIGINATOR].enter(State::Established);
        }
        ends[RESPONDER].enter(State::Established);
    }
}

/// `side`'s data was acknowledged up to `upto` by its peer.
fn acknowledge(slot: &mut Slot<'_>, side: usize, upto: u32) {
    let (start, last) = (slot.stream.start[side], slot.hot.last[side]);
    if before(upto, start) && slot.stream.wraps[side] == 0 {
        return;
    }
    let beyond = upto.wrapping_sub(last) as i32;
    if upto == 0 && beyond > MAX_TRUSTED_STEP {
        return;
    }
    if before(start.wrapping_add(1), upto) {
        slot.hot.seen[side] |= endpoint::DATA_ACKED;
    }
    let fin = slot.hot.ends[side].sent_fin();
    let clean = slot.hot.ends[ORIGINATOR].is_clean() && slot.hot.ends[RESPONDER].is_clean();
    let known_open = slot.known_rare().is_some_and(|rare| rare.streams[side].open);
    if !known_open && beyond <= 0 {
        return;
    }
    let Some(rare) = slot.rare() else { return };
    let stretch = &mut rare.streams[side];
    stretch.begin(if fin { last.wrapping_sub(1) } else { last });
    if beyond > 0 && stretch.acked.is_none_or(|acked| before(acked, upto)) {
        stretch.acked = Some(upto);
    }
    // The octet of the FIN is not data.
    let data_end = if fin && !before(upto, last) { last.wrapping_sub(1) } else { upto };
    let (mut gaps, mut missed) = (0_u32, 0_u64);
    let (gap_bytes, last_gap) = (&mut rare.gap_bytes, &mut rare.last_gaps[side]);
    stretch.acknowledge(data_end, |start, len| {
        gaps += 1;
        missed += u64::from(len);
        note_gap(gap_bytes, last_gap, (start, len));
    });
    if clean && gaps > 0 {
        let counted = rare.gaps[side];
        rare.gaps[side] = counted.saturating_add(gaps);
        rare.missed_bytes = rare.missed_bytes.saturating_add(missed);
        for count in counted + 1..=counted.saturating_add(gaps) {
            scaled::write(slot, side, b'G', u64::from(count));
        }
    }
}

/// Keeps the holes of a direction; true when the data holds something new.
fn track_holes(slot: &mut Slot<'_>, side: usize, previous_last: u32, start: u32, len: u32) -> bool {
    let end = start.wrapping_add(len);
    let open = slot.known_rare().is_some_and(|rare| rare.streams[side].open);
    let ahead = before(previous_last, start) && slot.hot.ends[side].state() != State::Reset;
    if !open && !ahead {
        return len > 0 && before(previous_last, end);
    }
    let acked = slot.hot.seen[side] & endpoint::DATA_ACKED != 0;
    let Some(rare) = slot.rare() else { return len > 0 && before(previous_last, end) };
    let stretch = &mut rare.streams[side];
    stretch.begin(previous_last);
    let new = len > 0 && stretch.arrive(start, end);
    if !acked {
        stretch.without_acks();
    }
    new
}

fn close_when_complete(slot: &mut Slot<'_>, side: usize) {
    match slot.known_rare() {
        Some(rare) if rare.streams[side].open => rare.streams[side].close_waits = true,
        _ => slot.hot.ends[side].close(),
    }
}

/// Forgets holes that are filled or given up, and closes the sides that waited for them.
fn settle(slot: &mut Slot<'_>) {
    if !slot.hot.is(Hot::RARE) {
        return;
    }
    for side in [ORIGINATOR, RESPONDER] {
        let (last, fin) = (slot.hot.last[side], slot.hot.ends[side].sent_fin());
        let Some(rare) = slot.known_rare() else { return };
        let stretch = &mut rare.streams[side];
        if stretch.open && stretch.is_whole(last, fin) {
            stretch.open = false;
            stretch.acked = None;
            if std::mem::take(&mut stretch.close_waits) {
                slot.hot.ends[side].close();
            }
        }
    }
}
