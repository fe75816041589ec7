//! Reads access lists as a running configuration shows them, and says what they do. What it does not know is an error with its place.

use enforcer_packetset::{AddressSet, L4, RangeSet, Step};

use super::groups::Objects;
use crate::lists::address;
use crate::lists::chain::{deny_rest, of_all};
use crate::lists::entry::{Grammar, entry, ios_kinds};
use crate::lists::groups::{Groups, named};
use crate::lists::ordinary;
use crate::lists::pair::Lists;
use crate::lists::ports::{Comparisons, ios};
use crate::target::{ParseError, Parsed};
use crate::words::Words;

const ADVICE: &str = "give access lists, their object groups and where they are bound, nothing else";

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
};

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut lists = Lists::default();
    let mut objects = Objects::default();
    for (number, line) in (1..).zip(text.lines()) {
        self::line(&mut Words::new(number, line), number, &mut lists, &mut objects)?;
    }
    lists.refuse_empty()?;
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
            if is_ipv6 {
                words.expect("traffic-filter", ADVICE)?;
            } else {
                // `ip port access-group` binds to a switch port.
                words.take("port");
                words.expect("access-group", ADVICE)?;
            }
            lists.bind(words, is_ipv6)?;
        }
        "ip" | "ipv6" => {
            objects.leave();
            let is_ipv6 = header(words)?;
            lists.begin(words, is_ipv6)?;
        }
        "object-group" => {
            lists.leave();
            objects.begin(words)?;
        }
        "statistics" if !objects.is_open() => {
            words.next();
            lists.current(words, ADVICE)?;
            words.expect("per-entry", "write `statistics per-entry`")?;
            words.end("it stands alone")?;
        }
        _ if objects.is_open() => objects.line(words)?,
        _ => {
            let (list, is_ipv6) = lists.current(words, "begin with `ip access-list NAME`")?;
            list.chain.number(words)?;
            if words.take("remark") {
                list.chain.remark();
            } else {
                list.chain.push(line, entry(words, is_ipv6, &objects.groups, &GRAMMAR)?);
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
    Ok(is_ipv6)
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
    match words.peek() {
        "any" => {
            words.next();
            Ok(address::all(is_ipv6))
        }
        "addrgroup" => {
            words.next();
            let set = named(&groups.addresses, words, "address group")?;
            let is_other = if is_ipv6 { set.v6.is_empty() } else { set.v4.is_empty() };
            if is_other {
                return Err(words.error("a group of the other IP version", "name a group of the list's version"));
            }
            Ok(set.clone())
        }
        _ => plain_address(words, is_ipv6),
    }
}

/// A host, a prefix, or an IPv4 address with its wildcard.
pub(super) fn plain_address(words: &mut Words<'_>, is_ipv6: bool) -> Result<AddressSet, ParseError> {
    let word = words.some("an address")?;
    let set = match word {
        "host" => address::host(words.next(), is_ipv6),
        _ if is_ipv6 || word.contains('/') => address::prefix(word, is_ipv6),
        _ => address::wildcard(word, words.next()),
    };
    let version = if is_ipv6 { "IPv6" } else { "IPv4" };
    set.ok_or_else(|| {
        let advice = "write `any`, `host ADDRESS`, a prefix, an IPv4 address with its wildcard, or `addrgroup NAME`";
        words.error(format!("`{word}` is no {version} address set"), advice)
    })
}
