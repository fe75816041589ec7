//! EtherNet/IP encapsulation (ODVA CIP volume 2, chapter 2): what a device answers to ListIdentity.

use sensor_model::{FactKind, IpProtocol, Strength};

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;
use crate::text;

pub(crate) const OVER_TCP: Protocol = Protocol::tcp("enip", &[44818], recognise, read);
pub(crate) const OVER_UDP: Protocol = Protocol { transport: IpProtocol::Udp, ..OVER_TCP };
/// Implicit messages: cyclic data without an encapsulation header.
pub(crate) const CIP_IO: Protocol = Protocol::udp("cip", &[2222], recognise_io, read_io).between_peers();

const HEADER_LEN: usize = 24;
const LIST_IDENTITY: u16 = 0x63;
/// NOP, ListServices, ListIdentity, ListInterfaces, RegisterSession, UnRegisterSession, SendRRData, SendUnitData, IndicateStatus, Cancel.
const COMMANDS: &[u16] = &[0x00, 0x04, LIST_IDENTITY, 0x64, 0x65, 0x66, 0x6f, 0x70, 0x72, 0x73];
const IDENTITY_ITEM: u16 = 0x0c;
const MAX_MESSAGES: u32 = 32;

struct Header {
    command: u16,
    len: usize,
    status: u32,
}

fn header(reader: &mut Reader<'_>) -> Option<Header> {
    let command = reader.le16().filter(|command| COMMANDS.contains(command))?;
    let len = usize::from(reader.le16()?);
    reader.skip(4)?;
    // Volume 2, table 2-3.3: statuses are small; options are zero.
    let status = reader.le32().filter(|status| *status <= 0x69)?;
    reader.skip(8)?;
    reader.le32().filter(|options| *options == 0)?;
    Some(Header { command, len, status })
}

fn recognise(probe: &Probe<'_>) -> Recognition {
    let mut reader = Reader::new(probe.bytes);
    match header(&mut reader) {
        // Elsewhere the length must fit too, and a session be registered with protocol version 1.
        Some(header) if !probe.hinted => {
            Recognition::of(header.command == 0x65 && header.len == 4 && reader.rest() == [1, 0, 0, 0])
        }
        Some(header) => Recognition::of(header.command != 0 || header.len > 0),
        None if probe.hinted && probe.bytes.len() < HEADER_LEN && probe.bytes.first().is_some_and(|low| *low < 0x74) => {
            Recognition::Unsure
        }
        None => Recognition::No,
    }
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let mut reader = Reader::new(bytes);
    let Some(header) = header(&mut reader) else {
        return if bytes.len() < HEADER_LEN { Step::Wait } else { Step::Leave };
    };
    let len = HEADER_LEN.saturating_add(header.len);
    if header.command == LIST_IDENTITY && header.len > 0 {
        let Some(items) = reader.take(header.len) else {
            return if len < 4096 { Step::Wait } else { Step::Leave };
        };
        if header.status == 0 {
            reading.sent_by_client(false);
            read_identity(reading, items);
        }
    }
    reading.one_of(MAX_MESSAGES, Step::Read(len))
}

/// Volume 2, table 2-4.4.
fn read_identity(reading: &mut Reading<'_>, items: &[u8]) -> Option<()> {
    let mut reader = Reader::new(items);
    reader.le16()?;
    reader.le16().filter(|kind| *kind == IDENTITY_ITEM)?;
    reader.skip(2 + 2 + 16)?;
    let vendor = reader.le16()?;
    reader.skip(4)?;
    let (major, minor) = (reader.u8()?, reader.u8()?);
    reader.skip(2)?;
    let serial = reader.le32()?;
    let name = reader.prefixed8()?;
    let device = reading.sender();
    reading.tell_of_ip(device, FactKind::Vendor, vendor_name(vendor), Strength::Confirmed);
    reading.tell_of_ip(device, FactKind::Model, text::printable(name), Strength::Confirmed);
    reading.tell_of_ip(device, FactKind::Firmware, Some(format!("{major}.{minor}")), Strength::Confirmed);
    reading.tell_of_ip(device, FactKind::Serial, Some(format!("{serial:08x}")), Strength::Confirmed);
    Some(())
}

/// The vendors that own most of the field (ODVA's list of vendor identifiers); the rest go without a name.
fn vendor_name(id: u16) -> Option<String> {
    let name = match id {
        1 => "Rockwell Automation/Allen-Bradley",
        40 => "WAGO",
        47 => "Omron",
        48 => "Turck",
        90 => "HMS Networks",
        108 => "Beckhoff",
        161 => "Mitsubishi Electric",
        243 => "Schneider Electric",
        283 => "Hilscher",
        562 => "Phoenix Contact",
        674 => "Keyence",
        808 => "SICK",
        1251 => "Siemens",
        _ => return None,
    };
    Some(name.to_owned())
}

/// Volume 2, 3-2.2: two items, a sequenced address (8 bytes) and connected data.
fn recognise_io(probe: &Probe<'_>) -> Recognition {
    Recognition::of(probe.hinted && matches!(probe.bytes, [2, 0, 2, 0x80, 8, 0, _, _, _, _, _, _, _, _, 0xb1, 0, ..]))
}

fn read_io(_: &mut Reading<'_>, _: &[u8]) -> Step {
    Step::Finish
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Script;

    #[test]
    fn a_device_tells_who_it_is() {
        let mut items = b"\x01\x00\x0c\x00\x29\x00\x01\x00".to_vec();
        items.extend([0; 16]);
        items.extend(b"\x01\x00\x0e\x00\x36\x00\x14\x0b\x60\x31\x1a\x06\x6c\x00\x081756-L61\xff");
        let mut answer = b"\x63\x00\x00\x00".to_vec();
        answer[2] = items.len() as u8;
        answer.extend([0; 20]);
        answer.extend(items);
        let findings = Script::udp(44818).client(&[&[0x63][..], &[0; 23]].concat()).server(&answer).findings();
        assert_eq!(findings.services(), ["enip"]);
        assert_eq!(findings.values_of(FactKind::Model), ["1756-L61"]);
        assert_eq!(findings.values_of(FactKind::Vendor), ["Rockwell Automation/Allen-Bradley"]);
        assert_eq!(findings.values_of(FactKind::Firmware), ["20.11"]);
        assert_eq!(findings.values_of(FactKind::Serial), ["006c061a"]);
    }
}
