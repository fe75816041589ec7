//! Address and service objects: what the names in rules mean.

use std::collections::BTreeMap;

use enforcer_packetset::{AddressSet, L4, RangeSet};

use crate::reading::{Cursor, Groups, Word, address_range, ports_of, prefix, range};
use crate::target::ParseError;

#[derive(Debug, Default)]
pub(super) struct Objects<'a> {
    /// What each name is of, and whether it is shared by all virtual systems: one that is two things could mean either.
    kinds: BTreeMap<(&'a str, &'a str), (&'a str, bool)>,
    addresses: BTreeMap<&'a str, Address<'a>>,
    address_groups: Groups<'a>,
    services: BTreeMap<&'a str, Service<'a>>,
    service_groups: Groups<'a>,
}

#[derive(Debug)]
enum Address<'a> {
    Is(AddressSet),
    /// A name or a wildcard: refused where a rule means it.
    Unread(Word<'a>),
}

#[derive(Debug)]
struct Service<'a> {
    place: Word<'a>,
    protocol: Option<u8>,
    source: Option<RangeSet<u16>>,
    destination: Option<RangeSet<u16>>,
}

/// One value, or several in brackets.
pub(super) fn list<'a>(cursor: &mut Cursor<'_, 'a>) -> Result<Vec<Word<'a>>, ParseError> {
    let first = cursor.some("a value")?;
    if !first.is("[") {
        return Ok(vec![first]);
    }
    let mut values = Vec::new();
    loop {
        let word = cursor.some("`]`")?;
        match word.text {
            "]" if !word.is_quoted && !values.is_empty() => return Ok(values),
            "[" | "]" if !word.is_quoted => return Err(word.unknown("a value", "a list is `[ A B ]`")),
            _ => values.push(word),
        }
    }
}

impl<'a> Objects<'a> {
    /// What follows `kind`, as `address NAME ...`.
    pub fn add(&mut self, kind: Word<'a>, is_shared: bool, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        let name = cursor.some("a name")?;
        let family = kind.text.strip_suffix("-group").unwrap_or(kind.text);
        if *self.kinds.entry((family, name.text)).or_insert((kind.text, is_shared)) != (kind.text, is_shared) {
            let what = format!("a second {family} `{}`, of another place or kind", name.text);
            return Err(name.error(what, "leave out the one that is not meant"));
        }
        while !cursor.is_at_end() {
            let keyword = cursor.next();
            match (kind.text, keyword.text) {
                (_, "description" | "tag" | "disable-override" | "uuid") => drop(list(cursor)?),
                ("address", "ip-netmask" | "ip-range" | "fqdn" | "ip-wildcard") => {
                    let word = cursor.some("an address")?;
                    let is_read = keyword.is("ip-netmask") || keyword.is("ip-range");
                    let address = if is_read { Address::Is(inline(word)?) } else { Address::Unread(word) };
                    if self.addresses.insert(name.text, address).is_some() {
                        return Err(name.error(format!("a second address `{}`", name.text), "give each name once"));
                    }
                }
                ("address-group", "static") => self.address_groups.members(name.text).extend(list(cursor)?),
                ("service-group", "members") => self.service_groups.members(name.text).extend(list(cursor)?),
                ("service", "protocol") => self.service(name).protocol(cursor)?,
                _ => {
                    let advice = "addresses are prefixes and ranges, groups are static, services are TCP and UDP ports";
                    return Err(keyword.unknown(&format!("a part of `{}`", kind.text), advice));
                }
            }
        }
        Ok(())
    }

    fn service(&mut self, name: Word<'a>) -> &mut Service<'a> {
        let new = || Service { place: name, protocol: None, source: None, destination: None };
        self.services.entry(name.text).or_insert_with(new)
    }

    /// What a rule means by an address's name.
    pub fn address(&self, name: Word<'_>) -> Result<AddressSet, ParseError> {
        if name.is("any") {
            return Ok(AddressSet::full());
        }
        self.address_groups.leaves(name)?.into_iter().try_fold(AddressSet::empty(), |all, leaf| {
            match self.addresses.get(leaf.text) {
                Some(Address::Is(set)) => Ok(all.union(set)),
                Some(Address::Unread(word)) => {
                    let what = format!("`{}` is used, and is no prefix or range", leaf.text);
                    Err(word.error(what, "what it means changes: write prefixes"))
                }
                None => Ok(all.union(&inline(leaf)?)),
            }
        })
    }

    /// What a rule means by a service's name: the union of these.
    pub fn service_named(&self, name: Word<'_>) -> Result<Vec<L4>, ParseError> {
        match name.text {
            "any" => Ok(vec![L4::Any]),
            "application-default" => {
                Err(name.error("`application-default` depends on the application", "name services, or `any`"))
            }
            _ => self.service_groups.leaves(name)?.into_iter().map(|leaf| self.one_service(leaf)).collect(),
        }
    }

    fn one_service(&self, name: Word<'_>) -> Result<L4, ParseError> {
        if let Some(service) = self.services.get(name.text) {
            return service.l4();
        }
        // Predefined, unless the text defines them.
        let ports: &[u16] = match name.text {
            "service-http" => &[80, 8080],
            "service-https" => &[443],
            _ => return Err(name.error(format!("service `{}` is not in the text", name.text), "add it")),
        };
        let destination = RangeSet::from_ranges(ports.iter().map(|&port| (port, port)));
        Ok(L4::Tcp { source: RangeSet::full(), destination })
    }
}

impl<'a> Service<'a> {
    fn protocol(&mut self, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        let word = cursor.some("a protocol")?;
        let number = match word.text {
            "tcp" => 6,
            "udp" => 17,
            _ => return Err(word.unknown("`tcp` or `udp`", "a service is one of them")),
        };
        if self.protocol.is_some_and(|before| before != number) {
            return Err(word.error("a service of two protocols", "use two services and a group"));
        }
        self.protocol = Some(number);
        while !cursor.is_at_end() {
            let keyword = cursor.peek();
            let (field, value) = match keyword.text {
                "port" => (&mut self.destination, cursor.next()),
                "source-port" => (&mut self.source, cursor.next()),
                // Timeouts of its own: none.
                "override" => {
                    cursor.next();
                    cursor.expect("no")?;
                    continue;
                }
                _ => return Ok(()),
            };
            let word = cursor.some("ports")?;
            let ports = ports(word.text).ok_or_else(|| word.unknown("ports", "write them as `80,443,1000-2000`"))?;
            if field.replace(ports).is_some() {
                return Err(value.error(format!("a second `{}`", value.text), "separate ports by commas"));
            }
        }
        Ok(())
    }

    fn l4(&self) -> Result<L4, ParseError> {
        let source = self.source.clone().unwrap_or(RangeSet::full());
        let l4 = self.protocol.zip(self.destination.clone()).and_then(|(protocol, to)| ports_of(protocol, source, to));
        l4.ok_or_else(|| self.place.error(format!("service `{}` has no protocol or no port", self.place.text), "complete it"))
    }
}

/// `80,443,1000-2000`.
fn ports(text: &str) -> Option<RangeSet<u16>> {
    let ranges: Option<Vec<(u16, u16)>> = text.split(',').map(range).collect();
    ranges.map(RangeSet::from_ranges)
}

/// A prefix or a range that stands where a name could.
fn inline(word: Word<'_>) -> Result<AddressSet, ParseError> {
    let set =
        prefix(word.text).map(AddressSet::from).or_else(|| word.text.split_once('-').and_then(|(a, b)| address_range(a, b)));
    let advice =
        "it is no object of the text; write addresses as 10.0.0.0/8 without host bits, or as a range; names are not asked";
    set.ok_or_else(|| word.unknown("an address", advice))
}
