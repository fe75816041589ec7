//! Reads access lists as a running configuration shows them, and says what they do. What it does not know is an error with its place.

use enforcer_packetset::{AddressSet, L4, RangeSet, Step};

use super::objects;
use crate::lists::address;
use crate::lists::bound::Unwritten;
use crate::lists::chain::{deny_rest, of_all};
use crate::lists::clock::Times;
use crate::lists::entry::{Grammar, ios_kinds};
use crate::lists::groups::{Groups, named};
use crate::lists::ports::{Comparisons, ios};
use crate::lists::text::{self, Dialect, Header};
use crate::target::{ParseError, Parsed};
use crate::words::{Words, number};

/// IOS lists as many ports after `eq` as ten.
pub(super) const PORTS: Comparisons = Comparisons { operators: &["eq", "neq", "gt", "lt", "range"], named: ios, most: 10 };

pub(crate) const GRAMMAR: Grammar = Grammar {
    any: [&["ip"], &["ipv6"]],
    icmp: ["icmp", "icmp"],
    address,
    ports: PORTS,
    with_ports: &[6, 17],
    port_group: None,
    service_group: Some("object-group"),
    kinds: ios_kinds,
    log: &["log", "log-input"],
    idle: &[],
    has_times: true,
};

const DIALECT: Dialect = Dialect {
    grammar: GRAMMAR,
    times: Times::Minutes,
    header,
    binding,
    interfaces: &["interface", "template"],
    group: Some(objects::kind),
    member: objects::member,
    counters: &[],
    has_comments: false,
    unwritten: Unwritten { end: unwritten, empty_permits: true, knows_ipv6: true },
};

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    text::parse(text, &DIALECT)
}

/// `ip access-list extended NAME`, `ip access-list standard NAME`, `ipv6 access-list NAME`, or `access-list 101 permit ...`.
pub(crate) fn header(words: &mut Words<'_>) -> Result<Option<Header>, ParseError> {
    match (words.peek(), words.peek_second()) {
        ("ip", "access-list") => {
            words.next();
            words.next();
            match words.next() {
                "extended" => Ok(Some(Header::of(false))),
                "standard" => Ok(Some(Header { is_standard: true, ..Header::of(false) })),
                other => Err(words.error(format!("a list of kind `{other}`"), "give extended and standard access lists")),
            }
        }
        ("ipv6", "access-list") => {
            words.next();
            words.next();
            Ok(Some(Header::of(true)))
        }
        ("access-list", _) => {
            words.next();
            let is_standard = match number::<u16>(words.peek()) {
                Some(100..=199 | 2000..=2699) => false,
                Some(1..=99 | 1300..=1999) => true,
                _ => {
                    let advice = "numbers of lists for IPv4 are 1 to 199 and 1300 to 2699: cut others out";
                    return Err(words.error_ahead("a list that is not for IPv4", advice));
                }
            };
            Ok(Some(Header { is_ipv6: false, is_standard, is_entry: true }))
        }
        _ => Ok(None),
    }
}

/// `ip access-group`, `ipv6 traffic-filter`.
fn binding(words: &mut Words<'_>) -> Option<bool> {
    let is_ipv6 = match (words.peek(), words.peek_second()) {
        ("ip", "access-group") => false,
        ("ipv6", "traffic-filter") => true,
        _ => return None,
    };
    words.next();
    words.next();
    Some(is_ipv6)
}

pub(crate) fn unwritten(is_ipv6: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    if is_ipv6 {
        // Neighbour advertisement and solicitation: RFC 4861 types 136 and 135.
        let kinds = L4::Icmp6 { types: RangeSet::range(135, 136), codes: RangeSet::full() };
        steps.push(Step::allow(of_all(true, kinds)));
    }
    steps.push(deny_rest(is_ipv6));
    steps
}

fn address(words: &mut Words<'_>, is_ipv6: bool, groups: &Groups) -> Result<AddressSet, ParseError> {
    let advice = "write `any`, `host ADDRESS`, an IPv4 address with its wildcard, or an IPv6 prefix";
    let word = words.some("an address")?;
    let set = match (word, is_ipv6) {
        ("any", _) => Some(address::all(is_ipv6)),
        ("host", _) => address::host(words.next(), is_ipv6),
        ("object-group", false) => return named(&groups.addresses, words, "network group").cloned(),
        (_, false) => return address::wildcard(words, word),
        (_, true) => address::prefix(word, true),
    };
    let version = if is_ipv6 { "IPv6" } else { "IPv4" };
    set.ok_or_else(|| words.error(format!("`{word}` and what follows is no {version} address set"), advice))
}
