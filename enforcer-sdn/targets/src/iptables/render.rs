//! A ruleset as the three parts of a document, the same text every time.

use std::fmt::Write as _;

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, RangeSet, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use super::sets::NamedSets;
use super::week;
use crate::flag_cubes::cubes;
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

/// A comment holds 255 characters; a rule id is to be at most 48.
const LONGEST_ID: usize = 48;
/// Of a log prefix, with the blank that ends it.
const LONGEST_PREFIX: usize = 29;
/// Of a set's name there are 31 characters, and 19 are the set's own.
const LONGEST_NAME: usize = 12;
/// Of a multiport list.
const MOST_PORTS: usize = 15;
/// For one rule and IP version.
const MOST_LINES: usize = 1024;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    let chain = &options.name;
    check_name(chain)?;
    let mut sets = NamedSets::new(chain);
    let mut parts: Vec<(bool, Vec<(&str, String)>)> = Vec::new();
    for is_ipv6 in [false, true] {
        let mut lines = Vec::new();
        for rule in &ruleset.rules {
            lines.extend(rule_lines(rule, is_ipv6, chain, &mut sets)?.into_iter().map(|line| (rule.id.as_str(), line)));
        }
        parts.push((is_ipv6, lines));
    }
    let mut text = String::from("# ipset restore\n");
    sets.write(&mut text);
    let mut number = text.matches('\n').count();
    let mut owners = Vec::new();
    for (is_ipv6, lines) in parts {
        let tool = if is_ipv6 { "ip6tables-restore" } else { "iptables-restore" };
        // Only the own chain is emptied, and FORWARD asks it first.
        let head =
            [format!("# {tool} --noflush"), "*filter".into(), format!(":{chain} - [0:0]"), format!("-I FORWARD 1 -j {chain}")];
        for line in head {
            let _ = writeln!(text, "{line}");
            number += 1;
        }
        for (rule, line) in lines {
            let _ = writeln!(text, "{line}");
            number += 1;
            owners.push(RenderedLine { line: number, rule: rule.into() });
        }
        text.push_str("COMMIT\n");
        number += 1;
    }
    Ok(Rendering { text, lines: owners })
}

fn cannot(rule: &PointRule, feature: impl Into<String>, advice: impl Into<String>) -> RenderError {
    RenderError { rule: rule.id.clone(), target: "iptables", feature: feature.into(), advice: advice.into() }
}

/// Upper case is for the chains and targets that the kernel brings along.
fn check_name(name: &str) -> Result<(), RenderError> {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= LONGEST_NAME
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    if is_plain {
        return Ok(());
    }
    Err(RenderError {
        rule: "(chain)".into(),
        target: "iptables",
        feature: format!("the chain name `{name}`"),
        advice: "use lower-case letters, digits, `_` and `-`, at most 12, beginning with a letter".into(),
    })
}

/// The rule's lines for one IP version; none where it selects no packet of that version.
fn rule_lines(rule: &PointRule, is_ipv6: bool, chain: &str, sets: &mut NamedSets<'_>) -> Result<Vec<String>, RenderError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if rule.id.is_empty() || rule.id.len() > LONGEST_ID || !rule.id.chars().all(is_plain) {
        return Err(cannot(rule, "the rule's id", "use at most 48 of the characters a-z, 0-9 and `-`"));
    }
    let selector = &rule.selector;
    if !selector.link.is_any() {
        let advice = "FORWARD sees packets behind their frames: leave the rule to a switch";
        return Err(cannot(rule, "VLANs, MAC addresses and directions", advice));
    }
    let windows = week::windows(&selector.week);
    let has = [false, true].map(|v6| is_met(rule, v6));
    let l4 = l4(rule, is_ipv6)?;
    if has == [false, false] || windows.is_empty() || l4.is_empty() {
        return Err(cannot(rule, "a rule that selects no packet", "an address, port or time set of it is empty: leave it out"));
    }
    if !has[usize::from(is_ipv6)] {
        return Ok(Vec::new());
    }
    // In IPv6 these are extension headers (RFC 8200), which `-p` looks behind; 0 is every protocol.
    if let L4::Protocol(number @ (0 | 43 | 44 | 51 | 59 | 60)) = selector.l4
        && (number == 0 || is_ipv6)
    {
        return Err(cannot(
            rule,
            format!("protocol {number}"),
            "`-p` does not select it: leave it out, or name IPv4 addresses only",
        ));
    }
    let count = windows.len().saturating_mul(l4.len());
    if count > MOST_LINES {
        return Err(cannot(rule, format!("a rule of {count} lines"), "use fewer port ranges or ICMP types, or split the rule"));
    }
    let addresses = address(&selector.source, is_ipv6, "src", sets) + &address(&selector.destination, is_ipv6, "dst", sets);
    let state = match selector.state {
        StateSet::Any => "",
        StateSet::Established => "-m conntrack --ctstate RELATED,ESTABLISHED ",
        StateSet::New => "-m conntrack --ctstate INVALID,NEW,UNTRACKED ",
    };
    let id = &rule.id;
    let mut lines = Vec::new();
    for window in &windows {
        for fields in &l4 {
            let matches = format!("-A {chain} {addresses}{fields}{state}{window}-m comment --comment {id} ");
            if rule.log || rule.action == Action::Log {
                let prefix: String = format!("cordon {id}").chars().take(LONGEST_PREFIX - 1).collect();
                lines.push(format!("{matches}-j LOG --log-prefix \"{prefix} \" --log-level 6"));
            }
            match rule.action {
                Action::Allow => lines.push(format!("{matches}-j ACCEPT")),
                Action::Deny => lines.push(format!("{matches}-j DROP")),
                Action::Log => {}
            }
        }
    }
    Ok(lines)
}

fn is_met(rule: &PointRule, v6: bool) -> bool {
    let (source, destination) = (&rule.selector.source, &rule.selector.destination);
    match (&rule.selector.l4, v6) {
        (L4::Icmp { .. }, true) | (L4::Icmp6 { .. }, false) => false,
        (_, true) => !source.v6.is_empty() && !destination.v6.is_empty(),
        (_, false) => !source.v4.is_empty() && !destination.v4.is_empty(),
    }
}

fn address(set: &AddressSet, is_ipv6: bool, side: &str, sets: &mut NamedSets<'_>) -> String {
    let (of_version, is_full) = if is_ipv6 {
        (AddressSet { v4: RangeSet::empty(), v6: set.v6.clone() }, set.v6.is_full())
    } else {
        (AddressSet { v4: set.v4.clone(), v6: RangeSet::empty() }, set.v4.is_full())
    };
    if is_full {
        return String::new();
    }
    let prefixes = of_version.prefixes();
    match prefixes.as_slice() {
        [only] => format!("-{} {}/{} ", if side == "src" { "s" } else { "d" }, only.network(), only.length()),
        _ => format!("-m set --match-set {} {side} ", sets.name(&of_version, prefixes)),
    }
}

/// The matches of the protocol's fields, each with a trailing blank; none when one of the sets is empty.
fn l4(rule: &PointRule, is_ipv6: bool) -> Result<Vec<String>, RenderError> {
    if !rule.selector.flags.is_full() {
        let ports = match &rule.selector.l4 {
            L4::Any | L4::Protocol(6) => vec!["-p tcp ".to_owned()],
            L4::Tcp { source, destination } => ports("tcp", source, destination),
            _ => return Ok(Vec::new()),
        };
        let flags = tcp_flags(rule)?;
        return Ok(ports.iter().flat_map(|ports| flags.iter().map(move |flags| format!("{ports}{flags}"))).collect());
    }
    Ok(match &rule.selector.l4 {
        L4::Any => vec![String::new()],
        L4::Protocol(number) => vec![format!("-p {number} ")],
        L4::Tcp { source, destination } => ports("tcp", source, destination),
        L4::Udp { source, destination } => ports("udp", source, destination),
        L4::Sctp { source, destination } => ports("sctp", source, destination),
        // Errors about it are told once, by the version that it belongs to.
        L4::Icmp { .. } if is_ipv6 => vec![String::new()],
        L4::Icmp6 { .. } if !is_ipv6 => vec![String::new()],
        L4::Icmp { types, .. } if types.contains(255) && !types.is_full() => {
            return Err(cannot(rule, "ICMP type 255", "to iptables it means every type: leave it out"));
        }
        L4::Icmp { types, codes } => icmp(rule, "-p icmp ", "-m icmp --icmp-type ", types, codes)?,
        L4::Icmp6 { types, codes } => icmp(rule, "-p ipv6-icmp ", "-m icmp6 --icmpv6-type ", types, codes)?,
    })
}

fn ports(name: &str, source: &PortSet, destination: &PortSet) -> Vec<String> {
    let (from, to) = (port_matches(name, "sport", source), port_matches(name, "dport", destination));
    from.iter().flat_map(|from| to.iter().map(move |to| format!("-p {name} {from}{to}"))).collect()
}

/// One match for each value under a mask, or one for "some of these".
fn tcp_flags(rule: &PointRule) -> Result<Vec<String>, RenderError> {
    const KNOWN: u8 = FlagSet::FIN | FlagSet::SYN | FlagSet::RST | FlagSet::PSH | FlagSet::ACK | FlagSet::URG;
    let set = rule.selector.flags;
    let names = |bits: u8| -> String {
        let named: Vec<String> = (0..8)
            .zip(FlagSet::NAMES)
            .filter(|(bit, _)| bits >> bit & 1 == 1)
            .map(|(_, name)| name.to_ascii_uppercase())
            .collect();
        if named.is_empty() { "NONE".to_owned() } else { named.join(",") }
    };
    if let Some(mask) = set.as_any_bit().filter(|mask| mask & !KNOWN == 0) {
        return Ok(vec![format!("-m tcp ! --tcp-flags {} NONE ", names(mask))]);
    }
    let cubes = cubes(set);
    if cubes.iter().any(|(_, mask)| mask & !KNOWN != 0) {
        return Err(cannot(rule, "the TCP flags ECE and CWR", "leave them out of the rule"));
    }
    Ok(cubes.into_iter().map(|(value, mask)| format!("-m tcp --tcp-flags {} {} ", names(mask), names(value))).collect())
}

/// One match, or several where a list does not hold all.
fn port_matches(name: &str, side: &str, set: &PortSet) -> Vec<String> {
    let one = |&(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}:{last}") };
    match set.ranges() {
        [] => Vec::new(),
        _ if set.is_full() => vec![String::new()],
        [only] => vec![format!("-m {name} --{side} {} ", one(only))],
        several => {
            let mut lists: Vec<(usize, Vec<String>)> = Vec::new();
            for range in several {
                let weight = if range.0 == range.1 { 1 } else { 2 };
                match lists.last_mut().filter(|(taken, _)| taken + weight <= MOST_PORTS) {
                    Some((taken, list)) => {
                        *taken += weight;
                        list.push(one(range));
                    }
                    None => lists.push((weight, vec![one(range)])),
                }
            }
            lists.iter().map(|(_, list)| format!("-m multiport --{side}s {} ", list.join(","))).collect()
        }
    }
}

fn icmp(
    rule: &PointRule,
    protocol: &str,
    option: &str,
    types: &RangeSet<u8>,
    codes: &RangeSet<u8>,
) -> Result<Vec<String>, RenderError> {
    let values = |set: &RangeSet<u8>| -> Vec<u8> { set.ranges().iter().flat_map(|&(first, last)| first..=last).collect() };
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    match (types.is_full(), codes.is_full()) {
        (true, true) => Ok(vec![protocol.to_owned()]),
        (true, false) => Err(cannot(rule, "ICMP codes of every type", "name the types")),
        (false, true) => Ok(values(types).iter().map(|kind| format!("{protocol}{option}{kind} ")).collect()),
        (false, false) => {
            let codes = values(codes);
            let with_codes = |kind: u8| codes.iter().map(move |code| format!("{protocol}{option}{kind}/{code} "));
            Ok(values(types).into_iter().flat_map(with_codes).collect())
        }
    }
}
