//! Reads access lists as a running configuration shows them, and says what they do. What it does not know is an error with its place.

use enforcer_packetset::AddressSet;

use super::groups;
use crate::lists::address;
use crate::lists::bound::Unwritten;
use crate::lists::chain::deny_rest;
use crate::lists::clock::Times;
use crate::lists::entry::Grammar;
use crate::lists::groups::{Groups, of_version};
use crate::lists::icmp::Kinds;
use crate::lists::ports::{Comparisons, none};
use crate::lists::text::{self, Dialect, Header};
use crate::target::{ParseError, Parsed};
use crate::words::{Words, number};

pub(super) const PORTS: Comparisons = Comparisons { operators: &["eq", "gt", "lt", "range"], named: none, most: 1 };

const GRAMMAR: Grammar = Grammar {
    any: [&["any", "ip"], &["any", "ipv6"]],
    icmp: ["icmp", "icmpv6"],
    address,
    ports: PORTS,
    with_ports: &[6, 17, 132],
    port_group: Some("group"),
    service_group: None,
    kinds,
    log: &["log"],
    idle: &["count"],
    has_times: false,
};

const DIALECT: Dialect = Dialect {
    grammar: GRAMMAR,
    times: Times::Minutes,
    header,
    binding,
    interfaces: &["interface", "vlan"],
    group: Some(groups::kind),
    member: groups::member,
    counters: &[],
    has_comments: true,
    unwritten: Unwritten { end: |is_ipv6| vec![deny_rest(is_ipv6)], empty_permits: false, knows_ipv6: true },
};

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    text::parse(text, &DIALECT)
}

/// `access-list ip NAME`, `access-list ipv6 NAME`.
fn header(words: &mut Words<'_>) -> Result<Option<Header>, ParseError> {
    if words.peek() != "access-list" || ["log-timer", "secure-update"].contains(&words.peek_second()) {
        return Ok(None);
    }
    words.next();
    match words.next() {
        "ip" => Ok(Some(Header::of(false))),
        "ipv6" => Ok(Some(Header::of(true))),
        other => Err(words.error(format!("a list of kind `{other}`"), "give lists of kind `ip` and `ipv6`")),
    }
}

/// `apply access-list ip`, `apply access-list ipv6`; not what is applied to the device's own packets.
fn binding(words: &mut Words<'_>) -> Option<bool> {
    let before = *words;
    let is_ipv6 = match (words.next(), words.next(), words.next()) {
        ("apply", "access-list", "ip") => false,
        ("apply", "access-list", "ipv6") => true,
        _ => {
            *words = before;
            return None;
        }
    };
    if words.peek_second() == "control-plane" {
        *words = before;
        return None;
    }
    Some(is_ipv6)
}

fn address(words: &mut Words<'_>, is_ipv6: bool, groups: &Groups) -> Result<AddressSet, ParseError> {
    let word = words.peek();
    if word == "any" {
        words.next();
        return Ok(address::all(is_ipv6));
    }
    if groups.addresses.contains_key(word) {
        return of_version(groups, words, is_ipv6);
    }
    let word = words.some("an address")?;
    plain_address(words, word, is_ipv6)
}

/// An address, or a network with its length or, in IPv4, its netmask.
pub(super) fn plain_address(words: &Words<'_>, word: &str, is_ipv6: bool) -> Result<AddressSet, ParseError> {
    let set = match word.split_once('/') {
        None => address::host(word, is_ipv6),
        Some((network, mask)) if mask.contains('.') && !is_ipv6 => address::netmask(network, mask),
        Some(_) => address::prefix(word, is_ipv6),
    };
    let version = if is_ipv6 { "IPv6" } else { "IPv4" };
    set.ok_or_else(|| {
        let advice = "write `any`, an address, a network with its length or netmask, or a group that the text defines before";
        words.error(format!("`{word}` is no {version} address set"), advice)
    })
}

/// `icmp-type 8 icmp-code 0`; the code may be left out.
fn kinds(words: &mut Words<'_>, is_ipv6: bool) -> Result<Kinds, ParseError> {
    if !words.take("icmp-type") {
        return Ok(Kinds::all());
    }
    let kind = match (words.some("an ICMP type")?, is_ipv6) {
        ("echo", false) => 8,
        ("echo", true) => 128,
        ("echo-reply", false) => 0,
        ("echo-reply", true) => 129,
        (word, _) => number(word).ok_or_else(|| words.error(format!("`{word}` is no ICMP type"), "a type is 0 to 255"))?,
    };
    if !words.take("icmp-code") {
        return Ok(Kinds::of(kind, None));
    }
    let word = words.some("an ICMP code")?;
    let code = number(word).ok_or_else(|| words.error(format!("`{word}` is no ICMP code"), "a code is 0 to 255"))?;
    Ok(Kinds::of(kind, Some(code)))
}
