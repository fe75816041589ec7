//! Reads an export's filter rules and address lists, and says what becomes of packets that pass through. Shares nothing with the
//! renderer. What it does not know is an error with its place.

use std::collections::BTreeSet;

use super::beside::{self, Beside};
use super::chains::{self, Chains};
use super::lists::{Lists, Pair, pairs};
use super::places::Places;
use super::rule::Rule;
use crate::device_zones::DeviceZones;
use crate::reading::{Comments, Cursor, Lexing, Word, of_family, words};
use crate::target::{ParseError, Parsed};

const LEXING: Lexing = Lexing { marks: "=\n", has_block_comments: false, comments: Comments::First, has_continuation: true };

/// Where the lines belong.
#[derive(Clone, Copy, Debug)]
enum Menu {
    Filter {
        is_ipv6: bool,
    },
    Addresses {
        is_ipv6: bool,
    },
    /// Names of interface lists, and who is in them.
    InterfaceLists,
    Members,
    Beside(Beside),
}

/// A rule with its chain, unread: what the router itself receives and sends is matched by more than a packet.
struct Line<'a> {
    place: Word<'a>,
    chain: Word<'a>,
    pairs: Vec<Pair<'a>>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    parse_with(text, &DeviceZones::default())
}

pub(super) fn parse_with(text: &str, zones: &DeviceZones) -> Result<Parsed, ParseError> {
    let words = words(text, LEXING)?;
    let mut menu = None;
    let mut lists = [Lists::new(false), Lists::new(true)];
    let mut rules: [Vec<Line<'_>>; 2] = [Vec::new(), Vec::new()];
    let mut places = Places::new(zones);
    for line in words.split(|word| word.is("\n")).filter(|line| !line.is_empty()) {
        let mut cursor = Cursor::new(line);
        if cursor.peek().text.starts_with('/') {
            menu = Some(enter(&mut cursor)?);
            // A command may stand behind its menu.
            if cursor.is_at_end() {
                continue;
            }
        }
        let verb = cursor.next();
        if let (Some(Menu::Beside(beside)), "add" | "set") = (menu, verb.text) {
            beside.line(verb, &cursor)?;
            continue;
        }
        if !verb.is("add") {
            return Err(verb.unknown("`add`", "give an export: menus and their `add` lines"));
        }
        match menu {
            None | Some(Menu::Beside(_)) => {
                return Err(verb.error("a line outside of a menu", "begin with `/ip firewall filter`"));
            }
            Some(Menu::Addresses { is_ipv6 }) => lists[usize::from(is_ipv6)].add(verb, &mut cursor)?,
            Some(Menu::Members) => places.add(verb, &mut cursor)?,
            Some(Menu::InterfaceLists) => {
                for pair in pairs(&mut cursor)? {
                    if !["name", "comment"].contains(&pair.name.text) {
                        return Err(pair.name.unknown("a property of a list", "lists that hold other lists are not read"));
                    }
                }
            }
            Some(Menu::Filter { is_ipv6 }) => {
                let pairs = pairs(&mut cursor)?;
                let chain = pairs.iter().find(|pair| pair.name.text == "chain" && !pair.negates);
                let chain = chain.ok_or_else(|| verb.error("a rule without a chain", "write `chain=forward`"))?.value;
                rules[usize::from(is_ipv6)].push(Line { place: verb, chain, pairs });
            }
        }
    }
    finish(&lists, &rules, &places)
}

fn enter(cursor: &mut Cursor<'_, '_>) -> Result<Menu, ParseError> {
    let first = cursor.next();
    // `/ip firewall filter` and `/ip/firewall/filter` are the same.
    let mut parts: Vec<&str> = first.text.split('/').skip(1).collect();
    while !cursor.is_at_end() && !["add", "set"].contains(&cursor.peek().text) {
        parts.push(cursor.next().text);
    }
    match parts.as_slice() {
        ["ip", "firewall", "filter"] => Ok(Menu::Filter { is_ipv6: false }),
        ["ipv6", "firewall", "filter"] => Ok(Menu::Filter { is_ipv6: true }),
        ["ip", "firewall", "address-list"] => Ok(Menu::Addresses { is_ipv6: false }),
        ["ipv6", "firewall", "address-list"] => Ok(Menu::Addresses { is_ipv6: true }),
        ["interface", "list"] => Ok(Menu::InterfaceLists),
        ["interface", "list", "member"] => Ok(Menu::Members),
        _ => {
            let path = parts.join(" ");
            let advice = "if it filters, changes or turns no packets, cut it out with its lines: what counts are filter rules, address lists and interface lists";
            beside::menu(&path).map(Menu::Beside).ok_or_else(|| first.error(format!("the menu `/{path}` is not known"), advice))
        }
    }
}

fn finish(lists: &[Lists<'_>; 2], rules: &[Vec<Line<'_>>; 2], places: &Places<'_>) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    let (mut unasked, mut splits, mut is_plain) = (0, false, false);
    for (lists, lines) in lists.iter().zip(rules) {
        let reached = reached(lines);
        let mut chains = Chains::new();
        for line in lines {
            if reached.contains(line.chain.text) {
                let rule = Rule::read(line.place, &line.pairs)?;
                is_plain |= rule.is_plain && !rule.is_disabled;
                chains.entry(line.chain.text).or_default().push(rule);
            } else {
                unasked += 1;
            }
        }
        let (chain, has_split) = chains::flatten(&chains, lists, places)?;
        splits |= has_split;
        for (mut step, line) in chain {
            let version = of_family(lists.is_ipv6());
            step.selector.source = step.selector.source.intersection(&version);
            step.selector.destination = step.selector.destination.intersection(&version);
            parsed.steps.push(step);
            parsed.lines.push(line);
        }
    }
    if unasked > 0 {
        let note = format!(
            "{unasked} rules are not asked about packets that pass through: those of `input`, `output` and chains behind them"
        );
        parsed.notes.push(note);
    }
    if is_plain {
        parsed.notes.push("read for a router without IPsec policies and translated destinations: the text has none".into());
    }
    if splits {
        let note = "read for packets whose connection is known or new: some that the router calls invalid are dropped besides, and nothing is untracked";
        parsed.notes.push(note.into());
    }
    Ok(parsed)
}

/// `forward`, and the chains that lead from it.
fn reached<'a>(lines: &[Line<'a>]) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::from(["forward"]);
    loop {
        let asked = lines.iter().filter(|line| reached.contains(line.chain.text)).flat_map(|line| &line.pairs);
        let targets: Vec<&str> = asked.filter(|pair| pair.name.text == "jump-target").map(|pair| pair.value.text).collect();
        let before = reached.len();
        reached.extend(targets);
        if reached.len() == before {
            return reached;
        }
    }
}
