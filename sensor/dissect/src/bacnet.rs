//! BACnet/IP (ASHRAE 135 annex J): I-Am, and what a device answers for its own name, vendor, model and firmware.

use sensor_model::{FactKind, Strength};

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;
use crate::text;

pub(crate) const PROTOCOL: Protocol = Protocol::udp("bacnet", &[47808], recognise, read);

const BVLC_IP: u8 = 0x81;
const FORWARDED: u8 = 0x04;
const CONFIRMED_REQUEST: u8 = 0;
const COMPLEX_ACK: u8 = 3;
const READ_PROPERTY: u8 = 12;
const MAX_MESSAGES: u32 = 256;

/// The application part behind BVLC and NPDU; empty for network messages.
fn parse(bytes: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(bytes);
    reader.u8().filter(|kind| *kind == BVLC_IP)?;
    let function = reader.u8().filter(|function| *function <= 0x0c)?;
    reader.be16().filter(|len| usize::from(*len) == bytes.len())?;
    if function == FORWARDED {
        reader.skip(6)?;
    } else if !matches!(function, 0x09..=0x0b) {
        // Answers and tables of the virtual link have no NPDU.
        return Some(&[]);
    }
    // Clause 6.2: version 1, control with two reserved bits.
    reader.u8().filter(|version| *version == 1)?;
    let control = reader.u8().filter(|control| control & 0x50 == 0)?;
    if control & 0x20 != 0 {
        reader.skip(2)?;
        reader.prefixed8()?;
    }
    if control & 0x08 != 0 {
        reader.skip(2)?;
        reader.prefixed8()?;
    }
    if control & 0x20 != 0 {
        reader.skip(1)?;
    }
    Some(if control & 0x80 == 0 { reader.rest() } else { &[] })
}

fn recognise(probe: &Probe<'_>) -> Recognition {
    Recognition::of(parse(probe.bytes).is_some())
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let Some(application) = parse(bytes) else {
        return Step::Leave;
    };
    match application.first().map(|first| first >> 4) {
        Some(CONFIRMED_REQUEST) => reading.sent_by_client(true),
        Some(COMPLEX_ACK) => {
            reading.sent_by_client(false);
            read_property(reading, application);
        }
        _ => {}
    }
    reading.one_of(MAX_MESSAGES, Step::Read(bytes.len()))
}

/// Clause 20.1.1: acknowledgments, errors, rejects and aborts answer a confirmed request, which goes to one device.
pub(crate) fn is_answer(bytes: &[u8]) -> bool {
    parse(bytes).and_then(<[u8]>::first).is_some_and(|first| matches!(first >> 4, 2..=7))
}

/// Clause 15.5: object, property, then the value between context tags 3.
fn read_property(reading: &mut Reading<'_>, ack: &[u8]) -> Option<()> {
    const SEGMENTED: u8 = 0x08;
    const DEVICE: u32 = 8;
    let mut reader = Reader::new(ack);
    reader.u8().filter(|first| first & SEGMENTED == 0)?;
    reader.u8()?;
    reader.u8().filter(|service| *service == READ_PROPERTY)?;
    reader.u8().filter(|tag| *tag == 0x0c)?;
    reader.be32().filter(|object| object >> 22 == DEVICE)?;
    reader.u8().filter(|tag| *tag == 0x19)?;
    let property = reader.u8()?;
    reader.u8().filter(|tag| *tag == 0x3e)?;
    // A character string (application tag 7) with its length in the next byte, and character set 0, UTF-8.
    let len = match reader.u8()? {
        0x75 => usize::from(reader.u8().filter(|len| *len < 254)?),
        tag @ 0x71..=0x74 => usize::from(tag & 7),
        _ => return None,
    };
    let value = reader.take(len)?.strip_prefix(&[0])?;
    let device = reading.sender();
    match property {
        77 => reading.tell_of_ip(device, FactKind::Hostname, text::host_name(value), Strength::Confirmed),
        121 => reading.tell_of_ip(device, FactKind::Vendor, text::printable(value), Strength::Confirmed),
        70 => reading.tell_of_ip(device, FactKind::Model, text::printable(value), Strength::Confirmed),
        44 => reading.tell_of_ip(device, FactKind::Firmware, text::printable(value), Strength::Confirmed),
        _ => {}
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Script;

    #[test]
    fn a_device_tells_its_model() {
        let mut answer = b"\x81\x0a\x00\x00\x01\x00\x30\x01\x0c\x0c\x02\x00\x00\x05\x19\x46\x3e\x75\x05\x00AC-1\x3f".to_vec();
        answer[3] = answer.len() as u8;
        let findings = Script::udp(47808).server(&answer).findings();
        assert_eq!(findings.services(), ["bacnet"]);
        assert_eq!(findings.values_of(FactKind::Model), ["AC-1"]);
    }
}
