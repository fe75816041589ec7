//! The conditions of a term as the selectors that together select what the term matches.

use std::collections::BTreeMap;
use std::str::FromStr;

use enforcer_packetset::{AddressSet, FlagSet, L4, Number, Prefix, RangeSet, Selector};

use super::{flags, names};
use crate::reading::{Cursor, Word, digits, of_family, ports_of, prefix, range};
use crate::target::ParseError;

/// Prefix lists by name.
pub(super) type PrefixLists<'a> = BTreeMap<&'a str, PrefixList>;

#[derive(Debug, Default)]
pub(super) struct PrefixList {
    pub entries: Vec<Prefix>,
    /// The first entry that is not understood; of no matter unless a term names the list.
    pub broken: Option<ParseError>,
}

/// Conditions, gathered statement by statement.
#[derive(Clone, Debug, Default)]
pub(super) struct From<'a> {
    source: Vec<Entry<'a>>,
    destination: Vec<Entry<'a>>,
    either: Vec<Entry<'a>>,
    protocol: Option<Field<'a, u8>>,
    source_port: Option<Field<'a, u16>>,
    destination_port: Option<Field<'a, u16>>,
    either_port: Option<Field<'a, u16>>,
    icmp_type: Option<Field<'a, u8>>,
    icmp_code: Option<Field<'a, u8>>,
    flags: Option<(Word<'a>, FlagSet)>,
    /// `next-header` was asked instead of `payload-protocol`.
    pub asks_first_header: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    word: Word<'a>,
    /// A list's name, else a prefix.
    is_list: bool,
    is_except: bool,
}

/// Values, or with `-except` everything else.
#[derive(Clone, Debug)]
struct Field<'a, T: 'static> {
    word: Word<'a>,
    is_except: bool,
    set: RangeSet<T>,
}

impl<'a> From<'a> {
    pub fn add(&mut self, cursor: &mut Cursor<'_, 'a>, is_ipv6: bool) -> Result<(), ParseError> {
        let keyword = cursor.some("a condition")?;
        let (name, is_except) = keyword.text.strip_suffix("-except").map_or((keyword.text, false), |name| (name, true));
        match (name, is_ipv6) {
            ("source-address" | "source-prefix-list", _) if !is_except => entry(&mut self.source, cursor, keyword)?,
            ("destination-address" | "destination-prefix-list", _) if !is_except => {
                entry(&mut self.destination, cursor, keyword)?;
            }
            ("address" | "prefix-list", _) if !is_except => entry(&mut self.either, cursor, keyword)?,
            ("protocol", false) | ("payload-protocol" | "next-header", true) => {
                self.asks_first_header |= name == "next-header";
                field(&mut self.protocol, cursor, keyword, is_except, names::protocol)?;
            }
            ("source-port", _) => field(&mut self.source_port, cursor, keyword, is_except, names::port)?,
            ("destination-port", _) => field(&mut self.destination_port, cursor, keyword, is_except, names::port)?,
            ("port", _) => field(&mut self.either_port, cursor, keyword, is_except, names::port)?,
            ("icmp-type", _) => {
                field(&mut self.icmp_type, cursor, keyword, is_except, |name| names::icmp_type(name, is_ipv6))?;
            }
            ("icmp-code", _) => field(&mut self.icmp_code, cursor, keyword, is_except, |_| None)?,
            ("tcp-established" | "tcp-initial" | "tcp-flags", _) if !is_except => {
                let set = match name {
                    "tcp-established" => FlagSet::ack_or_rst(),
                    "tcp-initial" => FlagSet::masked(FlagSet::SYN, FlagSet::SYN | FlagSet::ACK),
                    _ => flags::read(cursor.some("TCP flags")?)?,
                };
                if self.flags.replace((keyword, set)).is_some() {
                    return Err(keyword.error("a second condition on TCP flags", "say them in one"));
                }
            }
            _ => {
                let advice =
                    "packets are matched by address, protocol, ports, ICMP and TCP flags; `inet6` asks `payload-protocol`";
                return Err(keyword.unknown("a condition", advice));
            }
        }
        cursor.end()
    }

    /// The union of these is what the term matches. Never empty.
    pub fn selectors(&self, lists: &PrefixLists<'_>, is_ipv6: bool) -> Result<Vec<Selector>, ParseError> {
        if let (Some(either), true) = (self.either.first(), !self.source.is_empty() || !self.destination.is_empty()) {
            return Err(either.word.error("`address` beside an address of one side", "the device refuses it: keep one"));
        }
        let full = of_family(is_ipv6);
        let addresses = |entries: &[Entry<'_>]| resolve(entries, lists, is_ipv6);
        let (source, destination, either) = (addresses(&self.source)?, addresses(&self.destination)?, addresses(&self.either)?);
        let pairs = match either {
            Some(set) => vec![(set.clone(), full.clone()), (full, set)],
            None => vec![(source.unwrap_or_else(|| full.clone()), destination.unwrap_or(full))],
        };
        let mut selectors = Vec::new();
        for (source, destination) in pairs {
            for l4 in self.l4s(is_ipv6)? {
                let flags = self.flags(&l4)?;
                let (source, destination) = (source.clone(), destination.clone());
                selectors.push(Selector { source, destination, l4, flags, ..Selector::any() });
            }
        }
        Ok(selectors)
    }

    fn flags(&self, l4: &L4) -> Result<FlagSet, ParseError> {
        match (&self.flags, l4) {
            (None, _) => Ok(FlagSet::full()),
            (Some((_, set)), L4::Protocol(6) | L4::Tcp { .. }) => Ok(*set),
            (Some((word, _)), _) => {
                let advice = "the device looks for flags in packets of any protocol: ask for `tcp`, and nothing else";
                Err(word.error("TCP flags without the protocol", advice))
            }
        }
    }

    fn l4s(&self, is_ipv6: bool) -> Result<Vec<L4>, ParseError> {
        let protocols: Option<Vec<u8>> = match &self.protocol {
            None => None,
            Some(field) => Some(field.values()?.ranges().iter().flat_map(|&(first, last)| first..=last).collect()),
        };
        let ports = [&self.source_port, &self.destination_port, &self.either_port].into_iter().flatten().next();
        let icmp = [&self.icmp_type, &self.icmp_code].into_iter().flatten().next();
        match (ports, icmp, protocols) {
            (None, None, None) => Ok(vec![L4::Any]),
            (None, None, Some(protocols)) => Ok(protocols.into_iter().map(L4::Protocol).collect()),
            (Some(ports), None, Some(protocols)) if protocols.iter().all(|protocol| [6, 17].contains(protocol)) => {
                self.ports(ports.word, &protocols)
            }
            (Some(ports), _, _) => {
                let advice =
                    "the device looks for ports in packets of any protocol: ask for `tcp`, `udp` or both, and nothing else";
                Err(ports.word.error("ports without a protocol that has them", advice))
            }
            (None, Some(_), Some(protocols)) if protocols == [if is_ipv6 { 58 } else { 1 }] => {
                let (types, codes) = (whole(&self.icmp_type)?, whole(&self.icmp_code)?);
                Ok(vec![if is_ipv6 { L4::Icmp6 { types, codes } } else { L4::Icmp { types, codes } }])
            }
            (None, Some(icmp), _) => {
                let advice = "the device looks for types in packets of any protocol: ask for `icmp`, in `inet6` for `icmp6`";
                Err(icmp.word.error("ICMP types or codes without the protocol", advice))
            }
        }
    }

    fn ports(&self, place: Word<'_>, protocols: &[u8]) -> Result<Vec<L4>, ParseError> {
        let pairs = match &self.either_port {
            Some(either) if self.source_port.is_some() || self.destination_port.is_some() => {
                return Err(either.word.error("`port` beside a port of one side", "the device refuses it: keep one"));
            }
            Some(either) => {
                let set = either.values()?;
                // Except means that neither side is in the set; without it one side suffices.
                if either.is_except {
                    vec![(set.clone(), set)]
                } else {
                    vec![(set.clone(), RangeSet::full()), (RangeSet::full(), set)]
                }
            }
            None => vec![(whole(&self.source_port)?, whole(&self.destination_port)?)],
        };
        let advice = "ask for `tcp` or `udp`";
        let l4 = |protocol: u8, (source, destination): &(RangeSet<u16>, RangeSet<u16>)| {
            ports_of(protocol, source.clone(), destination.clone()).ok_or_else(|| place.error("ports", advice))
        };
        protocols.iter().flat_map(|&protocol| pairs.iter().map(move |pair| l4(protocol, pair))).collect()
    }
}

fn entry<'a>(entries: &mut Vec<Entry<'a>>, cursor: &mut Cursor<'_, 'a>, keyword: Word<'a>) -> Result<(), ParseError> {
    let word = cursor.some("an address or a list")?;
    let is_except = cursor.take("except");
    entries.push(Entry { word, is_list: keyword.text.ends_with("prefix-list"), is_except });
    Ok(())
}

fn field<'a, T: Number + FromStr>(
    field: &mut Option<Field<'a, T>>,
    cursor: &mut Cursor<'_, 'a>,
    keyword: Word<'a>,
    is_except: bool,
    by_name: impl Fn(&str) -> Option<T>,
) -> Result<(), ParseError> {
    let word = cursor.some("a value")?;
    let value = range(word.text).or_else(|| by_name(word.text).map(|value| (value, value)));
    let (first, last) = value.ok_or_else(|| word.unknown(&format!("a value of `{}`", keyword.text), "write its number"))?;
    let values = RangeSet::range(first, last);
    match field {
        Some(before) if before.is_except == is_except => before.set = before.set.union(&values),
        Some(_) => return Err(keyword.error("a condition with and without `except`", "the device refuses it: keep one")),
        None => *field = Some(Field { word: keyword, is_except, set: values }),
    }
    Ok(())
}

impl<T: Number> Field<'_, T> {
    fn values(&self) -> Result<RangeSet<T>, ParseError> {
        let set = if self.is_except { self.set.complement() } else { self.set.clone() };
        if set.is_empty() {
            return Err(self.word.error("a condition that no packet meets", "leave the term out"));
        }
        Ok(set)
    }
}

fn whole<T: Number>(field: &Option<Field<'_, T>>) -> Result<RangeSet<T>, ParseError> {
    field.as_ref().map_or_else(|| Ok(RangeSet::full()), Field::values)
}

/// The longest prefix that contains an address decides. None where nothing is asked.
fn resolve(entries: &[Entry<'_>], lists: &PrefixLists<'_>, is_ipv6: bool) -> Result<Option<AddressSet>, ParseError> {
    let Some(first) = entries.first() else { return Ok(None) };
    let mut by_length: BTreeMap<u8, [Vec<Prefix>; 2]> = BTreeMap::new();
    let mut add = |place: Word<'_>, prefix: Prefix, is_except: bool| {
        if prefix.network().is_ipv6() != is_ipv6 {
            return Err(place.error(format!("`{prefix}` in a filter of the other family"), "keep the families apart"));
        }
        let sides = by_length.entry(prefix.length()).or_default();
        let [other, same] = if is_except { [0, 1] } else { [1, 0] };
        if sides.get(other).is_some_and(|side| side.contains(&prefix)) {
            return Err(place.error(format!("`{prefix}` with and without `except`"), "keep one"));
        }
        if let Some(side) = sides.get_mut(same) {
            side.push(prefix);
        }
        Ok(())
    };
    for entry in entries {
        if entry.is_list {
            let unknown = || entry.word.error(format!("prefix list `{}` is not in the text", entry.word.text), "add it");
            let list = lists.get(entry.word.text).filter(|list| !list.entries.is_empty() || list.broken.is_some());
            let list = list.ok_or_else(unknown)?;
            if let Some(error) = &list.broken {
                return Err(error.clone());
            }
            for &prefix in &list.entries {
                add(entry.word, prefix, entry.is_except)?;
            }
        } else {
            let advice = "write it as 10.0.0.0/8 or 2001:db8::/32, without host bits";
            let prefix = prefix(entry.word.text).ok_or_else(|| entry.word.unknown("a prefix", advice))?;
            add(entry.word, prefix, entry.is_except)?;
        }
    }
    let mut set = AddressSet::empty();
    for [matched, excepted] in by_length.into_values() {
        set = set.union(&matched.into_iter().collect()).difference(&excepted.into_iter().collect());
    }
    if set.is_empty() {
        let advice = "what no prefix of the list contains does not match: add what the exceptions are of";
        return Err(first.word.error("a list of prefixes that no address meets", advice));
    }
    Ok(Some(set))
}

/// A prefix list's entry; None when the word is none.
pub(super) fn list_entry(word: Word<'_>) -> Option<Prefix> {
    // A bare number is no address, whatever the device would make of it.
    if digits::<u32>(word.text).is_some() { None } else { prefix(word.text) }
}
