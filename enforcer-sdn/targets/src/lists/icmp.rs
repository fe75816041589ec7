//! ICMP types and codes by number and by the names that Cisco's documents list (IOS Security Command Reference, `permit (IP)` and
//! `permit (IPv6)`); NX-OS and EOS use the same.

use enforcer_packetset::RangeSet;

use crate::target::ParseError;
use crate::words::{Words, number};

/// ICMP types and codes, as a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub types: RangeSet<u8>,
    pub codes: RangeSet<u8>,
}

impl Kinds {
    pub(crate) fn all() -> Self {
        Self { types: RangeSet::full(), codes: RangeSet::full() }
    }

    pub(crate) fn of(kind: u8, code: Option<u8>) -> Self {
        Self { types: RangeSet::of(kind), codes: code.map_or_else(RangeSet::full, RangeSet::of) }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.types.is_full() && self.codes.is_full()
    }
}

/// A name's type, and its code where the name means one.
pub(crate) type Named = fn(&str) -> Option<(u8, Option<u8>)>;

/// `8`, `8 0`, `echo`, `port-unreachable`, or nothing. A name that means a code takes no further one.
pub(crate) fn kinds(words: &mut Words<'_>, named: Named) -> Result<Kinds, ParseError> {
    let word = words.peek();
    let (kind, code) = match (number::<u8>(word), named(word)) {
        (Some(kind), _) => (kind, None),
        (None, Some(known)) => known,
        (None, None) if word.starts_with(|c: char| c.is_ascii_digit()) => {
            return Err(words.error_ahead(format!("`{word}` is no ICMP type"), "a type is 0 to 255"));
        }
        (None, None) => return Ok(Kinds::all()),
    };
    words.next();
    let code = match (code, number::<u8>(words.peek())) {
        (None, Some(code)) => {
            words.next();
            Some(code)
        }
        (code, _) => code,
    };
    Ok(Kinds::of(kind, code))
}

/// ICMP over IPv4.
pub(crate) fn named_v4(word: &str) -> Option<(u8, Option<u8>)> {
    Some(match word {
        "echo-reply" => (0, None),
        "unreachable" => (3, None),
        "net-unreachable" => (3, Some(0)),
        "host-unreachable" => (3, Some(1)),
        "protocol-unreachable" => (3, Some(2)),
        "port-unreachable" => (3, Some(3)),
        "packet-too-big" => (3, Some(4)),
        "source-route-failed" => (3, Some(5)),
        "network-unknown" => (3, Some(6)),
        "host-unknown" => (3, Some(7)),
        "host-isolated" => (3, Some(8)),
        "dod-net-prohibited" => (3, Some(9)),
        "dod-host-prohibited" => (3, Some(10)),
        "net-tos-unreachable" => (3, Some(11)),
        "host-tos-unreachable" => (3, Some(12)),
        "administratively-prohibited" => (3, Some(13)),
        "host-precedence-unreachable" => (3, Some(14)),
        "precedence-unreachable" => (3, Some(15)),
        "source-quench" => (4, None),
        "redirect" => (5, None),
        "net-redirect" => (5, Some(0)),
        "host-redirect" => (5, Some(1)),
        "net-tos-redirect" => (5, Some(2)),
        "host-tos-redirect" => (5, Some(3)),
        "alternate-address" => (6, None),
        "echo" => (8, None),
        "router-advertisement" => (9, None),
        "router-solicitation" => (10, None),
        "time-exceeded" => (11, None),
        "ttl-exceeded" => (11, Some(0)),
        "reassembly-timeout" => (11, Some(1)),
        "parameter-problem" => (12, None),
        "general-parameter-problem" => (12, Some(0)),
        "option-missing" => (12, Some(1)),
        "no-room-for-option" => (12, Some(2)),
        "timestamp-request" => (13, None),
        "timestamp-reply" => (14, None),
        "information-request" => (15, None),
        "information-reply" => (16, None),
        "mask-request" => (17, None),
        "mask-reply" => (18, None),
        "traceroute" => (30, None),
        "conversion-error" => (31, None),
        "mobile-redirect" => (32, None),
        _ => return None,
    })
}

/// ICMPv6.
pub(crate) fn named_v6(word: &str) -> Option<(u8, Option<u8>)> {
    Some(match word {
        // `destination-unreachable` is not read: in some lists it is the type, in others its code 3.
        "unreachable" => (1, None),
        "no-route" => (1, Some(0)),
        "no-admin" => (1, Some(1)),
        "beyond-scope" => (1, Some(2)),
        "port-unreachable" => (1, Some(4)),
        "packet-too-big" => (2, None),
        "time-exceeded" => (3, None),
        "hop-limit" => (3, Some(0)),
        "reassembly-timeout" => (3, Some(1)),
        "parameter-problem" => (4, None),
        "header" => (4, Some(0)),
        "next-header" => (4, Some(1)),
        "parameter-option" => (4, Some(2)),
        "echo-request" => (128, None),
        "echo-reply" => (129, None),
        "mld-query" => (130, None),
        "mld-report" => (131, None),
        "mld-reduction" => (132, None),
        "router-solicitation" => (133, None),
        "router-advertisement" => (134, None),
        "nd-ns" => (135, None),
        "nd-na" => (136, None),
        "redirect" => (137, None),
        "router-renumbering" => (138, None),
        "renum-command" => (138, Some(0)),
        "renum-result" => (138, Some(1)),
        "renum-seq-number" => (138, Some(255)),
        _ => return None,
    })
}
