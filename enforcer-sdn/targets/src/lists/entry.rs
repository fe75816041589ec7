//! One `permit` or `deny` entry: protocol, source, destination, fields, options. What differs between dialects is a [`Grammar`].

use enforcer_packetset::{AddressSet, Effect, FlagSet, L4, PortSet, Selector, Step, Verdict, WeekSet};

use crate::lists::address;
use crate::lists::counters::take_counters;
use crate::lists::flags;
use crate::lists::groups::{Groups, named};
use crate::lists::icmp::{self, Kinds};
use crate::lists::ports::{Comparisons, comparison};
use crate::lists::protocol;
use crate::target::ParseError;
use crate::words::Words;

/// How a dialect writes an entry.
#[derive(Clone, Copy)]
pub(crate) struct Grammar {
    /// Words for every protocol, in an IPv4 and in an IPv6 list.
    pub any: [&'static [&'static str]; 2],
    /// ICMP's word in an IPv4 and in an IPv6 list.
    pub icmp: [&'static str; 2],
    pub address: fn(&mut Words<'_>, bool, &Groups) -> Result<AddressSet, ParseError>,
    pub ports: Comparisons,
    /// Protocols that ports may be said of.
    pub with_ports: &'static [u8],
    /// The word before the name of a port group.
    pub port_group: Option<&'static str>,
    /// The word before the name of a group of services, in the place of the protocol.
    pub service_group: Option<&'static str>,
    pub kinds: fn(&mut Words<'_>, bool) -> Result<Kinds, ParseError>,
    pub log: &'static [&'static str],
    /// Options without effect on packets.
    pub idle: &'static [&'static str],
    /// Whether `time-range NAME` may stand behind the fields.
    pub has_times: bool,
}

/// The steps of the entry, in any order: they have one effect.
pub(crate) fn entry(words: &mut Words<'_>, is_ipv6: bool, groups: &Groups, grammar: &Grammar) -> Result<Vec<Step>, ParseError> {
    let verdict = verdict(words)?;
    let says = says(words, is_ipv6, groups, grammar)?;
    let source = (grammar.address)(words, is_ipv6, groups)?;
    let source_ports = ports(words, &says, groups, grammar)?;
    let destination = (grammar.address)(words, is_ipv6, groups)?;
    let destination_ports = ports(words, &says, groups, grammar)?;
    let is_icmp = says == Says::Protocol(if is_ipv6 { 58 } else { 1 });
    let kinds = if is_icmp { (grammar.kinds)(words, is_ipv6)? } else { Kinds::all() };
    let flags = if says == Says::Protocol(6) { flags::flags(words)? } else { FlagSet::full() };
    let Options { log, week } = options(words, groups, grammar)?;
    let l4 = match says {
        Says::Any => vec![L4::Any],
        Says::Protocol(number) => vec![protocol::l4(number, source_ports, destination_ports, kinds, is_ipv6)],
        Says::Services(services) => services,
    };
    let effect = Effect { verdict: Some(verdict), log };
    let step = |l4| Step {
        selector: Selector {
            source: source.clone(),
            destination: destination.clone(),
            l4,
            flags,
            week: week.clone(),
            ..Selector::any()
        },
        effect,
    };
    Ok(l4.into_iter().map(step).collect())
}

fn verdict(words: &mut Words<'_>) -> Result<Verdict, ParseError> {
    match words.next() {
        "permit" => Ok(Verdict::Allow),
        "deny" => Ok(Verdict::Deny),
        other => Err(words.error(format!("`{other}` is not understood"), "an entry is `permit`, `deny` or a comment")),
    }
}

#[derive(PartialEq, Eq)]
enum Says {
    Any,
    Protocol(u8),
    Services(Vec<L4>),
}

fn says(words: &mut Words<'_>, is_ipv6: bool, groups: &Groups, grammar: &Grammar) -> Result<Says, ParseError> {
    let version = usize::from(is_ipv6);
    let word = words.some("a protocol")?;
    if grammar.any[version].contains(&word) {
        return Ok(Says::Any);
    }
    if grammar.service_group == Some(word) {
        return Ok(Says::Services(named(&groups.services, words, "service group")?.clone()));
    }
    if word == grammar.icmp[version] {
        return Ok(Says::Protocol(if is_ipv6 { 58 } else { 1 }));
    }
    let number = protocol::protocol(word, is_ipv6);
    number.map(Says::Protocol).ok_or_else(|| {
        words.error(
            format!("protocol `{word}` is not understood"),
            "write a protocol of this IP version by its name or its number",
        )
    })
}

fn ports(words: &mut Words<'_>, says: &Says, groups: &Groups, grammar: &Grammar) -> Result<PortSet, ParseError> {
    let Says::Protocol(protocol) = *says else { return Ok(PortSet::full()) };
    if !grammar.with_ports.contains(&protocol) {
        return Ok(PortSet::full());
    }
    if grammar.port_group == Some(words.peek()) {
        words.next();
        return named(&groups.ports, words, "port group").cloned();
    }
    Ok(comparison(words, protocol, &grammar.ports)?.unwrap_or_else(PortSet::full))
}

/// `permit` or `deny` with a source alone, as standard lists have them.
pub(crate) fn standard(
    words: &mut Words<'_>,
    is_ipv6: bool,
    groups: &Groups,
    grammar: &Grammar,
) -> Result<Vec<Step>, ParseError> {
    let verdict = verdict(words)?;
    // A single address has no word before it and no wildcard behind.
    let next = words.peek_second();
    let is_host = next.is_empty() || grammar.log.contains(&next) || next.starts_with(['(', '[']);
    let source = match address::host(words.peek(), is_ipv6).filter(|_| is_host) {
        Some(host) => {
            words.next();
            host
        }
        None => (grammar.address)(words, is_ipv6, groups)?,
    };
    let Options { log, .. } = options(words, groups, &Grammar { has_times: false, ..*grammar })?;
    let effect = Effect { verdict: Some(verdict), log };
    let selector = Selector { source, destination: address::all(is_ipv6), ..Selector::any() };
    Ok(vec![Step { selector, effect }])
}

struct Options {
    log: bool,
    /// When the entry is in force.
    week: WeekSet,
}

fn options(words: &mut Words<'_>, groups: &Groups, grammar: &Grammar) -> Result<Options, ParseError> {
    let mut options = Options { log: false, week: WeekSet::always() };
    loop {
        take_counters(words);
        match words.peek() {
            "" => return Ok(options),
            word if grammar.log.contains(&word) && !options.log => options.log = true,
            word if grammar.idle.contains(&word) => {}
            "time-range" if grammar.has_times && options.week.is_always() => {
                words.next();
                options.week = groups.clock.week(words)?;
                // Its state at the time of the listing.
                if ["(active)", "(inactive)"].contains(&words.peek()) {
                    words.next();
                }
                continue;
            }
            word => return Err(words.error_ahead(format!("`{word}` is not understood here"), advice(word))),
        }
        words.next();
    }
}

fn advice(word: &str) -> &'static str {
    match word {
        "fragment" | "fragments" => {
            "sets of packets know whole packets only: give the list without entries about later fragments"
        }
        "dscp" | "ecn" | "tos" | "precedence" | "ip-precedence" | "flow-label" | "ttl" | "packet-length" | "option"
        | "ip-option" => {
            "packets are matched by address, protocol, ports, ICMP and TCP flags: an entry that looks at other fields is no rule of a policy"
        }
        "time-range" => {
            "its definition does not come with this text, or the entry has one already: leave schedules to a point that has the policy's clock"
        }
        "inactive" => "the entry is out of force: leave it out",
        "tracked" | "reflect" | "evaluate" => "connections are not followed here: give the list as a stateless one",
        "established" | "ack" | "fin" | "psh" | "rst" | "syn" | "urg" | "match-all" | "match-any" => {
            "TCP flags are read only where protocol `tcp` stands and the set of flags is plain"
        }
        _ => "packets are matched by address, protocol, ports, ICMP and TCP flags",
    }
}

/// Types by the names that IOS lists, then a code.
pub(crate) fn ios_kinds(words: &mut Words<'_>, is_ipv6: bool) -> Result<Kinds, ParseError> {
    icmp::kinds(words, if is_ipv6 { icmp::named_v6 } else { icmp::named_v4 })
}
