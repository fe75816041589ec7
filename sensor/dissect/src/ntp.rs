//! NTP (RFC 5905 7.3) and its control messages, on port 123 only: too few of its bits are fixed to know it elsewhere.

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};

pub(crate) const PROTOCOL: Protocol = Protocol::udp("ntp", &[123], recognise, read);

const CLIENT: u8 = 3;
const SERVER: u8 = 4;

fn recognise(probe: &Probe<'_>) -> Recognition {
    let [first, second, ..] = probe.bytes else { return Recognition::No };
    let (version, mode) = (first >> 3 & 7, first & 7);
    let fits = match mode {
        // Stratum 17 to 255 is reserved (RFC 5905 figure 11).
        1..=5 => probe.bytes.len() >= 48 && *second <= 16,
        // Control (RFC 9327) and private messages.
        6 | 7 => probe.bytes.len() >= 8,
        _ => false,
    };
    Recognition::of(probe.hinted && fits && (1..=4).contains(&version))
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    match bytes.first().map(|first| first & 7) {
        Some(CLIENT) => reading.sent_by_client(true),
        Some(SERVER) => reading.sent_by_client(false),
        _ => {}
    }
    reading.one_of(4, Step::Read(bytes.len()))
}
