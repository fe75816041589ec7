//! NTLM messages ([MS-NLMP] 2.2.1) wherever they travel: a server names itself in its challenge, a client its workstation when it answers.

use sensor_model::{FactKind, Strength};

use crate::protocol::Reading;
use crate::reader::Reader;
use crate::text;

const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// Bytes searched for the signature: SPNEGO wraps it in less.
const MAX_SEARCH: usize = 2048;

const CHALLENGE: u32 = 2;
const AUTHENTICATE: u32 = 3;
const NEGOTIATE_UNICODE: u32 = 0x0000_0001;
const NEGOTIATE_VERSION: u32 = 0x0200_0000;

const MAX_PAIRS: usize = 16;

pub(crate) fn tell(reading: &mut Reading<'_>, bytes: &[u8]) {
    let window = bytes.get(..MAX_SEARCH).unwrap_or(bytes);
    let Some(start) = window.windows(SIGNATURE.len()).position(|part| part == SIGNATURE) else {
        return;
    };
    let message = bytes.get(start..).unwrap_or_default();
    let mut reader = Reader::new(message);
    let _ = reader.skip(SIGNATURE.len());
    match reader.le32() {
        Some(CHALLENGE) => tell_challenge(reading, message, reader),
        Some(AUTHENTICATE) => tell_authenticate(reading, message),
        _ => None,
    };
}

/// Length, allocated length, offset from the start of the message (2.2.1.1).
fn field<'a>(message: &'a [u8], reader: &mut Reader<'_>) -> Option<&'a [u8]> {
    let len = usize::from(reader.le16()?);
    reader.skip(2)?;
    let offset = usize::try_from(reader.le32()?).ok()?;
    message.get(offset..offset.checked_add(len)?)
}

/// 2.2.1.2.
fn tell_challenge(reading: &mut Reading<'_>, message: &[u8], mut reader: Reader<'_>) -> Option<()> {
    let _target_name = field(message, &mut reader);
    let flags = reader.le32()?;
    reader.skip(16)?;
    let pairs = field(message, &mut reader);
    if flags & NEGOTIATE_VERSION != 0 {
        let version = (reader.u8()?, reader.u8()?, reader.le16()?);
        reading.tell_of_ip(reading.sender(), FactKind::OperatingSystem, windows(version), Strength::Probable);
    }
    let mut pairs = Reader::new(pairs?);
    for _ in 0..MAX_PAIRS {
        let id = pairs.le16()?;
        let len = pairs.le16()?;
        let value = pairs.take(usize::from(len))?;
        // 2.2.2.1: 0 ends the list, 1 is the NetBIOS name of the computer, 3 its DNS name.
        match id {
            0 => break,
            1 | 3 => tell_name(reading, value),
            _ => {}
        }
    }
    Some(())
}

/// 2.2.1.3.
fn tell_authenticate(reading: &mut Reading<'_>, message: &[u8]) -> Option<()> {
    // Two responses, domain and user stand before the workstation, key and flags behind it, eight bytes each.
    let workstation = field(message, &mut Reader::new(message.get(44..)?))?;
    let flags = Reader::new(message.get(60..)?).le32()?;
    if flags & NEGOTIATE_UNICODE != 0 {
        tell_name(reading, workstation);
    } else {
        reading.tell_of_ip(reading.sender(), FactKind::Hostname, text::host_name(workstation), Strength::Confirmed);
    }
    Some(())
}

fn tell_name(reading: &mut Reading<'_>, utf16: &[u8]) {
    let name = text::utf16(utf16).and_then(|name| text::host_name(name.as_bytes()));
    reading.tell_of_ip(reading.sender(), FactKind::Hostname, name, Strength::Confirmed);
}

/// 2.2.2.10 holds the version that `winver` shows. Samba says 6.1.0 whatever it runs on, so a build of 0 says nothing.
fn windows((major, minor, build): (u8, u8, u16)) -> Option<String> {
    if build == 0 {
        return None;
    }
    let name = match (major, minor, build) {
        (5, 0, _) => "Windows 2000",
        (5, 1, _) => "Windows XP",
        (5, 2, _) => "Windows Server 2003",
        (6, 0, _) => "Windows Vista or Server 2008",
        (6, 1, _) => "Windows 7 or Server 2008 R2",
        (6, 2, _) => "Windows 8 or Server 2012",
        (6, 3, _) => "Windows 8.1 or Server 2012 R2",
        (10, 0, 22_000..) => "Windows 11 or Server 2022 and later",
        (10, 0, _) => "Windows 10 or Server 2016 to 2022",
        _ => return None,
    };
    Some(name.to_owned())
}
