//! A running configuration line by line, for the dialects with two lists, one for each IP version: what belongs to lists, groups, time
//! ranges and interfaces is read, what is known to decide about no packet is passed over, and everything else is an error with its place. What
//! the dialects write differently is a [`Dialect`].

use enforcer_packetset::{AddressSet, L4, PortSet};

use crate::lists::bound::{Lists, Unwritten};
use crate::lists::clock::{Clock, Times, is_of_range};
use crate::lists::entry::{Grammar, entry, standard};
use crate::lists::groups::{Groups, begin};
use crate::lists::ordinary::{Known, beside, of_device, of_interface, unknown, unknown_in_interface, without_banners};
use crate::target::{ParseError, Parsed};
use crate::words::{Words, number};

/// What a header says of its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub is_ipv6: bool,
    pub is_standard: bool,
    /// The line is an entry too, and others of the same list follow on their own lines.
    pub is_entry: bool,
}

impl Header {
    pub(crate) const fn of(is_ipv6: bool) -> Self {
        Self { is_ipv6, is_standard: false, is_entry: false }
    }
}

/// What a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Addresses { is_ipv6: bool },
    Ports,
    Services,
}

/// Members of a group, as one line of it says.
pub(crate) enum Members {
    Addresses(AddressSet),
    Ports(PortSet),
    Services(Vec<L4>),
    /// A description.
    None,
}

/// Reads the kind of a group.
type GroupKind = fn(&mut Words<'_>) -> Result<Kind, ParseError>;

/// How a dialect writes its text.
pub(crate) struct Dialect {
    pub grammar: Grammar,
    pub times: Times,
    /// A list's header up to its name; None, and nothing taken, where the line is another one.
    pub header: fn(&mut Words<'_>) -> Result<Option<Header>, ParseError>,
    /// What binds a list in an interface, up to its name; for IPv6 or not.
    pub binding: fn(&mut Words<'_>) -> Option<bool>,
    /// Words that begin what lists are bound in.
    pub interfaces: &'static [&'static str],
    /// The kind of a group, after `object-group` and up to its name; None where the dialect has none.
    pub group: Option<GroupKind>,
    /// A line of a group; the last word is the group's own name.
    pub member: fn(&mut Words<'_>, Kind, &Groups, &str) -> Result<Members, ParseError>,
    /// Words before `per-entry` in a list.
    pub counters: &'static [&'static str],
    /// Whether `10 comment TEXT` is about entry 10.
    pub has_comments: bool,
    pub unwritten: Unwritten,
}

/// For a dialect without groups.
pub(crate) fn no_member(words: &mut Words<'_>, _: Kind, _: &Groups, _: &str) -> Result<Members, ParseError> {
    Err(words.error_ahead("a group", "give lists without groups"))
}

pub(crate) fn parse(text: &str, dialect: &Dialect) -> Result<Parsed, ParseError> {
    let lines = without_banners(text)?;
    let mut reader = Reader { dialect, lists: Lists::default(), groups: Groups::default(), at: At::Nothing, indent: usize::MAX };
    if dialect.grammar.has_times {
        reader.groups.clock = Clock::read(lines.clone(), dialect.times)?;
    }
    for (number, line) in lines {
        reader.line(&mut Words::new(number, line), number)?;
    }
    let mut parsed = reader.lists.finish(&dialect.unwritten)?;
    parsed.notes.extend(reader.groups.clock.note());
    Ok(parsed)
}

/// What lines belong to now.
enum At {
    Nothing,
    List(usize),
    Interface,
    Group(String, Kind),
    TimeRange,
    Unrelated,
}

struct Reader<'d> {
    dialect: &'d Dialect,
    lists: Lists,
    groups: Groups,
    at: At,
    /// Of the line that began it.
    indent: usize,
}

impl Reader<'_> {
    fn line(&mut self, words: &mut Words<'_>, line: usize) -> Result<(), ParseError> {
        let indent = words.indent();
        let is_inside = indent > self.indent;
        let first = words.peek();
        if first.is_empty() || first.starts_with('!') || (is_inside && matches!(self.at, At::Unrelated)) {
            return Ok(());
        }
        if matches!(self.at, At::Interface) && self.interface_line(words)? {
            return Ok(());
        }
        if let Some(at) = self.begins(words, line)? {
            self.at = at;
            self.indent = indent;
            return Ok(());
        }
        if !is_inside {
            match of_device(words) {
                Known::Unrelated => {
                    self.at = At::Unrelated;
                    self.indent = indent;
                    return Ok(());
                }
                Known::Filters(why) => return Err(beside(words, why)),
                Known::Unknown => {}
            }
        }
        match &self.at {
            At::List(at) if is_inside || is_of_list(words) || self.dialect.counters.contains(&first) => {
                let at = *at;
                self.list_line(words, line, at);
                Ok(())
            }
            At::Group(name, kind) => {
                let members = (self.dialect.member)(words, *kind, &self.groups, name)?;
                add_members(words, members, &mut self.groups, name)
            }
            At::TimeRange if is_of_range(words) => Ok(()),
            At::Interface if is_inside => Err(unknown_in_interface(words)),
            _ if is_of_list(words) => {
                Err(words.error_ahead("an entry outside of a list", "begin with the line that names the list"))
            }
            _ => Err(unknown(words)),
        }
    }

    /// What the line begins; None where it begins nothing.
    fn begins(&mut self, words: &mut Words<'_>, line: usize) -> Result<Option<At>, ParseError> {
        let before = *words;
        if let Some(header) = (self.dialect.header)(words)? {
            if header.is_entry {
                let at = self.lists.continue_or_begin(words, header.is_standard)?;
                self.list_line(words, line, at);
                return Ok(Some(At::Nothing));
            }
            return self.lists.begin(words, header.is_ipv6, header.is_standard).map(|at| Some(At::List(at)));
        }
        match words.peek() {
            "exit" | "end" if words.peek_second().is_empty() => Ok(Some(At::Nothing)),
            "no" => {
                words.next();
                match (self.dialect.header)(words)? {
                    Some(header) if !header.is_entry => {
                        self.lists.remove(words, header.is_ipv6)?;
                        Ok(Some(At::Nothing))
                    }
                    _ => {
                        *words = before;
                        Ok(None)
                    }
                }
            }
            "object-group" => {
                let Some(kind) = self.dialect.group else { return Ok(None) };
                words.next();
                let kind = kind(words)?;
                begin_group(words, kind, &mut self.groups).map(|name| Some(At::Group(name, kind)))
            }
            "time-range" if self.dialect.grammar.has_times => Ok(Some(At::TimeRange)),
            word if self.dialect.interfaces.contains(&word) && words.indent() <= self.indent => {
                self.lists.interface(words.rest().strip_prefix("interface ").unwrap_or(words.rest()));
                Ok(Some(At::Interface))
            }
            _ => Ok(None),
        }
    }

    /// Whether the line is one of the interface.
    fn interface_line(&mut self, words: &mut Words<'_>) -> Result<bool, ParseError> {
        if let Some(is_ipv6) = (self.dialect.binding)(words) {
            self.lists.bind(words, is_ipv6)?;
            return Ok(true);
        }
        match of_interface(words) {
            Known::Unrelated => Ok(true),
            Known::Filters(why) => Err(beside(words, why)),
            Known::Unknown => Ok(false),
        }
    }

    fn list_line(&mut self, words: &mut Words<'_>, line: usize, at: usize) {
        let Self { dialect, lists, groups, .. } = self;
        let Some(list) = lists.get(at) else { return };
        let mut read = || -> Result<(), ParseError> {
            if dialect.counters.contains(&words.peek()) {
                words.next();
                words.expect("per-entry", "write `per-entry` behind it")?;
                return words.end("it stands alone");
            }
            if dialect.has_comments && words.peek_second() == "comment" {
                return list.chain.comment(words);
            }
            if list.is_ipv6 {
                words.take("sequence");
            }
            list.chain.number(words)?;
            if words.take("remark") {
                list.chain.remark();
                return Ok(());
            }
            let read = if list.is_standard { standard } else { entry };
            list.chain.push(line, read(words, list.is_ipv6, groups, &dialect.grammar)?);
            Ok(())
        };
        let read = read();
        list.keep(read);
    }
}

/// A group of that kind begins; its name is the next word.
pub(crate) fn begin_group(words: &mut Words<'_>, kind: Kind, groups: &mut Groups) -> Result<String, ParseError> {
    let name = match kind {
        Kind::Addresses { .. } => begin(&mut groups.addresses, words)?,
        Kind::Ports => begin(&mut groups.ports, words)?,
        Kind::Services => begin(&mut groups.services, words)?,
    };
    words.end("a group begins with its name")?;
    Ok(name)
}

/// What a line of the group has said belongs to it, and nothing more stands there.
pub(crate) fn add_members(words: &Words<'_>, members: Members, groups: &mut Groups, name: &str) -> Result<(), ParseError> {
    match members {
        Members::None => return Ok(()),
        Members::Addresses(more) => {
            let group = groups.addresses.entry(name.to_owned()).or_default();
            *group = group.union(&more);
        }
        Members::Ports(more) => {
            let group = groups.ports.entry(name.to_owned()).or_default();
            *group = group.union(&more);
        }
        Members::Services(more) => groups.services.entry(name.to_owned()).or_default().extend(more),
    }
    words.end("a line of a group says one thing")
}

/// Whether the line is an entry of some list, with or without its number.
pub(crate) fn is_of_list(words: &Words<'_>) -> bool {
    let is_verb = |word| ["permit", "deny", "remark", "comment", "evaluate"].contains(&word);
    let is_numbered = words.peek() == "sequence" || number::<u32>(words.peek()).is_some();
    is_verb(words.peek()) || (is_numbered && !words.peek_second().is_empty())
}
