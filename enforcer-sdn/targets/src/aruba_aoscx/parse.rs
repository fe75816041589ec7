//! Reads access lists as a running configuration shows them, and says what they do. What it does not know is an error with its place.

use enforcer_packetset::AddressSet;

use super::groups::Objects;
use crate::lists::address;
use crate::lists::chain::deny_rest;
use crate::lists::entry::{Grammar, entry};
use crate::lists::groups::{Groups, named};
use crate::lists::icmp::Kinds;
use crate::lists::ordinary;
use crate::lists::pair::Lists;
use crate::lists::ports::{Comparisons, none};
use crate::target::{ParseError, Parsed};
use crate::words::{Words, number};

const ADVICE: &str = "give access lists, their object groups and where they are applied, nothing else";

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
};

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut lists = Lists::default();
    let mut objects = Objects::default();
    for (number, line) in (1..).zip(text.lines()) {
        self::line(&mut Words::new(number, line), number, &mut lists, &mut objects)?;
    }
    lists.refuse_empty()?;
    lists.finish(|is_ipv6| vec![deny_rest(is_ipv6)])
}

fn line(words: &mut Words<'_>, line: usize, lists: &mut Lists, objects: &mut Objects) -> Result<(), ParseError> {
    match words.peek() {
        "" => {}
        word if word.starts_with('!') => {}
        _ if lists.in_interface() && ordinary::is_of_interface(words) => {}
        _ if ordinary::is_of_device(words) => {
            lists.leave();
            objects.leave();
        }
        "exit" | "end" => {
            lists.leave();
            objects.leave();
        }
        "no" => {
            words.next();
            objects.leave();
            let is_ipv6 = header(words)?;
            lists.remove(words, is_ipv6)?;
        }
        "interface" | "vlan" => {
            objects.leave();
            lists.interface();
        }
        "apply" if lists.in_interface() => {
            words.next();
            let is_ipv6 = header(words)?;
            lists.bind(words, is_ipv6)?;
        }
        "access-list" => {
            objects.leave();
            let is_ipv6 = header(words)?;
            lists.begin(words, is_ipv6)?;
        }
        "object-group" => {
            lists.leave();
            objects.begin(words)?;
        }
        _ if objects.is_open() => objects.line(words)?,
        _ => {
            let (list, is_ipv6) = lists.current(words, "begin with `access-list ip NAME`")?;
            if words.peek_second() == "comment" {
                return list.chain.comment(words);
            }
            list.chain.number(words)?;
            list.chain.push(line, entry(words, is_ipv6, &objects.groups, &GRAMMAR)?);
        }
    }
    Ok(())
}

/// `access-list ip` or `access-list ipv6`, up to the name.
fn header(words: &mut Words<'_>) -> Result<bool, ParseError> {
    words.expect("access-list", ADVICE)?;
    match words.next() {
        "ip" => Ok(false),
        "ipv6" => Ok(true),
        other => Err(words.error(format!("a list of kind `{other}`"), "give lists of kind `ip` and `ipv6`")),
    }
}

fn address(words: &mut Words<'_>, is_ipv6: bool, groups: &Groups) -> Result<AddressSet, ParseError> {
    let word = words.peek();
    if word == "any" {
        words.next();
        return Ok(address::all(is_ipv6));
    }
    if let Some(group) = groups.addresses.get(word) {
        let is_other = if is_ipv6 { group.v6.is_empty() } else { group.v4.is_empty() };
        let group = named(&groups.addresses, words, "address group")?;
        if is_other {
            return Err(words.error("a group of the other IP version", "name a group of the list's version"));
        }
        return Ok(group.clone());
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
