//! Reads access lists, objects and bindings as a running configuration shows them. What it does not know is an error with its place.

use enforcer_packetset::{Selector, StateSet, Step};

use super::beside::{NAT, of_device, of_interface};
use super::entry::entry;
use super::objects::Objects;
use crate::lists::chain::Chain;
use crate::lists::clock::{Clock, Times, is_of_range};
use crate::lists::ordinary::{Known, beside, unknown, unknown_in_interface};
use crate::target::{ParseError, Parsed};
use crate::words::Words;

const ADVICE: &str = "give the extended access list that is bound, its objects, and where it is bound";

/// What lines belong to now.
#[derive(Default, PartialEq, Eq)]
enum At {
    #[default]
    Nothing,
    Object,
    Interface,
    TimeRange,
    Unrelated,
}

struct List {
    name: String,
    chain: Chain,
    /// Line and column of its name in the first line.
    place: (usize, usize),
    /// Line of its first entry.
    begins: usize,
    /// The first of its lines that is not understood; of no matter unless the list is in force.
    broken: Option<ParseError>,
}

#[derive(Default)]
struct Text {
    objects: Objects,
    clock: Clock,
    lists: Vec<List>,
    /// Names of lists with the places where they are bound.
    bound: Vec<(String, (usize, usize))>,
    has_interfaces: bool,
    cleared: Vec<String>,
    at: At,
    /// Of the line that began it.
    indent: usize,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let lines = (1..).zip(text.lines());
    let mut read = Text { clock: Clock::read(lines.clone(), Times::Minutes)?, indent: usize::MAX, ..Text::default() };
    for (number, line) in lines {
        read.line(&mut Words::new(number, line), number)?;
    }
    let at = read.in_force()?;
    let is_bound = !read.bound.is_empty();
    let List { name, chain, place, begins, broken } = read.lists.swap_remove(at);
    if let Some(error) = broken {
        return Err(error);
    }
    if chain.is_empty() {
        return Err(wrong((place.0, 1), format!("no entry of `{name}` is in force"), ADVICE));
    }
    let mut parsed = Parsed::default();
    // Connections that were let in pass before the list is asked.
    parsed.steps.push(Step::allow(Selector { state: StateSet::Established, ..Selector::any() }));
    parsed.lines.push(begins);
    chain.finish(&mut parsed, [Step::deny(Selector::any())]);
    parsed.notes.push(
        "the device follows TCP and UDP; answers to ICMP are known to it only with `inspect icmp`, answers of other protocols never".into(),
    );
    if !read.cleared.contains(&name) {
        parsed.notes.push(format!("entered over an older `{name}`, the text adds to it"));
    }
    if !is_bound {
        parsed.notes.push(format!("the text does not bind `{name}`: without an access-group it does nothing"));
    }
    parsed.notes.extend(read.clock.note());
    Ok(parsed)
}

fn wrong((line, column): (usize, usize), what: String, advice: &str) -> ParseError {
    ParseError { line, column, what, advice: advice.into() }
}

impl Text {
    /// The list that judges packets.
    fn in_force(&self) -> Result<usize, ParseError> {
        let Some((first, place)) = self.bound.first() else {
            return match self.lists.as_slice() {
                [] => Err(wrong((1, 1), "no access list in the text: without one, security levels decide".into(), ADVICE)),
                [list, ..] if self.has_interfaces => {
                    let what = format!("the text has interfaces, and no access-group binds `{}`: it filters nothing", list.name);
                    Err(wrong(list.place, what, ADVICE))
                }
                [_] => Ok(0),
                [_, second, ..] => Err(wrong(
                    second.place,
                    "a second list".into(),
                    "give the access-group that binds one of them, or one list at a time",
                )),
            };
        };
        if let Some((other, place)) = self.bound.iter().find(|(other, _)| other != first) {
            let what = format!("`{other}` is bound too, beside `{first}`: which of them a packet meets depends on its way");
            return Err(wrong(*place, what, "prove one list at a time: cut the other one's access-group out"));
        }
        let found = self.lists.iter().position(|list| list.name == *first);
        found.ok_or_else(|| wrong(*place, format!("the list that is bound, `{first}`, is not in the text"), "give the list too"))
    }

    fn line(&mut self, words: &mut Words<'_>, line: usize) -> Result<(), ParseError> {
        let is_inside = words.indent() > self.indent;
        let first = words.peek();
        if first.is_empty() || first.starts_with(['!', ':']) || (is_inside && self.at == At::Unrelated) {
            return Ok(());
        }
        if self.at == At::Interface && is_inside {
            return match of_interface(words) {
                Known::Unrelated => Ok(()),
                Known::Filters(why) => Err(beside(words, why)),
                Known::Unknown => Err(unknown_in_interface(words)),
            };
        }
        let is_list = words.peek() == "access-list" && of_device(words) == Known::Unknown;
        let at = match first {
            "access-list" if is_list => {
                self.list_line(words, line)?;
                At::Nothing
            }
            "access-group" => {
                self.bind(words)?;
                At::Nothing
            }
            "clear" => {
                self.clear(words)?;
                At::Nothing
            }
            "object" | "object-group" if !["user", "security"].contains(&words.peek_second()) => {
                self.objects.begin(words)?;
                At::Object
            }
            "exit" => At::Nothing,
            "time-range" => At::TimeRange,
            "interface" if !is_inside => {
                self.has_interfaces = true;
                At::Interface
            }
            _ if self.at == At::TimeRange && is_of_range(words) => return Ok(()),
            _ if self.at == At::Object && (is_inside || of_device(words) == Known::Unknown) => {
                return if first == "nat" { Err(beside(words, NAT)) } else { self.objects.line(words) };
            }
            _ => match of_device(words) {
                Known::Unrelated => At::Unrelated,
                Known::Filters(why) => return Err(beside(words, why)),
                Known::Unknown => return Err(unknown(words)),
            },
        };
        self.at = at;
        self.indent = words.indent();
        Ok(())
    }

    /// `clear configure access-list NAME`, before the list.
    fn clear(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        words.next();
        words.expect("configure", ADVICE)?;
        words.expect("access-list", ADVICE)?;
        let name = words.some("a list's name")?;
        if self.lists.iter().any(|list| list.name == name) {
            return Err(words.error("a list that is cleared after it was written", "give the text that is in force at the end"));
        }
        self.cleared.push(name.to_owned());
        words.end("a list is cleared by its name")
    }

    /// `access-group NAME in interface IF`, or `global`.
    fn bind(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        words.next();
        let name = words.some("a list's name")?;
        self.bound.push((name.to_owned(), words.place()));
        match words.next() {
            "global" => {}
            "in" | "out" => {
                words.expect("interface", ADVICE)?;
                words.some("an interface's name")?;
            }
            _ => {
                return Err(
                    words.error("a binding without its direction", "write `in interface NAME`, `out interface NAME` or `global`")
                );
            }
        }
        words.end("a list that is bound for other traffic than what passes through is no rule of a policy")
    }

    fn list_line(&mut self, words: &mut Words<'_>, line: usize) -> Result<(), ParseError> {
        words.next();
        let name = words.some("a list's name")?;
        // Mostly the list that was written last.
        let at = self.lists.iter().rposition(|list| list.name == name).unwrap_or_else(|| {
            let chain = Chain::default();
            self.lists.push(List { name: name.to_owned(), chain, place: words.place(), begins: 0, broken: None });
            self.lists.len() - 1
        });
        let Self { lists, objects, clock, .. } = self;
        let Some(list) = lists.get_mut(at) else { return Ok(()) };
        if let Err(error) = entry_line(words, line, list, objects, clock) {
            list.broken.get_or_insert(error);
        }
        Ok(())
    }
}

/// What stands behind a list's name.
fn entry_line(words: &mut Words<'_>, line: usize, list: &mut List, objects: &Objects, clock: &Clock) -> Result<(), ParseError> {
    match words.peek() {
        "remark" => {
            list.chain.remark();
            return Ok(());
        }
        "extended" => {
            words.next();
        }
        "permit" | "deny" => {
            return Err(words
                .error_ahead("an entry without the kind of its list", "devices list it with `extended`: write that before it"));
        }
        "line" => {
            return Err(words
                .error_ahead("an entry with its place", "list the entries in their order, as the running configuration does"));
        }
        other => return Err(words.error_ahead(format!("`{other}` is not understood"), "give an extended access list")),
    }
    if list.begins == 0 {
        list.begins = line;
    }
    if let Some(steps) = entry(words, objects, clock)? {
        list.chain.push(line, steps);
    }
    Ok(())
}
