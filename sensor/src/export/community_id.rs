//! Community ID v1, seed 0 (github.com/corelight/community-id-spec): one name for a flow in every tool.

use std::net::IpAddr;

use sensor_model::FlowRecord;
use sha1::{Digest, Sha1};

use super::bytes::Bytes;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP6: u8 = 58;
const SCTP: u8 = 132;

/// `1:` and 20 bytes in base64.
const TEXT_LEN: usize = 30;

/// Request and reply types that make one two-way flow, as the specification lists them.
const ICMP_PAIRS: &[(u16, u16)] = &[(8, 0), (0, 8), (13, 14), (14, 13), (15, 16), (16, 15), (10, 9), (9, 10), (17, 18), (18, 17)];
const ICMP6_PAIRS: &[(u16, u16)] =
    &[(128, 129), (129, 128), (133, 134), (134, 133), (135, 136), (136, 135), (130, 131), (131, 130), (144, 145), (145, 144)];

/// `1:` and the base64 of the digest.
#[must_use]
pub fn community_id(record: &FlowRecord) -> [u8; TEXT_LEN] {
    let (mut from, mut to) = ((record.originator, record.originator_port), (record.responder, record.responder_port));
    let number = record.protocol_number;
    let mut two_way = true;
    if let ICMP | ICMP6 = number {
        // Ports carry type and code; the counterpart is the type that answers, and where none does, the code.
        let pairs = if number == ICMP { ICMP_PAIRS } else { ICMP6_PAIRS };
        match pairs.iter().find(|(kind, _)| *kind == record.originator_port) {
            Some((_, answer)) => to.1 = *answer,
            None => two_way = false,
        }
    }
    if two_way && (to.0, to.1) < (from.0, from.1) {
        std::mem::swap(&mut from, &mut to);
    }
    let mut tuple = Bytes::<40>::default();
    tuple.push(&0_u16.to_be_bytes());
    push_address(&mut tuple, from.0);
    push_address(&mut tuple, to.0);
    tuple.push(&[number, 0]);
    if matches!(number, TCP | UDP | SCTP | ICMP | ICMP6) {
        tuple.push(&from.1.to_be_bytes());
        tuple.push(&to.1.to_be_bytes());
    }
    let mut text = *b"1:                            ";
    base64(&Sha1::digest(tuple.as_slice()), &mut text[2..]);
    text
}

fn push_address(tuple: &mut Bytes<40>, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => tuple.push(&v4.octets()),
        IpAddr::V6(v6) => tuple.push(&v6.octets()),
    }
}

/// RFC 4648 4, into as many places as that takes.
fn base64(bytes: &[u8], text: &mut [u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (group, letters) in bytes.chunks(3).zip(text.chunks_mut(4)) {
        let word = (0..3).fold(0_u32, |word, at| word << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for (place, letter) in letters.iter_mut().enumerate() {
            *letter = if place <= group.len() { ALPHABET[(word >> (18 - 6 * place) & 0x3f) as usize] } else { b'=' };
        }
    }
}

#[cfg(test)]
mod tests {
    use sensor_model::IpProtocol;

    use super::*;
    use crate::fixtures::record;

    fn id(number: u8, from: (&str, u16), to: (&str, u16)) -> String {
        let mut flow = record();
        (flow.protocol, flow.protocol_number) = (IpProtocol::from_number(number), number);
        (flow.originator, flow.originator_port) = (from.0.parse().unwrap(), from.1);
        (flow.responder, flow.responder_port) = (to.0.parse().unwrap(), to.1);
        String::from_utf8(community_id(&flow).to_vec()).unwrap()
    }

    // The specification's own table of results.
    #[test]
    fn the_reference_table_is_met_in_both_directions() {
        let (a, b) = ("1.2.3.4", "5.6.7.8");
        assert_eq!(id(6, (a, 1122), (b, 3344)), "1:wCb3OG7yAFWelaUydu0D+125CLM=");
        assert_eq!(id(6, (b, 3344), (a, 1122)), "1:wCb3OG7yAFWelaUydu0D+125CLM=");
        assert_eq!(id(17, (a, 1122), (b, 3344)), "1:0Mu9InQx6z4ZiCZM/7HXi2WMhOg=");
        assert_eq!(id(132, (a, 1122), (b, 3344)), "1:EKt4MsxuyaE6mL+hmrEkQ9csDD8=");
        assert_eq!(id(1, (a, 8), (b, 0)), "1:crodRHL2FEsHjbv3UkRrfbs4bZ0=");
        assert_eq!(id(1, (b, 0), (a, 0)), "1:crodRHL2FEsHjbv3UkRrfbs4bZ0=");
        assert_eq!(id(1, (a, 11), (b, 0)), "1:f/YiSyWqczrTgfUCZlBUnvHRcPk=");
        assert_eq!(id(46, (a, 0), (b, 0)), "1:ikv3kmf89luf73WPz1jOs49S768=");
        let (c, d) = ("fe80:1:203:405:607:809:a0b:c0d", "fe80:1011:1213:1415:1617:1819:1a1b:1c1d");
        assert_eq!(id(58, (c, 128), (d, 0)), "1:0bf7hyMJUwt3fMED7z8LIfRpBeo=");
        assert_eq!(id(58, (d, 129), (c, 0)), "1:0bf7hyMJUwt3fMED7z8LIfRpBeo=");
        assert_eq!(id(58, (c, 146), (d, 0)), "1:fYC8+pz24E+EhANP1EZhpX0Dw10=");
    }

    #[test]
    fn base64_pads_as_the_rfc_says() {
        for (bytes, wanted) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            let mut text = vec![0; wanted.len()];
            base64(bytes.as_bytes(), &mut text);
            assert_eq!(text, wanted.as_bytes());
        }
    }
}
