//! What is between the braces of `match` and `then`, for the parser: the packets that a flow route is about, and what becomes of them.

use std::net::IpAddr;

use enforcer_packetset::{AddressSet, Effect, Prefix, RangeSet, Selector, Verdict};

use super::order::{Component, Components, DESTINATION, SOURCE};
use super::terms::{Kind, flags, numbers};
use crate::conjunction::{Conjunction, restrict};
use crate::reading::{Cursor, Word};
use crate::target::ParseError;

const PROTOCOL: u8 = 3;
const PORT: u8 = 4;
const DESTINATION_PORT: u8 = 5;
const SOURCE_PORT: u8 = 6;
const ICMP_TYPE: u8 = 7;
const ICMP_CODE: u8 = 8;
const TCP_FLAGS: u8 = 9;

/// ExaBGP's names; its `ipip` is 94, not 4.
const PROTOCOLS: &[(&str, u16)] = &[
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("egp", 8),
    ("udp", 17),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ospf", 89),
    ("ipip", 94),
    ("pim", 103),
    ("sctp", 132),
];
/// Of thousands, those that rules are written with.
const PORTS: &[(&str, u16)] = &[
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("domain", 53),
    ("tftp", 69),
    ("http", 80),
    ("sunrpc", 111),
    ("ntp", 123),
    ("snmp", 161),
    ("snmptrap", 162),
    ("bgp", 179),
    ("ldap", 389),
    ("https", 443),
    ("microsoft-ds", 445),
];
/// Of ICMP over IPv4; ExaBGP has none of ICMPv6 and takes these there too, so they are refused there.
const TYPES: &[(&str, u16)] = &[
    ("echo-reply", 0),
    ("unreachable", 3),
    ("redirect", 5),
    ("echo-request", 8),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp", 13),
    ("timestamp-reply", 14),
];
/// RFC 8200 4: what is no upper-layer protocol over IPv6.
const EXTENSION_HEADERS: [u8; 9] = [0, 43, 44, 50, 51, 60, 135, 139, 140];

/// A flow route as it is read, statement by statement.
#[derive(Clone, Debug)]
pub(super) struct Flow<'a> {
    pub(super) name: Word<'a>,
    pub(super) components: Components,
    values: Values<'a>,
    verdict: Option<Verdict>,
    is_sampled: bool,
    /// The router goes on with the next specification.
    goes_on: bool,
}

#[derive(Clone, Debug, Default)]
struct Values<'a> {
    prefix: [Option<Prefix>; 2],
    protocols: Option<(RangeSet<u16>, Word<'a>)>,
    ports: Option<RangeSet<u16>>,
    destination_ports: Option<RangeSet<u16>>,
    source_ports: Option<RangeSet<u16>>,
    types: Option<RangeSet<u16>>,
    codes: Option<RangeSet<u16>>,
    flags: Option<enforcer_packetset::FlagSet>,
    /// A word that means IPv6, or IPv4 only.
    next_header: Option<Word<'a>>,
    icmp_name: Option<Word<'a>>,
}

impl<'a> Flow<'a> {
    pub(super) fn new(name: Word<'a>) -> Self {
        Self { name, components: Components::new(), values: Values::default(), verdict: None, is_sampled: false, goes_on: false }
    }

    pub(super) fn is_ipv6(&self) -> bool {
        self.values.prefix.iter().flatten().any(|prefix| prefix.network().is_ipv6())
    }

    /// One statement of `match`.
    pub(super) fn read_match(&mut self, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        let word = cursor.some("a component")?;
        let byte = |meaning, names| Kind { meaning, largest: 255, names };
        let port = |meaning| Kind { meaning, largest: u16::MAX, names: PORTS };
        let values = &mut self.values;
        let (kind, component) = match word.text {
            "destination" | "destination-ipv4" | "destination-ipv6" => {
                (DESTINATION, prefix(cursor, word, &mut values.prefix, 0)?)
            }
            "source" | "source-ipv4" | "source-ipv6" => (SOURCE, prefix(cursor, word, &mut values.prefix, 1)?),
            "protocol" | "next-header" => {
                let (set, component) = numbers(cursor, byte("a protocol", PROTOCOLS))?;
                values.protocols = Some((set, word));
                values.next_header = (word.text == "next-header").then_some(word);
                (PROTOCOL, component)
            }
            "port" => (PORT, keep(&mut values.ports, numbers(cursor, port("a port"))?)),
            "destination-port" => (DESTINATION_PORT, keep(&mut values.destination_ports, numbers(cursor, port("a port"))?)),
            "source-port" => (SOURCE_PORT, keep(&mut values.source_ports, numbers(cursor, port("a port"))?)),
            "icmp-type" => {
                let is_named = cursor.rest().iter().any(|word| word.text.contains(|c: char| c.is_ascii_lowercase() && c != 'x'));
                values.icmp_name = is_named.then_some(word);
                (ICMP_TYPE, keep(&mut values.types, numbers(cursor, byte("an ICMP type", TYPES))?))
            }
            "icmp-code" => (ICMP_CODE, keep(&mut values.codes, numbers(cursor, byte("an ICMP code", &[]))?)),
            "tcp-flags" => (TCP_FLAGS, keep(&mut values.flags, flags(cursor)?)),
            "fragment" | "packet-length" | "dscp" | "traffic-class" | "flow-label" => {
                let advice =
                    "rules of a policy are about addresses, protocols, ports, ICMP types and TCP flags; take the route out";
                return Err(word.error(format!("`{}` splits packets that a policy does not tell apart", word.text), advice));
            }
            _ => return Err(word.unknown("a component", "write source, destination, protocol, ports, ICMP types or TCP flags")),
        };
        if self.components.insert(kind, component).is_some() {
            let advice = "write all its values in one list";
            return Err(word.error(format!("a second `{}` in one route", word.text), advice));
        }
        cursor.end()
    }

    /// One statement of `then`.
    pub(super) fn read_action(&mut self, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        let word = cursor.some("an action")?;
        match word.text {
            "accept" => self.decide(word, Verdict::Allow)?,
            "discard" => self.decide(word, Verdict::Deny)?,
            "rate-limit" => {
                let rate = cursor.some("a rate")?;
                if rate.text != "0" {
                    let advice = "only `rate-limit 0`, or `discard`, stops every packet";
                    return Err(rate.error("a rate limit lets some of the packets through", advice));
                }
                self.decide(word, Verdict::Deny)?;
            }
            "action" => {
                let which = cursor.some("an action")?;
                (self.is_sampled, self.goes_on) = match which.text {
                    "sample" => (true, false),
                    "terminal" => (false, true),
                    "sample-terminal" => (true, true),
                    _ => return Err(which.unknown("an action", "write `sample`, `terminal` or `sample-terminal`")),
                };
            }
            _ => return Err(word.unknown("an action on packets", "write `accept`, `discard` or `action`")),
        }
        cursor.end()
    }

    fn decide(&mut self, word: Word<'a>, verdict: Verdict) -> Result<(), ParseError> {
        match self.verdict.replace(verdict) {
            None => Ok(()),
            Some(_) => Err(word.error("a second decision on the same packets", "leave one of them")),
        }
    }

    pub(super) const fn has_action(&self) -> bool {
        self.verdict.is_some() || self.is_sampled || self.goes_on
    }

    /// RFC 8955 7: what no action says is accepted.
    pub(super) fn effect(&self) -> Effect {
        let verdict = match self.verdict {
            Some(Verdict::Deny) => Some(Verdict::Deny),
            // The bit called terminal means that what follows is asked too (RFC 8955 7.3).
            _ if self.goes_on => None,
            _ => Some(Verdict::Allow),
        };
        Effect { verdict, log: self.is_sampled }
    }

    /// The selectors whose union is what the route is about.
    pub(super) fn selectors(&self) -> Result<Vec<Selector>, ParseError> {
        let Self { name, values, .. } = self;
        if self.components.is_empty() {
            return Err(name.error("a route about nothing", "write a `destination` at least"));
        }
        let is_ipv6 = self.is_ipv6();
        if let Some(word) = values.next_header.filter(|_| !is_ipv6) {
            let advice = "add `destination ::/0`, or write `protocol`";
            return Err(word.error("`next-header` without an IPv6 prefix, which ExaBGP announces for IPv4", advice));
        }
        if let Some(word) = values.icmp_name.filter(|_| is_ipv6) {
            return Err(word.error("names of ICMP types mean the numbers of IPv4", "write the number of the ICMPv6 type"));
        }
        let mut all = Conjunction::all(!is_ipv6, is_ipv6);
        let [destination, source] = values.prefix.map(|prefix| prefix.map_or_else(AddressSet::full, AddressSet::from));
        (all.destination, all.source) = (destination, source);
        if let Some((set, word)) = &values.protocols {
            let protocols = bytes(set);
            let known = EXTENSION_HEADERS.iter().filter(|number| protocols.contains(**number)).count();
            if is_ipv6 && known != 0 && known != EXTENSION_HEADERS.len() {
                let advice = "RFC 8956 looks behind extension headers: name all of them or none";
                return Err(word.error("numbers of IPv6 extension headers as upper-layer protocols", advice));
            }
            all.restrict_protocols(&protocols);
        }
        // RFC 8955 4.2.2.4 to 4.2.2.9: only packets that have the field can match.
        if self.components.keys().any(|kind| (PORT..=SOURCE_PORT).contains(kind)) {
            all.restrict_protocols(&RangeSet::from_ranges([(6, 6), (17, 17)]));
        }
        if self.components.keys().any(|kind| (ICMP_TYPE..=ICMP_CODE).contains(kind)) {
            all.restrict_protocols(&RangeSet::of(if is_ipv6 { 58 } else { 1 }));
        }
        if let Some(flags) = values.flags {
            all.restrict_protocols(&RangeSet::of(6));
            all.flags = flags;
        }
        if let Some(set) = &values.destination_ports {
            restrict(&mut all.destination_ports, set);
        }
        if let Some(set) = &values.source_ports {
            restrict(&mut all.source_ports, set);
        }
        if let Some(set) = &values.types {
            restrict(&mut all.types, &bytes(set));
        }
        if let Some(set) = &values.codes {
            restrict(&mut all.codes, &bytes(set));
        }
        let mut either = vec![all];
        if let Some(set) = &values.ports {
            either = either
                .into_iter()
                .flat_map(|all| {
                    let (mut from, mut to) = (all.clone(), all);
                    restrict(&mut from.source_ports, set);
                    restrict(&mut to.destination_ports, set);
                    [from, to]
                })
                .collect();
        }
        let no_selector = |_| name.error("fields that no packet has together", "take the route out");
        let mut selectors = Vec::new();
        for one in either {
            selectors.extend(one.selectors().map_err(no_selector)?);
        }
        Ok(selectors)
    }
}

fn bytes(set: &RangeSet<u16>) -> RangeSet<u8> {
    // Values were read as bytes.
    RangeSet::from_ranges(set.ranges().iter().map(|&(first, last)| (first as u8, last as u8)))
}

fn keep<T>(place: &mut Option<T>, (set, component): (T, Component)) -> Component {
    *place = Some(set);
    component
}

fn prefix<'a>(
    cursor: &mut Cursor<'_, 'a>,
    key: Word<'a>,
    known: &mut [Option<Prefix>; 2],
    place: usize,
) -> Result<Component, ParseError> {
    let word = cursor.some("a prefix")?;
    let advice = "write a prefix without host bits, such as 192.0.2.0/24 or 2001:db8::/32";
    // RFC 8956 3.1: bits may be left out in front; behind none are.
    let text = match word.text.matches('/').count() {
        2 => word.text.strip_suffix("/0").ok_or_else(|| word.error("a prefix with an offset", "use whole prefixes"))?,
        1 => word.text,
        _ => return Err(word.unknown("a prefix", advice)),
    };
    let read: Prefix = text.parse().map_err(|_| word.unknown("a prefix", advice))?;
    let is_ipv6 = read.network().is_ipv6();
    let has_offset = text.len() != word.text.len();
    let is_other_version = if is_ipv6 { key.text.ends_with("-ipv4") } else { key.text.ends_with("-ipv6") || has_offset };
    if is_other_version {
        return Err(word.unknown("a prefix of this IP version", advice));
    }
    if known.iter().flatten().any(|other| other.network().is_ipv6() != is_ipv6) {
        return Err(word.error("source and destination of two IP versions", "write a route for each"));
    }
    if let Some(place) = known.get_mut(place) {
        *place = Some(read);
    }
    let bits = match read.network() {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    Ok(Component::Prefix { bits, length: read.length() })
}
