//! One entry of an extended access list, from its verb to its last option.

use enforcer_packetset::{AddressSet, Effect, L4, PortSet, Selector, Step, Verdict, WeekSet};

use super::names;
use super::objects::{Object, Objects, PORTS, plain, subnet};
use crate::lists::address;
use crate::lists::clock::Clock;
use crate::lists::icmp::{Kinds, kinds};
use crate::lists::ports::comparison;
use crate::lists::protocol;
use crate::target::ParseError;
use crate::words::{Words, number};

/// The steps of an entry; None when it is out of force.
pub(super) fn entry(words: &mut Words<'_>, objects: &Objects, clock: &Clock) -> Result<Option<Vec<Step>>, ParseError> {
    let verdict = match words.next() {
        "permit" => Verdict::Allow,
        "deny" => Verdict::Deny,
        other => return Err(words.error(format!("`{other}` is not understood"), "an entry is `permit` or `deny`")),
    };
    let services = services(words, objects)?;
    let protocol = match services.as_slice() {
        [L4::Protocol(number)] => Some(*number),
        _ => None,
    };
    let of = |protocol: Option<u8>, services: &[L4]| -> Vec<u8> {
        // Ports may stand after a group of protocols too, if every one of them has ports.
        let numbers = services.iter().map(|l4| if let L4::Protocol(n @ (6 | 17 | 132)) = l4 { Some(*n) } else { None });
        numbers.collect::<Option<Vec<u8>>>().filter(|_| protocol.is_some() || services.len() > 1).unwrap_or_default()
    };
    let with_ports = of(protocol, &services);
    let source = address(words, objects)?;
    let source_ports = ports(words, objects, &with_ports)?;
    let destination = address(words, objects)?;
    let has_meeting = |source: &AddressSet, destination: &AddressSet| {
        (!source.v4.is_empty() && !destination.v4.is_empty()) || (!source.v6.is_empty() && !destination.v6.is_empty())
    };
    if !has_meeting(&source, &destination) {
        return Err(words.error("addresses of two IP versions", "no packet has them: correct one of the two"));
    }
    let destination_ports = ports(words, objects, &with_ports)?;
    let kinds = match protocol {
        Some(1) => types(words, objects)?,
        Some(58) => kinds(words, names::icmp6)?,
        _ => Kinds::all(),
    };
    let log = log(words, verdict)?;
    // An entry that is out of force needs no time range that is known.
    let is_out_of_force = words.rest().split_whitespace().next_back() == Some("inactive");
    let week = if !words.take("time-range") {
        WeekSet::always()
    } else if is_out_of_force {
        words.some("a time range's name")?;
        WeekSet::always()
    } else {
        clock.week(words)?
    };
    words.take("inactive");
    words.end("packets are matched by address, protocol, ports and ICMP; users and tags are the device's own")?;
    if is_out_of_force {
        return Ok(None);
    }
    let l4s = services.into_iter().map(|l4| match l4 {
        L4::Protocol(number) => {
            protocol::l4(number, source_ports.clone(), destination_ports.clone(), kinds.clone(), number == 58)
        }
        other => other,
    });
    let effect = Effect { verdict: Some(verdict), log };
    let step = |l4| Step {
        selector: Selector {
            source: source.clone(),
            destination: destination.clone(),
            l4,
            week: week.clone(),
            ..Selector::any()
        },
        effect,
    };
    Ok(Some(l4s.map(step).collect()))
}

fn services(words: &mut Words<'_>, objects: &Objects) -> Result<Vec<L4>, ParseError> {
    let word = words.some("a protocol")?;
    if word != "object" && word != "object-group" {
        return Ok(vec![plain(words, word)?]);
    }
    match objects.named(words)? {
        Object::Services(services) => Ok(services.clone()),
        _ => Err(words.error("an object that says no protocol", "name a service or protocol object here")),
    }
}

fn address(words: &mut Words<'_>, objects: &Objects) -> Result<AddressSet, ParseError> {
    let word = words.peek();
    let set = match word {
        "any" => Some(AddressSet::full()),
        "any4" => Some(address::all(false)),
        "any6" => Some(address::all(true)),
        "host" => {
            words.next();
            let host = words.peek();
            address::host(host, false).or_else(|| address::host(host, true))
        }
        "object" | "object-group" => {
            words.next();
            return objects.addresses(words);
        }
        "" => return Err(words.error_ahead("the line ends where an address belongs", "complete the line")),
        _ => {
            return subnet(words).ok_or_else(|| {
                let advice = "write `any`, `any4`, `any6`, `host ADDRESS`, an IPv4 address with its netmask (not a wildcard), or an IPv6 prefix";
                words.error(format!("`{word}` and what follows is no set of addresses"), advice)
            });
        }
    };
    words.next();
    set.ok_or_else(|| words.error("a host that is no address", "write its address"))
}

/// A comparison or a group, after an address, where every protocol of the entry has ports.
fn ports(words: &mut Words<'_>, objects: &Objects, protocols: &[u8]) -> Result<PortSet, ParseError> {
    let Some(&protocol) = protocols.first() else { return Ok(PortSet::full()) };
    if words.peek() == "object-group" {
        let Some(Object::Ports(of, set)) = objects.peek(words.peek_second()) else { return Ok(PortSet::full()) };
        words.next();
        words.next();
        if protocols.iter().any(|protocol| !of.contains(protocol)) {
            return Err(words.error("a group of another protocol's ports", "name a group of this protocol's ports"));
        }
        return Ok(set.clone());
    }
    // A name is read for one protocol, so a group of protocols needs numbers.
    let numbers_only = crate::lists::ports::Comparisons { named: crate::lists::ports::none, ..PORTS };
    let with = if protocols.len() == 1 { &PORTS } else { &numbers_only };
    Ok(comparison(words, protocol, with)?.unwrap_or_else(PortSet::full))
}

fn types(words: &mut Words<'_>, objects: &Objects) -> Result<Kinds, ParseError> {
    if words.peek() == "object-group" {
        words.next();
        return match objects.named(words)? {
            Object::Types(types) => Ok(Kinds { types: types.clone(), ..Kinds::all() }),
            _ => Err(words.error("a group that holds no ICMP types", "name an icmp-type group")),
        };
    }
    kinds(words, names::icmp)
}

/// Whether matched packets are logged: without a word a deny is, a permit is not.
fn log(words: &mut Words<'_>, verdict: Verdict) -> Result<bool, ParseError> {
    let is_denied = verdict == Verdict::Deny;
    if !words.take("log") {
        return Ok(is_denied);
    }
    match words.peek() {
        "disable" => {
            words.next();
            return Ok(false);
        }
        "default" => {
            words.next();
            return Ok(is_denied);
        }
        "emergencies" | "alerts" | "critical" | "errors" | "warnings" | "notifications" | "informational" | "debugging" => {
            words.next();
        }
        level if number::<u8>(level).is_some_and(|level| level <= 7) => {
            words.next();
        }
        _ => {}
    }
    if words.take("interval") {
        let seconds = words.some("seconds")?;
        if number::<u32>(seconds).is_none() {
            return Err(words.error("an interval that is no number", "write its seconds"));
        }
    }
    Ok(true)
}
