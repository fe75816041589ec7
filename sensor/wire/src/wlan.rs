//! 802.11 data frames, bare and behind radiotap (radiotap.org). Management, control, encrypted and empty frames are non-IP.

use sensor_model::MacAddr;

use crate::SkipReason;
use crate::view::View;
use crate::walk::{End, Next, Step, Walk};

const VERSION: u8 = 0x03;
const TYPE_DATA: u8 = 2;
const SUBTYPE_QOS: u8 = 0x80;
const SUBTYPE_NO_DATA: u8 = 0x40;
const TO_DISTRIBUTION: u8 = 0x01;
const FROM_DISTRIBUTION: u8 = 0x02;
const PROTECTED: u8 = 0x40;
const HAS_HT_CONTROL: u8 = 0x80;
const HEADER_LEN: u32 = 24;
const FOURTH_ADDRESS_LEN: u32 = 6;
/// In the first byte of QoS control: several frames in one (IEEE 802.11 9.2.4.5.9).
const AGGREGATE: u8 = 0x80;
const SUBFRAME_HEADER_LEN: u32 = 14;

/// Trailing checksum and padded header, as radiotap's flags field tells.
const FLAG_FCS: u8 = 0x10;
const FLAG_PADDED: u8 = 0x20;
const FCS_LEN: u32 = 4;
/// Present words that may follow one another.
const MAX_PRESENT_WORDS: usize = 16;

/// Without a radiotap header nothing is known of a trailer or padding.
pub(crate) fn read<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    read_padded(view, false, state)
}

pub(crate) fn read_radiotap<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    let (Some(len), Some(flags)) = (view.u16_at(2).map(|len| u32::from(len.swap_bytes())), radiotap_flags(view)) else {
        return Step::End(End::Skip(SkipReason::Truncated));
    };
    let Some(mut frame) = view.after(len).filter(|_| len >= 8) else {
        return Step::End(End::Skip(SkipReason::BadLength));
    };
    if flags & FLAG_FCS != 0 {
        frame = frame.limited_to(frame.wire_len().saturating_sub(FCS_LEN));
    }
    read_padded(frame, flags & FLAG_PADDED != 0, state)
}

/// The flags field: the first one but for a timestamp of 8 bytes, aligned. 0 where it is absent.
fn radiotap_flags(view: View<'_>) -> Option<u8> {
    const HAS_MORE: u32 = 0x8000_0000;
    const HAS_TIMESTAMP: u32 = 0x01;
    const HAS_FLAGS: u32 = 0x02;
    let words = view.bytes().get(4..)?.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
    let present = words.clone().next()?;
    let more = words.take(MAX_PRESENT_WORDS).take_while(|word| word & HAS_MORE != 0).count();
    let fields_at = more.saturating_add(2) << 2;
    match (present & HAS_FLAGS != 0, present & HAS_TIMESTAMP != 0) {
        (false, _) => Some(0),
        (true, false) => view.u8_at(fields_at),
        (true, true) => view.u8_at(fields_at.next_multiple_of(8).saturating_add(8)),
    }
}

fn read_padded<'a>(view: View<'a>, padded: bool, state: &mut Walk<'_>) -> Step<'a> {
    let Some(head) = view.head::<2>() else { return Step::End(End::Skip(SkipReason::Truncated)) };
    // Cisco's access points tunnel the two bytes swapped; there is no version but 0 (IEEE 802.11 9.2.4.1.2) to tell it by.
    let [control, flags] = if head[0] & VERSION != 0 && head[1] & VERSION == 0 { [head[1], head[0]] } else { *head };
    let payload = view.head::<24>().and_then(|head| {
        keep_addresses(flags, head, state);
        let is_plain_data = control >> 2 & 0x03 == TYPE_DATA && control & SUBTYPE_NO_DATA == 0 && flags & PROTECTED == 0;
        is_plain_data.then(|| payload(view, control, flags, padded)).flatten()
    });
    payload.map_or_else(|| Step::End(End::NonIp), |inside| Step::On(Next::Llc, inside))
}

/// IEEE 802.11 9.3.2.1, table 9-26: which address is whose.
fn keep_addresses(flags: u8, head: &[u8; 24], state: &mut Walk<'_>) {
    let first = MacAddr([head[4], head[5], head[6], head[7], head[8], head[9]]);
    let second = MacAddr([head[10], head[11], head[12], head[13], head[14], head[15]]);
    let third = MacAddr([head[16], head[17], head[18], head[19], head[20], head[21]]);
    match (flags & TO_DISTRIBUTION != 0, flags & FROM_DISTRIBUTION != 0) {
        (false, false) => state.keep_macs(second, first),
        (true, false) => state.keep_macs(second, third),
        (false, true) => state.keep_macs(third, first),
        // Between access points the source is the fourth address; the transmitter stands in for it.
        (true, true) => state.keep_macs(second, third),
    }
}

fn payload(view: View<'_>, control: u8, flags: u8, padded: bool) -> Option<View<'_>> {
    let mut len = HEADER_LEN;
    if flags & (TO_DISTRIBUTION | FROM_DISTRIBUTION) == TO_DISTRIBUTION | FROM_DISTRIBUTION {
        len = len.saturating_add(FOURTH_ADDRESS_LEN);
    }
    let mut aggregate = false;
    if control & SUBTYPE_QOS != 0 {
        aggregate = view.u8_at(len as usize)? & AGGREGATE != 0;
        len = len.saturating_add(2);
        if flags & HAS_HT_CONTROL != 0 {
            len = len.saturating_add(4);
        }
    }
    let inside = view.after(if padded { len.next_multiple_of(4) } else { len })?;
    // Of several frames in one the first is read: one frame ends in one outcome.
    if aggregate { inside.after(SUBFRAME_HEADER_LEN) } else { Some(inside) }
}
