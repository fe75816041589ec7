//! `name=value` pairs of a line, and address lists.

use std::collections::BTreeMap;

use enforcer_packetset::AddressSet;

use crate::reading::{Cursor, Word, address_range, of_family, prefix};
use crate::target::ParseError;

/// One `name=value`, or `name=!value`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<'a> {
    pub name: Word<'a>,
    pub value: Word<'a>,
    pub negates: bool,
}

impl Pair<'_> {
    pub fn is_yes(&self) -> Result<bool, ParseError> {
        match (self.value.text, self.negates) {
            ("yes" | "true", false) => Ok(true),
            ("no" | "false", false) => Ok(false),
            _ => Err(self.value.unknown("`yes` or `no`", "write one of them")),
        }
    }
}

pub(super) fn pairs<'a>(cursor: &mut Cursor<'_, 'a>) -> Result<Vec<Pair<'a>>, ParseError> {
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    while !cursor.is_at_end() {
        let name = cursor.next();
        cursor.expect("=")?;
        let value = cursor.some("a value")?;
        let bare = value.text.strip_prefix('!').filter(|_| !value.is_quoted && name.text != "tcp-flags");
        let negates = bare.is_some();
        let value = Word { text: bare.unwrap_or(value.text), ..value };
        if let Some(before) = pairs.iter().find(|before| before.name.text == name.text) {
            return Err(name.error(format!("a second `{}`", before.name.text), "give each property once"));
        }
        pairs.push(Pair { name, value, negates });
    }
    Ok(pairs)
}

/// The lists of one IP version.
#[derive(Debug)]
pub(super) struct Lists<'a> {
    is_ipv6: bool,
    sets: BTreeMap<&'a str, AddressSet>,
    /// Lists with an entry that is not read, such as the name of a host: of no matter unless a rule names them.
    broken: BTreeMap<&'a str, ParseError>,
}

impl<'a> Lists<'a> {
    pub const fn new(is_ipv6: bool) -> Self {
        Self { is_ipv6, sets: BTreeMap::new(), broken: BTreeMap::new() }
    }

    pub const fn is_ipv6(&self) -> bool {
        self.is_ipv6
    }

    /// `add` is taken.
    pub fn add(&mut self, verb: Word<'a>, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        let (mut address, mut list, mut is_disabled) = (None, None, false);
        for pair in pairs(cursor)? {
            match (pair.name.text, pair.negates) {
                ("address", false) => address = Some(pair.value),
                ("list", false) => list = Some(pair.value),
                ("comment", false) => {}
                ("disabled", false) => is_disabled = pair.is_yes()?,
                _ => {
                    return Err(pair
                        .name
                        .unknown("a property of an entry", "entries have an address and a list; those with timeouts go"));
                }
            }
        }
        let (Some(address), Some(list)) = (address, list) else {
            return Err(verb.error("an entry without address or list", "complete it"));
        };
        let read = self.address(address);
        let known = self.sets.entry(list.text).or_default();
        match read {
            _ if is_disabled => {}
            Ok(set) => *known = known.union(&set),
            Err(error) => drop(self.broken.entry(list.text).or_insert(error)),
        }
        Ok(())
    }

    /// `10.0.0.0/8` or `10.0.0.1-10.0.0.9`.
    pub fn address(&self, word: Word<'_>) -> Result<AddressSet, ParseError> {
        let range = || word.text.split_once('-').and_then(|(first, last)| address_range(first, last));
        let set = prefix(word.text).map(AddressSet::from).or_else(range);
        let advice = "write it as 10.0.0.0/8 or 2001:db8::/32, without host bits, or as a range; names are not asked";
        set.filter(|set| set.is_subset(&of_family(self.is_ipv6)))
            .ok_or_else(|| word.unknown("an address of this IP version", advice))
    }

    pub fn find(&self, name: Word<'_>) -> Result<AddressSet, ParseError> {
        if let Some(error) = self.broken.get(name.text) {
            return Err(error.clone());
        }
        let set = self.sets.get(name.text).filter(|set| !set.is_empty());
        set.cloned()
            .ok_or_else(|| name.error(format!("address list `{}` is not in the text, or empty", name.text), "add its entries"))
    }
}
