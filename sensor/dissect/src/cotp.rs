//! What travels in TPKT (RFC 1006) and COTP (ISO 8073): RDP, which is known by its connection request, and S7comm and MMS, by the first data.
//! S7comm is followed for the life of the flow: its function codes are operations.

use sensor_model::{FactKind, Strength};

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::{Parsed, Reader};
use crate::{text, tls};

pub(crate) const RDP: Protocol = Protocol::tcp("rdp", &[3389], recognise_rdp, read_rdp);
pub(crate) const S7COMM: Protocol = Protocol::tcp("s7comm", &[102], recognise_s7, read_s7).message_per_segment();
pub(crate) const S7COMM_PLUS: Protocol =
    Protocol::tcp("s7comm_plus", &[102], recognise_s7_plus, read_nothing).message_per_segment();
pub(crate) const MMS: Protocol = Protocol::tcp("mms", &[102], recognise_mms, read_nothing).message_per_segment();

const CONNECTION_REQUEST: u8 = 0xe0;
const CONNECTION_CONFIRM: u8 = 0xd0;
const DATA: u8 = 0xf0;
const MAX_FRAMES: usize = 4;

struct Frame<'a> {
    kind: u8,
    /// The header behind its kind.
    header: &'a [u8],
    data: &'a [u8],
    len: usize,
}

/// RFC 1006 6: version 3, reserved 0, length with header; then the COTP header behind its own length.
fn parse(bytes: &[u8]) -> Parsed<Frame<'_>> {
    if !b"\x03\x00".starts_with(bytes.get(..2).unwrap_or(bytes)) {
        return Parsed::Foreign;
    }
    let mut reader = Reader::new(bytes);
    let (Some(()), Some(len)) = (reader.skip(2), reader.be16()) else {
        return Parsed::Short;
    };
    if len < 7 {
        return Parsed::Foreign;
    }
    let Some(body) = usize::from(len).checked_sub(4).and_then(|rest| reader.take(rest)) else {
        return Parsed::Short;
    };
    let mut body = Reader::new(body);
    let Some([kind, header @ ..]) = body.prefixed8() else {
        return Parsed::Foreign;
    };
    Parsed::Whole(Frame { kind: *kind, header, data: body.rest(), len: usize::from(len) })
}

/// Looks past connection requests at the first data; `is_data` judges it.
fn recognise_by_data(probe: &Probe<'_>, is_data: fn(&[u8]) -> bool) -> Recognition {
    let mut bytes = probe.bytes;
    for _ in 0..MAX_FRAMES {
        match parse(bytes) {
            Parsed::Foreign => return Recognition::No,
            Parsed::Short => return Recognition::Unsure,
            Parsed::Whole(frame) => match frame.kind {
                DATA => return Recognition::of(is_data(frame.data)),
                CONNECTION_REQUEST | CONNECTION_CONFIRM if names_a_service(frame.header) => {
                    bytes = bytes.get(frame.len..).unwrap_or_default();
                }
                _ => return Recognition::No,
            },
        }
        if bytes.is_empty() {
            return Recognition::Unsure;
        }
    }
    Recognition::No
}

/// References and class, then parameters: 0xc0 TPDU size, 0xc1 and 0xc2 the TSAPs (ISO 8073 13.3.4).
fn names_a_service(header: &[u8]) -> bool {
    let mut reader = Reader::new(header);
    let _ = reader.skip(5);
    matches!(reader.u8(), Some(0xc0..=0xc2))
}

fn recognise_s7(probe: &Probe<'_>) -> Recognition {
    // Protocol 0x32, then job, acknowledgement, answer or user data, then two reserved zeros.
    recognise_by_data(probe, |data| matches!(data, [0x32, 1 | 2 | 3 | 7, 0, 0, ..]))
}

fn recognise_s7_plus(probe: &Probe<'_>) -> Recognition {
    recognise_by_data(probe, |data| matches!(data, [0x72, 1..=3 | 0xfe, ..]))
}

/// Session CONNECT or ACCEPT with presentation in it, or give-tokens and data (ISO 8327-1).
fn recognise_mms(probe: &Probe<'_>) -> Recognition {
    recognise_by_data(probe, |data| matches!(data, [0x0d | 0x0e, _, 5, ..] | [1, 0, 1, 0, 0x61, ..]))
}

fn recognise_rdp(probe: &Probe<'_>) -> Recognition {
    match parse(probe.bytes) {
        Parsed::Foreign => Recognition::No,
        // The port's owner is asked first, so that S7 on its own port is not kept waiting.
        Parsed::Short if probe.hinted => Recognition::Unsure,
        Parsed::Short => Recognition::No,
        Parsed::Whole(frame) => {
            let mut header = Reader::new(frame.header);
            let _ = header.skip(5);
            let rest = header.rest();
            // [MS-RDPBCGR] 2.2.1.1: cookie or routing token, then a negotiation request; 2.2.1.2: response or failure.
            let negotiates = rest.windows(4).any(|part| part == b"\x01\x00\x08\x00" || part == b"\x01\x08\x08\x00");
            let answers = matches!(rest, [2 | 3, _, 8, 0, ..]) && frame.kind == CONNECTION_CONFIRM;
            let asks = frame.kind == CONNECTION_REQUEST && (rest.starts_with(b"Cookie: ") || negotiates);
            Recognition::of(
                asks || answers
                    || (probe.hinted && rest.is_empty() && matches!(frame.kind, CONNECTION_REQUEST | CONNECTION_CONFIRM)),
            )
        }
    }
}

fn read_rdp(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    // Both sides have agreed on TLS ([MS-RDPBCGR] 5.4.5).
    if bytes.first() == Some(&tls::HANDSHAKE) {
        return tls::read_upgraded(reading, bytes);
    }
    match parse(bytes) {
        Parsed::Whole(frame) if matches!(frame.kind, CONNECTION_REQUEST | CONNECTION_CONFIRM) => {
            reading.sent_by_client(frame.kind == CONNECTION_REQUEST);
            Step::Read(frame.len)
        }
        Parsed::Short => Step::Wait,
        Parsed::Whole(_) | Parsed::Foreign => Step::Leave,
    }
}

fn read_nothing(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    match parse(bytes) {
        Parsed::Whole(frame) => {
            match frame.kind {
                CONNECTION_REQUEST => reading.sent_by_client(true),
                CONNECTION_CONFIRM => reading.sent_by_client(false),
                _ => {}
            }
            reading.one_of(8, Step::Read(frame.len))
        }
        Parsed::Short => Step::Wait,
        Parsed::Foreign => Step::Leave,
    }
}

fn read_s7(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let frame = match parse(bytes) {
        Parsed::Whole(frame) => frame,
        Parsed::Short => return Step::Wait,
        Parsed::Foreign => return Step::Leave,
    };
    match frame.kind {
        CONNECTION_REQUEST => reading.sent_by_client(true),
        CONNECTION_CONFIRM => reading.sent_by_client(false),
        DATA => {
            read_s7_data(reading, frame.data);
        }
        _ => {}
    }
    Step::Read(frame.len)
}

/// Header: protocol, kind, reserved, reference, length of parameters, length of data; answers add an error code.
fn read_s7_data(reading: &mut Reading<'_>, data: &[u8]) -> Option<()> {
    const JOB: u8 = 1;
    const USER_DATA: u8 = 7;
    let mut reader = Reader::new(data);
    reader.u8().filter(|protocol| *protocol == 0x32)?;
    let kind = reader.u8()?;
    reader.skip(8)?;
    match kind {
        JOB => {
            reading.sent_by_client(true);
            reading.operation(s7_operation(reader.u8()?));
        }
        USER_DATA if !reading.from_client => tell_order_number(reading, reader.rest()),
        _ => {}
    }
    Some(())
}

const fn s7_operation(function: u8) -> &'static str {
    match function {
        0x00 => "s7comm.cpu_services",
        0x04 => "s7comm.read_var",
        0x05 => "s7comm.write_var",
        0x1a => "s7comm.request_download",
        0x1b => "s7comm.download_block",
        0x1c => "s7comm.download_ended",
        0x1d => "s7comm.start_upload",
        0x1e => "s7comm.upload",
        0x1f => "s7comm.end_upload",
        0x28 => "s7comm.plc_control",
        0x29 => "s7comm.plc_stop",
        0xf0 => "s7comm.setup_communication",
        _ => "s7comm.other_function",
    }
}

/// The module identification list answers with Siemens order numbers (`6ES7 315-2EH14-0AB0`), 20 characters each.
fn tell_order_number(reading: &mut Reading<'_>, data: &[u8]) {
    let start = data.windows(4).position(|part| matches!(part, b"6ES7" | b"6GK7" | b"6AG1" | b"6AV6" | b"6AV2"));
    let number = start.and_then(|start| data.get(start..start.checked_add(20)?)).and_then(text::printable);
    if number.is_some() {
        reading.tell_of_ip(reading.sender(), FactKind::Model, number, Strength::Confirmed);
        reading.tell_of_ip(reading.sender(), FactKind::Vendor, Some("Siemens AG".to_owned()), Strength::Confirmed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Script;

    const REQUEST: &[u8] = b"\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc0\x01\x0a\xc1\x02\x01\x00\xc2\x02\x01\x02";
    const SETUP: &[u8] = b"\x03\x00\x00\x19\x02\xf0\x80\x32\x01\x00\x00\x00\x00\x00\x08\x00\x00\xf0\x00\x00\x01\x00\x01\x01\xe0";
    const STOP: &[u8] = b"\x03\x00\x00\x15\x02\xf0\x80\x32\x01\x00\x00\x00\x02\x00\x04\x00\x00\x29\x00\x00\x00";

    #[test]
    fn s7_is_known_by_its_first_data_and_its_jobs_are_operations() {
        let findings = Script::tcp(102).client(REQUEST).client(SETUP).client(STOP).findings();
        assert_eq!(findings.services(), ["s7comm"]);
        assert_eq!(findings.operations(), ["s7comm.setup_communication", "s7comm.plc_stop"]);
    }

    #[test]
    fn an_identification_tells_vendor_and_model() {
        let mut answer = b"\x03\x00\x00\x29\x02\xf0\x80\x32\x07\x00\x00\x00\x03\x00\x08\x00\x20".to_vec();
        answer.extend(b"\x00\x01\x12\x046ES7 315-2EH14-0AB0 ");
        answer[3] = answer.len() as u8;
        let findings = Script::tcp(102).client(REQUEST).client(SETUP).server(&answer).findings();
        assert_eq!(findings.values_of(FactKind::Model), ["6ES7 315-2EH14-0AB0"]);
    }

    #[test]
    fn rdp_is_known_by_its_request_on_any_port() {
        let request = b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00";
        assert_eq!(Script::tcp(33_890).client(request).findings().services(), ["rdp"]);
        assert_eq!(Script::tcp(102).client(REQUEST).findings().services(), Vec::<&str>::new());
    }
}
