//! A ruleset as a file for `nft -f`: one transaction that replaces the whole table, the same text every time.

use std::fmt::Write as _;

use enforcer_packetset::{FlagSet, L4, PortSet, RangeSet, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use super::sets::NamedSets;
use super::week;
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

/// The longest comment that nft stores is 128 bytes, the longest log prefix 127; a rule id is to be at most 48.
const LONGEST_ID: usize = 48;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    let table = &options.name;
    check_name(table)?;
    let mut sets = NamedSets::default();
    let mut rules = String::new();
    let mut owners: Vec<&str> = Vec::new();
    for rule in &ruleset.rules {
        for line in lines(rule, &mut sets)? {
            let _ = writeln!(rules, "\t\t{line}");
            owners.push(&rule.id);
        }
    }
    let mut text = String::from("#!/usr/sbin/nft -f\n");
    let _ = writeln!(text, "# Load with TZ=UTC: nft reads hours in the time zone of its caller.");
    // Created so that it can be deleted, deleted so that no older rule stays: all in one transaction.
    let _ = write!(text, "table inet {table}\ndelete table inet {table}\ntable inet {table} {{\n");
    sets.write(&mut text);
    text.push_str("\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n");
    let first = text.matches('\n').count() + 1;
    text.push_str(&rules);
    text.push_str("\t}\n}\n");
    let lines = owners.into_iter().zip(first..).map(|(rule, line)| RenderedLine { line, rule: rule.into() }).collect();
    Ok(Rendering { text, lines })
}

fn cannot(rule: &PointRule, feature: impl Into<String>, advice: impl Into<String>) -> RenderError {
    RenderError { rule: rule.id.clone(), target: "nftables", feature: feature.into(), advice: advice.into() }
}

/// Words of the grammar are no names (`table inet fwd` fails), so only the shape that no such word has, or the known good ones, pass.
fn check_name(name: &str) -> Result<(), RenderError> {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 32
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    let is_free = name == "cordon" || name.starts_with("cordon") || name.contains('_');
    if is_plain && is_free {
        return Ok(());
    }
    Err(RenderError {
        rule: "(table)".into(),
        target: "nftables",
        feature: format!("the table name `{name}`"),
        advice: "use lower-case letters, digits and `_`, at most 32, beginning with `cordon` or with an `_` inside".into(),
    })
}

/// The rule's lines: one for each IP version and each window of the week.
fn lines(rule: &PointRule, sets: &mut NamedSets) -> Result<Vec<String>, RenderError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if rule.id.is_empty() || rule.id.len() > LONGEST_ID || !rule.id.chars().all(is_plain) {
        return Err(cannot(rule, "the rule's id", "use at most 48 of the characters a-z, 0-9 and `-`"));
    }
    let families = families(rule, sets);
    let windows = week::windows(&rule.selector.week);
    if !rule.selector.link.is_any() {
        let advice = "hook forward of family inet sees packets behind their frames: use a bridge, or leave the rule to a switch";
        return Err(cannot(rule, "VLANs, MAC addresses and directions", advice));
    }
    let l4 = l4(&rule.selector.l4, rule.selector.flags);
    let (Some(l4), false, false) = (l4, families.is_empty(), windows.is_empty()) else {
        return Err(cannot(rule, "a rule that selects no packet", "an address, port or time set of it is empty: leave it out"));
    };
    let state = match rule.selector.state {
        StateSet::Any => "",
        StateSet::Established => "ct state established,related ",
        StateSet::New => "ct state invalid,new,untracked ",
    };
    let effect = effect(rule);
    let line = |family: &Family, window: &String| {
        let Family { addresses, version } = family;
        format!("{state}{addresses}{l4}{version}{window}{effect}")
    };
    Ok(families.iter().flat_map(|family| windows.iter().map(move |window| line(family, window))).collect())
}

/// What a line says of one IP version.
#[derive(Default)]
struct Family {
    addresses: String,
    /// Said behind the protocol: nft lists `meta nfproto ipv6 meta l4proto 58` without its first half, this way round it does not.
    version: &'static str,
}

impl Family {
    /// Addresses imply their version; where all are selected it must be said.
    const fn new(addresses: String, version: &'static str) -> Self {
        let version = if addresses.is_empty() { version } else { "" };
        Self { addresses, version }
    }
}

/// For each IP version that the rule selects, its addresses; nothing to say where addresses and versions do not matter.
fn families(rule: &PointRule, sets: &mut NamedSets) -> Vec<Family> {
    let (source, destination) = (&rule.selector.source, &rule.selector.destination);
    let (v4, v6) = match rule.selector.l4 {
        L4::Icmp { .. } => (true, false),
        L4::Icmp6 { .. } => (false, true),
        _ => (true, true),
    };
    if v4 && v6 && source.is_full() && destination.is_full() {
        return vec![Family::default()];
    }
    let mut families = Vec::new();
    if v4 && !source.v4.is_empty() && !destination.v4.is_empty() {
        let mut text = String::new();
        if !source.v4.is_full() {
            let _ = write!(text, "ip saddr {} ", sets.v4(&source.v4));
        }
        if !destination.v4.is_full() {
            let _ = write!(text, "ip daddr {} ", sets.v4(&destination.v4));
        }
        families.push(Family::new(text, "meta nfproto ipv4 "));
    }
    if v6 && !source.v6.is_empty() && !destination.v6.is_empty() {
        let mut text = String::new();
        if !source.v6.is_full() {
            let _ = write!(text, "ip6 saddr {} ", sets.v6(&source.v6));
        }
        if !destination.v6.is_full() {
            let _ = write!(text, "ip6 daddr {} ", sets.v6(&destination.v6));
        }
        families.push(Family::new(text, "meta nfproto ipv6 "));
    }
    families
}

/// None when a set of the protocol's fields is empty.
fn l4(l4: &L4, flags: FlagSet) -> Option<String> {
    if !flags.is_full() {
        let ports = match l4 {
            // `tcp flags` says the protocol too.
            L4::Any | L4::Protocol(6) => String::new(),
            L4::Tcp { source, destination } if source.is_full() && destination.is_full() => String::new(),
            L4::Tcp { source, destination } => ports("tcp", 6, source, destination)?,
            _ => return None,
        };
        return tcp_flags(flags).map(|flags| ports + &flags);
    }
    match l4 {
        L4::Any => Some(String::new()),
        L4::Protocol(number) => Some(format!("meta l4proto {number} ")),
        L4::Tcp { source, destination } => ports("tcp", 6, source, destination),
        L4::Udp { source, destination } => ports("udp", 17, source, destination),
        L4::Sctp { source, destination } => ports("sctp", 132, source, destination),
        L4::Icmp { types, codes } => icmp("icmp", 1, types, codes),
        L4::Icmp6 { types, codes } => icmp("icmpv6", 58, types, codes),
    }
}

fn ports(name: &str, number: u8, source: &PortSet, destination: &PortSet) -> Option<String> {
    fields(number, source.is_full(), destination.is_full(), || {
        (format!("{name} sport {} ", numbers(source)), format!("{name} dport {} ", numbers(destination)))
    })
    .filter(|_| !source.is_empty() && !destination.is_empty())
}

/// Whole bytes are listed one by one: ranges of flags load, but make nft 1.0.6 crash when it lists them.
fn tcp_flags(set: FlagSet) -> Option<String> {
    if set.is_empty() {
        return None;
    }
    Some(match (set.as_masked(), set.as_any_bit()) {
        (Some((value, u8::MAX)), _) => format!("tcp flags == {value:#x} "),
        (Some((value, mask)), _) => format!("tcp flags & {mask:#x} == {value:#x} "),
        (None, Some(mask)) => format!("tcp flags & {mask:#x} != 0x0 "),
        (None, None) => {
            let bytes: Vec<String> = set.bytes().map(|byte| format!("{byte:#x}")).collect();
            format!("tcp flags {{ {} }} ", bytes.join(", "))
        }
    })
}

fn icmp(name: &str, number: u8, types: &RangeSet<u8>, codes: &RangeSet<u8>) -> Option<String> {
    fields(number, types.is_full(), codes.is_full(), || {
        (format!("{name} type {} ", numbers(types)), format!("{name} code {} ", numbers(codes)))
    })
    .filter(|_| !types.is_empty() && !codes.is_empty())
}

/// The fields that restrict something; the bare protocol where none does.
fn fields(number: u8, first_is_full: bool, second_is_full: bool, both: impl Fn() -> (String, String)) -> Option<String> {
    let (first, second) = both();
    Some(match (first_is_full, second_is_full) {
        (true, true) => format!("meta l4proto {number} "),
        (false, true) => first,
        (true, false) => second,
        (false, false) => first + &second,
    })
}

fn numbers<T: Copy + PartialEq + std::fmt::Display>(set: &RangeSet<T>) -> String {
    let one = |&(first, last): &(T, T)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    match set.ranges() {
        [only] => one(only),
        several => format!("{{ {} }}", several.iter().map(one).collect::<Vec<_>>().join(", ")),
    }
}

fn effect(rule: &PointRule) -> String {
    let PointRule { id, action, log, .. } = rule;
    let log = if *log || *action == Action::Log { format!("log prefix \"cordon {id} \" level info ") } else { String::new() };
    let verdict = match action {
        Action::Allow => "accept ",
        Action::Deny => "drop ",
        Action::Log => "",
    };
    format!("{log}counter {verdict}comment \"{id}\"")
}
