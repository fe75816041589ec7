//! SIP (RFC 3261) and RTSP (RFC 7826), which share HTTP's form: the product that each side names.

use sensor_model::{FactKind, Strength};

use crate::head::{Head, tell_system};
use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Parsed;
use crate::text;

pub(crate) const SIP_OVER_UDP: Protocol = Protocol::udp("sip", &[5060], recognise_sip, read_sip);
pub(crate) const SIP_OVER_TCP: Protocol = Protocol::tcp("sip", &[5060], recognise_sip, read_stream);
pub(crate) const RTSP: Protocol = Protocol::tcp("rtsp", &[554, 8554], recognise_rtsp, read_stream);

/// The version closes a request's first line and opens an answer's.
fn recognise(bytes: &[u8], version: &[u8], methods: &[&[u8]]) -> Recognition {
    // Most payloads are neither, and long: their first byte tells. Blanks are left to the whole examination.
    let first = bytes.first();
    let may_begin = |word: &&[u8]| word.first() == first;
    if first.is_some_and(|byte| !byte.is_ascii_whitespace()) && ![version].iter().chain(methods).any(may_begin) {
        return Recognition::No;
    }
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    if line.starts_with(version) || (line.ends_with(version) && methods.iter().any(|method| line.starts_with(method))) {
        return Recognition::Yes;
    }
    let begins = methods.iter().any(|method| line.starts_with(method) || method.starts_with(line)) || version.starts_with(line);
    if begins && !bytes.contains(&b'\n') && bytes.len() < 1024 { Recognition::Unsure } else { Recognition::No }
}

fn recognise_sip(probe: &Probe<'_>) -> Recognition {
    const METHODS: &[&[u8]] = &[
        b"INVITE ",
        b"ACK ",
        b"BYE ",
        b"CANCEL ",
        b"REGISTER ",
        b"OPTIONS ",
        b"SUBSCRIBE ",
        b"NOTIFY ",
        b"PUBLISH ",
        b"INFO ",
        b"REFER ",
        b"MESSAGE ",
        b"UPDATE ",
        b"PRACK ",
    ];
    recognise(probe.bytes, b"SIP/2.0", METHODS)
}

fn recognise_rtsp(probe: &Probe<'_>) -> Recognition {
    const METHODS: &[&[u8]] = &[
        b"OPTIONS ",
        b"DESCRIBE ",
        b"SETUP ",
        b"PLAY ",
        b"PAUSE ",
        b"TEARDOWN ",
        b"ANNOUNCE ",
        b"GET_PARAMETER ",
        b"SET_PARAMETER ",
        b"RECORD ",
    ];
    recognise(probe.bytes, b"RTSP/1.0", METHODS)
}

fn read_sip(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    if let Some(head) = Head::of_datagram(bytes) {
        tell(reading, &head);
    }
    reading.one_of(8, Step::Read(bytes.len()))
}

fn read_stream(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    match Head::parse(bytes) {
        Parsed::Whole(head) => {
            tell(reading, &head);
            Step::Last
        }
        Parsed::Short => Step::Wait,
        Parsed::Foreign => Step::Leave,
    }
}

/// A request with what only the other side can have given: its tag (RFC 3261 12.1), or a nonce (RFC 3261 22.1). Either may be old.
pub(crate) fn is_in_dialogue(bytes: &[u8]) -> bool {
    let Some(head) = Head::of_datagram(bytes) else { return false };
    let has_tag = head.field("to").or_else(|| head.field("t")).is_some_and(|to| contains(to, b";tag="));
    let proof = head.field("authorization").or_else(|| head.field("proxy-authorization"));
    has_tag || proof.is_some_and(|proof| contains(proof, b"nonce="))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

fn tell(reading: &mut Reading<'_>, head: &Head<'_>) {
    let product = head.field("user-agent").or_else(|| head.field("server"));
    tell_system(reading, product);
    let model = product.and_then(text::printable);
    reading.tell_of_ip(reading.sender(), FactKind::Model, model, Strength::Port);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Script;

    #[test]
    fn a_phone_names_its_product() {
        let findings = Script::udp(5060).client(b"REGISTER sip:a.example SIP/2.0\r\nUser-Agent: ACME Phone 7\r\n\r\n").findings();
        assert_eq!(findings.services(), ["sip"]);
        assert_eq!(findings.values_of(FactKind::Model), ["ACME Phone 7"]);
    }

    #[test]
    fn a_request_that_hands_back_a_tag_or_a_nonce_is_in_a_dialogue() {
        for (field, is_in) in [
            ("To: <sip:a@b>;tag=17", true),
            ("To: <sip:a@b>", false),
            ("Authorization: Digest username=\"a\", nonce=\"77\"", true),
        ] {
            let bytes = format!("BYE sip:a@b SIP/2.0\r\n{field}\r\n\r\n");
            assert_eq!(is_in_dialogue(bytes.as_bytes()), is_in, "{field}");
        }
    }

    #[test]
    fn a_camera_is_asked_by_rtsp() {
        let findings = Script::tcp(554).client(b"DESCRIBE rtsp://10.0.0.9/ RTSP/1.0\r\nCSeq: 1\r\n\r\n").findings();
        assert_eq!(findings.services(), ["rtsp"]);
    }
}
