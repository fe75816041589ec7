//! SMB 1 to 3 ([MS-CIFS], [MS-SMB2]) behind NetBIOS session framing (RFC 1002 4.3): the names in NTLM's messages during session setup.

use crate::ntlm;
use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;

pub(crate) const PROTOCOL: Protocol = Protocol::tcp("smb", &[445, 139], recognise, read);

/// SMB 1, SMB 2 and 3, encrypted SMB 3, compressed SMB 3.
const MAGICS: &[&[u8]] = &[b"\xffSMB", b"\xfeSMB", b"\xfdSMB", b"\xfcSMB"];
/// Session setup is over by then.
const MAX_MESSAGES: u32 = 16;
/// Session request and its answers (RFC 1002 4.3.2 to 4.3.4), keep alive.
const SESSION_SERVICE: core::ops::RangeInclusive<u8> = 0x81..=0x85;

fn frame(bytes: &[u8]) -> Option<(u8, usize)> {
    let mut reader = Reader::new(bytes);
    let kind = reader.u8()?;
    let len = usize::try_from(reader.be24()?).ok()?;
    Some((kind, len.saturating_add(4)))
}

fn recognise(probe: &Probe<'_>) -> Recognition {
    let magic = probe.bytes.get(4..8);
    match frame(probe.bytes) {
        Some((0, len)) if len >= 36 => match magic {
            Some(magic) => Recognition::of(MAGICS.contains(&magic)),
            None => Recognition::Unsure,
        },
        // A request carries two encoded NetBIOS names of 34 bytes.
        Some((0x81, 72)) => Recognition::of(probe.hinted),
        Some(_) => Recognition::No,
        None if probe.hinted => Recognition::Unsure,
        None => Recognition::No,
    }
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    match frame(bytes) {
        None => Step::Wait,
        Some((0, len)) => {
            // Names stand at the front of a message; long reads and writes are passed over unread.
            let here = bytes.get(..len.min(bytes.len())).unwrap_or_default();
            if here.len() < len && here.len() < 4096 {
                return if len < 4096 { Step::Wait } else { reading.one_of(MAX_MESSAGES, Step::Read(len)) };
            }
            if !here.get(4..8).is_some_and(|magic| MAGICS.contains(&magic)) {
                return Step::Leave;
            }
            ntlm::tell(reading, here);
            reading.one_of(MAX_MESSAGES, Step::Read(len))
        }
        Some((kind, len)) if SESSION_SERVICE.contains(&kind) => Step::Read(len),
        Some(_) => Step::Leave,
    }
}

#[cfg(test)]
mod tests {
    use sensor_model::FactKind;

    use crate::samples::Script;

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn in_smb2(ntlm: &[u8]) -> Vec<u8> {
        let body = [&b"\xfeSMB"[..], &[0; 60], ntlm].concat();
        [&[0, 0, 0, body.len() as u8], &body[..]].concat()
    }

    fn challenge() -> Vec<u8> {
        let name = utf16("FILES-1");
        let pairs = [&[1, 0, name.len() as u8, 0], &name[..], &[0; 4]].concat();
        let mut bytes = b"NTLMSSP\0\x02\0\0\0\0\0\0\0\x38\0\0\0\x01\0\0\x02".to_vec();
        bytes.extend([0; 16]);
        bytes.extend([pairs.len() as u8, 0, pairs.len() as u8, 0, 56, 0, 0, 0]);
        bytes.extend([10, 0, 0x63, 0x45, 0, 0, 0, 15]);
        bytes.extend(pairs);
        bytes
    }

    fn authenticate() -> Vec<u8> {
        let mut bytes = b"NTLMSSP\0\x03\0\0\0".to_vec();
        bytes.extend([0; 32]);
        bytes.extend([6, 0, 6, 0, 64, 0, 0, 0]);
        bytes.extend([0; 8]);
        bytes.extend([1, 0, 0, 0]);
        bytes.extend(utf16("HMI"));
        bytes
    }

    #[test]
    fn both_sides_are_named_by_ntlm() {
        let findings =
            Script::tcp(445).client(&in_smb2(b"")).server(&in_smb2(&challenge())).client(&in_smb2(&authenticate())).findings();
        assert_eq!(findings.services(), ["smb"]);
        assert_eq!(findings.values_of(FactKind::Hostname), ["FILES-1", "HMI"]);
        assert_eq!(findings.values_of(FactKind::OperatingSystem), ["Windows 10 or Server 2016 to 2022"]);
    }
}
