//! The TLS hello (RFC 8446, records of RFC 8446 5.1): who is client, which name it asks for, and its JA4. Nothing behind the hellos is read.

mod hello;
mod ja4;

use sensor_model::{FactKind, Strength};

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;
use crate::text;
use hello::ClientHello;

const PORTS: &[u16] = &[443, 8443, 636, 853, 989, 990, 993, 995, 465, 5061, 8883, 5986, 3269];

pub(crate) const PROTOCOL: Protocol = Protocol::tcp("ssl", PORTS, recognise, read).told_by("tls");

pub(crate) const HANDSHAKE: u8 = 22;
/// Change cipher spec, alert, application data.
const OTHER_RECORDS: &[u8] = &[20, 21, 23];
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// 2^14, and the expansion that a cipher may add (RFC 5246 6.2.3).
const MAX_RECORD: u16 = 0x4000 + 2048;
/// Hellos longer than this are left unread.
const MAX_HELLO: u32 = 10 * 1024;

/// Kind and payload of a record, whose length may go beyond the bytes.
fn record<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8], bool)> {
    let kind = reader.u8()?;
    let version = reader.be16()?;
    let len = reader.be16()?;
    if !(0x0300..=0x0304).contains(&version) || len == 0 || len > MAX_RECORD {
        return None;
    }
    let here = usize::from(len).min(reader.rest().len());
    reader.take(here).map(|payload| (kind, payload, here == usize::from(len)))
}

fn recognise(probe: &Probe<'_>) -> Recognition {
    let prefix = probe.bytes;
    if let [HANDSHAKE] | [HANDSHAKE, 3] | [HANDSHAKE, 3, 0..=4, ..] = prefix
        && prefix.len() < 11
    {
        return Recognition::Unsure;
    }
    let mut reader = Reader::new(prefix);
    Recognition::of(match record(&mut reader) {
        Some((HANDSHAKE, payload, _)) => is_hello(payload),
        // The flow began before the capture: only a second record where the first one ends can tell.
        Some((kind, _, true)) if OTHER_RECORDS.contains(&kind) => {
            record(&mut reader).is_some_and(|(kind, ..)| kind == HANDSHAKE || OTHER_RECORDS.contains(&kind))
                || (probe.hinted && reader.is_empty())
        }
        _ => false,
    })
}

/// A fragmented hello may show less than its first fields in the first record; what it shows must fit.
fn is_hello(payload: &[u8]) -> bool {
    let mut reader = Reader::new(payload);
    let kind = reader.u8();
    let len = reader.be24();
    // What follows a hello of either side starts with a version 3.x.
    let version = len.and_then(|_| reader.u8());
    // Version and random, at least (RFC 8446 4.1.2).
    matches!(kind, Some(CLIENT_HELLO | SERVER_HELLO))
        && len.is_none_or(|len| (38..0x0001_0000).contains(&len))
        && version.is_none_or(|major| major == 3)
}

enum Handshake {
    Short,
    None,
    /// Type and body.
    Message(u8, Vec<u8>),
}

/// The first handshake message, which may lie in several records (RFC 8446 5.1).
fn first_handshake(bytes: &[u8]) -> Handshake {
    let mut reader = Reader::new(bytes);
    let mut joined = Vec::new();
    loop {
        if reader.rest().len() < 5 {
            return Handshake::Short;
        }
        let Some((HANDSHAKE, payload, is_whole)) = record(&mut reader) else {
            return Handshake::None;
        };
        joined.extend_from_slice(payload);
        let mut message = Reader::new(&joined);
        if let (Some(kind), Some(len)) = (message.u8(), message.be24()) {
            if len > MAX_HELLO || !matches!(kind, CLIENT_HELLO | SERVER_HELLO) {
                return Handshake::None;
            }
            if let Some(body) = usize::try_from(len).ok().and_then(|len| message.take(len)) {
                return Handshake::Message(kind, body.to_vec());
            }
        }
        if !is_whole {
            return Handshake::Short;
        }
    }
}

/// A hello within another protocol's flow, which goes on in TLS.
pub(crate) fn read_upgraded(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let outer = std::mem::replace(&mut reading.source, PROTOCOL.source);
    let step = read(reading, bytes);
    reading.source = outer;
    step
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    match first_handshake(bytes) {
        Handshake::Short => Step::Wait,
        // Mid-stream or encrypted: the records said what they can.
        Handshake::None => Step::Leave,
        Handshake::Message(kind, body) => {
            reading.sent_by_client(kind == CLIENT_HELLO);
            if kind == CLIENT_HELLO
                && let Some(hello) = ClientHello::parse(&body)
            {
                let name = hello.server_name.and_then(text::host_name).map(|name| name.to_lowercase());
                reading.tell_of_ip(reading.server(), FactKind::ServerName, name, Strength::Probable);
                let fingerprint = ja4::fingerprint(&hello, ja4::Carrier::Tcp);
                reading.tell_of_ip(reading.client(), FactKind::Ja4, Some(fingerprint), Strength::Confirmed);
            }
            Step::Last
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sensor_model::Subject;

    use super::*;
    use crate::Status;
    use crate::samples::{CLIENT, SERVER, Script};

    fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, 0];
        bytes.extend((body.len() as u16).to_be_bytes());
        bytes.extend(body);
        bytes
    }

    fn in_record(payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![HANDSHAKE, 3, 1];
        bytes.extend((payload.len() as u16).to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    fn client_hello() -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend(b"\x00\x00\x04\x13\x01\x0a\x0a\x01\x00");
        let extensions =
            b"\x00\x00\x00\x10\x00\x0e\x00\x00\x0bPLC.example\x00\x2b\x00\x03\x02\x03\x04\x00\x10\x00\x05\x00\x03\x02h2";
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        handshake(CLIENT_HELLO, &body)
    }

    fn server_hello() -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([8; 32]);
        body.extend(b"\x00\x13\x01\x00\x00\x00");
        in_record(&handshake(SERVER_HELLO, &body))
    }

    #[test]
    fn hellos_tell_name_fingerprint_and_roles_and_end_the_session() {
        let script = Script::tcp(443).client(&in_record(&client_hello())).server(&server_hello());
        assert_eq!(script.status, Status::Done);
        let findings = script.findings();
        assert_eq!(findings.services(), ["ssl"]);
        assert_eq!(findings.facts(FactKind::ServerName).collect::<Vec<_>>(), [(Subject::Ip(SERVER), "plc.example")]);
        let ja4: Vec<_> = findings.facts(FactKind::Ja4).collect();
        assert!(matches!(ja4[..], [(Subject::Ip(CLIENT), text)] if text.starts_with("t13d0103h2_")), "{ja4:?}");
        assert_eq!(findings.values_of(FactKind::Serves), ["ssl"]);
        assert_eq!(findings.values_of(FactKind::Uses), ["ssl"]);
    }

    #[test]
    fn a_hello_split_over_records_and_segments_is_the_same_hello() {
        let whole = client_hello();
        let split = [in_record(&whole[..3]), in_record(&whole[3..20]), in_record(&whole[20..])].concat();
        let mut script = Script::tcp(443);
        for piece in split.chunks(7) {
            script = script.client(piece);
        }
        let wanted = Script::tcp(443).client(&in_record(&whole)).findings();
        let findings = script.findings();
        assert_eq!(findings.values_of(FactKind::ServerName), ["plc.example"]);
        assert_eq!(findings.values_of(FactKind::Ja4), wanted.values_of(FactKind::Ja4));
    }

    #[test]
    fn a_client_hello_from_the_responder_reverses_the_flow() {
        let findings = Script::tcp(50_000).server(&in_record(&client_hello())).findings();
        assert!(findings.is_reversed());
        assert_eq!(findings.facts(FactKind::Ja4).map(|f| f.0).collect::<Vec<_>>(), [Subject::Ip(SERVER)]);
    }

    #[test]
    fn two_encrypted_records_are_recognised_in_the_middle_of_a_flow() {
        let records = b"\x17\x03\x03\x00\x04abcd\x17\x03\x03\x00\x01e";
        assert_eq!(Script::tcp(50_000).client(records).findings().services(), ["ssl"]);
        assert_eq!(Script::tcp(50_000).client(&records[..9]).findings().services(), Vec::<&str>::new());
    }

    proptest! {
        #[test]
        fn no_hello_panics(mut bytes in Just(in_record(&client_hello())), at in 0usize..90, value in any::<u8>(), cut in 1usize..90) {
            bytes[at.min(79)] = value;
            let cut = cut.min(bytes.len() - 1);
            let _ = Script::tcp(443).client(&bytes[..cut]).client(&bytes[cut..]).server(&bytes).findings();
        }
    }
}
