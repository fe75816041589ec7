//! SNMP (RFC 1157, 3416, 3412): what an agent answers for sysDescr and sysName.

use sensor_model::{FactKind, Strength};

use crate::ber::{INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, element, expect, small};
use crate::head::system_in;
use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;
use crate::text;

pub(crate) const PROTOCOL: Protocol = Protocol::udp("snmp", &[161, 162], recognise, read);

/// 1.3.6.1.2.1.1.1.0 and 1.3.6.1.2.1.1.5.0 (RFC 3418 2).
const SYS_DESCR: &[u8] = &[0x2b, 6, 1, 2, 1, 1, 1, 0];
const SYS_NAME: &[u8] = &[0x2b, 6, 1, 2, 1, 1, 5, 0];

const RESPONSE: u8 = 0xa2;
const TRAP_V1: u8 = 0xa4;
const TRAP_V2: u8 = 0xa7;
const REPORT: u8 = 0xa8;
const MAX_BINDINGS: usize = 64;
/// A monitoring station asks for years on one pair of ports; what an agent is called, it says early.
const MAX_MESSAGES: u32 = 64;

enum Message<'a> {
    /// Kind of the PDU and its contents.
    Plain(u8, &'a [u8]),
    /// Version 3: mostly encrypted.
    Secured,
}

fn parse(bytes: &[u8]) -> Option<Message<'_>> {
    let mut outer = Reader::new(bytes);
    let mut message = Reader::new(expect(&mut outer, SEQUENCE)?);
    match small(expect(&mut message, INTEGER)?)? {
        0 | 1 => {
            expect(&mut message, OCTET_STRING)?;
            let (kind, pdu) = element(&mut message).filter(|(kind, _)| (0xa0..=0xa8).contains(kind))?;
            Some(Message::Plain(kind, pdu))
        }
        3 => {
            // msgID, msgMaxSize (484 at least), msgFlags of one byte, a security model (RFC 3412 6).
            let mut global = Reader::new(expect(&mut message, SEQUENCE)?);
            small(expect(&mut global, INTEGER)?)?;
            small(expect(&mut global, INTEGER)?).filter(|size| *size >= 484)?;
            expect(&mut global, OCTET_STRING).filter(|flags| flags.len() == 1)?;
            expect(&mut global, INTEGER)?;
            Some(Message::Secured)
        }
        _ => None,
    }
}

fn recognise(probe: &Probe<'_>) -> Recognition {
    Recognition::of(parse(probe.bytes).is_some())
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    match parse(bytes) {
        Some(Message::Plain(kind, pdu)) => {
            // Requests come from the station, answers from the agent; a trap goes from the agent to a station that serves it.
            match kind {
                RESPONSE => reading.sent_by_client(false),
                TRAP_V1 | TRAP_V2 => {}
                _ => reading.sent_by_client(true),
            }
            if matches!(kind, RESPONSE | TRAP_V2) {
                read_bindings(reading, pdu);
            }
        }
        Some(Message::Secured) => {}
        None => return Step::Leave,
    }
    reading.one_of(MAX_MESSAGES, Step::Read(bytes.len()))
}

/// Of a plain message; the others are encrypted.
pub(crate) fn is_answer(bytes: &[u8]) -> bool {
    matches!(parse(bytes), Some(Message::Plain(RESPONSE | REPORT, _)))
}

fn read_bindings(reading: &mut Reading<'_>, pdu: &[u8]) -> Option<()> {
    let mut pdu = Reader::new(pdu);
    for _ in 0..3 {
        expect(&mut pdu, INTEGER)?;
    }
    let mut bindings = Reader::new(expect(&mut pdu, SEQUENCE)?);
    for _ in 0..MAX_BINDINGS {
        let mut binding = Reader::new(expect(&mut bindings, SEQUENCE)?);
        let name = expect(&mut binding, OBJECT_IDENTIFIER)?;
        let Some(value) = expect(&mut binding, OCTET_STRING) else { continue };
        let agent = reading.sender();
        match name {
            SYS_NAME => reading.tell_of_ip(agent, FactKind::Hostname, text::host_name(value), Strength::Confirmed),
            SYS_DESCR => {
                reading.tell_of_ip(agent, FactKind::OperatingSystem, system_in(value), Strength::Confirmed);
                // Makers write their product here, each in its own way.
                reading.tell_of_ip(agent, FactKind::Model, text::printable(value), Strength::Probable);
            }
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use sensor_model::Subject;

    use super::*;
    use crate::samples::{SERVER, Script};

    fn message(kind: u8, oid: &[u8], value: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, inner: &[u8]| [&[tag, inner.len() as u8], inner].concat();
        let binding = wrap(0x30, &[wrap(6, oid), value.to_vec()].concat());
        let pdu = [wrap(2, &[1]), wrap(2, &[0]), wrap(2, &[0]), wrap(0x30, &binding)].concat();
        wrap(0x30, &[wrap(2, &[1]), wrap(4, b"public"), wrap(kind, &pdu)].concat())
    }

    #[test]
    fn an_agent_tells_its_name_and_description() {
        let script = Script::udp(161).client(&message(0xa0, SYS_NAME, &[5, 0]));
        let findings = script
            .server(&message(0xa2, SYS_NAME, b"\x04\x05sw-07"))
            .server(&message(0xa2, SYS_DESCR, b"\x04\x0aLinux 5.10"))
            .findings();
        assert_eq!(findings.services(), ["snmp"]);
        assert_eq!(findings.facts(FactKind::Hostname).collect::<Vec<_>>(), [(Subject::Ip(SERVER), "sw-07")]);
        assert_eq!(findings.values_of(FactKind::OperatingSystem), ["Linux"]);
        assert_eq!(findings.values_of(FactKind::Model), ["Linux 5.10"]);
    }

    #[test]
    fn an_answer_from_the_originator_reverses_the_flow() {
        assert!(Script::udp(40_001).client(&message(0xa2, SYS_NAME, b"\x04\x01a")).findings().is_reversed());
    }
}
