//! LDAP (RFC 4511) over TCP and UDP, and Kerberos (RFC 4120): a domain controller's services, and the name that it gives itself.

use sensor_model::{FactKind, IpProtocol, Strength};

use crate::ber::{INTEGER, OCTET_STRING, SEQUENCE, expect, length, small, whole_len};
use crate::ntlm;
use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;
use crate::text;

pub(crate) const LDAP_OVER_TCP: Protocol = Protocol::tcp("ldap_tcp", &[389, 3268], recognise_ldap, read_ldap).told_by("ldap");
pub(crate) const LDAP_OVER_UDP: Protocol = Protocol { service: "ldap_udp", transport: IpProtocol::Udp, ..LDAP_OVER_TCP };
pub(crate) const KERBEROS_OVER_UDP: Protocol = Protocol::udp("krb", &[88], recognise_kerberos, read_kerberos).told_by("kerberos");
pub(crate) const KERBEROS_OVER_TCP: Protocol = Protocol::tcp("krb_tcp", &[88], recognise_framed, read_framed).told_by("kerberos");

const MAX_MESSAGES: u32 = 16;
/// Longer answers are passed over.
const MAX_MESSAGE: usize = 8 * 1024;

/// Message identifier and the operation's tag (RFC 4511 4.1.1).
fn ldap_operation(bytes: &[u8]) -> Option<u8> {
    let mut outer = Reader::new(bytes);
    outer.u8().filter(|tag| *tag == SEQUENCE)?;
    length(&mut outer)?;
    small(expect(&mut outer, INTEGER)?)?;
    // Bind to intermediate response: application tags 0 to 25, constructed or not.
    outer.u8().filter(|tag| matches!(tag, 0x60..=0x79 | 0x42 | 0x4a | 0x50))
}

fn recognise_ldap(probe: &Probe<'_>) -> Recognition {
    match ldap_operation(probe.bytes) {
        // A bind says its version, a search has a base and a scope; enough bits to be known anywhere.
        Some(0x60 | 0x63) => Recognition::of(probe.hinted || probe.bytes.windows(3).take(32).any(|part| part == b"\x02\x01\x03")),
        Some(_) => Recognition::of(probe.hinted),
        None if probe.hinted && probe.bytes.len() < 8 && probe.bytes.first() == Some(&SEQUENCE) => Recognition::Unsure,
        None => Recognition::No,
    }
}

fn read_ldap(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let Some(operation) = ldap_operation(bytes) else {
        return if bytes.len() < 16 { Step::Wait } else { Step::Leave };
    };
    let Some(len) = whole_len(bytes) else { return Step::Leave };
    if len > bytes.len() && len <= MAX_MESSAGE && reading.key.protocol == IpProtocol::Tcp {
        return Step::Wait;
    }
    match operation {
        0x60 | 0x63 | 0x42 => reading.sent_by_client(true),
        0x61 | 0x64 | 0x65 => reading.sent_by_client(false),
        _ => {}
    }
    if operation == 0x64 {
        let name = attribute(bytes, b"dnsHostName").or_else(|| attribute(bytes, b"dNSHostName"));
        // The root of the tree tells of the server; other entries tell of whomever they describe.
        let is_root = has_empty_name(bytes);
        reading.tell_of_ip(reading.sender(), FactKind::Hostname, name.filter(|_| is_root), Strength::Confirmed);
    }
    ntlm::tell(reading, bytes);
    reading.one_of(MAX_MESSAGES, Step::Read(len))
}

fn has_empty_name(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    let entry = (|| {
        reader.u8()?;
        length(&mut reader)?;
        expect(&mut reader, INTEGER)?;
        reader.u8()?;
        length(&mut reader)?;
        expect(&mut reader, OCTET_STRING)
    })();
    entry.is_some_and(<[u8]>::is_empty)
}

/// An attribute's first value: description, then a set of octet strings (RFC 4511 4.1.7).
fn attribute(bytes: &[u8], description: &[u8]) -> Option<String> {
    const SET: u8 = 0x31;
    let start = bytes.windows(description.len()).position(|part| part == description)?;
    let mut reader = Reader::new(bytes.get(start.checked_add(description.len())?..)?);
    reader.u8().filter(|tag| *tag == SET)?;
    length(&mut reader)?;
    text::host_name(expect(&mut reader, OCTET_STRING)?).map(|name| name.to_lowercase())
}

/// RFC 4120 5.4 to 5.9: an application tag, a sequence, then version 5 and a type equal to the tag's number.
fn kerberos_kind(bytes: &[u8]) -> Option<u8> {
    let mut reader = Reader::new(bytes);
    let kind = reader.u8().filter(|tag| matches!(tag, 0x6a..=0x6f | 0x74..=0x76 | 0x7e))? & 0x1f;
    length(&mut reader)?;
    reader.u8().filter(|tag| *tag == SEQUENCE)?;
    length(&mut reader)?;
    // Requests number their fields from 1, answers from 0.
    let first = reader.u8().filter(|tag| matches!(tag, 0xa0 | 0xa1))?;
    reader.take(4).filter(|field| *field == [3, 2, 1, 5])?;
    reader.u8().filter(|tag| Some(*tag) == first.checked_add(1))?;
    reader.take(4).filter(|field| *field == [3, 2, 1, kind]).map(|_| kind)
}

fn recognise_kerberos(probe: &Probe<'_>) -> Recognition {
    Recognition::of(kerberos_kind(probe.bytes).is_some())
}

/// Behind a 32-bit length over TCP (RFC 4120 7.2.2).
fn recognise_framed(probe: &Probe<'_>) -> Recognition {
    let mut reader = Reader::new(probe.bytes);
    match reader.be32() {
        Some(len) if (16..0x0001_0000).contains(&len) => Recognition::of(kerberos_kind(reader.rest()).is_some()),
        Some(_) => Recognition::No,
        None if probe.hinted => Recognition::Unsure,
        None => Recognition::No,
    }
}

fn tell_kerberos(reading: &mut Reading<'_>, message: &[u8]) {
    match kerberos_kind(message) {
        Some(10 | 12) => reading.sent_by_client(true),
        Some(11 | 13 | 30) => reading.sent_by_client(false),
        _ => {}
    }
}

fn read_kerberos(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    tell_kerberos(reading, bytes);
    reading.one_of(4, Step::Read(bytes.len()))
}

fn read_framed(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    tell_kerberos(reading, bytes.get(4..).unwrap_or_default());
    Step::Last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Script;

    #[test]
    fn a_root_entry_tells_the_controllers_name() {
        let attribute = b"\x30\x18\x04\x0bdnsHostName\x31\x09\x04\x07dc1.lan";
        let entry = [&b"\x04\x00\x30"[..], &[attribute.len() as u8], attribute].concat();
        let operation = [&b"\x02\x01\x01\x64"[..], &[entry.len() as u8], &entry].concat();
        let message = [&[0x30, operation.len() as u8], &operation[..]].concat();
        let findings = Script::udp(389).server(&message).findings();
        assert_eq!(findings.services(), ["ldap_udp"]);
        assert_eq!(findings.values_of(FactKind::Hostname), ["dc1.lan"]);
    }

    #[test]
    fn kerberos_needs_its_version_and_its_type_twice() {
        let request = b"\x6a\x0e\x30\x0c\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\x00";
        assert_eq!(Script::udp(8888).client(request).findings().services(), ["krb"]);
        let mut other = request.to_vec();
        other[13] = 12;
        assert_eq!(Script::udp(88).client(&other).findings().services(), Vec::<&str>::new());
    }
}
