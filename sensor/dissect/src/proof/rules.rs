//! One rule a protocol: when is a datagram of it an answer, or a part of a dialogue. Where the bytes alone are no sure mark, a registered
//! port must fit as well.

use sensor_model::Proof;

use super::Memory;
use crate::reader::Reader;
use crate::{bacnet, dnp3, dns, office, sip, snmp};

type Ports = (u16, u16);

/// What the datagram from the first port to the second proves.
pub(super) fn proof_in(bytes: &[u8], ports: Ports, memory: &mut Memory) -> Option<Proof> {
    if let Some(proof) = quic(bytes, memory).or_else(|| dtls(bytes, ports, memory)) {
        return Some(proof);
    }
    let of_port = [ports.0, ports.1].into_iter().filter_map(answer_on).any(|is_answer| is_answer(bytes));
    let is_answer = of_port || ANYWHERE.iter().any(|is_answer| is_answer(bytes));
    if is_answer || is_next_block(bytes, memory) || is_for_a_relay(bytes, ports) {
        return Some(Proof::Answer);
    }
    is_in_dialogue(bytes, ports).then_some(Proof::Dialogue)
}

type IsAnswer = fn(&[u8]) -> bool;

/// What is an answer on a registered port.
fn answer_on(port: u16) -> Option<IsAnswer> {
    Some(match port {
        53 => dns::is_answer,
        123 => is_ntp_after_an_answer,
        500 | 848 | 4500 => is_ike_with_both_spis,
        1194 => is_openvpn_acknowledgment,
        3671 => is_knx_answer,
        4569 => is_iax_after_an_answer,
        5094 => is_hart_answer,
        5683 => is_coap_acknowledgment,
        9600 => is_fins_answer,
        20_000 => dnp3::is_answer,
        47_808 => bacnet::is_answer,
        51_820 => is_wireguard_answer,
        _ => return None,
    })
}

const ANYWHERE: &[IsAnswer] =
    &[is_sip_answer, is_rpc_reply, is_dce_rpc_answer, is_stun_answer, is_rtcp_report, is_dht_answer, snmp::is_answer];

fn is_between(ports: Ports, known: &[u16]) -> bool {
    known.contains(&ports.0) || known.contains(&ports.1)
}

/// At `at`, without the end of the bytes in the way.
fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or_default()
}

fn be16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Reader::new(bytes.get(at..)?).be16()
}

fn be32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Reader::new(bytes.get(at..)?).be32()
}

fn has_len(len: Option<u16>, bytes: &[u8], header: usize) -> bool {
    len.is_some_and(|len| usize::from(len).checked_add(header) == Some(bytes.len()))
}

/// RFC 9000 17, RFC 9369 3.2: keys for handshake packets, and for those with a short header, come from both sides.
fn quic(bytes: &[u8], memory: &mut Memory) -> Option<Proof> {
    const VERSION_2: u32 = 0x6b33_43cf;
    let first = *bytes.first()?;
    if first & 0xc0 == 0x40 {
        return memory.is_quic.then_some(Proof::Dialogue);
    }
    if !office::is_quic(bytes) {
        return None;
    }
    memory.is_quic = true;
    let (handshake, retry) = if be32_at(bytes, 1) == Some(VERSION_2) { (3, 0) } else { (2, 3) };
    match first >> 4 & 3 {
        kind if kind == handshake => Some(Proof::Dialogue),
        kind if kind == retry => Some(Proof::Answer),
        _ => None,
    }
}

/// RFC 6347 4.1, RFC 9147 4: records behind the first epoch are under keys that came from both sides. CAPWAP puts four bytes in front
/// (RFC 5415 4.2).
fn dtls(bytes: &[u8], ports: Ports, memory: &mut Memory) -> Option<Proof> {
    const HEADER_LEN: usize = 13;
    const CLIENT_HELLO: u8 = 1;
    const SERVER_HELLO: u8 = 2;
    const VERIFY_REQUEST: u8 = 3;
    let bytes = if is_between(ports, &[5246, 5247]) && bytes.starts_with(&[1, 0, 0, 0]) { bytes.get(4..)? } else { bytes };
    let [kind, major, minor, epoch_high, epoch_low, ..] = bytes else { return None };
    if kind & 0xe0 == 0x20 {
        // The unified header of version 1.3.
        return memory.is_dtls.then_some(Proof::Dialogue);
    }
    let fits = be16_at(bytes, 11).is_some_and(|len| usize::from(len).saturating_add(HEADER_LEN) <= bytes.len());
    if !(fits && matches!(kind, 20..=26) && matches!((major, minor), (0xfe, 0xff | 0xfd) | (1, 0))) {
        return None;
    }
    memory.is_dtls = true;
    if (*epoch_high, *epoch_low) != (0, 0) {
        return Some(Proof::Dialogue);
    }
    match (*kind, byte(bytes, HEADER_LEN)) {
        (22, SERVER_HELLO | VERIFY_REQUEST) => Some(Proof::Answer),
        (22, CLIENT_HELLO) => has_cookie(bytes.get(HEADER_LEN..)?).then_some(Proof::Answer),
        (22, 11..=16) | (20, _) => Some(Proof::Dialogue),
        _ => None,
    }
}

/// The cookie of a hello was given by the server (RFC 6347 4.2.1).
fn has_cookie(hello: &[u8]) -> bool {
    let mut reader = Reader::new(hello);
    // The handshake header, the version and the random.
    let cookie = reader.skip(12 + 2 + 32).and_then(|()| reader.prefixed8()).and_then(|_| reader.prefixed8());
    cookie.is_some_and(|cookie| !cookie.is_empty())
}

/// Requests of SIP that hand something back, and control packets of OpenVPN, which follow the resets of both sides.
fn is_in_dialogue(bytes: &[u8], ports: Ports) -> bool {
    const CONTROL_V1: u8 = 4;
    let is_control = is_between(ports, &[1194]) && byte(bytes, 0) >> 3 == CONTROL_V1 && bytes.len() > 22;
    is_control || is_between(ports, &[5060]) && sip::is_in_dialogue(bytes)
}

/// An acknowledgment, or the server's reset, which acknowledges the client's.
fn is_openvpn_acknowledgment(bytes: &[u8]) -> bool {
    const ACK_V1: u8 = 5;
    const HARD_RESET_SERVER_V2: u8 = 8;
    // Key 0; a session id and an authenticator of 64 bytes at most; no payload.
    matches!(byte(bytes, 0) >> 3, ACK_V1 | HARD_RESET_SERVER_V2) && byte(bytes, 0) & 7 == 0 && (22..=150).contains(&bytes.len())
}

/// RFC 5905 7.3: an answer, or a question that hands the last answer's time back. Simple clients leave these fields empty (RFC 4330 5).
fn is_ntp_after_an_answer(bytes: &[u8]) -> bool {
    let first = byte(bytes, 0);
    if !(1..=4).contains(&(first >> 3 & 7)) {
        return false;
    }
    let is_set = |at| be32_at(bytes, at).is_some_and(|seconds| seconds != 0);
    match first & 7 {
        4 => bytes.len() >= 48,
        1..=3 => bytes.len() >= 48 && is_set(24) && is_set(32),
        // Control and private messages have a bit for answers (RFC 9327 2).
        6 => byte(bytes, 1) & 0x80 != 0,
        7 => first & 0x80 != 0,
        _ => false,
    }
}

/// RFC 7296 3.1, RFC 2408 3.1: the responder's SPI is the responder's choice. On port 4500 four bytes of zero go in front (RFC 3948 2.2).
fn is_ike_with_both_spis(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(&[0; 4]).unwrap_or(bytes);
    let has_spi = |at: usize| bytes.get(at..at.saturating_add(8)).is_some_and(|spi| spi != [0; 8]);
    let fits = be32_at(bytes, 24).is_some_and(|len| usize::try_from(len) == Ok(bytes.len()));
    fits && matches!(byte(bytes, 17), 0x10 | 0x20) && has_spi(0) && has_spi(8)
}

/// Confirmations of the KNXnet/IP services that are asked of one device (EN ISO 22510 5): description, connect, connection state,
/// disconnect, configuration, tunnelling.
fn is_knx_answer(bytes: &[u8]) -> bool {
    let service = be16_at(bytes, 2);
    let is_answer = matches!(service, Some(0x0204 | 0x0206 | 0x0208 | 0x020a | 0x0311 | 0x0421));
    bytes.starts_with(&[0x06, 0x10]) && is_answer && has_len(be16_at(bytes, 4), bytes, 0)
}

/// RFC 5456 8.1.1: a full frame with the other side's call number and sequence.
fn is_iax_after_an_answer(bytes: &[u8]) -> bool {
    let [scall, _, dcall_high, dcall_low, _, _, _, _, _, received, ..] = bytes else { return false };
    scall & 0x80 != 0 && (dcall_high & 0x7f, *dcall_low) != (0, 0) && *received != 0 && bytes.len() >= 12
}

/// HART-IP: version 1, response or NAK, and the length of the whole message.
fn is_hart_answer(bytes: &[u8]) -> bool {
    matches!(bytes, [1, 1 | 15, ..]) && has_len(be16_at(bytes, 6), bytes, 0)
}

/// RFC 7252 4.2: acknowledgments and resets go to who sent a message to one host.
fn is_coap_acknowledgment(bytes: &[u8]) -> bool {
    let first = byte(bytes, 0);
    bytes.len() >= 4 && (first & 0xf0 == 0x60 && first & 0x0f <= 8 || first == 0x70 && bytes.len() == 4)
}

/// The response bit of the information control field, then a reserved byte and at most seven gateways.
fn is_fins_answer(bytes: &[u8]) -> bool {
    matches!(bytes, [control, 0, 0..=7, ..] if control & 0x7e == 0x40) && bytes.len() >= 14
}

/// A handshake response, a cookie reply, or the first packet under new keys.
fn is_wireguard_answer(bytes: &[u8]) -> bool {
    match bytes {
        [2, 0, 0, 0, ..] => bytes.len() == 92,
        [3, 0, 0, 0, ..] => bytes.len() == 64,
        [4, 0, 0, 0, _, _, _, _, counter @ ..] => bytes.len().is_multiple_of(16) && counter.starts_with(&[0; 8]),
        _ => false,
    }
}

/// RFC 3261 7: a response; and an ACK, which only follows one (17.1.1.3).
fn is_sip_answer(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SIP/2.0 ") || bytes.starts_with(b"ACK sip")
}

/// RFC 5531 9: a reply that was accepted, with a verifier, or denied.
fn is_rpc_reply(bytes: &[u8]) -> bool {
    const REPLY: u32 = 1;
    if be32_at(bytes, 4) != Some(REPLY) {
        return false;
    }
    match be32_at(bytes, 8) {
        Some(0) => {
            let Some(len) = be32_at(bytes, 16).and_then(|len| usize::try_from(len).ok()).filter(|len| *len <= 400) else {
                return false;
            };
            let status = be32_at(bytes, len.next_multiple_of(4).saturating_add(20));
            matches!(be32_at(bytes, 12), Some(0..=7)) && matches!(status, Some(0..=5))
        }
        Some(1) => matches!(be32_at(bytes, 12), Some(0 | 1)) && bytes.len() <= 24,
        _ => false,
    }
}

/// DCE 1.1 RPC 12.5, version 4: response, fault, working, no call, reject, acknowledgments.
fn is_dce_rpc_answer(bytes: &[u8]) -> bool {
    const HEADER_LEN: usize = 80;
    let [4, 2..=7 | 9 | 10, _, _, representation @ (0 | 0x10), ..] = bytes else { return false };
    let len = bytes.get(74..).and_then(|rest| {
        let mut reader = Reader::new(rest);
        if *representation == 0 { reader.be16() } else { reader.le16() }
    });
    has_len(len, bytes, HEADER_LEN)
}

/// RFC 8489 5: the class is success or error.
fn is_stun_answer(bytes: &[u8]) -> bool {
    const MAGIC_COOKIE: u32 = 0x2112_a442;
    be32_at(bytes, 4) == Some(MAGIC_COOKIE)
        && be16_at(bytes, 0).is_some_and(|kind| kind & 0xc100 == 0x0100)
        && has_len(be16_at(bytes, 2), bytes, 20)
}

/// RFC 3550 6.4: the report block of a sender's or receiver's report says what came from the other side.
fn is_rtcp_report(bytes: &[u8]) -> bool {
    const SENDER_REPORT: u8 = 200;
    const RECEIVER_REPORT: u8 = 201;
    let [first, kind, ..] = bytes else { return false };
    // Where the first block has the highest sequence number that came, and where it ends.
    let (highest, end) = match *kind {
        SENDER_REPORT => (36, 52),
        RECEIVER_REPORT => (16, 32),
        _ => return false,
    };
    // In words, less one, up to the next packet of the compound.
    let len = be16_at(bytes, 2).map_or(usize::MAX, |words| usize::from(words).saturating_add(1).saturating_mul(4));
    let has_come = be32_at(bytes, highest).is_some_and(|sequence| sequence != 0);
    first >> 6 == 2 && first & 0x1f != 0 && (end..=bytes.len()).contains(&len) && has_come
}

/// A response of BitTorrent's table (BEP 5): keys are sorted, so its kind stands last.
fn is_dht_answer(bytes: &[u8]) -> bool {
    bytes.starts_with(b"d1:rd") && bytes.ends_with(b"1:y1:re")
}

/// RFC 1350 2: a block follows the acknowledgment of the one before, and an acknowledgment its block. Only full blocks of the usual size,
/// whose length is another mark.
fn is_next_block(bytes: &[u8], memory: &mut Memory) -> bool {
    let block = match bytes {
        [0, 4, high, low] => u16::from_be_bytes([*high, *low]),
        [0, 3, high, low, block @ ..] if block.len() == 512 => u16::from_be_bytes([*high, *low]),
        _ => return false,
    };
    memory.block.replace(block).is_some_and(|last| last.checked_add(1) == Some(block))
}

/// A server's answer to a relay, which asked for a client (RFC 1542 5.1): both use the server's port.
fn is_for_a_relay(bytes: &[u8], ports: Ports) -> bool {
    const REPLY: u8 = 2;
    const COOKIE: u32 = 0x6382_5363;
    ports == (67, 67) && byte(bytes, 0) == REPLY && be32_at(bytes, 236) == Some(COOKIE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::SAMPLES;

    fn judged(ports: Ports, bytes: &[u8]) -> Option<Proof> {
        proof_in(bytes, ports, &mut Memory::default())
    }

    fn padded(start: &[u8], len: usize) -> Vec<u8> {
        let mut bytes = start.to_vec();
        bytes.resize(len, 0);
        bytes
    }

    #[test]
    fn no_first_message_of_a_client_proves_anything() {
        for (service, _, port, bytes) in SAMPLES {
            assert_eq!(judged((40_000, *port), bytes), None, "{service}");
        }
    }

    #[test]
    fn answers_prove_their_questions() {
        let mut ike = padded(&[[7; 16].as_slice(), &[33, 0x20, 34, 0x20]].concat(), 28);
        ike[27] = 28;
        let rtcp = padded(&[&[0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0x12, 0x34][..], &[0; 4]].concat(), 32);
        let rpc = padded(&[0, 0, 0, 9, 0, 0, 0, 1], 24);
        let dce: Vec<u8> = padded(&[4, 2, 0, 0, 0x10], 80);
        let relay = {
            let mut bytes = padded(&[2, 1, 6, 0], 240);
            bytes[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
            bytes
        };
        let cases: &[(&str, Ports, &[u8])] = &[
            ("dns", (53, 53), b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0"),
            ("ntp", (123, 123), &padded(&[0x24], 48)),
            ("ike", (500, 500), &ike),
            ("ike behind nat", (4500, 4500), &[&[0; 4][..], &ike].concat()),
            ("openvpn", (1194, 1194), &padded(&[0x28], 26)),
            ("knx", (3671, 3671), b"\x06\x10\x04\x21\x00\x0a\x04\x15\x00\x00"),
            ("iax", (4569, 4569), &[0x80, 1, 0, 2, 0, 0, 0, 9, 1, 1, 6, 4]),
            ("hart", (5094, 50_000), &[1, 1, 3, 0, 0, 1, 0, 8]),
            ("coap", (5683, 5683), &[0x60, 0x45, 0, 1]),
            ("fins", (9600, 9600), &padded(&[0xc0, 0, 2], 14)),
            ("bacnet", (47_808, 47_808), &[0x81, 0x0a, 0, 9, 1, 0, 0x20, 1, 15]),
            ("wireguard", (51_820, 51_820), &padded(&[2], 92)),
            ("sip", (5060, 5060), b"SIP/2.0 200 OK\r\n"),
            ("the end of a sip handshake", (5060, 5060), b"ACK sip:a@b SIP/2.0\r\n"),
            ("rpc", (700, 900), &rpc),
            ("dce rpc", (34_964, 50_000), &dce),
            ("stun", (50_000, 50_001), &padded(b"\x01\x01\x00\x00\x21\x12\xa4\x42", 20)),
            ("rtcp", (5005, 6001), &rtcp),
            ("dht", (6881, 6881), b"d1:rd2:id4:aaaae1:t2:aa1:y1:re"),
            ("dhcp relay", (67, 67), &relay),
        ];
        for (name, ports, bytes) in cases {
            assert_eq!(judged(*ports, bytes), Some(Proof::Answer), "{name}");
        }
    }

    #[test]
    fn questions_and_what_an_older_session_left_prove_nothing() {
        let cases: &[(&str, Ports, &[u8])] = &[
            ("dns", (53, 53), b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0"),
            ("ntp of a simple client", (123, 123), &padded(&[0x23], 48)),
            ("ike without an answer", (500, 500), &padded(&[7; 8], 28)),
            ("a call of iax", (4569, 4569), &[0x80, 1, 0, 0, 0, 0, 0, 9, 0, 0, 6, 1]),
            ("a search that went to a group", (3671, 3671), b"\x06\x10\x02\x02\x00\x06"),
            ("a coap question", (5683, 5683), &[0x40, 1, 0, 1]),
            ("data of wireguard", (51_820, 51_820), &padded(&[4, 0, 0, 0, 1, 1, 1, 1, 9], 32)),
            ("a report on nobody", (5005, 6001), &[0x80, 201, 0, 1, 0, 0, 0, 1]),
            ("mdns", (5353, 5353), b"\0\0\x84\0\0\0\0\x01\0\0\0\0"),
            ("syslog", (514, 514), b"<13>ready"),
        ];
        for (name, ports, bytes) in cases {
            assert_eq!(judged(*ports, bytes), None, "{name}");
        }
    }

    #[test]
    fn what_follows_a_handshake_is_a_dialogue() {
        let mut quic = Memory::default();
        let long = |first: u8| [&[first, 0, 0, 0, 1][..], &[0; 20]].concat();
        let short = [0x41; 40];
        assert_eq!(proof_in(&short, (50_000, 443), &mut quic), None);
        assert_eq!(proof_in(&long(0xc3), (50_000, 443), &mut quic), None);
        assert_eq!(proof_in(&long(0xe3), (50_000, 443), &mut quic), Some(Proof::Dialogue));
        assert_eq!(proof_in(&short, (50_000, 443), &mut quic), Some(Proof::Dialogue));
        let record = |epoch: u8, kind: u8, message: u8| [&[kind, 0xfe, 0xfd, 0, epoch][..], &[0; 6], &[0, 1, message]].concat();
        let port = (50_000, 4433);
        let (hello, server_hello, key_exchange) = (record(0, 22, 1), record(0, 22, 2), record(0, 22, 16));
        assert_eq!(judged(port, &hello), None);
        assert_eq!(judged(port, &server_hello), Some(Proof::Answer));
        assert_eq!(judged(port, &key_exchange), Some(Proof::Dialogue));
        assert_eq!(judged(port, &record(1, 23, 0)), Some(Proof::Dialogue));
    }

    #[test]
    fn blocks_of_a_file_prove_the_acknowledgments_between_them() {
        let mut memory = Memory::default();
        let mut next = |number: u8| proof_in(&[&[0, 3, 0, number][..], &[7; 512]].concat(), (2000, 3000), &mut memory);
        assert_eq!([1, 2, 2, 3].map(&mut next), [None, Some(Proof::Answer), None, Some(Proof::Answer)]);
    }
}
