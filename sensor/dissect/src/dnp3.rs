//! DNP3 (IEEE 1815): link frames by their start bytes and header checksum; the master's application functions are operations.

use sensor_model::IpProtocol;

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::{Parsed, Reader};

pub(crate) const OVER_TCP: Protocol = Protocol::tcp("dnp3_tcp", &[20000], recognise, read).message_per_segment().told_by("dnp3");
pub(crate) const OVER_UDP: Protocol = Protocol { service: "dnp3_udp", transport: IpProtocol::Udp, ..OVER_TCP };

const HEADER_LEN: usize = 10;
/// Control, destination and source count in the length (clause 9.2.4.1.2).
const MIN_LENGTH: u8 = 5;
const BLOCK: usize = 16;

struct Frame<'a> {
    from_master: bool,
    user_data: &'a [u8],
    len: usize,
}

fn parse(bytes: &[u8]) -> Parsed<Frame<'_>> {
    if !b"\x05\x64".starts_with(bytes.get(..2).unwrap_or(bytes)) {
        return Parsed::Foreign;
    }
    let mut reader = Reader::new(bytes);
    let Some([_, _, length, control, ..]) = reader.take(HEADER_LEN) else {
        return Parsed::Short;
    };
    let (Some(covered), Some(checksum)) = (bytes.get(..8), bytes.get(8..10)) else {
        return Parsed::Short;
    };
    if *length < MIN_LENGTH || crc(covered).to_le_bytes() != checksum {
        return Parsed::Foreign;
    }
    // Each block of 16 bytes has two of checksum behind it (clause 9.2.4.1).
    let user = usize::from(length.saturating_sub(MIN_LENGTH));
    let checksums = user.div_ceil(BLOCK).saturating_mul(2);
    let Some(user_data) = reader.take(user.saturating_add(checksums)) else {
        return Parsed::Short;
    };
    let len = HEADER_LEN.saturating_add(user_data.len());
    Parsed::Whole(Frame { from_master: control & 0x80 != 0, user_data, len })
}

/// CRC-16/DNP: polynomial 0x3d65, reflected, inverted (clause 9.2.5).
fn crc(bytes: &[u8]) -> u16 {
    let shift = |crc: u16| if crc & 1 != 0 { crc >> 1 ^ 0xa6bc } else { crc >> 1 };
    !bytes.iter().fold(0, |crc, byte| (0..8).fold(crc ^ u16::from(*byte), |crc, _| shift(crc)))
}

fn recognise(probe: &Probe<'_>) -> Recognition {
    match parse(probe.bytes) {
        Parsed::Whole(_) => Recognition::Yes,
        Parsed::Short => Recognition::Unsure,
        Parsed::Foreign => Recognition::No,
    }
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let frame = match parse(bytes) {
        Parsed::Whole(frame) => frame,
        Parsed::Short => return Step::Wait,
        Parsed::Foreign => return Step::Leave,
    };
    // An unsolicited answer comes from an outstation that may have opened the connection itself: the link header knows the master.
    reading.sent_by_client(frame.from_master);
    // Transport header with its FIR bit, application control, function (clauses 8.2 and 4.2.2).
    if let [transport, _, function, ..] = frame.user_data
        && transport & 0x40 != 0
        && reading.from_client
    {
        reading.operation(operation(*function));
    }
    Step::Read(frame.len)
}

/// A response, or the confirmation of one.
pub(crate) fn is_answer(bytes: &[u8]) -> bool {
    const CONFIRM: u8 = 0;
    const RESPONSE: u8 = 129;
    matches!(parse(bytes), Parsed::Whole(Frame { user_data: [_, _, CONFIRM | RESPONSE, ..], .. }))
}

/// Clause 4.4.
const fn operation(function: u8) -> &'static str {
    match function {
        0 => "dnp3.confirm",
        1 => "dnp3.read",
        2 => "dnp3.write",
        3 => "dnp3.select",
        4 => "dnp3.operate",
        5 => "dnp3.direct_operate",
        6 => "dnp3.direct_operate_no_response",
        7..=12 => "dnp3.freeze",
        13 => "dnp3.cold_restart",
        14 => "dnp3.warm_restart",
        16..=18 => "dnp3.application_control",
        20 => "dnp3.enable_unsolicited",
        21 => "dnp3.disable_unsolicited",
        23 => "dnp3.delay_measurement",
        24 => "dnp3.record_current_time",
        25..=30 => "dnp3.file",
        _ => "dnp3.other_function",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Script;

    /// A reset link from station 1 to 1024, as in the standard's examples; then a frame with a read.
    fn frame(control: u8, user_data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x05, 0x64, 5 + user_data.len() as u8, control, 1, 0, 0, 4];
        bytes.extend(crc(&bytes).to_le_bytes());
        for block in user_data.chunks(BLOCK) {
            bytes.extend(block);
            bytes.extend(crc(block).to_le_bytes());
        }
        bytes
    }

    #[test]
    fn the_checksum_of_a_published_frame_is_right() {
        // Reset of link states, destination 1, source 1024.
        assert_eq!(crc(&[0x05, 0x64, 0x05, 0xc0, 0x01, 0x00, 0x00, 0x04]).to_le_bytes(), [0xe9, 0x21]);
    }

    #[test]
    fn a_masters_request_is_an_operation_and_the_answer_is_not() {
        let script =
            Script::tcp(20_001).client(&frame(0xc4, &[0xc0, 0xc1, 5, 12, 1])).server(&frame(0x44, &[0xc0, 0xc1, 0x81, 0, 0]));
        let findings = script.findings();
        assert_eq!(findings.services(), ["dnp3_tcp"]);
        assert_eq!(findings.operations(), ["dnp3.direct_operate"]);
        assert!(!findings.is_reversed());
    }

    #[test]
    fn a_wrong_checksum_is_nobodys() {
        let mut bytes = frame(0xc4, &[]);
        bytes[9] ^= 1;
        assert_eq!(Script::tcp(20_000).client(&bytes).findings().services(), Vec::<&str>::new());
    }
}
