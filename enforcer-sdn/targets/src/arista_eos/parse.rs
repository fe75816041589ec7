//! Reads access lists as a running configuration shows them, and says what they do. What it does not know is an error with its place.

use enforcer_packetset::AddressSet;

use super::names;
use crate::lists::address;
use crate::lists::bound::Unwritten;
use crate::lists::chain::deny_rest;
use crate::lists::clock::Times;
use crate::lists::entry::{Grammar, ios_kinds};
use crate::lists::groups::Groups;
use crate::lists::ports::Comparisons;
use crate::lists::text::{self, Dialect, Header, no_member};
use crate::target::{ParseError, Parsed};
use crate::words::Words;

const GRAMMAR: Grammar = Grammar {
    any: [&["ip"], &["ipv6"]],
    icmp: ["icmp", "icmpv6"],
    address,
    ports: Comparisons { operators: &["eq", "neq", "gt", "lt", "range"], named: names::port, most: 10 },
    with_ports: &[6, 17],
    port_group: None,
    service_group: None,
    kinds: ios_kinds,
    log: &["log"],
    idle: &[],
    has_times: false,
};

const DIALECT: Dialect = Dialect {
    grammar: GRAMMAR,
    times: Times::Minutes,
    header,
    binding,
    interfaces: &["interface"],
    group: None,
    member: no_member,
    counters: &["counters", "statistics"],
    has_comments: false,
    unwritten: Unwritten { end: |is_ipv6| vec![deny_rest(is_ipv6)], empty_permits: false, knows_ipv6: false },
};

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    text::parse(text, &DIALECT)
}

/// `ip access-list NAME`, `ipv6 access-list NAME`, with `standard` before the name for lists of sources.
fn header(words: &mut Words<'_>) -> Result<Option<Header>, ParseError> {
    let is_ipv6 = match (words.peek(), words.peek_second()) {
        ("ip", "access-list") => false,
        ("ipv6", "access-list") => true,
        _ => return Ok(None),
    };
    words.next();
    words.next();
    Ok(Some(Header { is_standard: words.take("standard"), ..Header::of(is_ipv6) }))
}

/// `ip access-group`, `ipv6 access-group`.
fn binding(words: &mut Words<'_>) -> Option<bool> {
    let is_ipv6 = match (words.peek(), words.peek_second()) {
        ("ip", "access-group") => false,
        ("ipv6", "access-group") => true,
        _ => return None,
    };
    words.next();
    words.next();
    Some(is_ipv6)
}

fn address(words: &mut Words<'_>, is_ipv6: bool, _: &Groups) -> Result<AddressSet, ParseError> {
    let word = words.some("an address")?;
    let set = match word {
        "any" => Some(address::all(is_ipv6)),
        "host" => address::host(words.next(), is_ipv6),
        _ if is_ipv6 || word.contains('/') => address::prefix(word, is_ipv6),
        _ => return address::wildcard(words, word),
    };
    let version = if is_ipv6 { "IPv6" } else { "IPv4" };
    set.ok_or_else(|| {
        let advice = "write `any`, `host ADDRESS`, a prefix, or an IPv4 address with its wildcard";
        words.error(format!("`{word}` is no {version} address set"), advice)
    })
}
