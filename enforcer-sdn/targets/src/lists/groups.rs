//! Named groups that entries refer to. A name that is not in the text is an error: nothing is known of it.

use std::collections::BTreeMap;

use enforcer_packetset::{AddressSet, L4, PortSet};

use crate::target::ParseError;
use crate::words::Words;

/// The groups of a text, by kind and name. A group is in them only once it is complete.
#[derive(Default)]
pub(crate) struct Groups {
    pub addresses: BTreeMap<String, AddressSet>,
    pub ports: BTreeMap<String, PortSet>,
    /// Protocols with their fields.
    pub services: BTreeMap<String, Vec<L4>>,
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

/// A new group, empty. Two of one name would be one on the device, in whichever order they came.
pub(crate) fn begin<T: Default>(groups: &mut BTreeMap<String, T>, words: &mut Words<'_>) -> Result<String, ParseError> {
    let name = words.some("a group's name")?;
    if groups.insert(name.to_owned(), T::default()).is_some() {
        return Err(words.error(format!("a second group `{name}`"), "give one definition of it"));
    }
    Ok(name.to_owned())
}
