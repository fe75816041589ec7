//! The two lists of a text, one for each IP version, and the interface lines that bind them.

use crate::lists::chain::Chain;
use crate::target::{ParseError, Parsed};
use crate::words::Words;

/// A list and its name.
#[derive(Default)]
pub(crate) struct List {
    pub name: String,
    pub chain: Chain,
}

/// What a text defines and binds.
#[derive(Default)]
pub(crate) struct Lists {
    /// IPv4, IPv6.
    lists: [Option<List>; 2],
    /// The list that entries belong to now.
    at: Option<bool>,
    /// Inside of `interface`.
    is_interface: bool,
    bound: [Vec<String>; 2],
    /// An older list goes before it is written.
    removed: [bool; 2],
}

impl Lists {
    /// A list begins; its name is the next word.
    pub(crate) fn begin(&mut self, words: &mut Words<'_>, is_ipv6: bool) -> Result<(), ParseError> {
        let name = words.some("a list's name")?.to_owned();
        let other = self.lists[usize::from(!is_ipv6)].as_ref();
        if other.is_some_and(|other| other.name == name) {
            return Err(words.error(format!("a second list `{name}`"), "the lists of the two IP versions need two names"));
        }
        if self.lists[usize::from(is_ipv6)].replace(List { name, chain: Chain::default() }).is_some() {
            return Err(words.error("a second list of the same IP version", "give the one that is bound"));
        }
        words.end("a list begins with its name")?;
        self.leave();
        self.at = Some(is_ipv6);
        Ok(())
    }

    /// `no` before a list: it goes before what follows is entered.
    pub(crate) fn remove(&mut self, words: &mut Words<'_>, is_ipv6: bool) -> Result<(), ParseError> {
        let name = words.some("a list's name")?;
        if self.lists[usize::from(is_ipv6)].as_ref().is_some_and(|list| list.name == name) {
            return Err(words.error("a list that is removed after it was written", "give the text that is in force at the end"));
        }
        self.leave();
        self.removed[usize::from(is_ipv6)] = true;
        words.end("a list is removed by its name")
    }

    /// The list of a line that names it itself, begun if it is not there yet.
    pub(crate) fn continue_or_begin(&mut self, words: &mut Words<'_>) -> Result<&mut List, ParseError> {
        let name = words.some("a list's name")?;
        self.leave();
        let list = self.lists[0].get_or_insert_with(|| List { name: name.to_owned(), chain: Chain::default() });
        if list.name != name {
            return Err(words.error("a second list of the same IP version", "give the one that is bound"));
        }
        Ok(list)
    }

    /// Neither a list nor an interface: what follows belongs to something else.
    pub(crate) const fn leave(&mut self) {
        self.at = None;
        self.is_interface = false;
    }

    pub(crate) const fn interface(&mut self) {
        self.at = None;
        self.is_interface = true;
    }

    pub(crate) const fn in_interface(&self) -> bool {
        self.is_interface
    }

    /// `NAME in` or `NAME out` in an interface.
    pub(crate) fn bind(&mut self, words: &mut Words<'_>, is_ipv6: bool) -> Result<(), ParseError> {
        let name = words.some("a list's name")?;
        let known = self.lists[usize::from(is_ipv6)].as_ref();
        if known.is_some_and(|list| list.name != name) {
            return Err(words.error(format!("the list that is bound, `{name}`, is another one"), "give the list that is bound"));
        }
        self.bound[usize::from(is_ipv6)].push(name.to_owned());
        if !["in", "out", "routed-in", "routed-out"].contains(&words.next()) {
            return Err(words.error("a binding without its direction", "write `in` or `out`"));
        }
        words.end("a binding has a list and a direction")
    }

    /// The list that an entry belongs to, and its IP version.
    pub(crate) fn current(&mut self, words: &Words<'_>, advice: &str) -> Result<(&mut List, bool), ParseError> {
        let list = self.at.and_then(|is_ipv6| Some((self.lists[usize::from(is_ipv6)].as_mut()?, is_ipv6)));
        list.ok_or_else(|| words.error_ahead("an entry outside of a list", advice))
    }

    /// For devices on which it is not known what an empty list does.
    pub(crate) fn refuse_empty(&self) -> Result<(), ParseError> {
        let empty = self.lists.iter().flatten().find(|list| list.chain.is_empty());
        empty.map_or(Ok(()), |list| {
            let what = format!("the list `{}` has no entries: what it does when it is bound depends on the device", list.name);
            Err(ParseError { line: 1, column: 1, what, advice: "give its entries, or leave the list out".into() })
        })
    }

    /// For devices of which it is not known what an IPv6 list does unwritten with neighbour discovery.
    pub(crate) fn refuse_open_ipv6(&self) -> Result<(), ParseError> {
        let [_, v6] = &self.lists;
        let open = v6.as_ref().filter(|list| !list.chain.has_end());
        open.map_or(Ok(()), |list| {
            let what =
                format!("the IPv6 list `{}` has no entry for the rest: what it does unwritten depends on the release", list.name);
            Err(ParseError { line: 1, column: 1, what, advice: "end it with `permit` or `deny` for every packet".into() })
        })
    }

    /// Both lists with what they do at their end, unwritten.
    pub(crate) fn finish(self, unwritten: fn(bool) -> Vec<enforcer_packetset::Step>) -> Result<Parsed, ParseError> {
        let mut parsed = Parsed::default();
        for ((is_ipv6, list), bound) in [false, true].into_iter().zip(self.lists).zip(&self.bound) {
            let version = if is_ipv6 { "IPv6" } else { "IPv4" };
            let Some(list) = list else {
                if let Some(name) = bound.first() {
                    let what = format!("the {version} list `{name}` is bound and not in the text");
                    return Err(ParseError { line: 1, column: 1, what, advice: "give the list too".into() });
                }
                parsed.notes.push(format!("the text has no {version} list, so all of {version} is allowed"));
                continue;
            };
            if bound.iter().any(|name| *name != list.name) {
                let what = format!("the {version} list that is bound is not `{}`", list.name);
                return Err(ParseError { line: 1, column: 1, what, advice: "give the list that is bound".into() });
            }
            if list.chain.is_empty() {
                parsed.notes.push(format!("the {version} list is empty, so all of {version} is allowed"));
                continue;
            }
            list.chain.finish(&mut parsed, unwritten(is_ipv6));
            if !self.removed[usize::from(is_ipv6)] {
                parsed.notes.push(format!("entered over an older {version} list of its name, the text adds to it"));
            }
        }
        Ok(parsed)
    }
}
