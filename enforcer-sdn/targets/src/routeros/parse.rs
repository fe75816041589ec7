//! Reads an export's filter rules and address lists, and says what becomes of packets that pass through. Shares nothing with the
//! renderer. What it does not know is an error with its place.

use enforcer_packetset::Step;

use super::lists::Lists;
use super::rule::Rule;
use crate::reading::{Cursor, Lexing, Word, words};
use crate::target::{ParseError, Parsed};

const LEXING: Lexing = Lexing { marks: "=\n", has_block_comments: false, has_continuation: true };

/// Where the lines belong.
#[derive(Clone, Copy, Debug)]
struct Menu {
    is_ipv6: bool,
    is_list: bool,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let words = words(text, LEXING)?;
    let mut menu = None;
    let mut lists = [Lists::new(false), Lists::new(true)];
    let mut rules: [Vec<Rule<'_>>; 2] = [Vec::new(), Vec::new()];
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
        if !verb.is("add") {
            return Err(verb.unknown("`add`", "give an export: menus and their `add` lines"));
        }
        let Some(Menu { is_ipv6, is_list }) = menu else {
            return Err(verb.error("a line outside of a menu", "begin with `/ip firewall filter`"));
        };
        if is_list {
            lists[usize::from(is_ipv6)].add(verb, &mut cursor)?;
        } else {
            rules[usize::from(is_ipv6)].push(Rule::read(verb, &mut cursor)?);
        }
    }
    finish(&lists, &rules)
}

fn enter(cursor: &mut Cursor<'_, '_>) -> Result<Menu, ParseError> {
    let first = cursor.next();
    let advice = "give `/ip firewall filter`, `/ipv6 firewall filter` and their address lists";
    // `/ip firewall filter` and `/ip/firewall/filter` are the same.
    let mut parts: Vec<&str> = first.text.split('/').skip(1).collect();
    while parts.len() < 3 && !cursor.is_at_end() {
        parts.push(cursor.next().text);
    }
    let is_ipv6 = match parts.first() {
        Some(&"ip") => false,
        Some(&"ipv6") => true,
        _ => return Err(first.unknown("a menu of the firewall", advice)),
    };
    match parts.get(1..) {
        Some(["firewall", "filter"]) => Ok(Menu { is_ipv6, is_list: false }),
        Some(["firewall", "address-list"]) => Ok(Menu { is_ipv6, is_list: true }),
        _ => Err(first.unknown("a menu of the firewall", advice)),
    }
}

fn finish(lists: &[Lists<'_>; 2], rules: &[Vec<Rule<'_>>; 2]) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    let mut for_itself = 0;
    for (is_ipv6, (lists, rules)) in [false, true].into_iter().zip(lists.iter().zip(rules)) {
        for rule in rules {
            match rule.chain.text {
                "forward" => {}
                "input" | "output" => {
                    for_itself += 1;
                    continue;
                }
                _ => return Err(unread(rule.chain)),
            }
            let effect = rule.effect()?;
            let selectors = rule.selectors(lists, is_ipv6)?;
            if rule.is_disabled {
                continue;
            }
            for selector in selectors {
                parsed.steps.push(Step { selector, effect });
                parsed.lines.push(rule.place.line);
            }
        }
    }
    if for_itself > 0 {
        parsed.notes.push(format!("{for_itself} rules of `input` and `output` are about the router itself: not read"));
    }
    Ok(parsed)
}

fn unread(chain: Word<'_>) -> ParseError {
    chain.unknown("a chain that is read", "packets that pass through are asked for in `forward`; jumps are not read")
}
