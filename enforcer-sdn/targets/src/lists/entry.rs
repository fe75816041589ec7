//! One `permit` or `deny` entry: protocol, source, destination, fields, options. What differs between dialects is a [`Grammar`].

use enforcer_packetset::{AddressSet, Effect, FlagSet, L4, PortSet, Selector, Step, Verdict};

use crate::lists::flags;
use crate::lists::groups::{Groups, named};
use crate::lists::icmp::{self, Kinds};
use crate::lists::ordinary;
use crate::lists::ports::{Comparisons, comparison};
use crate::lists::protocol;
use crate::target::ParseError;
use crate::words::Words;

/// How a dialect writes an entry.
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
}

/// The steps of the entry, in any order: they have one effect.
pub(crate) fn entry(words: &mut Words<'_>, is_ipv6: bool, groups: &Groups, grammar: &Grammar) -> Result<Vec<Step>, ParseError> {
    let verdict = match words.next() {
        "permit" => Verdict::Allow,
        "deny" => Verdict::Deny,
        other => return Err(words.error(format!("`{other}` is not understood"), "an entry is `permit`, `deny` or a comment")),
    };
    let says = says(words, is_ipv6, groups, grammar)?;
    let source = (grammar.address)(words, is_ipv6, groups)?;
    let source_ports = ports(words, &says, groups, grammar)?;
    let destination = (grammar.address)(words, is_ipv6, groups)?;
    let destination_ports = ports(words, &says, groups, grammar)?;
    let is_icmp = says == Says::Protocol(if is_ipv6 { 58 } else { 1 });
    let kinds = if is_icmp { (grammar.kinds)(words, is_ipv6)? } else { Kinds::all() };
    let flags = if says == Says::Protocol(6) { flags::flags(words)? } else { FlagSet::full() };
    let log = options(words, grammar)?;
    let l4 = match says {
        Says::Any => vec![L4::Any],
        Says::Protocol(number) => vec![protocol::l4(number, source_ports, destination_ports, kinds, is_ipv6)],
        Says::Services(services) => services,
    };
    let effect = Effect { verdict: Some(verdict), log };
    let step = |l4| Step {
        selector: Selector { source: source.clone(), destination: destination.clone(), l4, flags, ..Selector::any() },
        effect,
    };
    Ok(l4.into_iter().map(step).collect())
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

/// Whether the entry logs.
fn options(words: &mut Words<'_>, grammar: &Grammar) -> Result<bool, ParseError> {
    let mut log = false;
    loop {
        ordinary::take_counters(words);
        match words.peek() {
            "" => return Ok(log),
            word if grammar.log.contains(&word) && !log => log = true,
            word if grammar.idle.contains(&word) => {}
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
        "time-range" => "the device's clock decides when the entry holds: leave schedules to a point that has the policy's clock",
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
