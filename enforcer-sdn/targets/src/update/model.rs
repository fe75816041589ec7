//! A small device: lists of numbered entries and where they are bound. It takes a text in, then commands, and shows the lists that judge.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::dialects::{Resequence, Syntax};
use super::{Command, NotUpdated};
use crate::words::{Words, number};

/// No device numbers higher.
pub(super) const HIGHEST: u32 = i32::MAX as u32;

#[derive(Clone, Debug)]
pub(super) struct Device {
    pub syntax: &'static Syntax,
    pub lists: Vec<List>,
    pub bindings: Vec<Binding>,
    /// Object groups, and what else stands beside lists, as indented as it was.
    before: Vec<String>,
    /// Time ranges with their lines.
    pub times: BTreeMap<String, Vec<String>>,
    /// The lists that judge, by name.
    active: [Option<String>; 2],
}

#[derive(Clone, Debug)]
pub(super) struct List {
    pub name: String,
    pub is_ipv6: bool,
    /// Without their numbers.
    pub entries: BTreeMap<u32, String>,
    /// Every entry came with its number.
    pub is_numbered: bool,
    /// A remark came without a number.
    pub has_loose_remarks: bool,
    /// As they were read, for a list that is built.
    pub lines: Vec<String>,
}

/// A line in an interface.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub interface: String,
    pub line: String,
}

enum Mode {
    Nothing,
    Times(String),
    List(usize),
    Interface(String),
}

impl Device {
    /// Takes a text in that the dialect's parser understands. The lists in it judge.
    pub(super) fn read(syntax: &'static Syntax, text: &str) -> Result<Self, NotUpdated> {
        let mut device =
            Self { syntax, lists: vec![], bindings: vec![], before: vec![], times: BTreeMap::new(), active: [None, None] };
        let mut mode = Mode::Nothing;
        for given in text.lines() {
            let is_inside = given.starts_with(char::is_whitespace);
            let line = given.split_whitespace().collect::<Vec<_>>().join(" ");
            let kept = || format!("{}{line}", if is_inside { " " } else { "" });
            let is_interface = line.starts_with("interface ") || line.starts_with("vlan ");
            if line.is_empty() || line.starts_with('!') || line.starts_with("no ") {
                continue;
            } else if line == "exit" || line == "end" {
                mode = Mode::Nothing;
            } else if let Some((name, is_ipv6)) = device.header(&line) {
                device.active[usize::from(is_ipv6)] = Some(name.to_owned());
                device.lists.push(List::new(name, is_ipv6));
                mode = Mode::List(device.lists.len() - 1);
            } else if is_interface {
                mode = Mode::Interface(line);
            } else if line.starts_with("access-list ") {
                return Err(NotUpdated::Model(format!("`{line}` has no number: give the list as `ip access-list` with numbers")));
            } else if line.starts_with("object-group ") && !matches!(mode, Mode::Interface(_)) {
                device.before.push(kept());
                mode = Mode::Nothing;
            } else if let Some(name) = line.strip_prefix("time-range ") {
                device.times.insert(name.to_owned(), vec![]);
                mode = Mode::Times(name.to_owned());
            } else if !is_inside && matches!(mode, Mode::List(_) | Mode::Times(_)) && !is_of_list(&line) {
                device.before.push(kept());
                mode = Mode::Nothing;
            } else {
                match &mode {
                    Mode::Nothing => device.before.push(kept()),
                    Mode::Times(name) => device.times.entry(name.clone()).or_default().push(line.to_lowercase()),
                    Mode::Interface(interface) => device.bindings.push(Binding { interface: interface.clone(), line }),
                    Mode::List(at) => device.lists.get_mut(*at).map_or(Ok(()), |list| list.line(&line))?,
                }
            }
        }
        // Of several lists, the one that an interface binds.
        for line in device.bindings.iter().map(|binding| binding.line.clone()).collect::<Vec<_>>() {
            let _ = device.bind(&line);
        }
        Ok(device)
    }

    pub(super) fn list(&self, name: &str) -> Option<&List> {
        self.lists.iter().find(|list| list.name == name)
    }

    /// The list that judges packets of that IP version.
    pub(super) fn active(&self, is_ipv6: bool) -> Option<&List> {
        self.list(self.active[usize::from(is_ipv6)].as_deref()?)
    }

    /// The lists that judge, in the dialect's words.
    pub(super) fn text(&self) -> String {
        let mut text = self.groups();
        for list in [false, true].into_iter().filter_map(|is_ipv6| self.active(is_ipv6)) {
            self.write(&mut text, list, list.entries.iter().map(|(number, entry)| (*number, entry.as_str())));
        }
        text
    }

    /// One list, with the groups that it may use.
    pub(super) fn text_of(&self, list: Option<&List>) -> String {
        let Some(list) = list else { return String::new() };
        self.text_with(list, list.entries.iter().map(|(number, entry)| (*number, entry.as_str())))
    }

    /// A list of that name with these entries.
    pub(super) fn text_with<'a>(&self, list: &List, entries: impl Iterator<Item = (u32, &'a str)>) -> String {
        let mut text = self.groups();
        self.write(&mut text, list, entries);
        text
    }

    fn groups(&self) -> String {
        let mut text = self.before.iter().fold(String::new(), |text, line| text + line + "\n");
        for (name, lines) in &self.times {
            text += &format!("time-range {name}\n");
            lines.iter().for_each(|line| text += &format!(" {line}\n"));
        }
        text
    }

    fn write<'a>(&self, text: &mut String, list: &List, entries: impl Iterator<Item = (u32, &'a str)>) {
        let version = usize::from(list.is_ipv6);
        let _ = writeln!(text, "exit\n{} {}", self.syntax.header[version], list.name);
        for (number, entry) in entries {
            let _ = writeln!(text, "{}{number} {entry}", self.syntax.number[version]);
        }
    }

    fn header<'a>(&self, line: &'a str) -> Option<(&'a str, bool)> {
        let name = |version: usize| line.strip_prefix(self.syntax.header[version])?.strip_prefix(' ');
        name(0).map(|name| (name, false)).or_else(|| name(1).map(|name| (name, true)))
    }

    /// Does what the command says.
    pub(super) fn take(&mut self, command: &Command) -> Result<(), String> {
        if command.mode.is_empty() {
            return self.global(&command.text);
        }
        match self.header(&command.mode) {
            Some((name, is_ipv6)) => {
                if self.list(name).is_none() {
                    self.lists.push(List::new(name, is_ipv6));
                }
                let name = name.to_owned();
                let syntax = self.syntax;
                self.lists.iter_mut().filter(|list| list.name == name).try_for_each(|list| list.take(syntax, &command.text))
            }
            None => match command.mode.strip_prefix("time-range ") {
                Some(name) => {
                    self.times.entry(name.to_owned()).or_default().push(command.text.clone());
                    Ok(())
                }
                None => self.bind(&command.text),
            },
        }
    }

    fn global(&mut self, text: &str) -> Result<(), String> {
        if let Some((name, _)) = text.strip_prefix("no ").and_then(|text| self.header(text)) {
            if self.active.iter().flatten().any(|active| active == name) {
                return Err("it removes the list that is bound".into());
            }
            self.lists.retain(|list| list.name != name);
            return Ok(());
        }
        for words in self.syntax.resequence {
            let Resequence::Global(words) = words else { continue };
            let Some((name, rest)) = text.strip_prefix(words).and_then(|rest| rest.trim_start().split_once(' ')) else {
                continue;
            };
            let list =
                self.lists.iter_mut().find(|list| list.name == name).ok_or("it gives numbers to a list that is not there")?;
            return list.resequence(rest);
        }
        Err("no such command is known".into())
    }

    fn bind(&mut self, text: &str) -> Result<(), String> {
        for (version, all) in self.syntax.bind.iter().enumerate() {
            for words in *all {
                let Some(name) = text.strip_prefix(words).and_then(|rest| rest.split_whitespace().next()) else { continue };
                if self.list(name).is_none_or(|list| usize::from(list.is_ipv6) != version) {
                    continue;
                }
                self.active[version] = Some(name.to_owned());
                return Ok(());
            }
        }
        Err("it binds no list that is there".into())
    }
}

impl List {
    fn new(name: &str, is_ipv6: bool) -> Self {
        let entries = BTreeMap::new();
        Self { name: name.to_owned(), is_ipv6, entries, is_numbered: true, has_loose_remarks: false, lines: vec![] }
    }

    fn line(&mut self, line: &str) -> Result<(), NotUpdated> {
        self.lines.push(line.to_owned());
        self.insert(line).map_err(|what| NotUpdated::Model(format!("`{line}`: {what}")))
    }

    /// A line in the list's mode that is no command about another line.
    fn insert(&mut self, line: &str) -> Result<(), String> {
        let mut words = Words::new(1, line);
        words.take("sequence");
        let at = number::<u32>(words.peek());
        if at.is_some() {
            words.next();
        }
        match (at, words.peek()) {
            // They say nothing about packets.
            (_, "comment") | (None, "statistics" | "counters") => return Ok(()),
            (None, "remark") => {
                self.has_loose_remarks = true;
                return Ok(());
            }
            _ => {}
        }
        self.is_numbered &= at.is_some();
        let next = || self.entries.last_key_value().map_or(0, |(last, _)| *last).saturating_add(10);
        let at = at.unwrap_or_else(next);
        if at == 0 || at > HIGHEST || self.entries.contains_key(&at) {
            return Err(format!("the number {at} is not free"));
        }
        self.entries.insert(at, words.rest().to_owned());
        Ok(())
    }

    fn take(&mut self, syntax: &Syntax, text: &str) -> Result<(), String> {
        let version = usize::from(self.is_ipv6);
        if let Some(number) = text.strip_prefix("no ") {
            let number = number.strip_prefix(syntax.number[version]).and_then(number_of);
            let removed = number.and_then(|number| self.entries.remove(&number));
            return removed.map(|_| ()).ok_or_else(|| "it removes an entry that is not there".into());
        }
        if let Resequence::InList(word) = syntax.resequence[version]
            && let Some(rest) = text.strip_prefix(word)
        {
            return self.resequence(rest);
        }
        self.insert(text)
    }

    fn resequence(&mut self, words: &str) -> Result<(), String> {
        let numbers = words.trim().split_once(' ').and_then(|(start, step)| Some((number_of(start)?, number_of(step)?)));
        let (start, step) = numbers.ok_or("start and step are no numbers")?;
        let highest = u64::from(start) + u64::from(step) * self.entries.len() as u64;
        if start == 0 || step == 0 || highest > u64::from(HIGHEST) {
            return Err("the numbers are not ascending, or too high".into());
        }
        let entries = std::mem::take(&mut self.entries).into_values();
        self.entries = (0..).map(|at: u32| start + step * at).zip(entries).collect();
        Ok(())
    }
}

/// Whether a line that is not indented may still be one of a list or of a time range.
fn is_of_list(line: &str) -> bool {
    let words = ["permit", "deny", "remark", "comment", "statistics", "counters", "periodic", "absolute"];
    let mut first = line.split(' ').skip_while(|word| *word == "sequence" || number::<u32>(word).is_some());
    first.next().is_some_and(|word| words.contains(&word))
}

fn number_of(word: &str) -> Option<u32> {
    number(word.trim())
}
