//! One filter rule as the selectors that together select what it matches.

use enforcer_packetset::{AddressSet, Effect, FlagSet, L4, PortSet, RangeSet, Selector, Verdict};

use super::hosts::{Tables, hosts};
use crate::device_zones::DeviceZones;
use crate::reading::{Cursor, Word, digits, of_family, ports_of};
use crate::services;
use crate::target::ParseError;

/// In which direction through an interface a rule is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Both,
    In,
    Out,
}

#[derive(Debug)]
pub(super) struct Rule<'a> {
    pub place: Word<'a>,
    pub direction: Direction,
    pub is_quick: bool,
    pub effect: Effect,
    pub selectors: Vec<Selector>,
    /// Who is behind the interfaces that it is for.
    pub behind: AddressSet,
    pub is_for_interface: bool,
}

type TypeWithCodes = (u8, RangeSet<u8>);

/// The parts of a rule that are put together at its end.
#[derive(Debug, Default)]
struct Parts<'a> {
    protocols: Vec<u8>,
    source: Option<AddressSet>,
    destination: Option<AddressSet>,
    source_port: Option<(Word<'a>, PortSet)>,
    destination_port: Option<(Word<'a>, PortSet)>,
    /// With the protocol that they are of.
    types: Option<(Word<'a>, u8, Vec<TypeWithCodes>)>,
    flags: Option<(Word<'a>, FlagSet)>,
}

/// The verb is taken.
pub(super) fn rule<'a>(
    verb: Word<'a>,
    cursor: &mut Cursor<'_, 'a>,
    tables: &Tables<'a>,
    zones: &DeviceZones,
) -> Result<Rule<'a>, ParseError> {
    let verdict = if verb.is("pass") { Verdict::Allow } else { Verdict::Deny };
    if verdict == Verdict::Deny && cursor.take("return-icmp6") | cursor.take("return-icmp") | cursor.take("return-rst") {
        skip_parentheses(cursor)?;
    } else if verdict == Verdict::Deny && !cursor.take("drop") {
        cursor.take("return");
    }
    let direction = if cursor.take("in") {
        Direction::In
    } else if cursor.take("out") {
        Direction::Out
    } else {
        Direction::Both
    };
    let is_quick = cursor.take("quick");
    let log = cursor.take("log");
    if log && cursor.peek().is("(") {
        return Err(cursor.peek().error("options of `log`", "with `all` packets of a state are logged too: leave them out"));
    }
    let is_quick = is_quick || cursor.take("quick");
    let is_for_interface = cursor.take("on");
    let behind = if is_for_interface { interfaces(cursor, zones)? } else { AddressSet::full() };
    // Where answers go is not whether they pass.
    if cursor.take("reply-to") && !skip_parentheses(cursor)? {
        cursor.some("an interface")?;
    }
    let family = if cursor.take("inet") { Some(false) } else { cursor.take("inet6").then_some(true) };
    let mut parts = Parts::default();
    if cursor.take("proto") {
        parts.protocols = list(cursor, |cursor| {
            let word = cursor.some("a protocol")?;
            protocol(word.text).ok_or_else(|| word.unknown("a protocol", "write its number"))
        })?;
    }
    if !cursor.take("all") {
        if cursor.take("from") {
            parts.source = Some(hosts(cursor, tables)?);
            parts.source_port = ports(cursor)?;
        }
        if cursor.take("to") {
            parts.destination = Some(hosts(cursor, tables)?);
            parts.destination_port = ports(cursor)?;
        }
    }
    options(&mut parts, cursor, verdict, family)?;
    let selectors = parts.selectors(verb, verdict, family)?;
    let effect = Effect { verdict: Some(verdict), log };
    Ok(Rule { place: verb, direction, is_quick, effect, selectors, behind, is_for_interface })
}

/// What stands behind `on`. Nothing that passes through comes in or leaves at the loopback.
fn interfaces(cursor: &mut Cursor<'_, '_>, zones: &DeviceZones) -> Result<AddressSet, ParseError> {
    let sets = list(cursor, |cursor| {
        let negates = cursor.take("!");
        let name = cursor.some("an interface")?;
        let set = match name.text {
            "lo" | "lo0" => AddressSet::empty(),
            _ if zones.is_empty() => {
                let advice =
                    "an interface is nothing that a packet carries: say what is behind each in `device_zones` of the point";
                return Err(name.error("a rule for one interface", advice));
            }
            _ => zones.find(name)?.clone(),
        };
        Ok(if negates { AddressSet::full().difference(&set) } else { set })
    })?;
    // Each is a rule of its own.
    Ok(sets.iter().fold(AddressSet::empty(), |all, set| all.union(set)))
}

/// Whether there were some.
fn skip_parentheses(cursor: &mut Cursor<'_, '_>) -> Result<bool, ParseError> {
    let is_there = cursor.take("(");
    if is_there {
        while !cursor.take(")") {
            cursor.some("`)`")?;
        }
    }
    Ok(is_there)
}

fn options<'a>(
    parts: &mut Parts<'a>,
    cursor: &mut Cursor<'_, 'a>,
    verdict: Verdict,
    family: Option<bool>,
) -> Result<(), ParseError> {
    while !cursor.is_at_end() {
        let word = cursor.next();
        match (word.text, verdict) {
            ("flags", _) if parts.flags.is_none() => parts.flags = Some((word, flags(cursor)?)),
            ("icmp-type" | "icmp6-type", _) if parts.types.is_none() => {
                let (protocol, is_ipv6) = if word.is("icmp-type") { (1, false) } else { (58, true) };
                if family != Some(is_ipv6) {
                    return Err(word.error("an ICMP type without its address family", "write `inet` or `inet6`"));
                }
                parts.types = Some((word, protocol, list(cursor, |cursor| icmp_type(cursor, is_ipv6))?));
            }
            // They differ in what they do to sequence numbers.
            ("keep" | "modulate", Verdict::Allow) => {
                cursor.expect("state")?;
                if cursor.peek().is("(") {
                    return Err(cursor
                        .peek()
                        .error("options of a state", "limits and timers decide on more than packets: leave them out"));
                }
            }
            // `tag` alone changes nothing; rules that ask for it are refused.
            ("label" | "ridentifier" | "tracker" | "tag", _) => drop(cursor.some("a value")?),
            // Of packets with IP options, which nothing here speaks of.
            ("allow-opts", _) => {}
            _ => {
                let advice = "rules have addresses, ports, flags, ICMP types, `keep state` and `label`";
                return Err(word.unknown("an option of a rule", advice));
            }
        }
    }
    Ok(())
}

/// One element, or several in braces.
fn list<'a, T>(
    cursor: &mut Cursor<'_, 'a>,
    element: impl Fn(&mut Cursor<'_, 'a>) -> Result<T, ParseError>,
) -> Result<Vec<T>, ParseError> {
    let place = cursor.peek();
    if !cursor.take("{") {
        return Ok(vec![element(cursor)?]);
    }
    let mut all = Vec::new();
    while !cursor.take("}") {
        all.push(element(cursor)?);
        cursor.take(",");
    }
    if all.is_empty() { Err(place.error("an empty list", "leave the rule out")) } else { Ok(all) }
}

fn ports<'a>(cursor: &mut Cursor<'_, 'a>) -> Result<Option<(Word<'a>, PortSet)>, ParseError> {
    let place = cursor.peek();
    if !cursor.take("port") {
        return Ok(None);
    }
    let sets = list(cursor, port_set)?;
    let set = sets.iter().fold(PortSet::empty(), |all, set| all.union(set));
    if set.is_empty() {
        return Err(place.error("ports that no packet has", "leave the rule out"));
    }
    Ok(Some((place, set)))
}

/// `80`, `80:90`, `= 80`, `!= 80`, `< 80`, `<= 80`, `> 80`, `>= 80`, `80 >< 90`, `80 <> 90`.
fn port_set(cursor: &mut Cursor<'_, '_>) -> Result<PortSet, ParseError> {
    let signs: String = std::iter::from_fn(|| sign(cursor)).collect();
    let word = cursor.some("a port")?;
    let unknown = || word.unknown("a port", "write its number");
    if signs.is_empty()
        && let Some((first, last)) = word.text.split_once(':')
    {
        let (first, last) = (port(first).ok_or_else(unknown)?, port(last).ok_or_else(unknown)?);
        if first > last {
            return Err(word.error("a descending port range", "write the lower port first"));
        }
        return Ok(RangeSet::range(first, last));
    }
    let first = port(word.text).ok_or_else(unknown)?;
    let below = |port: u16| port.checked_sub(1).map_or(RangeSet::empty(), |last| RangeSet::range(0, last));
    let above = |port: u16| port.checked_add(1).map_or(RangeSet::empty(), |first| RangeSet::range(first, u16::MAX));
    Ok(match signs.as_str() {
        "" if cursor.peek().is("<") || cursor.peek().is(">") => {
            let between: String = std::iter::from_fn(|| sign(cursor)).collect();
            let last = cursor.some("a port")?;
            let last = port(last.text).ok_or_else(|| last.unknown("a port", "write its number"))?;
            match between.as_str() {
                // Both without their ends.
                "><" => above(first).intersection(&below(last)),
                "<>" => below(first).union(&above(last)),
                _ => return Err(word.error("a comparison of ports that is not understood", "write `80:90`")),
            }
        }
        "" | "=" => RangeSet::of(first),
        "!=" => RangeSet::of(first).complement(),
        "<" => below(first),
        "<=" => RangeSet::range(0, first),
        ">" => above(first),
        ">=" => RangeSet::range(first, u16::MAX),
        _ => return Err(word.error(format!("`{signs}` is not understood as a comparison"), "write `80:90`")),
    })
}

fn sign<'a>(cursor: &mut Cursor<'_, 'a>) -> Option<&'a str> {
    let word = cursor.peek();
    ["<", ">", "=", "!"].iter().any(|sign| word.is(sign)).then(|| cursor.next().text)
}

fn icmp_type(cursor: &mut Cursor<'_, '_>, is_ipv6: bool) -> Result<TypeWithCodes, ParseError> {
    let word = cursor.some("a type")?;
    let kind = super::icmp::kind(word.text, is_ipv6).or_else(|| digits(word.text));
    let kind = kind.ok_or_else(|| word.unknown("an ICMP type", "write its number"))?;
    if !cursor.take("code") {
        return Ok((kind, RangeSet::full()));
    }
    let word = cursor.some("a code")?;
    let code = digits(word.text).ok_or_else(|| word.unknown("an ICMP code", "write its number"))?;
    Ok((kind, RangeSet::of(code)))
}

/// `any`, or set bits, `/`, asked bits.
fn flags(cursor: &mut Cursor<'_, '_>) -> Result<FlagSet, ParseError> {
    let word = cursor.some("flags")?;
    if word.is("any") {
        return Ok(FlagSet::full());
    }
    let unknown = || word.unknown("flags", "write them as `S/SA`, or `any`");
    let (value, mask) = word.text.split_once('/').ok_or_else(unknown)?;
    let bits = |letters: &str| {
        letters.chars().try_fold(0u8, |bits, letter| Some(bits | 1 << "FSRPAUEW".find(letter)?)).ok_or_else(unknown)
    };
    let (value, mask) = (bits(value)?, bits(mask)?);
    let set = FlagSet::masked(value, mask);
    if set.is_empty() || set.is_full() {
        return Err(unknown());
    }
    Ok(set)
}

impl Parts<'_> {
    fn selectors(&self, verb: Word<'_>, verdict: Verdict, family: Option<bool>) -> Result<Vec<Selector>, ParseError> {
        let within = |set: &Option<AddressSet>| {
            let set = set.clone().unwrap_or(AddressSet::full());
            family.map_or(set.clone(), |is_ipv6| set.intersection(&of_family(is_ipv6)))
        };
        let (source, destination) = (within(&self.source), within(&self.destination));
        let has_version = |v6: bool| {
            if v6 {
                !source.v6.is_empty() && !destination.v6.is_empty()
            } else {
                !source.v4.is_empty() && !destination.v4.is_empty()
            }
        };
        if !has_version(false) && !has_version(true) {
            return Err(verb.error("a rule whose addresses are of two families", "keep the families apart"));
        }
        let mut selectors = Vec::new();
        for l4 in self.l4s()? {
            // The opening packet of TCP, where a `pass` says nothing.
            let default = if verdict == Verdict::Allow {
                FlagSet::masked(FlagSet::SYN, FlagSet::SYN | FlagSet::ACK)
            } else {
                FlagSet::full()
            };
            let flags = self.flags.map_or(default, |(_, flags)| flags);
            let selector = |l4: L4, flags| Selector {
                source: source.clone(),
                destination: destination.clone(),
                l4,
                flags,
                ..Selector::any()
            };
            match l4 {
                _ if flags.is_full() => selectors.push(selector(l4, flags)),
                L4::Protocol(6) | L4::Tcp { .. } => selectors.push(selector(l4, flags)),
                // Only TCP has flags; other protocols match whatever is asked of them.
                L4::Any => {
                    let others =
                        (0..=u8::MAX).filter(|number| *number != 6).map(|number| selector(L4::Protocol(number), FlagSet::full()));
                    selectors.push(selector(L4::Protocol(6), flags));
                    selectors.extend(others);
                }
                _ => match self.flags {
                    Some((word, _)) => return Err(word.error("flags of a protocol other than TCP", "write `proto tcp`")),
                    None => selectors.push(selector(l4, FlagSet::full())),
                },
            }
        }
        Ok(selectors)
    }

    fn l4s(&self) -> Result<Vec<L4>, ParseError> {
        if let Some((word, protocol, types)) = &self.types {
            if self.protocols != [*protocol] || self.source_port.is_some() || self.destination_port.is_some() {
                return Err(word.error("ICMP types without their protocol alone", "write `proto icmp` or `proto icmp6`"));
            }
            let l4 = |(kind, codes): &TypeWithCodes| {
                let (types, codes) = (RangeSet::of(*kind), codes.clone());
                if *protocol == 1 { L4::Icmp { types, codes } } else { L4::Icmp6 { types, codes } }
            };
            return Ok(types.iter().map(l4).collect());
        }
        let ports = self.source_port.as_ref().or(self.destination_port.as_ref());
        let Some((word, _)) = ports else {
            return Ok(if self.protocols.is_empty() {
                vec![L4::Any]
            } else {
                self.protocols.iter().map(|&n| L4::Protocol(n)).collect()
            });
        };
        let set = |ports: &Option<(Word<'_>, PortSet)>| ports.as_ref().map_or(PortSet::full(), |(_, set)| set.clone());
        let (source, destination) = (set(&self.source_port), set(&self.destination_port));
        if self.protocols.is_empty() || self.protocols.iter().any(|protocol| ![6, 17].contains(protocol)) {
            return Err(word.error("ports without `tcp` or `udp`", "write `proto tcp`, `proto udp` or both, and nothing else"));
        }
        Ok(self.protocols.iter().filter_map(|&protocol| ports_of(protocol, source.clone(), destination.clone())).collect())
    }
}

fn protocol(name: &str) -> Option<u8> {
    Some(match name {
        "icmp" => 1,
        "igmp" => 2,
        "tcp" => 6,
        "udp" => 17,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "icmp6" | "ipv6-icmp" => 58,
        "ospf" => 89,
        "pim" => 103,
        "carp" | "vrrp" => 112,
        "sctp" => 132,
        // 0 is every protocol.
        _ => return digits(name).filter(|&number| number != 0),
    })
}

/// Names of /etc/services that `pfctl -sr` shows: those that every system has, and some of BSD's.
fn port(name: &str) -> Option<u16> {
    services::port(name).or_else(|| match name {
        "www" => Some(80),
        "imap" => Some(143),
        "snmptrap" => Some(162),
        _ => digits(name),
    })
}
