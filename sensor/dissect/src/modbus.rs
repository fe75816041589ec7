//! Modbus/TCP (Modbus Application Protocol 1.1b3, Messaging on TCP/IP 1.0b): each request's function as an operation, and what a device
//! says of itself (43/14). Followed for the life of the flow, since a write may come after months of reads.

use sensor_model::{FactKind, Strength};

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::{Parsed, Reader};
use crate::text;

pub(crate) const PROTOCOL: Protocol = Protocol::tcp("modbus", &[502], recognise, read).message_per_segment();

/// Transaction, protocol and length field; the length counts from behind itself (Messaging 3.1.3).
const PREFIX_LEN: usize = 6;
const EXCEPTION: u8 = 0x80;
const ENCAPSULATED_INTERFACE: u8 = 0x2b;
const READ_DEVICE_IDENTIFICATION: u8 = 0x0e;

/// How long a function's messages are, PDU with function code: what tells a request from an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Request of this length; the answer counts its bytes in its second byte.
    Counted {
        request: usize,
    },
    /// Request and answer have this length both.
    Echo(usize),
    /// Request of `request` bytes, answer of `answer` bytes.
    Fixed {
        request: usize,
        answer: usize,
    },
    /// Request counts its data in the byte at this place, answer has five bytes.
    Multiple {
        count_at: usize,
    },
    Free,
}

struct Function {
    code: u8,
    operation: &'static str,
    shape: Shape,
}

const fn function(code: u8, operation: &'static str, shape: Shape) -> Function {
    Function { code, operation, shape }
}

/// Application Protocol 6.1 to 6.21, and what vendors use of the user-defined codes.
const FUNCTIONS: &[Function] = &[
    function(0x03, "modbus.read_holding_registers", Shape::Counted { request: 5 }),
    function(0x01, "modbus.read_coils", Shape::Counted { request: 5 }),
    function(0x02, "modbus.read_discrete_inputs", Shape::Counted { request: 5 }),
    function(0x04, "modbus.read_input_registers", Shape::Counted { request: 5 }),
    function(0x05, "modbus.write_single_coil", Shape::Echo(5)),
    function(0x06, "modbus.write_single_register", Shape::Echo(5)),
    function(0x0f, "modbus.write_multiple_coils", Shape::Multiple { count_at: 5 }),
    function(0x10, "modbus.write_multiple_registers", Shape::Multiple { count_at: 5 }),
    function(0x07, "modbus.read_exception_status", Shape::Fixed { request: 1, answer: 2 }),
    function(0x08, "modbus.diagnostics", Shape::Free),
    function(0x0b, "modbus.get_comm_event_counter", Shape::Fixed { request: 1, answer: 5 }),
    function(0x0c, "modbus.get_comm_event_log", Shape::Counted { request: 1 }),
    function(0x11, "modbus.report_server_id", Shape::Counted { request: 1 }),
    function(0x14, "modbus.read_file_record", Shape::Free),
    function(0x15, "modbus.write_file_record", Shape::Free),
    function(0x16, "modbus.mask_write_register", Shape::Echo(7)),
    function(0x17, "modbus.read_write_multiple_registers", Shape::Free),
    function(0x18, "modbus.read_fifo_queue", Shape::Free),
    function(ENCAPSULATED_INTERFACE, "modbus.encapsulated_interface_transport", Shape::Free),
    // Schneider's programming protocol travels in 90.
    function(0x5a, "modbus.umas", Shape::Free),
];
/// Any other function; the name stays one of a closed set.
const OTHER: &str = "modbus.other_function";

struct Message<'a> {
    code: u8,
    /// Function code and data.
    pdu: &'a [u8],
    len: usize,
}

fn parse(bytes: &[u8]) -> Parsed<Message<'_>> {
    let mut reader = Reader::new(bytes);
    let header = (reader.be16(), reader.be16(), reader.be16());
    let (Some(_transaction), Some(protocol), Some(len)) = header else {
        return Parsed::Short;
    };
    // Unit and function at least; an ADU has at most 260 bytes.
    if protocol != 0 || !(2..=254).contains(&len) {
        return Parsed::Foreign;
    }
    let Some([_unit, pdu @ ..]) = reader.take(usize::from(len)) else {
        return Parsed::Short;
    };
    match pdu.first() {
        // Codes run from 1 to 127 (Application Protocol 4.1); 0x80 alone would answer function 0.
        Some(code) if !matches!(*code, 0 | EXCEPTION) => {
            Parsed::Whole(Message { code: *code, pdu, len: PREFIX_LEN.saturating_add(usize::from(len)) })
        }
        _ => Parsed::Foreign,
    }
}

fn recognise(probe: &Probe<'_>) -> Recognition {
    match parse(probe.bytes) {
        Parsed::Foreign => Recognition::No,
        Parsed::Short => {
            // Two of the first four bytes are free; only the port makes so few a beginning.
            let plausible = probe.bytes.get(2..).is_none_or(|rest| rest.starts_with(&[0]) || rest.is_empty());
            if probe.hinted && plausible { Recognition::Unsure } else { Recognition::No }
        }
        Parsed::Whole(message) => {
            let known = lookup(message.code & !EXCEPTION).is_some();
            let sure = if probe.hinted { known || message.len == probe.bytes.len() } else { known && stands_alone(probe.bytes) };
            Recognition::of(sure)
        }
    }
}

/// On a strange port: nothing but whole messages, each of a known function and of a length that the function allows.
fn stands_alone(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let Parsed::Whole(message) = parse(bytes) else { return false };
        let exception = message.code & EXCEPTION != 0 && matches!(message.pdu, [_, 1..=11]);
        if !exception && is_request(&message) != Some(true) && is_answer(&message) != Some(true) {
            return false;
        }
        bytes = bytes.get(message.len..).unwrap_or_default();
    }
    true
}

fn lookup(code: u8) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.code == code)
}

/// None where the length cannot tell.
fn is_request(message: &Message<'_>) -> Option<bool> {
    let len = message.pdu.len();
    Some(match lookup(message.code)?.shape {
        Shape::Counted { request } | Shape::Echo(request) | Shape::Fixed { request, .. } => len == request,
        Shape::Multiple { count_at } => {
            message.pdu.get(count_at).is_some_and(|count| count_at.checked_add(usize::from(*count)) == len.checked_sub(1))
        }
        Shape::Free => return None,
    })
}

/// None where the length cannot tell.
fn is_answer(message: &Message<'_>) -> Option<bool> {
    let len = message.pdu.len();
    Some(match lookup(message.code)?.shape {
        Shape::Counted { .. } => message.pdu.get(1).is_some_and(|count| len.checked_sub(2) == Some(usize::from(*count))),
        Shape::Echo(answer) | Shape::Fixed { answer, .. } => len == answer,
        Shape::Multiple { .. } => len == 5,
        Shape::Free => return None,
    })
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let message = match parse(bytes) {
        Parsed::Whole(message) => message,
        Parsed::Short => return Step::Wait,
        Parsed::Foreign => return Step::Leave,
    };
    if message.code & EXCEPTION != 0 {
        reading.sent_by_client(false);
    } else {
        match (is_request(&message), is_answer(&message)) {
            (Some(true), Some(false)) => reading.sent_by_client(true),
            (Some(false), Some(true)) => reading.sent_by_client(false),
            _ => {}
        }
    }
    if reading.from_client {
        reading.operation(operation(&message));
    } else if let [ENCAPSULATED_INTERFACE, READ_DEVICE_IDENTIFICATION, rest @ ..] = message.pdu {
        read_identification(reading, rest);
    }
    Step::Read(message.len)
}

fn operation(message: &Message<'_>) -> &'static str {
    match message.pdu {
        [ENCAPSULATED_INTERFACE, READ_DEVICE_IDENTIFICATION, ..] => "modbus.read_device_identification",
        [code, ..] => lookup(*code).map_or(OTHER, |function| function.operation),
        [] => OTHER,
    }
}

/// Application Protocol 6.21: objects 0 to 6 have fixed meanings.
fn read_identification(reading: &mut Reading<'_>, bytes: &[u8]) -> Option<()> {
    let mut reader = Reader::new(bytes);
    // Access type, conformity, more follows, next object.
    reader.skip(4)?;
    let objects = reader.u8()?;
    let (mut product_code, mut product_name, mut model_name) = (None, None, None);
    for _ in 0..objects {
        let (Some(id), Some(value)) = (reader.u8(), reader.prefixed8()) else { break };
        let value = text::printable(value);
        match id {
            0 => reading.tell_of_ip(reading.server(), FactKind::Vendor, value, Strength::Confirmed),
            1 => product_code = value,
            2 => reading.tell_of_ip(reading.server(), FactKind::Firmware, value, Strength::Confirmed),
            4 => product_name = value,
            5 => model_name = value,
            _ => {}
        }
    }
    let model = model_name.or(product_name).or(product_code);
    reading.tell_of_ip(reading.server(), FactKind::Model, model, Strength::Confirmed);
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sensor_model::Subject;

    use super::*;
    use crate::Status;
    use crate::samples::{CLIENT, SERVER, Script};

    pub(crate) fn adu(transaction: u16, pdu: &[u8]) -> Vec<u8> {
        let mut bytes = transaction.to_be_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend((pdu.len() as u16 + 1).to_be_bytes());
        bytes.push(1);
        bytes.extend(pdu);
        bytes
    }

    const READ_REGISTERS: &[u8] = &[3, 0, 0, 0, 2];
    const REGISTERS: &[u8] = &[3, 4, 1, 2, 3, 4];
    const WRITE_COIL: &[u8] = &[5, 0, 9, 0xff, 0];

    #[test]
    fn every_request_is_an_operation_and_no_answer_is() {
        let script = Script::tcp(502).client(&adu(1, READ_REGISTERS)).server(&adu(1, REGISTERS));
        let script = script.client(&adu(2, WRITE_COIL)).server(&adu(2, WRITE_COIL));
        assert_eq!(script.status, Status::More);
        let findings = script.findings();
        assert_eq!(findings.services(), ["modbus"]);
        assert_eq!(findings.operations(), ["modbus.read_holding_registers", "modbus.write_single_coil"]);
        assert_eq!(findings.facts(FactKind::Serves).collect::<Vec<_>>(), [(Subject::Ip(SERVER), "modbus")]);
        assert_eq!(findings.facts(FactKind::Uses).collect::<Vec<_>>(), [(Subject::Ip(CLIENT), "modbus")]);
    }

    #[test]
    fn a_request_in_two_segments_and_two_in_one_are_all_read() {
        let (first, second) = (adu(1, READ_REGISTERS), adu(2, WRITE_COIL));
        let script = Script::tcp(502).client(&first[..5]).client(&first[5..]).client(&[second.clone(), first.clone()].concat());
        let wanted = ["modbus.read_holding_registers", "modbus.write_single_coil", "modbus.read_holding_registers"];
        assert_eq!(script.findings().operations(), wanted);
    }

    #[test]
    fn a_write_after_lost_segments_is_still_seen() {
        let mut script = Script::tcp(502).client(&adu(1, READ_REGISTERS)).lost(100);
        for transaction in 2..8 {
            script = script.client(&adu(transaction, WRITE_COIL));
        }
        assert_eq!(script.findings().operations().last(), Some(&"modbus.write_single_coil"));
    }

    #[test]
    fn an_unknown_function_is_an_operation_of_its_own() {
        let findings = Script::tcp(502).client(&adu(1, &[0x64, 1, 2])).findings();
        assert_eq!(findings.operations(), ["modbus.other_function"]);
    }

    #[test]
    fn an_answer_from_the_originator_reverses_the_flow() {
        let findings = Script::tcp(40_001).client(&adu(1, REGISTERS)).server(&adu(2, READ_REGISTERS)).findings();
        assert!(findings.is_reversed());
        assert_eq!(findings.operations(), ["modbus.read_holding_registers"]);
        assert_eq!(findings.facts(FactKind::Serves).collect::<Vec<_>>(), [(Subject::Ip(CLIENT), "modbus")]);
    }

    #[test]
    fn an_exception_is_no_operation() {
        let findings = Script::tcp(502).client(&adu(1, READ_REGISTERS)).server(&adu(1, &[0x83, 2])).findings();
        assert_eq!(findings.operations(), ["modbus.read_holding_registers"]);
        assert!(!findings.is_reversed());
    }

    #[test]
    fn a_device_tells_vendor_model_and_firmware() {
        let answer = b"\x2b\x0e\x01\x01\x00\x00\x03\x00\x04ACME\x01\x04PM-5\x02\x04v1.2";
        let findings = Script::tcp(502).client(&adu(1, b"\x2b\x0e\x01\x00")).server(&adu(1, answer)).findings();
        assert_eq!(findings.operations(), ["modbus.read_device_identification"]);
        assert_eq!(findings.facts(FactKind::Vendor).collect::<Vec<_>>(), [(Subject::Ip(SERVER), "ACME")]);
        assert_eq!(findings.values_of(FactKind::Model), ["PM-5"]);
        assert_eq!(findings.values_of(FactKind::Firmware), ["v1.2"]);
    }

    #[test]
    fn a_strange_port_needs_whole_messages_of_the_right_length() {
        assert_eq!(Script::tcp(40_001).client(&adu(1, READ_REGISTERS)).findings().services(), ["modbus"]);
        assert_eq!(Script::tcp(40_001).client(&adu(1, &[3, 0, 0, 0, 2, 7])).findings().services(), Vec::<&str>::new());
    }

    proptest! {
        #[test]
        fn no_payload_panics(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..8)) {
            let mut script = Script::tcp(502).client(&adu(1, READ_REGISTERS));
            for payload in payloads {
                script = script.server(&adu(1, &payload)).client(&payload);
            }
        }
    }
}
