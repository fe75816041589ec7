//! Address books, of all zones and of some: names of prefixes, ranges and sets of names. A zone's own book is asked before the global one.

use std::collections::BTreeMap;

use enforcer_packetset::AddressSet;

use crate::reading::{Cursor, Groups, Word, address_range, of_family, prefix};
use crate::target::ParseError;

#[derive(Debug, Default)]
pub(super) struct Books<'a> {
    books: BTreeMap<&'a str, Book<'a>>,
    /// The book of each zone that has one.
    attached: BTreeMap<&'a str, &'a str>,
    /// Books that stand in the zones themselves.
    inline: BTreeMap<&'a str, Book<'a>>,
}

#[derive(Debug, Default)]
struct Book<'a> {
    addresses: BTreeMap<&'a str, Address<'a>>,
    sets: Groups<'a>,
}

#[derive(Debug)]
enum Address<'a> {
    Is(AddressSet),
    /// A name or a wildcard: refused where a policy means it.
    Unread(Word<'a>),
}

impl<'a> Books<'a> {
    /// What follows `address-book`.
    pub fn add(&mut self, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        let name = cursor.some("an address book")?;
        if cursor.take("attach") {
            cursor.expect("zone")?;
            let zone = cursor.some("a zone")?;
            if name.is("global") || self.attached.insert(zone.text, name.text).is_some_and(|before| before != name.text) {
                return Err(zone.error("a zone of two address books", "the device refuses it: attach one"));
            }
            return cursor.end();
        }
        self.books.entry(name.text).or_default().add(cursor)
    }

    /// What follows `address-book` in a zone.
    pub fn add_to_zone(&mut self, zone: &'a str, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        self.inline.entry(zone).or_default().add(cursor)
    }

    /// What a policy means by the name; `zone` is the one that its packets come from or leave to, where it is one.
    pub fn find(&self, name: Word<'_>, zone: Option<&str>) -> Result<AddressSet, ParseError> {
        match name.text {
            "any" => return Ok(AddressSet::full()),
            "any-ipv4" => return Ok(of_family(false)),
            "any-ipv6" => return Ok(of_family(true)),
            _ => {}
        }
        let attached = zone.and_then(|zone| self.attached.get(zone)).and_then(|book| self.books.get(book));
        let inline = zone.and_then(|zone| self.inline.get(zone));
        let books = [inline, attached, self.books.get("global")];
        match books.into_iter().flatten().find(|book| book.has(name.text)) {
            Some(book) => book.find(name),
            None => Err(not_there(name)),
        }
    }
}

impl<'a> Book<'a> {
    fn has(&self, name: &str) -> bool {
        self.addresses.contains_key(name) || self.sets.contains(name)
    }

    fn add(&mut self, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        if cursor.is_at_end() {
            return Ok(());
        }
        let kind = cursor.next();
        match kind.text {
            "address" => self.address(cursor),
            "address-set" => self.set(cursor),
            "description" => cursor.some("a text").and_then(|_| cursor.end()),
            _ => Err(kind.unknown("`address` or `address-set`", "a book holds these two")),
        }
    }

    fn address(&mut self, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        let name = cursor.some("an address's name")?;
        let word = cursor.some("an address")?;
        let set = match word.text {
            "description" => {
                cursor.some("a text")?;
                return cursor.end();
            }
            "dns-name" | "wildcard-address" => {
                while !cursor.is_at_end() {
                    cursor.next();
                }
                Address::Unread(word)
            }
            "range-address" => {
                let first = cursor.some("an address")?;
                cursor.expect("to")?;
                let last = cursor.some("an address")?;
                let range = address_range(first.text, last.text);
                let unknown = || last.error("a range that is none", "write the lower address first, both of one family");
                Address::Is(range.ok_or_else(unknown)?)
            }
            _ => {
                let advice = "write it as 10.0.0.0/8 or 2001:db8::/32, without host bits; names and wildcards are not read";
                prefix(word.text).map(|prefix| Address::Is(prefix.into())).ok_or_else(|| word.unknown("an address", advice))?
            }
        };
        cursor.end()?;
        if self.addresses.insert(name.text, set).is_some() || self.sets.contains(name.text) {
            return Err(name.error(format!("a second address `{}`", name.text), "give each name once"));
        }
        Ok(())
    }

    fn set(&mut self, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        let name = cursor.some("a set's name")?;
        if self.addresses.contains_key(name.text) {
            return Err(name.error(format!("a second address `{}`", name.text), "give each name once"));
        }
        let members = self.sets.members(name.text);
        if cursor.is_at_end() {
            return Ok(());
        }
        let kind = cursor.next();
        match kind.text {
            "address" | "address-set" => members.push(cursor.some("a name")?),
            "description" => drop(cursor.some("a text")?),
            _ => return Err(kind.unknown("`address` or `address-set`", "a set holds these two")),
        }
        cursor.end()
    }

    fn find(&self, name: Word<'_>) -> Result<AddressSet, ParseError> {
        self.sets.leaves(name)?.into_iter().try_fold(AddressSet::empty(), |all, leaf| {
            match self.addresses.get(leaf.text).ok_or_else(|| not_there(leaf))? {
                Address::Is(set) => Ok(all.union(set)),
                Address::Unread(word) => Err(word.error(
                    format!("`{}` is used, and is no prefix or range", leaf.text),
                    "what it means changes: write prefixes",
                )),
            }
        })
    }
}

fn not_there(name: Word<'_>) -> ParseError {
    name.error(format!("address `{}` is not in the text", name.text), "add its address book")
}
