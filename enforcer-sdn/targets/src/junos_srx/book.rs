//! The global address book: names of prefixes, ranges and sets of names.

use std::collections::BTreeMap;

use enforcer_packetset::AddressSet;

use crate::reading::{Cursor, Groups, Word, address_range, of_family, prefix};
use crate::target::ParseError;

#[derive(Debug, Default)]
pub(super) struct Book<'a> {
    addresses: BTreeMap<&'a str, AddressSet>,
    sets: Groups<'a>,
}

impl<'a> Book<'a> {
    /// What follows `address-book`.
    pub fn add(&mut self, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        let scope = cursor.some("an address book")?;
        if !scope.is("global") {
            return Err(scope.unknown("the global address book", "move the addresses there"));
        }
        if cursor.is_at_end() {
            return Ok(());
        }
        let kind = cursor.next();
        match kind.text {
            "address" => self.address(cursor),
            "address-set" => self.set(cursor),
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
            "range-address" => {
                let first = cursor.some("an address")?;
                cursor.expect("to")?;
                let last = cursor.some("an address")?;
                let range = address_range(first.text, last.text);
                range.ok_or_else(|| last.error("a range that is none", "write the lower address first, both of one family"))?
            }
            _ => {
                let advice = "write it as 10.0.0.0/8 or 2001:db8::/32, without host bits; names and wildcards are not read";
                prefix(word.text).map(AddressSet::from).ok_or_else(|| word.unknown("an address", advice))?
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

    /// What a policy means by the name.
    pub fn find(&self, name: Word<'_>) -> Result<AddressSet, ParseError> {
        match name.text {
            "any" => Ok(AddressSet::full()),
            "any-ipv4" => Ok(of_family(false)),
            "any-ipv6" => Ok(of_family(true)),
            _ => self.sets.leaves(name)?.into_iter().try_fold(AddressSet::empty(), |all, leaf| {
                let set = self.addresses.get(leaf.text).ok_or_else(|| not_there(leaf))?;
                Ok(all.union(set))
            }),
        }
    }
}

fn not_there(name: Word<'_>) -> ParseError {
    name.error(format!("address `{}` is not in the text", name.text), "add the global address book")
}
