//! The lists of a text and the interfaces that bind them: which one of each IP version is in force.
//!
//! A text without interfaces is one list of a version. In a text with interfaces the lists that are bound count, and others belong to
//! something else, such as who may log in. Two that are bound at two places are two devices' worth of text, and are refused.

use enforcer_packetset::Step;

use crate::lists::chain::Chain;
use crate::target::{ParseError, Parsed};
use crate::words::Words;

/// A list and its name.
pub(crate) struct List {
    pub chain: Chain,
    pub is_ipv6: bool,
    /// Its entries name sources alone.
    pub is_standard: bool,
    name: String,
    /// Line and column of its name.
    place: (usize, usize),
    /// The first of its lines that is not understood; of no matter unless the list is in force.
    broken: Option<ParseError>,
}

impl List {
    /// What a line of the list turned out to be.
    pub(crate) fn keep(&mut self, read: Result<(), ParseError>) {
        if let Err(error) = read {
            self.broken.get_or_insert(error);
        }
    }
}

struct Binding {
    name: String,
    is_ipv6: bool,
    place: (usize, usize),
    /// The interface that it stands in, by number.
    interface: usize,
    direction: String,
}

/// What a device does that is not written.
pub(crate) struct Unwritten {
    /// The end of a list of either version.
    pub end: fn(bool) -> Vec<Step>,
    /// Whether an empty list that is bound permits everything; else its effect is not known.
    pub empty_permits: bool,
    /// Whether the end of an IPv6 list is known; else an entry must decide on the rest.
    pub knows_ipv6: bool,
}

/// What a text defines and binds.
#[derive(Default)]
pub(crate) struct Lists {
    lists: Vec<List>,
    interfaces: Vec<String>,
    bindings: Vec<Binding>,
    /// Lists that go before they are written.
    removed: Vec<(String, bool)>,
}

impl Lists {
    /// A list begins; its name is the next word.
    pub(crate) fn begin(&mut self, words: &mut Words<'_>, is_ipv6: bool, is_standard: bool) -> Result<usize, ParseError> {
        let name = words.some("a list's name")?;
        if let Some(other) = self.lists.iter().find(|list| list.name == name) {
            let advice = if other.is_ipv6 == is_ipv6 {
                "give one definition of it"
            } else {
                "the lists of the two IP versions need two names"
            };
            return Err(words.error(format!("a second list `{name}`"), advice));
        }
        let place = words.place();
        words.end("a list begins with its name")?;
        Ok(self.push(name, is_ipv6, is_standard, place))
    }

    fn push(&mut self, name: &str, is_ipv6: bool, is_standard: bool, place: (usize, usize)) -> usize {
        let chain = Chain::default();
        self.lists.push(List { chain, is_ipv6, is_standard, name: name.to_owned(), place, broken: None });
        self.lists.len() - 1
    }

    /// The list of a line that names it itself, begun if it is not there yet.
    pub(crate) fn continue_or_begin(&mut self, words: &mut Words<'_>, is_standard: bool) -> Result<usize, ParseError> {
        let name = words.some("a list's name")?;
        // Mostly the list that was written last.
        let known = self.lists.iter().rposition(|list| list.name == name && !list.is_ipv6);
        Ok(known.unwrap_or_else(|| self.push(name, false, is_standard, words.place())))
    }

    pub(crate) fn get(&mut self, at: usize) -> Option<&mut List> {
        self.lists.get_mut(at)
    }

    /// `no` before a list: it goes before what follows is entered.
    pub(crate) fn remove(&mut self, words: &mut Words<'_>, is_ipv6: bool) -> Result<(), ParseError> {
        let name = words.some("a list's name")?;
        if self.lists.iter().any(|list| list.name == name && list.is_ipv6 == is_ipv6) {
            return Err(words.error("a list that is removed after it was written", "give the text that is in force at the end"));
        }
        self.removed.push((name.to_owned(), is_ipv6));
        words.end("a list is removed by its name")
    }

    /// An interface begins; what follows the word is its name.
    pub(crate) fn interface(&mut self, name: &str) {
        self.interfaces.push(name.trim_end().to_owned());
    }

    /// `NAME in` or `NAME out` in an interface.
    pub(crate) fn bind(&mut self, words: &mut Words<'_>, is_ipv6: bool) -> Result<(), ParseError> {
        let name = words.some("a list's name")?.to_owned();
        let place = words.place();
        let direction = words.next().to_owned();
        if !["in", "out", "routed-in", "routed-out"].contains(&direction.as_str()) {
            return Err(words.error("a binding without its direction", "write `in` or `out`"));
        }
        words.end("a binding has a list and a direction")?;
        let interface = self.interfaces.len().saturating_sub(1);
        self.bindings.push(Binding { name, is_ipv6, place, interface, direction });
        Ok(())
    }

    /// The lists that are in force, with what they do at their end.
    pub(crate) fn finish(mut self, unwritten: &Unwritten) -> Result<Parsed, ParseError> {
        let mut parsed = Parsed::default();
        for is_ipv6 in [false, true] {
            let version = if is_ipv6 { "IPv6" } else { "IPv4" };
            let Some(at) = self.in_force(is_ipv6)? else {
                parsed.notes.push(match self.lists.iter().find(|list| list.is_ipv6 == is_ipv6) {
                    Some(list) => format!(
                        "no interface of the text binds an {version} list, so all of {version} is allowed: `{}` is in force nowhere",
                        list.name
                    ),
                    None => format!("the text has no {version} list, so all of {version} is allowed"),
                });
                continue;
            };
            let list = self.lists.swap_remove(at);
            if let Some(error) = list.broken {
                return Err(error);
            }
            let wrong = |what: String, advice: &str| {
                let (line, _) = list.place;
                Err(ParseError { line, column: 1, what, advice: advice.into() })
            };
            let List { name, chain, .. } = list;
            if chain.is_empty() {
                if !unwritten.empty_permits {
                    let what = format!("the list `{name}` has no entries: what it does when it is bound depends on the device");
                    return wrong(what, "give its entries, or leave the list out");
                }
                parsed.notes.push(format!("the {version} list is empty, so all of {version} is allowed"));
                continue;
            }
            if is_ipv6 && !unwritten.knows_ipv6 && !chain.has_end() {
                let what =
                    format!("the IPv6 list `{name}` has no entry for the rest: what it does unwritten depends on the release");
                return wrong(what, "end it with `permit` or `deny` for every packet");
            }
            chain.finish(&mut parsed, (unwritten.end)(is_ipv6));
            parsed.notes.extend(self.where_bound(is_ipv6));
            if !self.removed.contains(&(name, is_ipv6)) {
                parsed.notes.push(format!("entered over an older {version} list of its name, the text adds to it"));
            }
        }
        Ok(parsed)
    }

    /// The list of a version that judges packets; None where none does.
    fn in_force(&self, is_ipv6: bool) -> Result<Option<usize>, ParseError> {
        let error = |(line, column): (usize, usize), what: String, advice: &str| {
            Err(ParseError { line, column, what, advice: advice.into() })
        };
        let mut bound = self.bindings.iter().filter(|binding| binding.is_ipv6 == is_ipv6);
        if let Some(first) = bound.next() {
            if let Some(other) = bound.find(|other| other.name != first.name) {
                let what = format!(
                    "`{}` is bound here and `{}` in line {}: which of them a packet meets depends on its way",
                    other.name, first.name, first.place.0
                );
                return error(other.place, what, "prove one list at a time: cut the other one's bindings out");
            }
            let found = self.lists.iter().position(|list| list.is_ipv6 == is_ipv6 && list.name == first.name);
            return match found {
                Some(at) => Ok(Some(at)),
                None => error(
                    first.place,
                    format!("the list that is bound, `{}`, is not in the text", first.name),
                    "give the list too",
                ),
            };
        }
        let mut lists = self.lists.iter().enumerate().filter(|(_, list)| list.is_ipv6 == is_ipv6);
        let (Some((at, list)), second) = (lists.next(), lists.next()) else { return Ok(None) };
        if !self.bindings.is_empty() {
            return Ok(None);
        }
        if !self.interfaces.is_empty() {
            let what = format!("the text has interfaces, and none of them binds `{}`: it filters nothing", list.name);
            return error(list.place, what, "give the interface that binds it, or the list without interfaces");
        }
        match second {
            Some((_, second)) => {
                let what = format!("a second list of the same IP version beside `{}`", list.name);
                error(second.place, what, "give the one that is bound, or the interface that binds it")
            }
            None => Ok(Some(at)),
        }
    }

    /// What a proof does not say: where in the device the list stands, and which interfaces have none.
    fn where_bound(&self, is_ipv6: bool) -> Vec<String> {
        const MOST: usize = 8;
        let version = if is_ipv6 { "IPv6" } else { "IPv4" };
        let bound: Vec<&Binding> = self.bindings.iter().filter(|binding| binding.is_ipv6 == is_ipv6).collect();
        if bound.is_empty() {
            return Vec::new();
        }
        let listed = |names: Vec<String>| {
            let more = names.len().saturating_sub(MOST);
            let shown = names.into_iter().take(MOST).collect::<Vec<_>>().join(", ");
            if more == 0 { shown } else { format!("{shown} and {more} more") }
        };
        let name_of = |at: usize| self.interfaces.get(at).map_or("?", String::as_str);
        let places = bound.iter().map(|binding| format!("{} {}", name_of(binding.interface), binding.direction)).collect();
        let mut notes = vec![format!("the {version} list judges what passes {}", listed(places))];
        let has_none = |at: &usize| bound.iter().all(|binding| binding.interface != *at);
        let open: Vec<String> = (0..self.interfaces.len()).filter(has_none).map(|at| name_of(at).to_owned()).collect();
        if !open.is_empty() {
            notes.push(format!("no {version} list judges what passes {}", listed(open)));
        }
        notes
    }
}
