//! NetBIOS names over UDP (RFC 1002): what hosts register, answer for, and sign their datagrams with.

use std::net::{IpAddr, Ipv4Addr};

use sensor_model::{FactKind, MacAddr, Strength};

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;
use crate::text;

/// Zeek counts the name service among DNS.
pub(crate) const NAME_SERVICE: Protocol =
    Protocol::udp("dns", &[137], recognise_names, read_names).between_peers().told_by("nbns");
pub(crate) const DATAGRAMS: Protocol =
    Protocol::udp("netbios_dgm", &[138], recognise_datagram, read_datagram).between_peers().told_by("nbns");

/// Suffixes (byte 16 of a name) of a computer: workstation and server service.
const COMPUTER: [u8; 2] = [0x00, 0x20];
const ENCODED_LEN: u8 = 32;

/// Sixteen bytes, each as two letters from A on (RFC 1001 14.1); the name without padding, and the suffix.
fn decode(encoded: &[u8]) -> Option<(Vec<u8>, u8)> {
    let nibble = |letter: u8| letter.checked_sub(b'A').filter(|nibble| *nibble < 16);
    let bytes: Option<Vec<u8>> = encoded
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
            _ => None,
        })
        .collect();
    let mut bytes = bytes.filter(|bytes| bytes.len() == 16)?;
    let suffix = bytes.pop()?;
    Some((bytes.trim_ascii_end().to_vec(), suffix))
}

/// An encoded name with its scope (RFC 1002 4.1), or a pointer back to the only other one.
fn name(reader: &mut Reader<'_>) -> Option<Option<(Vec<u8>, u8)>> {
    match reader.u8()? {
        ENCODED_LEN => {
            let decoded = decode(reader.take(usize::from(ENCODED_LEN))?)?;
            while let Some(label) = reader.prefixed8().filter(|label| !label.is_empty()) {
                let _ = label;
            }
            Some(Some(decoded))
        }
        0xc0 => reader.u8().map(|_| None),
        _ => None,
    }
}

struct Header {
    is_response: bool,
    opcode: u8,
    code: u8,
    questions: u16,
    answers: u16,
    additionals: u16,
}

fn header(reader: &mut Reader<'_>) -> Option<Header> {
    reader.be16()?;
    let (high, low) = (reader.u8()?, reader.u8()?);
    let (questions, answers, authorities, additionals) = (reader.be16()?, reader.be16()?, reader.be16()?, reader.be16()?);
    let sane = authorities <= 1 && questions <= 1 && answers <= 1 && additionals <= 1;
    let opcode = high >> 3 & 0x0f;
    // Query, registration, release, wait, refresh (two codes are in use), multi-homed registration.
    let known = matches!(opcode, 0 | 5..=9 | 15);
    (sane && known).then_some(Header { is_response: high & 0x80 != 0, opcode, code: low & 0x0f, questions, answers, additionals })
}

fn recognise_names(probe: &Probe<'_>) -> Recognition {
    let mut reader = Reader::new(probe.bytes);
    Recognition::of(probe.hinted && header(&mut reader).is_some() && matches!(name(&mut reader), Some(Some(_))))
}

fn read_names(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    if read_name_message(reading, bytes).is_none() {
        return Step::Leave;
    }
    Step::Read(bytes.len())
}

fn read_name_message(reading: &mut Reading<'_>, bytes: &[u8]) -> Option<()> {
    const RESOURCE: u16 = 0x20;
    const STATUS: u16 = 0x21;
    let mut reader = Reader::new(bytes);
    let header = header(&mut reader)?;
    let mut subject = name(&mut reader)?;
    if header.questions == 1 {
        reader.skip(4)?;
        // Asking tells nothing; a registration repeats its name with an address behind the question.
        if header.additionals == 0 {
            return Some(());
        }
        if let Some(other) = name(&mut reader)? {
            subject = Some(other);
        }
    }
    if header.code != 0 || (header.is_response && header.answers == 0) {
        return Some(());
    }
    let kind = reader.be16()?;
    reader.skip(6)?;
    let mut data = Reader::new(reader.prefixed16()?);
    match kind {
        RESOURCE if header.opcode != 6 => tell_owner(reading, subject?, &mut data),
        STATUS => tell_status(reading, &mut data),
        _ => None,
    };
    Some(())
}

/// Flags with the group bit on top, then the owner's address (RFC 1002 4.2.1.3).
fn tell_owner(reading: &mut Reading<'_>, (name, suffix): (Vec<u8>, u8), data: &mut Reader<'_>) -> Option<()> {
    let flags = data.be16()?;
    let address = IpAddr::V4(Ipv4Addr::from_bits(data.be32()?));
    if flags & 0x8000 == 0 && COMPUTER.contains(&suffix) {
        let strength = if address == reading.sender() { Strength::Confirmed } else { Strength::Probable };
        reading.tell_of_ip(address, FactKind::Hostname, text::host_name(&name), strength);
    }
    Some(())
}

/// The names of a node and its hardware address (RFC 1002 4.2.18).
fn tell_status(reading: &mut Reading<'_>, data: &mut Reader<'_>) -> Option<()> {
    let count = data.u8()?;
    for _ in 0..count {
        let name = data.take(15)?.trim_ascii_end();
        let (suffix, flags) = (data.u8()?, data.be16()?);
        if suffix == 0 && flags & 0x8000 == 0 {
            reading.tell_of_ip(reading.sender(), FactKind::Hostname, text::host_name(name), Strength::Confirmed);
        }
    }
    let mac = MacAddr(data.take(6)?.try_into().ok()?);
    if !mac.is_zero() && !mac.is_group() {
        reading.tell_of_ip(reading.sender(), FactKind::MacOfAddress, Some(mac.to_string()), Strength::Confirmed);
    }
    Some(())
}

/// RFC 1002 4.4.1: type, flags, identifier, the sender's address and port, length, offset, then both names.
fn source_of_datagram(bytes: &[u8]) -> Option<(Ipv4Addr, (Vec<u8>, u8))> {
    let mut reader = Reader::new(bytes);
    reader.u8().filter(|kind| matches!(kind, 0x10..=0x12))?;
    reader.skip(3)?;
    let address = Ipv4Addr::from_bits(reader.be32()?);
    reader.be16().filter(|port| *port == 138)?;
    reader.skip(4)?;
    name(&mut reader)?.map(|name| (address, name))
}

fn recognise_datagram(probe: &Probe<'_>) -> Recognition {
    Recognition::of(source_of_datagram(probe.bytes).is_some())
}

fn read_datagram(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let Some((address, (name, suffix))) = source_of_datagram(bytes) else {
        return Step::Leave;
    };
    // A forwarded datagram carries somebody else's name.
    if IpAddr::V4(address) == reading.sender() && COMPUTER.contains(&suffix) {
        reading.tell_of_ip(reading.sender(), FactKind::Hostname, text::host_name(&name), Strength::Confirmed);
    }
    reading.one_of(16, Step::Read(bytes.len()))
}

#[cfg(test)]
mod tests {
    use sensor_model::Subject;

    use super::*;
    use crate::samples::{CLIENT, SERVER, Script};

    fn encode(name: &str, suffix: u8) -> Vec<u8> {
        let padded = format!("{name:15}");
        let bytes = padded.bytes().chain([suffix]).flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 15)]);
        [vec![32], bytes.collect(), vec![0]].concat()
    }

    #[test]
    fn a_registration_names_the_host_and_a_group_does_not() {
        let registration = |flags: u8| {
            let mut bytes = b"\x00\x01\x29\x10\x00\x01\x00\x00\x00\x00\x00\x01".to_vec();
            bytes.extend(encode("HMI-1", 0));
            bytes.extend(b"\x00\x20\x00\x01\xc0\x0c\x00\x20\x00\x01\x00\x00\x00\x00\x00\x06");
            bytes.extend([flags, 0, 10, 0, 0, 1]);
            bytes
        };
        let findings = Script::udp(137).client(&registration(0)).client(&registration(0x80)).findings();
        assert_eq!(findings.services(), ["dns"]);
        assert_eq!(findings.facts(FactKind::Hostname).collect::<Vec<_>>(), [(Subject::Ip(CLIENT), "HMI-1")]);
    }

    #[test]
    fn a_node_status_tells_name_and_mac() {
        let mut bytes = b"\x00\x01\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00".to_vec();
        bytes.extend(encode("*", 0));
        bytes.extend(b"\x00\x21\x00\x01\x00\x00\x00\x00\x00\x19\x01FILES-1        \x00\x04\x00\x00\x0b\x82\x01\xfc\x42");
        let findings = Script::udp(137).server(&bytes).findings();
        assert_eq!(findings.facts(FactKind::Hostname).collect::<Vec<_>>(), [(Subject::Ip(SERVER), "FILES-1")]);
        assert_eq!(findings.values_of(FactKind::MacOfAddress), ["00:0b:82:01:fc:42"]);
    }

    #[test]
    fn a_datagram_names_its_sender() {
        let mut bytes = vec![0x11, 2, 0, 1, 10, 0, 0, 1, 0, 138, 0, 0, 0, 0];
        bytes.extend(encode("HMI-1", 0));
        let findings = Script::udp(138).client(&bytes).findings();
        assert_eq!(findings.values_of(FactKind::Hostname), ["HMI-1"]);
    }
}
