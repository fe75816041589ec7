//! Reads VLAN maps and the lists that they match, as a running configuration shows them, and says what they do.

use enforcer_packetset::{Effect, Verdict};

use super::selection::{Clause, Map, Selection};
use crate::cisco_ios::{self, GRAMMAR};
use crate::lists::clock::{Clock, Times, is_of_range};
use crate::lists::entry::{entry, standard};
use crate::lists::groups::Groups;
use crate::lists::ordinary::{Known, beside, of_device, of_interface, unknown, unknown_in_interface, without_banners};
use crate::lists::text::{Kind, add_members, begin_group, is_of_list};
use crate::target::{ParseError, Parsed};
use crate::words::{Words, number};

const ADVICE: &str = "give one VLAN map, the lists that it matches and its VLANs";

/// What lines belong to now.
#[derive(Default)]
enum At {
    #[default]
    Nothing,
    List(usize),
    Clause,
    Group(String, Kind),
    TimeRange,
    Interface,
    Unrelated,
}

#[derive(Default)]
struct Text {
    lists: Vec<Selection>,
    groups: Groups,
    maps: Vec<Map>,
    /// Names of maps with the places where they are bound.
    bound: Vec<(String, (usize, usize))>,
    at: At,
    /// Of the line that began it.
    indent: usize,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let lines = without_banners(text)?;
    let groups = Groups { clock: Clock::read(lines.clone(), Times::Minutes)?, ..Groups::default() };
    let mut read = Text { groups, indent: usize::MAX, ..Text::default() };
    for (number, line) in lines {
        read.line(&mut Words::new(number, line), number)?;
    }
    let map = read.in_force()?;
    let mut parsed = map.steps(&read.lists)?;
    if read.bound.is_empty() {
        parsed.notes.push(format!("the text does not bind `{}`: without a `vlan filter` it does nothing", map.name));
    }
    parsed.notes.extend(read.groups.clock.note());
    Ok(parsed)
}

impl Text {
    /// The map that judges packets.
    fn in_force(&self) -> Result<&Map, ParseError> {
        let wrong = |(line, column): (usize, usize), what: String, advice: &str| {
            Err(ParseError { line, column, what, advice: advice.into() })
        };
        let Some((first, place)) = self.bound.first() else {
            return match self.maps.as_slice() {
                [] => wrong((1, 1), "no VLAN map in the text".into(), ADVICE),
                [map] => Ok(map),
                [_, second, ..] => wrong(second.place, "a second map".into(), "give the `vlan filter` that binds one of them"),
            };
        };
        if let Some((other, place)) = self.bound.iter().find(|(other, _)| other != first) {
            let what = format!("`{other}` is bound too, beside `{first}`: which of them a packet meets depends on its VLAN");
            return wrong(*place, what, "prove one map at a time: cut the other one's `vlan filter` out");
        }
        match self.maps.iter().find(|map| map.name == *first) {
            Some(map) => Ok(map),
            None => wrong(*place, format!("the map that is bound, `{first}`, is not in the text"), "give the map too"),
        }
    }

    fn line(&mut self, words: &mut Words<'_>, line: usize) -> Result<(), ParseError> {
        let indent = words.indent();
        let is_inside = indent > self.indent;
        let first = words.peek();
        if first.is_empty() || first.starts_with('!') || (is_inside && matches!(self.at, At::Unrelated)) {
            return Ok(());
        }
        if is_inside && matches!(self.at, At::Interface) {
            return interface_line(words);
        }
        if let Some(at) = self.begins(words, line)? {
            self.at = at;
            self.indent = indent;
            return Ok(());
        }
        match &self.at {
            At::Clause if ["match", "action"].contains(&first) => self.clause_line(words),
            At::TimeRange if is_of_range(words) => Ok(()),
            At::Group(name, kind) if is_inside || of_device(words) == Known::Unknown => {
                let members = cisco_ios::member(words, *kind, &self.groups, name)?;
                add_members(words, members, &mut self.groups, name)
            }
            At::List(at) if is_inside || is_of_list(words) => {
                let at = *at;
                self.list_line(words, line, at);
                Ok(())
            }
            _ => match of_device(words) {
                Known::Unrelated if !is_inside => {
                    self.at = At::Unrelated;
                    self.indent = indent;
                    Ok(())
                }
                Known::Filters(why) => Err(beside(words, why)),
                _ => Err(unknown(words)),
            },
        }
    }

    /// What the line begins; None where it begins nothing.
    fn begins(&mut self, words: &mut Words<'_>, line: usize) -> Result<Option<At>, ParseError> {
        if let Some(header) = cisco_ios::header(words)? {
            let name = words.some("a list's name")?;
            let known = self.lists.iter().rposition(|list| list.name == name);
            if known.is_some() && !header.is_entry {
                return Err(words.error(format!("a second list `{name}`"), "give one definition of it"));
            }
            let at = known.unwrap_or_else(|| {
                let (is_ipv6, is_standard) = (header.is_ipv6, header.is_standard);
                self.lists.push(Selection { name: name.to_owned(), is_ipv6, is_standard, ..Selection::default() });
                self.lists.len() - 1
            });
            if header.is_entry {
                self.list_line(words, line, at);
                return Ok(Some(At::Nothing));
            }
            words.end("a list begins with its name")?;
            return Ok(Some(At::List(at)));
        }
        match (words.peek(), words.peek_second()) {
            ("exit" | "end", "") => Ok(Some(At::Nothing)),
            ("vlan", "access-map") => {
                self.begin_clause(words, line)?;
                Ok(Some(At::Clause))
            }
            ("vlan", "filter") => {
                words.next();
                words.next();
                let name = words.some("a map's name")?;
                self.bound.push((name.to_owned(), words.place()));
                words.expect("vlan-list", ADVICE)?;
                words.some("VLANs")?;
                Ok(Some(At::Nothing))
            }
            ("object-group", _) => {
                words.next();
                let kind = cisco_ios::kind(words)?;
                begin_group(words, kind, &mut self.groups).map(|name| Some(At::Group(name, kind)))
            }
            ("time-range", _) => Ok(Some(At::TimeRange)),
            ("interface" | "template", _) if words.indent() <= self.indent => Ok(Some(At::Interface)),
            _ => Ok(None),
        }
    }

    fn list_line(&mut self, words: &mut Words<'_>, line: usize, at: usize) {
        let Some(list) = self.lists.get_mut(at) else { return };
        let groups = &self.groups;
        let mut read = || -> Result<(), ParseError> {
            if list.is_ipv6 {
                words.take("sequence");
            }
            list.order.number(words)?;
            if words.take("remark") {
                return Ok(());
            }
            let at = *words;
            let read = if list.is_standard { standard } else { entry };
            let steps = read(words, list.is_ipv6, groups, &GRAMMAR)?;
            list.add(line, steps, &at)
        };
        let read = read();
        if let Err(error) = read {
            list.broken.get_or_insert(error);
        }
    }

    /// `vlan access-map NAME NUMBER`.
    fn begin_clause(&mut self, words: &mut Words<'_>, line: usize) -> Result<(), ParseError> {
        words.next();
        words.next();
        let name = words.some("a map's name")?;
        let place = words.place();
        let at = self.maps.iter().rposition(|map| map.name == name).unwrap_or_else(|| {
            self.maps.push(Map { name: name.to_owned(), place, clauses: Vec::new() });
            self.maps.len() - 1
        });
        let digits = words.some("a clause's number")?;
        let number = number(digits).ok_or_else(|| words.error("a clause without its number", "write the number"))?;
        let Some(map) = self.maps.get_mut(at) else { return Ok(()) };
        if map.clauses.last().is_some_and(|last| number <= last.number) {
            return Err(words.error("clauses that are not in ascending order", "list them as the device does"));
        }
        map.clauses.push(Clause { number, line, ..Clause::default() });
        // Its lines are those of the map that was named last.
        let map = self.maps.remove(at);
        self.maps.push(map);
        words.end("a clause begins with its map and number")
    }

    fn clause_line(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        let Some(clause) = self.maps.last_mut().and_then(|map| map.clauses.last_mut()) else { return Ok(()) };
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
}

/// Lists on an interface judge packets too.
fn interface_line(words: &Words<'_>) -> Result<(), ParseError> {
    if [("ip", "access-group"), ("ipv6", "traffic-filter")].contains(&(words.peek(), words.peek_second())) {
        return Err(beside(words, "a list on an interface decides beside the VLAN map: give it alone to `cisco-ios`"));
    }
    match of_interface(words) {
        Known::Unrelated => Ok(()),
        Known::Filters(why) => Err(beside(words, why)),
        Known::Unknown => Err(unknown_in_interface(words)),
    }
}
