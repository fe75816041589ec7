//! DICOM (PS3.8, 9.3) and HL7 version 2 in its minimal framing: known by their first message.

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;

pub(crate) const DICOM: Protocol = Protocol::tcp("dicom", &[104, 11112], recognise_dicom, read_dicom);
pub(crate) const HL7: Protocol = Protocol::tcp("hl7", &[2575], recognise_hl7, read_hl7);

const ASSOCIATE_REQUEST: u8 = 1;
const ASSOCIATE_ACCEPT: u8 = 2;

/// Type, reserved, length, version 1, reserved, then two titles of 16 printable characters.
fn recognise_dicom(probe: &Probe<'_>) -> Recognition {
    let mut reader = Reader::new(probe.bytes);
    let fits = (|| {
        reader.u8().filter(|kind| matches!(*kind, ASSOCIATE_REQUEST | ASSOCIATE_ACCEPT))?;
        reader.u8().filter(|reserved| *reserved == 0)?;
        reader.be32().filter(|len| (68..0x0010_0000).contains(len))?;
        reader.be16().filter(|version| version & 1 == 1)?;
        reader.be16().filter(|reserved| *reserved == 0)?;
        let titles = reader.take(32)?;
        titles.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ').then_some(())
    })();
    match fits {
        Some(()) => Recognition::Yes,
        None if probe.hinted && probe.bytes.len() < 42 && matches!(probe.bytes, [1 | 2] | [1 | 2, 0, ..]) => Recognition::Unsure,
        None => Recognition::No,
    }
}

fn read_dicom(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    match bytes.first() {
        Some(&ASSOCIATE_REQUEST) => reading.sent_by_client(true),
        Some(&ASSOCIATE_ACCEPT) => reading.sent_by_client(false),
        // Reject, data, release, abort: the association is known already.
        Some(3..=7) => {}
        _ => return Step::Leave,
    }
    Step::Last
}

fn recognise_hl7(probe: &Probe<'_>) -> Recognition {
    Recognition::starts_with_any(probe.bytes, &[b"\x0bMSH|"])
}

fn read_hl7(_: &mut Reading<'_>, bytes: &[u8]) -> Step {
    if bytes.first() == Some(&0x0b) { Step::Last } else { Step::Leave }
}
