//! Reads access lists as a running configuration shows them, and says what they do. What it does not know is an error with its place.

use enforcer_packetset::{AddressSet, L4, RangeSet, Step};

use super::objects::Objects;
use crate::lists::address;
use crate::lists::chain::{deny_rest, of_all};
use crate::lists::entry::{Grammar, entry, ios_kinds};
use crate::lists::groups::{Groups, named};
use crate::lists::ordinary;
use crate::lists::pair::{List, Lists};
use crate::lists::ports::{Comparisons, ios};
use crate::target::{ParseError, Parsed};
use crate::words::{Words, number};

const ADVICE: &str = "give extended access lists, their object groups and where they are bound, nothing else";

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
};

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut lists = Lists::default();
    let mut objects = Objects::default();
    for (number, line) in (1..).zip(text.lines()) {
        self::line(&mut Words::new(number, line), number, &mut lists, &mut objects)?;
    }
    lists.finish(unwritten)
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
        "interface" => {
            objects.leave();
            lists.interface();
        }
        "ip" | "ipv6" if lists.in_interface() => {
            let is_ipv6 = words.next() == "ipv6";
            words.expect(if is_ipv6 { "traffic-filter" } else { "access-group" }, ADVICE)?;
            lists.bind(words, is_ipv6)?;
        }
        "ip" | "ipv6" if !objects.is_open() || words.peek_second() == "access-list" => {
            objects.leave();
            let is_ipv6 = header(words)?;
            lists.begin(words, is_ipv6)?;
        }
        "access-list" => {
            words.next();
            objects.leave();
            let list = numbered(words, lists)?;
            list_line(words, line, list, false, objects.groups())?;
        }
        "object-group" => {
            lists.leave();
            objects.begin(words)?;
        }
        _ if objects.is_open() => objects.line(words)?,
        _ => {
            let (list, is_ipv6) = lists.current(words, "begin with `ip access-list extended NAME`")?;
            list_line(words, line, list, is_ipv6, objects.groups())?;
        }
    }
    Ok(())
}

/// `ip access-list extended` or `ipv6 access-list`, up to the name.
fn header(words: &mut Words<'_>) -> Result<bool, ParseError> {
    let is_ipv6 = match words.next() {
        "ip" => false,
        "ipv6" => true,
        other => return Err(words.error(format!("`{other}` is not understood"), ADVICE)),
    };
    words.expect("access-list", ADVICE)?;
    if !is_ipv6 {
        words.expect("extended", "give extended access lists only")?;
    }
    Ok(is_ipv6)
}

/// `access-list 101 permit ...`: the numbers of extended lists are 100 to 199 and 2000 to 2699.
fn numbered<'a>(words: &mut Words<'_>, lists: &'a mut Lists) -> Result<&'a mut List, ParseError> {
    let is_extended = number::<u16>(words.peek()).is_some_and(|n| matches!(n, 100..=199 | 2000..=2699));
    if !is_extended {
        return Err(words.error_ahead("a list that is not extended", "give extended access lists only"));
    }
    lists.continue_or_begin(words)
}

fn list_line(words: &mut Words<'_>, line: usize, list: &mut List, is_ipv6: bool, groups: &Groups) -> Result<(), ParseError> {
    if is_ipv6 {
        words.take("sequence");
    }
    list.chain.number(words)?;
    if words.take("remark") {
        list.chain.remark();
        return Ok(());
    }
    list.chain.push(line, entry(words, is_ipv6, groups, &GRAMMAR)?);
    Ok(())
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
        (_, false) => address::wildcard(word, words.next()),
        (_, true) => address::prefix(word, true),
    };
    let version = if is_ipv6 { "IPv6" } else { "IPv4" };
    set.ok_or_else(|| words.error(format!("`{word}` and what follows is no {version} address set"), advice))
}
