//! Reads access lists as a running configuration shows them, and says what they do. What it does not know is an error with its place.

use enforcer_packetset::AddressSet;

use super::names;
use crate::lists::address;
use crate::lists::chain::deny_rest;
use crate::lists::entry::{Grammar, entry, ios_kinds};
use crate::lists::groups::Groups;
use crate::lists::ordinary;
use crate::lists::pair::Lists;
use crate::lists::ports::Comparisons;
use crate::target::{ParseError, Parsed};
use crate::words::Words;

const ADVICE: &str = "give access lists and where they are bound, nothing else";

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
};

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut lists = Lists::default();
    for (number, line) in (1..).zip(text.lines()) {
        self::line(&mut Words::new(number, line), number, &mut lists)?;
    }
    lists.refuse_empty()?;
    lists.refuse_open_ipv6()?;
    lists.finish(|is_ipv6| vec![deny_rest(is_ipv6)])
}

fn line(words: &mut Words<'_>, line: usize, lists: &mut Lists) -> Result<(), ParseError> {
    match words.peek() {
        "" => {}
        word if word.starts_with('!') => {}
        _ if lists.in_interface() && ordinary::is_of_interface(words) => {}
        _ if ordinary::is_of_device(words) => lists.leave(),
        "exit" | "end" => lists.leave(),
        "no" => {
            words.next();
            let is_ipv6 = header(words)?;
            lists.remove(words, is_ipv6)?;
        }
        "interface" => lists.interface(),
        "ip" | "ipv6" if lists.in_interface() => {
            let is_ipv6 = words.next() == "ipv6";
            words.expect("access-group", ADVICE)?;
            lists.bind(words, is_ipv6)?;
        }
        "ip" | "ipv6" => {
            let is_ipv6 = header(words)?;
            lists.begin(words, is_ipv6)?;
        }
        "counters" | "statistics" => {
            words.next();
            lists.current(words, ADVICE)?;
            words.expect("per-entry", "write `counters per-entry`")?;
            words.end("it stands alone")?;
        }
        _ => {
            let (list, is_ipv6) = lists.current(words, "begin with `ip access-list NAME`")?;
            list.chain.number(words)?;
            if words.take("remark") {
                list.chain.remark();
            } else {
                list.chain.push(line, entry(words, is_ipv6, &Groups::default(), &GRAMMAR)?);
            }
        }
    }
    Ok(())
}

/// `ip access-list` or `ipv6 access-list`, up to the name.
fn header(words: &mut Words<'_>) -> Result<bool, ParseError> {
    let is_ipv6 = match words.next() {
        "ip" => false,
        "ipv6" => true,
        other => return Err(words.error(format!("`{other}` is not understood"), ADVICE)),
    };
    words.expect("access-list", ADVICE)?;
    if words.peek() == "standard" {
        return Err(words.error_ahead("a standard list", "give lists that look at both addresses"));
    }
    Ok(is_ipv6)
}

fn address(words: &mut Words<'_>, is_ipv6: bool, _: &Groups) -> Result<AddressSet, ParseError> {
    let word = words.some("an address")?;
    let set = match word {
        "any" => Some(address::all(is_ipv6)),
        "host" => address::host(words.next(), is_ipv6),
        _ if is_ipv6 || word.contains('/') => address::prefix(word, is_ipv6),
        _ => address::wildcard(word, words.next()),
    };
    let version = if is_ipv6 { "IPv6" } else { "IPv4" };
    set.ok_or_else(|| {
        let advice = "write `any`, `host ADDRESS`, a prefix, or an IPv4 address with its wildcard";
        words.error(format!("`{word}` is no {version} address set"), advice)
    })
}
