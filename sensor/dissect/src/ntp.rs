//! NTP (RFC 5905 7.3) and its control messages, on port 123 only: too few of its bits are fixed to know it elsewhere.

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;

pub(crate) const PROTOCOL: Protocol = Protocol::udp("ntp", &[123], recognise, read);

const CLIENT: u8 = 3;
const SERVER: u8 = 4;

fn recognise(probe: &Probe<'_>) -> Recognition {
    let Some(first) = probe.bytes.first() else { return Recognition::No };
    let fits = match first & 7 {
        1..=5 => is_time(probe.bytes),
        6 => is_control(probe.bytes).is_some(),
        7 => is_private(probe.bytes).is_some(),
        _ => false,
    };
    Recognition::of(probe.hinted && fits && (1..=4).contains(&(first >> 3 & 7)))
}

/// Stratum 17 to 255 is reserved, the poll interval is 2^17 s at most, a clock ticks once a second or faster (RFC 5905 7.3). Behind the
/// 48 bytes stand extensions and authenticators of whole words.
fn is_time(bytes: &[u8]) -> bool {
    let [_, stratum, poll, precision, ..] = bytes else { return false };
    let in_range = *stratum <= 16 && (-6..=17).contains(&poll.cast_signed()) && (-32..=0).contains(&precision.cast_signed());
    in_range && bytes.len() >= 48 && bytes.len().is_multiple_of(4)
}

/// Operation, sequence, status, association, offset, count of the data that follows (RFC 9327 2).
fn is_control(bytes: &[u8]) -> Option<()> {
    let mut reader = Reader::new(bytes);
    reader.skip(1)?;
    reader.u8().filter(|operation| matches!(operation & 0x1f, 0..=12 | 31))?;
    reader.skip(8)?;
    let count = usize::from(reader.be16()?);
    // Padded to whole words, and an authenticator may follow.
    let rest = reader.rest().len();
    (rest >= count && rest <= count.saturating_add(32)).then_some(())
}

/// ntpd's own: sequence, implementation, request, then error and number of items, their size, and the items.
fn is_private(bytes: &[u8]) -> Option<()> {
    let mut reader = Reader::new(bytes);
    reader.skip(2)?;
    reader.u8().filter(|implementation| matches!(implementation, 0 | 2 | 3))?;
    reader.u8().filter(|request| *request <= 45)?;
    let items = usize::from(reader.be16()? & 0x0fff);
    let size = usize::from(reader.be16()? & 0x0fff);
    (items.saturating_mul(size) <= reader.rest().len()).then_some(())
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    match bytes.first().map(|first| first & 7) {
        Some(CLIENT) => reading.sent_by_client(true),
        Some(SERVER) => reading.sent_by_client(false),
        _ => {}
    }
    reading.one_of(4, Step::Read(bytes.len()))
}
