//! Interfaces and lists of them, as the addresses behind them.

use std::collections::BTreeMap;

use enforcer_packetset::AddressSet;

use super::lists::{Pair, pairs};
use crate::device_zones::DeviceZones;
use crate::reading::{Cursor, Word};
use crate::target::ParseError;

/// What the point says is behind names, and which interfaces the text has in which list.
#[derive(Debug)]
pub(super) struct Places<'a> {
    known: &'a DeviceZones,
    lists: BTreeMap<&'a str, Vec<Word<'a>>>,
}

impl<'a> Places<'a> {
    pub const fn new(known: &'a DeviceZones) -> Self {
        Self { known, lists: BTreeMap::new() }
    }

    /// A line of `/interface list member`; `add` is taken.
    pub fn add(&mut self, verb: Word<'a>, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        let (mut interface, mut list, mut is_disabled) = (None, None, false);
        for pair in pairs(cursor)? {
            match (pair.name.text, pair.negates) {
                ("interface", false) => interface = Some(pair.value),
                ("list", false) => list = Some(pair.value),
                ("comment", false) => {}
                ("disabled", false) => is_disabled = pair.is_yes()?,
                _ => return Err(pair.name.unknown("a property of a member", "members have an interface and a list")),
            }
        }
        match (interface, list) {
            (Some(interface), Some(list)) => {
                let members = self.lists.entry(list.text).or_default();
                members.extend((!is_disabled).then_some(interface));
                Ok(())
            }
            _ => Err(verb.error("a member without interface or list", "complete it")),
        }
    }

    /// Who is on one side: interface and list must both match.
    pub fn side(&self, conditions: &[Option<Pair<'_>>; 2]) -> Result<AddressSet, ParseError> {
        let mut set = AddressSet::full();
        for (pair, is_list) in conditions.iter().zip([false, true]) {
            let Some(pair) = pair else { continue };
            if self.known.is_empty() {
                let advice = "an interface is not in the packet: say what is behind each in `device_zones` of the point";
                return Err(pair.name.error(format!("a rule for the interface `{}`", pair.value.text), advice));
            }
            let named = self.behind(pair.value, is_list)?;
            set = if pair.negates { set.difference(&named) } else { set.intersection(&named) };
        }
        Ok(set)
    }

    fn behind(&self, name: Word<'_>, is_list: bool) -> Result<AddressSet, ParseError> {
        match self.lists.get(name.text).filter(|_| is_list && self.known.get(name.text).is_none()) {
            _ if is_list && name.text == "all" => Ok(AddressSet::full()),
            Some(members) => members.iter().try_fold(AddressSet::empty(), |all, &member| Ok(all.union(self.known.find(member)?))),
            None => self.known.find(name).cloned(),
        }
    }
}
