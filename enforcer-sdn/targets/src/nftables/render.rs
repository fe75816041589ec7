//! A ruleset as a file for `nft -f`: one transaction that replaces the whole table, the same text every time.

use std::fmt::Write as _;

use enforcer_packetset::{FlagSet, HeadingSet, L4, PortSet, RangeSet, StateSet, VlanId};
use enforcer_policy::{Action, PointRule, Ruleset};

use super::family::Family;
use super::sets::NamedSets;
use super::week;
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

/// The longest comment that nft stores is 128 bytes, the longest log prefix 127; a rule id is to be at most 48.
const LONGEST_ID: usize = 48;

pub(super) fn inet(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    render(ruleset, options, Family::Inet)
}

pub(super) fn bridge(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    render(ruleset, options, Family::Bridge { follows: true })
}

pub(super) fn stateless_bridge(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    render(ruleset, options, Family::Bridge { follows: false })
}

pub(super) fn netdev(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    render(ruleset, options, Family::Netdev)
}

fn render(ruleset: &Ruleset, options: &RenderOptions, family: Family) -> Result<Rendering, RenderError> {
    let table = &options.name;
    check_name(table, family)?;
    let mut sets = NamedSets::default();
    let mut rules = String::new();
    let mut owners: Vec<&str> = Vec::new();
    for rule in &ruleset.rules {
        for line in lines(rule, family, &mut sets)? {
            let _ = writeln!(rules, "\t\t{line}");
            owners.push(&rule.id);
        }
    }
    let mut text = String::from("#!/usr/sbin/nft -f\n");
    let _ = writeln!(text, "# Load with TZ=UTC: nft reads hours in the time zone of its caller.");
    if family == Family::Netdev {
        let _ = writeln!(text, "# Load with the interfaces: nft -D 'interfaces={{ left, right }}' -f FILE");
    }
    // Created so that it can be deleted, deleted so that no older rule stays: all in one transaction.
    let word = family.word();
    let _ = write!(text, "table {word} {table}\ndelete table {word} {table}\ntable {word} {table} {{\n");
    sets.write(&mut text);
    let hook = family.hook();
    let devices = if family == Family::Netdev { " devices = $interfaces" } else { "" };
    let _ = writeln!(text, "\tchain {hook} {{\n\t\ttype filter hook {hook}{devices} priority filter; policy accept;");
    let first = text.matches('\n').count() + 1;
    text.push_str(&rules);
    text.push_str("\t}\n}\n");
    let lines = owners.into_iter().zip(first..).map(|(rule, line)| RenderedLine { line, rule: rule.into() }).collect();
    Ok(Rendering { text, lines })
}

fn cannot(rule: &PointRule, family: Family, feature: impl Into<String>, advice: impl Into<String>) -> RenderError {
    RenderError { rule: rule.id.clone(), target: family.target(), feature: feature.into(), advice: advice.into() }
}

/// Words of the grammar are no names (`table inet fwd` fails), so only the shape that no such word has, or the known good ones, pass.
fn check_name(name: &str, family: Family) -> Result<(), RenderError> {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 32
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    let is_free = name == "cordon" || name.starts_with("cordon") || name.contains('_');
    if is_plain && is_free {
        return Ok(());
    }
    Err(RenderError {
        rule: "(table)".into(),
        target: family.target(),
        feature: format!("the table name `{name}`"),
        advice: "use lower-case letters, digits and `_`, at most 32, beginning with `cordon` or with an `_` inside".into(),
    })
}

/// The rule's lines: one for each IP version and each window of the week.
fn lines(rule: &PointRule, family: Family, sets: &mut NamedSets) -> Result<Vec<String>, RenderError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if rule.id.is_empty() || rule.id.len() > LONGEST_ID || !rule.id.chars().all(is_plain) {
        return Err(cannot(rule, family, "the rule's id", "use at most 48 of the characters a-z, 0-9 and `-`"));
    }
    let versions = versions(rule, family, sets);
    let windows = week::windows(&rule.selector.week);
    let frames = frames(rule, family)?;
    let l4 = l4(&rule.selector.l4, rule.selector.flags);
    let (Some(l4), false, false) = (l4, versions.is_empty(), windows.is_empty()) else {
        return Err(cannot(
            rule,
            family,
            "a rule that selects no packet",
            "an address, port or time set of it is empty: leave it out",
        ));
    };
    let state = match rule.selector.state {
        StateSet::Any => "",
        _ if !family.follows() => {
            let advice = "compile for a stateless point, with rules for the way back";
            return Err(cannot(rule, family, "connection states", advice));
        }
        StateSet::Established => "ct state established,related ",
        StateSet::New => "ct state invalid,new,untracked ",
    };
    let effect = effect(rule);
    let line = |version: &Version, window: &String| {
        let Version { before, behind } = version;
        format!("{state}{frames}{before}{l4}{behind}{window}{effect}")
    };
    Ok(versions.iter().flat_map(|version| windows.iter().map(move |window| line(version, window))).collect())
}

/// VLANs and MAC addresses; nothing where every frame is selected.
fn frames(rule: &PointRule, family: Family) -> Result<String, RenderError> {
    let link = &rule.selector.link;
    let mut text = String::new();
    if link.is_any() {
        return Ok(text);
    }
    if !family.has_frames() {
        let advice = "hook forward of family inet sees packets behind their frames: use a bridge, or leave the rule to a switch";
        return Err(cannot(rule, family, "VLANs, MAC addresses and directions", advice));
    }
    if link.heading != HeadingSet::Any {
        return Err(cannot(rule, family, "directions", "a chain sees each frame once: leave the direction out"));
    }
    if link.vlan.is_empty() || link.source_mac.is_empty() || link.destination_mac.is_empty() {
        return Err(cannot(
            rule,
            family,
            "a rule that selects no packet",
            "a VLAN or MAC address set of it is empty: leave it out",
        ));
    }
    if !link.vlan.is_full() && link.vlan.contains(VlanId::UNTAGGED) {
        let advice = "`vlan id` asks for a tag first: name VLANs from 1 to 4094 only, or none";
        return Err(cannot(rule, family, "frames without a tag", advice));
    }
    // In the order in which nft lists them.
    for (key, set) in [("ether saddr", &link.source_mac), ("ether daddr", &link.destination_mac)] {
        if !set.is_full() {
            let _ = write!(text, "{key} {} ", numbers(set));
        }
    }
    if !link.vlan.is_full() {
        let ids = RangeSet::from_ranges(link.vlan.ranges().iter().map(|&(first, last)| (first.get(), last.get())));
        let _ = write!(text, "vlan id {} ", numbers(&ids));
    }
    Ok(text)
}

/// What a line says of one IP version.
#[derive(Default)]
struct Version {
    /// Before the protocol.
    before: String,
    /// Behind the protocol: nft lists `meta nfproto ipv6 meta l4proto 58` without its first half, this way round it does not.
    behind: &'static str,
}

impl Version {
    /// Addresses imply their version; where all are selected it must be said. Around frames `ip version 4` is the one way that nft 1.0.6 lists
    /// in every place, and that frames with a tag are asked for where their IP header is.
    fn new(addresses: String, is_ipv6: bool, family: Family) -> Self {
        match (addresses.is_empty(), family.has_frames(), is_ipv6) {
            (false, ..) => Self { before: addresses, behind: "" },
            (true, true, false) => Self { before: "ip version 4 ".into(), behind: "" },
            (true, true, true) => Self { before: "ip6 version 6 ".into(), behind: "" },
            (true, false, false) => Self { before: addresses, behind: "meta nfproto ipv4 " },
            (true, false, true) => Self { before: addresses, behind: "meta nfproto ipv6 " },
        }
    }
}

/// For each IP version that the rule selects, its addresses; nothing to say where addresses and versions do not matter. Around frames the version
/// is always said, for a line without it is about ARP too.
fn versions(rule: &PointRule, family: Family, sets: &mut NamedSets) -> Vec<Version> {
    let (source, destination) = (&rule.selector.source, &rule.selector.destination);
    let (v4, v6) = match rule.selector.l4 {
        L4::Icmp { .. } => (true, false),
        L4::Icmp6 { .. } => (false, true),
        _ => (true, true),
    };
    if v4 && v6 && source.is_full() && destination.is_full() && !family.has_frames() {
        return vec![Version::default()];
    }
    let mut versions = Vec::new();
    if v4 && !source.v4.is_empty() && !destination.v4.is_empty() {
        let mut text = String::new();
        if !source.v4.is_full() {
            let _ = write!(text, "ip saddr {} ", sets.v4(&source.v4));
        }
        if !destination.v4.is_full() {
            let _ = write!(text, "ip daddr {} ", sets.v4(&destination.v4));
        }
        versions.push(Version::new(text, false, family));
    }
    if v6 && !source.v6.is_empty() && !destination.v6.is_empty() {
        let mut text = String::new();
        if !source.v6.is_full() {
            let _ = write!(text, "ip6 saddr {} ", sets.v6(&source.v6));
        }
        if !destination.v6.is_full() {
            let _ = write!(text, "ip6 daddr {} ", sets.v6(&destination.v6));
        }
        versions.push(Version::new(text, true, family));
    }
    versions
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
