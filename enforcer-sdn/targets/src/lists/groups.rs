//! Named groups and time ranges that entries refer to. A name that is not in the text is an error: nothing is known of it.

use std::collections::BTreeMap;

use enforcer_packetset::{AddressSet, L4, PortSet};

use crate::lists::clock::Clock;
use crate::target::ParseError;
use crate::words::{Words, number};

/// The groups of a text, by kind and name. A group is in them only once it is complete.
#[derive(Default)]
pub(crate) struct Groups {
    pub addresses: BTreeMap<String, AddressSet>,
    pub ports: BTreeMap<String, PortSet>,
    /// Protocols with their fields.
    pub services: BTreeMap<String, Vec<L4>>,
    pub clock: Clock,
}

/// What a group holds.
pub(crate) trait Members {
    fn is_empty(&self) -> bool;
}

impl Members for AddressSet {
    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }
}

impl Members for PortSet {
    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }
}

impl Members for Vec<L4> {
    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }
}

/// The group of the next word. An empty one is an error: devices do not agree what an entry with it does.
pub(crate) fn named<'a, T: Members>(
    groups: &'a BTreeMap<String, T>,
    words: &mut Words<'_>,
    kind: &str,
) -> Result<&'a T, ParseError> {
    let name = words.some("a group's name")?;
    let group = groups.get(name);
    let group =
        group.ok_or_else(|| words.error(format!("{kind} `{name}` is not in the text"), "put its definition before its use"))?;
    if group.is_empty() {
        return Err(words.error(format!("{kind} `{name}` is empty"), "fill it, or leave out what uses it"));
    }
    Ok(group)
}

/// The address group of the next word, which must hold addresses of that IP version.
pub(crate) fn of_version(groups: &Groups, words: &mut Words<'_>, is_ipv6: bool) -> Result<AddressSet, ParseError> {
    let set = named(&groups.addresses, words, "address group")?;
    let is_other = if is_ipv6 { set.v6.is_empty() } else { set.v4.is_empty() };
    if is_other {
        return Err(words.error("a group of the other IP version", "name a group of the list's version"));
    }
    Ok(set.clone())
}

/// Members may have numbers; their order is nothing.
pub(crate) fn member_number(words: &mut Words<'_>) {
    if number::<u32>(words.peek()).is_some() {
        words.next();
    }
}

/// A new group, empty. Two of one name would be one on the device, in whichever order they came.
pub(crate) fn begin<T: Default>(groups: &mut BTreeMap<String, T>, words: &mut Words<'_>) -> Result<String, ParseError> {
    let name = words.some("a group's name")?;
    if groups.insert(name.to_owned(), T::default()).is_some() {
        return Err(words.error(format!("a second group `{name}`"), "give one definition of it"));
    }
    Ok(name.to_owned())
}
