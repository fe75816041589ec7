//! Address objects and groups of one IP version.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use enforcer_packetset::{AddressSet, Prefix, RangeSet};

use super::defaults::ADDRESS;
use super::device::{beside, is_default};
use super::tree::Entry;
use crate::reading::{Word, address_range, of_family, prefix};
use crate::target::ParseError;

#[derive(Debug)]
pub(super) struct Addresses<'a> {
    is_ipv6: bool,
    sets: BTreeMap<&'a str, AddressSet>,
    /// Names of hosts, countries and the like: refused where a policy means them.
    unread: BTreeMap<&'a str, Word<'a>>,
    groups: BTreeMap<&'a str, Group<'a>>,
    /// They translate where a policy means them.
    virtuals: BTreeSet<&'a str>,
}

#[derive(Debug, Default)]
struct Group<'a> {
    members: Vec<Word<'a>>,
    excepted: Vec<Word<'a>>,
    excepts: bool,
}

/// Groups in groups in groups: a circle has no end.
const DEEPEST: usize = 16;

/// Types whose addresses change, or are none.
const UNREAD: [&str; 8] = ["fqdn", "wildcard", "wildcard-fqdn", "geography", "dynamic", "interface-subnet", "mac", "route-tag"];

/// What is said of an object beside its addresses.
const REMARKS: [&str; 8] =
    ["uuid", "comment", "color", "visibility", "allow-routing", "associated-interface", "fabric-object", "category"];

impl<'a> Addresses<'a> {
    pub const fn new(is_ipv6: bool) -> Self {
        Self { is_ipv6, sets: BTreeMap::new(), unread: BTreeMap::new(), groups: BTreeMap::new(), virtuals: BTreeSet::new() }
    }

    pub fn add(&mut self, entry: &Entry<'a>) -> Result<(), ParseError> {
        let name = entry.name;
        let kind = entry.settings.iter().find(|setting| setting.key.text == "type");
        if let Some(word) =
            kind.and_then(|kind| kind.values.first()).filter(|word| !["ipmask", "ipprefix", "iprange"].contains(&word.text))
        {
            if !UNREAD.contains(&word.text) {
                return Err(word.unknown("a type of addresses", "prefixes and ranges are read"));
            }
            if self.sets.contains_key(name.text) || self.unread.insert(name.text, *word).is_some() {
                return Err(name.error(format!("a second address `{}`", name.text), "give each name once"));
            }
            return Ok(());
        }
        let (mut kind, mut set, mut ends) = ("ipmask", None, [None, None]);
        for setting in &entry.settings {
            let key = setting.key;
            match (key.text, self.is_ipv6) {
                ("type", _) => {
                    let word = setting.value("a type")?;
                    kind = if word.text == "iprange" { "iprange" } else { "ipmask" };
                }
                ("subnet", false) => {
                    let text = match setting.values.as_slice() {
                        [prefix] if prefix.text.contains('/') => prefix.text.to_owned(),
                        [network, mask] => format!("{}/{}", network.text, mask_length(*mask)?),
                        _ => return Err(key.error("a subnet that is none", "write an address and a mask")),
                    };
                    set = Some(subnet(&text, key)?);
                }
                ("ip6", true) => set = Some(subnet(setting.value("a prefix")?.text, key)?),
                ("start-ip", _) => ends[0] = Some(setting.value("an address")?),
                ("end-ip", _) => ends[1] = Some(setting.value("an address")?),
                (text, _) if REMARKS.contains(&text) => {}
                _ if is_default(setting, ADDRESS) => {}
                _ => return Err(key.unknown("a setting of an address", "prefixes and ranges are read")),
            }
        }
        let range = match ends {
            [Some(first), Some(last)] if kind == "iprange" => {
                let range = address_range(first.text, last.text);
                Some(range.ok_or_else(|| last.error("a range that is none", "write the lower address first"))?)
            }
            [None, None] if kind == "ipmask" => set,
            _ => return Err(name.error(format!("address `{}` is neither a prefix nor a range", name.text), "give one")),
        };
        let set = match range {
            Some(set) => set,
            // The device's own object, listed without its subnet.
            None if name.text == "all" => of_family(self.is_ipv6),
            None => return Err(name.error(format!("address `{}` has no subnet, which is everything", name.text), "say so")),
        };
        if !set.is_subset(&of_family(self.is_ipv6)) {
            return Err(name.error(format!("address `{}` is of the other IP version", name.text), "keep them apart"));
        }
        if self.unread.contains_key(name.text) || self.sets.insert(name.text, set).is_some() {
            return Err(name.error(format!("a second address `{}`", name.text), "give each name once"));
        }
        Ok(())
    }

    /// A virtual IP or a group of them.
    pub fn add_virtual(&mut self, name: Word<'a>) -> Result<(), ParseError> {
        if self.virtuals.insert(name.text) {
            return Ok(());
        }
        Err(name.error(format!("a second virtual IP `{}`", name.text), "give each name once"))
    }

    pub fn add_group(&mut self, entry: &Entry<'a>) -> Result<(), ParseError> {
        let mut group = Group::default();
        for setting in &entry.settings {
            match setting.key.text {
                "member" => group.members.clone_from(&setting.values),
                "exclude" => group.excepts = setting.is_enabled()?,
                "exclude-member" => group.excepted.clone_from(&setting.values),
                text if REMARKS.contains(&text) => {}
                _ if is_default(setting, ADDRESS) => {}
                _ => return Err(setting.key.unknown("a setting of a group", "groups have members")),
            }
        }
        let name = entry.name;
        if group.excepts == group.excepted.is_empty() {
            return Err(name.error(format!("group `{}` excludes without `exclude enable`, or nobody", name.text), "complete it"));
        }
        let is_known = self.sets.contains_key(name.text) || self.unread.contains_key(name.text);
        if is_known || self.groups.insert(name.text, group).is_some() {
            return Err(name.error(format!("a second address `{}`", name.text), "give each name once"));
        }
        Ok(())
    }

    /// What a policy means by the names.
    pub fn union(&self, names: &[Word<'_>], negates: bool) -> Result<AddressSet, ParseError> {
        let mut all = AddressSet::empty();
        for &name in names {
            all = all.union(&self.find(name, &mut Vec::new(), &mut BTreeMap::new())?);
        }
        if negates {
            all = of_family(self.is_ipv6).difference(&all);
        }
        match names.first() {
            Some(name) if all.is_empty() => Err(name.error("addresses that no packet has", "leave the policy out")),
            _ => Ok(all),
        }
    }

    /// `open` are the groups that we are in, `known` those that were found already: a group in many others is read once.
    fn find<'n>(
        &'n self,
        name: Word<'n>,
        open: &mut Vec<&'n str>,
        known: &mut BTreeMap<&'n str, AddressSet>,
    ) -> Result<AddressSet, ParseError> {
        if self.virtuals.contains(name.text) {
            let why = "a virtual IP changes addresses on the way, so that what a policy sees is not what ours speaks of";
            return Err(beside(name, name.text, why));
        }
        if let Some(set) = self.sets.get(name.text).or_else(|| known.get(name.text)) {
            return Ok(set.clone());
        }
        if let Some(word) = self.unread.get(name.text) {
            return Err(word
                .error(format!("`{}` is used, and is no prefix or range", name.text), "what it means changes: write prefixes"));
        }
        let Some(group) = self.groups.get(name.text) else {
            // The device's own objects; `none` is the address that nobody has.
            return match (name.text, self.is_ipv6) {
                ("all", is_ipv6) => Ok(of_family(is_ipv6)),
                ("none", false) => Ok(AddressSet { v4: RangeSet::of(0), v6: RangeSet::empty() }),
                ("none", true) => Ok(AddressSet { v4: RangeSet::empty(), v6: RangeSet::of(0) }),
                _ => Err(name.error(format!("address `{}` is not in the text", name.text), "add it")),
            };
        };
        if open.contains(&name.text) || open.len() >= DEEPEST || group.members.is_empty() {
            return Err(name.error(format!("group `{}` is empty, in itself, or too deep", name.text), "name the addresses"));
        }
        open.push(name.text);
        let mut sides = [AddressSet::empty(), AddressSet::empty()];
        for (side, names) in sides.iter_mut().zip([&group.members, &group.excepted]) {
            for &member in names {
                *side = side.union(&self.find(member, open, known)?);
            }
        }
        open.pop();
        let [members, excepted] = sides;
        let set = members.difference(&excepted);
        known.insert(name.text, set.clone());
        Ok(set)
    }
}

fn subnet(text: &str, place: Word<'_>) -> Result<AddressSet, ParseError> {
    let advice = "write it without host bits";
    let prefix: Option<Prefix> = prefix(text);
    prefix.map(AddressSet::from).ok_or_else(|| place.error(format!("`{text}` is not understood as a prefix"), advice))
}

fn mask_length(word: Word<'_>) -> Result<u32, ParseError> {
    let mask = word.text.parse().map(Ipv4Addr::to_bits).ok();
    mask.filter(|mask| mask.leading_ones() + mask.trailing_zeros() == 32)
        .map(u32::leading_ones)
        .ok_or_else(|| word.unknown("a mask", "write it as 255.255.255.0"))
}
