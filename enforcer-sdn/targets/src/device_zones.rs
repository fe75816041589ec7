//! The device's own names, with the addresses behind each: zones, interfaces, interface lists, labels. A value that renderers and parsers share.

use std::collections::BTreeMap;

use enforcer_packetset::{AddressSet, Packet, PacketSet, Selector};

/// What is behind each of the device's own names. Empty: nobody said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceZones {
    behind: BTreeMap<String, AddressSet>,
}

impl DeviceZones {
    #[must_use]
    pub const fn new(behind: BTreeMap<String, AddressSet>) -> Self {
        Self { behind }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.behind.is_empty()
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&AddressSet> {
        self.behind.get(name)
    }

    /// Names with what is behind them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &AddressSet)> {
        self.behind.iter().map(|(name, set)| (name.as_str(), set))
    }

    /// That each address is behind one name and no other: what a device does with a packet then hangs on its addresses alone.
    ///
    /// # Errors
    /// The names that share an address, or an address that has none, in words.
    pub fn check_places(&self) -> Result<(), String> {
        let mut all = AddressSet::empty();
        for (name, set) in &self.behind {
            if let Some(shared) = one_of(&all.intersection(set)) {
                let mut others =
                    self.behind.iter().filter(|(_, other)| other.contains(shared.source)).map(|(name, _)| name.as_str());
                let others = others.find(|other| other != name).unwrap_or("another name");
                return Err(format!("{} is behind `{others}` and behind `{name}`; each address is behind one", shared.source));
            }
            all = all.union(set);
        }
        match one_of(&AddressSet::full().difference(&all)) {
            Some(packet) if !self.is_empty() => {
                Err(format!("{} is behind none of the device's names; give one of them `*`, which is all others", packet.source))
            }
            _ => Ok(()),
        }
    }

    /// The names that addresses of the set are behind.
    pub(crate) fn meeting(&self, set: &AddressSet) -> Vec<&str> {
        self.iter().filter(|(_, behind)| !behind.intersection(set).is_empty()).map(|(name, _)| name).collect()
    }
}

/// A packet that an address of the set sends; None where the set is empty.
fn one_of(set: &AddressSet) -> Option<Packet> {
    let selector = Selector { source: set.clone(), ..Selector::any() };
    PacketSet::any_of([&selector]).ok()?.witness()
}

#[cfg(test)]
mod tests {
    use super::*;
    use enforcer_packetset::Prefix;

    fn zones(behind: &[(&str, &[&str])]) -> DeviceZones {
        let set = |prefixes: &[&str]| prefixes.iter().map(|text| text.parse::<Prefix>().unwrap()).collect();
        DeviceZones::new(behind.iter().map(|(name, prefixes)| ((*name).to_owned(), set(prefixes))).collect())
    }

    #[test]
    fn each_address_is_behind_one_name() {
        assert_eq!(zones(&[]).check_places(), Ok(()));
        assert_eq!(zones(&[("a", &["0.0.0.0/1", "::/0"]), ("b", &["128.0.0.0/1"])]).check_places(), Ok(()));
        let shared = zones(&[("a", &["0.0.0.0/0", "::/0"]), ("b", &["10.0.0.0/8"])]).check_places().unwrap_err();
        assert!(shared.contains("is behind `a` and behind `b`"), "{shared}");
        let missing = zones(&[("a", &["0.0.0.0/0"])]).check_places().unwrap_err();
        assert!(missing.contains("is behind none"), "{missing}");
    }
}
