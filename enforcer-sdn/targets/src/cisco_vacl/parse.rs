//! Reads VLAN maps and the lists that they match, as a running configuration shows them, and says what they do.

use std::collections::BTreeMap;

use enforcer_packetset::{Effect, L4, Selector, Step, Verdict};

use crate::cisco_ios::GRAMMAR;
use crate::lists::chain::{Chain, deny_rest, of_all};
use crate::lists::entry::entry;
use crate::lists::groups::Groups;
use crate::target::{ParseError, Parsed};
use crate::words::{Words, number};

const ADVICE: &str = "give one VLAN map, the lists that it matches and its VLANs, nothing else";

/// What a list selects.
#[derive(Default)]
struct Selection {
    is_ipv6: bool,
    selected: Vec<(usize, Selector)>,
    /// Its last entry says that nothing else is selected.
    is_closed: bool,
}

#[derive(Default)]
struct Clause {
    number: u32,
    line: usize,
    matched: Option<(bool, Vec<String>)>,
    effect: Option<Effect>,
}

#[derive(Default)]
struct Text {
    lists: BTreeMap<String, Selection>,
    /// The list, or else the clause, that lines belong to now.
    list: Option<String>,
    map: Option<String>,
    clauses: Vec<Clause>,
    in_clause: bool,
    bound: Option<String>,
    order: Chain,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut read = Text::default();
    for (number, line) in (1..).zip(text.lines()) {
        read.line(&mut Words::new(number, line), number)?;
    }
    read.finish()
}

impl Text {
    fn line(&mut self, words: &mut Words<'_>, line: usize) -> Result<(), ParseError> {
        match words.peek() {
            "" => {}
            word if word.starts_with('!') => {}
            "exit" | "end" => self.leave(),
            "ip" | "ipv6" => self.begin_list(words)?,
            "vlan" => self.vlan(words, line)?,
            "match" | "action" if self.in_clause => self.clause_line(words)?,
            _ => self.list_line(words, line)?,
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.list = None;
        self.in_clause = false;
    }

    fn begin_list(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        self.leave();
        let is_ipv6 = words.next() == "ipv6";
        words.expect("access-list", ADVICE)?;
        if !is_ipv6 {
            words.expect("extended", "give extended access lists only")?;
        }
        let name = words.some("a list's name")?.to_owned();
        if self.lists.insert(name.clone(), Selection { is_ipv6, ..Selection::default() }).is_some() {
            return Err(words.error(format!("a second list `{name}`"), "give one definition of it"));
        }
        words.end("a list begins with its name")?;
        self.list = Some(name);
        self.order = Chain::default();
        Ok(())
    }

    fn list_line(&mut self, words: &mut Words<'_>, line: usize) -> Result<(), ParseError> {
        let list = self.list.as_ref().and_then(|name| self.lists.get_mut(name));
        let Some(list) = list else {
            return Err(words.error_ahead(format!("`{}` is not understood here", words.peek()), ADVICE));
        };
        if list.is_ipv6 {
            words.take("sequence");
        }
        self.order.number(words)?;
        if words.take("remark") {
            return Ok(());
        }
        if list.is_closed {
            return Err(words.error_ahead("an entry behind the one that ends the list", "leave it out"));
        }
        let at = *words;
        for step in entry(words, list.is_ipv6, &Groups::default(), &GRAMMAR)? {
            if step.effect.log {
                return Err(at.error_ahead("a log in a list that only selects", "log with `action drop log`"));
            }
            if step.effect.verdict == Some(Verdict::Allow) {
                list.selected.push((line, step.selector));
            } else if step.selector == of_all(list.is_ipv6, L4::Any) {
                list.is_closed = true;
            } else {
                let advice = "here it means \"not selected by this clause\": select with `permit` only, and put exceptions in a clause before";
                return Err(at.error_ahead("a `deny` in a list that a VLAN map matches", advice));
            }
        }
        Ok(())
    }

    /// `vlan access-map NAME NUMBER` or `vlan filter NAME vlan-list LIST`.
    fn vlan(&mut self, words: &mut Words<'_>, line: usize) -> Result<(), ParseError> {
        self.leave();
        words.next();
        let word = words.next();
        let name = words.some("a map's name")?;
        match word {
            "access-map" => {
                if self.map.get_or_insert_with(|| name.to_owned()) != name {
                    return Err(words.error("a second map", "give one map at a time"));
                }
                let digits = words.some("a clause's number")?;
                let number = number(digits).ok_or_else(|| words.error("a clause without its number", "write the number"))?;
                if self.clauses.last().is_some_and(|last| number <= last.number) {
                    return Err(words.error("clauses that are not in ascending order", "list them as the device does"));
                }
                self.clauses.push(Clause { number, line, ..Clause::default() });
                self.in_clause = true;
                words.end("a clause begins with its map and number")
            }
            "filter" => {
                self.bound = Some(name.to_owned());
                words.expect("vlan-list", ADVICE)?;
                words.some("VLANs")?;
                Ok(())
            }
            other => Err(words.error(format!("`vlan {other}` is not understood"), ADVICE)),
        }
    }

    fn clause_line(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        let Some(clause) = self.clauses.last_mut() else { return Ok(()) };
        if words.next() == "match" {
            let is_ipv6 = match words.next() {
                "ip" => false,
                "ipv6" => true,
                other => return Err(words.error(format!("a match of kind `{other}`"), "give matches of kind `ip` and `ipv6`")),
            };
            words.expect("address", ADVICE)?;
            let mut names = vec![words.some("a list's name")?.to_owned()];
            while !words.peek().is_empty() {
                names.push(words.next().to_owned());
            }
            if clause.matched.replace((is_ipv6, names)).is_some() {
                return Err(words.error("a second match of one clause", "name all lists in one match, or write two clauses"));
            }
            return Ok(());
        }
        let verdict = match words.next() {
            "drop" => Verdict::Deny,
            "forward" => Verdict::Allow,
            other => return Err(words.error(format!("action `{other}` is not understood"), "an action is `drop` or `forward`")),
        };
        let log = verdict == Verdict::Deny && words.take("log");
        if clause.effect.replace(Effect { verdict: Some(verdict), log }).is_some() {
            return Err(words.error("a second action of one clause", "give one"));
        }
        words.end("an action is `drop`, `drop log` or `forward`")
    }

    fn finish(self) -> Result<Parsed, ParseError> {
        let wrong = |line: usize, what: String, advice: &str| Err(ParseError { line, column: 1, what, advice: advice.into() });
        let Some(map) = &self.map else { return wrong(1, "no VLAN map in the text".into(), ADVICE) };
        let mut parsed = Parsed::default();
        let mut is_matched = [false, false];
        for clause in &self.clauses {
            let Some((is_ipv6, names)) = &clause.matched else {
                return wrong(clause.line, format!("clause {} matches nothing", clause.number), "name the list that it matches");
            };
            let Some(effect) = clause.effect else {
                return wrong(
                    clause.line,
                    format!("clause {} has no action", clause.number),
                    "write `action drop` or `action forward`",
                );
            };
            is_matched[usize::from(*is_ipv6)] = true;
            for name in names {
                let Some(list) = self.lists.get(name).filter(|list| list.is_ipv6 == *is_ipv6) else {
                    return wrong(
                        clause.line,
                        format!("list `{name}` of this IP version is not in the text"),
                        "give it before the map",
                    );
                };
                let is_open = *is_ipv6 && !list.is_closed && !list.selected.iter().any(|(_, at)| *at == of_all(true, L4::Any));
                if list.selected.is_empty() || is_open {
                    let advice = "what it selects unwritten depends on the switch: end an IPv6 list with `deny ipv6 any any`, and leave an empty one out";
                    return wrong(clause.line, format!("list `{name}` does not say all that it selects"), advice);
                }
                for (line, selector) in &list.selected {
                    parsed.steps.push(Step { selector: selector.clone(), effect });
                    parsed.lines.push(*line);
                }
            }
        }
        let last = self.clauses.last().map_or(1, |clause| clause.line);
        for is_ipv6 in [false, true] {
            if is_matched[usize::from(is_ipv6)] {
                parsed.steps.push(deny_rest(is_ipv6));
                parsed.lines.push(last);
            } else {
                let version = if is_ipv6 { "IPv6" } else { "IPv4" };
                parsed.notes.push(format!("no clause matches {version}, so all of {version} is forwarded"));
            }
        }
        match &self.bound {
            Some(bound) if bound != map => return wrong(1, format!("the map that is bound is not `{map}`"), ADVICE),
            Some(_) => {}
            None => parsed.notes.push(format!("the text does not bind `{map}`: without a `vlan filter` it does nothing")),
        }
        Ok(parsed)
    }
}
