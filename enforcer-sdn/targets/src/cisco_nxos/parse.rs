//! Reads access lists as a running configuration shows them, and says what they do. What it does not know is an error with its place.

use enforcer_packetset::{AddressSet, L4, RangeSet, Step};

use super::groups;
use crate::lists::address;
use crate::lists::bound::Unwritten;
use crate::lists::chain::{deny_rest, of_all};
use crate::lists::clock::Times;
use crate::lists::entry::{Grammar, ios_kinds};
use crate::lists::groups::{Groups, of_version};
use crate::lists::ports::{Comparisons, ios};
use crate::lists::text::{self, Dialect, Header};
use crate::target::{ParseError, Parsed};
use crate::words::Words;

pub(super) const PORTS: Comparisons = Comparisons { operators: &["eq", "neq", "gt", "lt", "range"], named: ios, most: 1 };

const GRAMMAR: Grammar = Grammar {
    any: [&["ip"], &["ipv6"]],
    icmp: ["icmp", "icmp"],
    address,
    ports: PORTS,
    with_ports: &[6, 17],
    port_group: Some("portgroup"),
    service_group: None,
    kinds: ios_kinds,
    log: &["log"],
    idle: &[],
    has_times: true,
};

const DIALECT: Dialect = Dialect {
    grammar: GRAMMAR,
    times: Times::Seconds,
    header,
    binding,
    interfaces: &["interface"],
    group: Some(groups::kind),
    member: groups::member,
    counters: &["statistics"],
    has_comments: false,
    unwritten: Unwritten { end: unwritten, empty_permits: false, knows_ipv6: true },
};

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    text::parse(text, &DIALECT)
}

/// `ip access-list NAME`, `ipv6 access-list NAME`.
fn header(words: &mut Words<'_>) -> Result<Option<Header>, ParseError> {
    let is_ipv6 = match (words.peek(), words.peek_second()) {
        ("ip", "access-list") => false,
        ("ipv6", "access-list") => true,
        _ => return Ok(None),
    };
    words.next();
    words.next();
    Ok(Some(Header::of(is_ipv6)))
}

/// `ip access-group`, `ipv6 traffic-filter`; with `port` to a switch port.
fn binding(words: &mut Words<'_>) -> Option<bool> {
    let before = *words;
    let version = words.next();
    words.take("port");
    let is_ipv6 = match (version, words.next()) {
        ("ip", "access-group") => false,
        ("ipv6", "traffic-filter") => true,
        _ => {
            *words = before;
            return None;
        }
    };
    Some(is_ipv6)
}

fn unwritten(is_ipv6: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    if is_ipv6 {
        // Solicitations and advertisements of routers and neighbours: RFC 4861 types 133 to 136.
        let kinds = L4::Icmp6 { types: RangeSet::range(133, 136), codes: RangeSet::full() };
        steps.push(Step::allow(of_all(true, kinds)));
    }
    steps.push(deny_rest(is_ipv6));
    steps
}

fn address(words: &mut Words<'_>, is_ipv6: bool, groups: &Groups) -> Result<AddressSet, ParseError> {
    if words.take("any") {
        return Ok(address::all(is_ipv6));
    }
    if words.take("addrgroup") {
        return of_version(groups, words, is_ipv6);
    }
    plain_address(words, is_ipv6)
}

/// A host, a prefix, or an IPv4 address with its wildcard.
pub(super) fn plain_address(words: &mut Words<'_>, is_ipv6: bool) -> Result<AddressSet, ParseError> {
    let word = words.some("an address")?;
    let set = match word {
        "host" => address::host(words.next(), is_ipv6),
        _ if is_ipv6 || word.contains('/') => address::prefix(word, is_ipv6),
        _ => return address::wildcard(words, word),
    };
    let version = if is_ipv6 { "IPv6" } else { "IPv4" };
    set.ok_or_else(|| {
        let advice = "write `any`, `host ADDRESS`, a prefix, an IPv4 address with its wildcard, or `addrgroup NAME`";
        words.error(format!("`{word}` is no {version} address set"), advice)
    })
}
