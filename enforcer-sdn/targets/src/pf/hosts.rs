//! Addresses: single ones, lists, tables.

use std::collections::{BTreeMap, BTreeSet};

use enforcer_packetset::{AddressSet, Prefix, RangeSet};

use crate::reading::{Cursor, Word, address_range, prefix};
use crate::target::ParseError;

/// Tables by name.
#[derive(Debug, Default)]
pub(super) struct Tables<'a> {
    sets: BTreeMap<&'a str, AddressSet>,
    /// Filled by a file, or by others.
    unlisted: BTreeSet<&'a str>,
    /// Some are not `const`.
    pub may_change: bool,
}

/// `table <name> [const] [persist] { ... }`; the first word is taken.
pub(super) fn table<'a>(cursor: &mut Cursor<'_, 'a>, tables: &mut Tables<'a>) -> Result<(), ParseError> {
    let name = table_name(cursor)?;
    let (mut is_const, mut is_filled) = (false, false);
    while !cursor.peek().is("{") {
        if cursor.is_at_end() {
            if tables.sets.contains_key(name.text) || !tables.unlisted.insert(name.text) {
                return Err(name.error(format!("a second table `{}`", name.text), "give each name once"));
            }
            return Ok(());
        }
        let word = cursor.some("`{`")?;
        match word.text {
            "const" => is_const = true,
            "persist" | "counters" => {}
            "file" => is_filled = !cursor.some("a file")?.text.is_empty(),
            _ => return Err(word.unknown("an attribute of a table", "list the addresses in braces; files are not read")),
        }
    }
    tables.may_change |= !is_const;
    if is_filled {
        return Err(cursor.peek().error("addresses beside a file", "list them all; files are not read"));
    }
    cursor.expect("{")?;
    // The longest prefix that contains an address decides.
    let mut by_length: BTreeMap<u8, [Vec<Prefix>; 2]> = BTreeMap::new();
    while !cursor.take("}") {
        let is_out = cursor.take("!");
        let word = cursor.some("an address")?;
        let advice = "write it as 10.0.0.0/8 or 2001:db8::/32, without host bits; names, interfaces and files are not read";
        let entry = prefix(word.text).ok_or_else(|| word.unknown("an address", advice))?;
        if let Some(side) = by_length.entry(entry.length()).or_default().get_mut(usize::from(is_out)) {
            side.push(entry);
        }
        cursor.take(",");
    }
    cursor.end()?;
    let mut set = AddressSet::empty();
    for [ins, outs] in by_length.into_values() {
        if let Some(both) = ins.iter().find(|entry| outs.contains(entry)) {
            return Err(name.error(format!("`{both}` with and without `!`"), "keep one"));
        }
        set = set.union(&ins.into_iter().collect()).difference(&outs.into_iter().collect());
    }
    if set.is_empty() {
        return Err(name.error(format!("table `{}` is empty", name.text), "its content elsewhere is not known: list it"));
    }
    if tables.unlisted.contains(name.text) || tables.sets.insert(name.text, set).is_some() {
        return Err(name.error(format!("a second table `{}`", name.text), "give each name once"));
    }
    Ok(())
}

fn table_name<'a>(cursor: &mut Cursor<'_, 'a>) -> Result<Word<'a>, ParseError> {
    cursor.expect("<")?;
    let name = cursor.some("a table's name")?;
    cursor.expect(">")?;
    Ok(name)
}

/// What stands behind `from` or `to`.
pub(super) fn hosts<'a>(cursor: &mut Cursor<'_, 'a>, tables: &Tables<'a>) -> Result<AddressSet, ParseError> {
    let place = cursor.peek();
    let set = if cursor.take("{") {
        let mut all = AddressSet::empty();
        while !cursor.take("}") {
            // Each element is a rule of its own, one with `!` too: their union, however little that is what was meant.
            all = all.union(&element(cursor, tables)?);
            cursor.take(",");
        }
        all
    } else {
        element(cursor, tables)?
    };
    if set.is_empty() {
        return Err(place.error("addresses that no packet has", "leave the rule out"));
    }
    Ok(set)
}

/// One host, or `!` and all others. A rule with an address is one of its family, so the others are of the same.
fn element<'a>(cursor: &mut Cursor<'_, 'a>, tables: &Tables<'a>) -> Result<AddressSet, ParseError> {
    if !cursor.take("!") {
        return host(cursor, tables);
    }
    let is_table = cursor.peek().is("<");
    let set = host(cursor, tables)?;
    let others = AddressSet::full().difference(&set);
    Ok(match (is_table, set.v4.is_empty(), set.v6.is_empty()) {
        (false, true, false) => AddressSet { v4: RangeSet::empty(), v6: others.v6 },
        (false, false, true) => AddressSet { v4: others.v4, v6: RangeSet::empty() },
        _ => others,
    })
}

fn host<'a>(cursor: &mut Cursor<'_, 'a>, tables: &Tables<'a>) -> Result<AddressSet, ParseError> {
    if cursor.take("any") {
        return Ok(AddressSet::full());
    }
    if cursor.peek().is("<") {
        let name = table_name(cursor)?;
        let unknown = || name.error(format!("what is in table `{}` is not in the text", name.text), "list it before the rule");
        return tables.sets.get(name.text).cloned().ok_or_else(unknown);
    }
    let word = cursor.some("an address")?;
    let advice = "write it as 10.0.0.0/8 or 2001:db8::/32, without host bits; names and interfaces are not read";
    let unknown = || word.unknown("an address", advice);
    if cursor.take("-") {
        return address_range(word.text, cursor.some("an address")?.text).ok_or_else(unknown);
    }
    prefix(word.text).map(AddressSet::from).ok_or_else(unknown)
}
