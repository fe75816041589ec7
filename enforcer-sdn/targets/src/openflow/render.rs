//! A ruleset as a bundle of flows, the same text every time.

use std::fmt::Write as _;

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, RangeSet, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::flag_cubes::cubes;
use crate::port_blocks::blocks;
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

/// Cookies of our flows: the upper 16 bits are the mark, the lower say which rule.
const COOKIE: u64 = 0xc0de_0000_0000_0000;
const COOKIE_MASK: u64 = 0xffff_0000_0000_0000;
/// Connection tracking zone, and set of IPFIX collectors.
const ZONE: u16 = 49374;
/// Of the first rule; ARP and the way to connection tracking are above.
const FIRST_PRIORITY: u16 = 65533;
/// What no rule decides; 0 is left to others.
const LAST_PRIORITY: u16 = 1;
const LONGEST_ID: usize = 48;
/// Packets of no connection, which the switch refuses to commit.
const INVALID: &str = "ct_state=+inv+trk ";
/// For one rule.
const MOST_FLOWS: usize = 1024;

pub(super) fn stateful(ruleset: &Ruleset, _: &RenderOptions) -> Result<Rendering, RenderError> {
    render(ruleset, Kind { target: "openflow", follows: true })
}

pub(super) fn stateless(ruleset: &Ruleset, _: &RenderOptions) -> Result<Rendering, RenderError> {
    render(ruleset, Kind { target: "openflow-stateless", follows: false })
}

#[derive(Clone, Copy)]
struct Kind {
    target: &'static str,
    /// Has connection tracking.
    follows: bool,
}

struct Writer {
    rendering: Rendering,
    line: usize,
}

impl Writer {
    fn comment(&mut self, text: &str) {
        let _ = writeln!(self.rendering.text, "# {text}");
        self.line += 1;
    }

    fn flow(&mut self, cookie: usize, priority: u16, matches: &str, actions: &str) {
        let cookie = COOKIE | cookie as u64;
        let _ = writeln!(self.rendering.text, "add cookie={cookie:#x},table=0,priority={priority} {matches} actions={actions}");
        self.line += 1;
    }
}

fn render(ruleset: &Ruleset, kind: Kind) -> Result<Rendering, RenderError> {
    let mut out = Writer { rendering: Rendering { text: String::new(), lines: Vec::new() }, line: 0 };
    out.comment("load with: ovs-ofctl -O OpenFlow14 add-flows --bundle BRIDGE FILE");
    let _ = writeln!(out.rendering.text, "delete cookie={COOKIE:#x}/{COOKIE_MASK:#x}");
    out.line += 1;
    out.comment("ARP is no IP packet, and no IPv4 packet arrives without it");
    out.flow(0, u16::MAX, "arp", "NORMAL");
    if kind.follows {
        out.comment("packets come back with what is known of their connection");
        for family in ["ip", "ipv6"] {
            out.flow(0, FIRST_PRIORITY + 1, &format!("ct_state=-trk {family}"), &format!("ct(table=0,zone={ZONE})"));
        }
    }
    let mut priority = FIRST_PRIORITY;
    let mut before: Option<String> = None;
    for (cookie, rule) in (1..).zip(&ruleset.rules) {
        let (flows, actions) = (flows(rule, kind)?, actions(rule, kind)?);
        // Neighbours that do the same need no order between them.
        if before.as_ref().is_some_and(|before| *before != actions) {
            priority -= 1;
        }
        if priority <= LAST_PRIORITY {
            return Err(cannot(
                rule,
                kind,
                "so many changes between allow and deny",
                "there are 65532 priorities: order the rules anew",
            ));
        }
        out.comment(&rule.id);
        for matches in flows {
            let of_invalid = matches.starts_with(INVALID).then(|| actions.replace(&commit(), ""));
            out.flow(cookie, priority, &matches, of_invalid.as_ref().unwrap_or(&actions));
            out.rendering.lines.push(RenderedLine { line: out.line, rule: rule.id.clone() });
        }
        before = Some(actions);
    }
    out.comment("the policy has no opinion on the rest");
    let allow = allow(kind, StateSet::Any);
    for family in ["ip", "ipv6"] {
        out.flow(0, LAST_PRIORITY, family, &allow);
    }
    Ok(out.rendering)
}

fn cannot(rule: &PointRule, kind: Kind, feature: impl Into<String>, advice: impl Into<String>) -> RenderError {
    RenderError { rule: rule.id.clone(), target: kind.target, feature: feature.into(), advice: advice.into() }
}

fn commit() -> String {
    format!("ct(commit,zone={ZONE}),")
}

/// A connection whose first packet is let through is to be known.
fn allow(kind: Kind, state: StateSet) -> String {
    if kind.follows && state != StateSet::Established { commit() + "NORMAL" } else { "NORMAL".to_owned() }
}

fn actions(rule: &PointRule, kind: Kind) -> Result<String, RenderError> {
    let sample = format!("sample(probability=65535,collector_set_id={ZONE},obs_domain_id=0,obs_point_id=0)");
    Ok(match (rule.action, rule.log) {
        (Action::Allow, false) => allow(kind, rule.selector.state),
        (Action::Allow, true) => format!("{sample},{}", allow(kind, rule.selector.state)),
        (Action::Deny, false) => "drop".to_owned(),
        (Action::Deny, true) => sample,
        (Action::Log, _) => return Err(cannot(rule, kind, "a log without a verdict", "put the zone in another mode")),
    })
}

fn flows(rule: &PointRule, kind: Kind) -> Result<Vec<String>, RenderError> {
    let selector = &rule.selector;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if rule.id.is_empty() || rule.id.len() > LONGEST_ID || !rule.id.chars().all(is_plain) {
        return Err(cannot(rule, kind, "the rule's id", "use at most 48 of the characters a-z, 0-9 and `-`"));
    }
    if !selector.week.is_always() {
        return Err(cannot(rule, kind, "times", "leave the schedule to a point that has the policy's clock"));
    }
    if !selector.link.is_any() {
        return Err(cannot(rule, kind, "VLANs, MAC addresses and directions", "leave them out of the rule"));
    }
    let states: &[&str] = match (selector.state, kind.follows) {
        (StateSet::Any, _) => &[""],
        (StateSet::Established, true) => &["ct_state=-new-inv+trk "],
        (StateSet::New, true) => &["ct_state=+new+trk ", INVALID],
        (_, false) => {
            return Err(cannot(rule, kind, "connection states", "compile for a stateless point, with rules for the way back"));
        }
    };
    let mut flows = Vec::new();
    for is_ipv6 in [false, true] {
        let pairs = addresses(rule, is_ipv6);
        if pairs.is_empty() {
            continue;
        }
        let l4 = l4(rule, kind, is_ipv6)?;
        let count = pairs.len().saturating_mul(l4.len()).saturating_mul(states.len());
        if count > MOST_FLOWS {
            let advice = "each source stands with each destination and block of ports: use prefixes, or split the rule";
            return Err(cannot(rule, kind, format!("a rule of {count} flows"), advice));
        }
        for state in states {
            for pair in &pairs {
                flows.extend(l4.iter().map(|(protocol, fields)| format!("{state}{protocol}{pair}{fields}")));
            }
        }
    }
    if flows.is_empty() {
        return Err(cannot(
            rule,
            kind,
            "a rule that selects no packet",
            "an address, port or flag set of it is empty: leave it out",
        ));
    }
    Ok(flows)
}

/// Each pair of a source and a destination prefix; none where the rule selects no packet of the IP version.
fn addresses(rule: &PointRule, is_ipv6: bool) -> Vec<String> {
    match (&rule.selector.l4, is_ipv6) {
        (L4::Icmp { .. }, true) | (L4::Icmp6 { .. }, false) => return Vec::new(),
        _ => {}
    }
    let (source, destination) = if is_ipv6 { ("ipv6_src", "ipv6_dst") } else { ("nw_src", "nw_dst") };
    let to = prefixes(destination, &rule.selector.destination, is_ipv6);
    prefixes(source, &rule.selector.source, is_ipv6)
        .iter()
        .flat_map(|from| to.iter().map(move |to| format!("{from}{to}")))
        .collect()
}

fn prefixes(key: &str, set: &AddressSet, is_ipv6: bool) -> Vec<String> {
    let of_version = if is_ipv6 {
        AddressSet { v4: RangeSet::empty(), v6: set.v6.clone() }
    } else {
        AddressSet { v4: set.v4.clone(), v6: RangeSet::empty() }
    };
    let one = |prefix: enforcer_packetset::Prefix| if prefix.length() == 0 { String::new() } else { format!(" {key}={prefix}") };
    of_version.prefixes().into_iter().map(one).collect()
}

/// The protocol's word and the fields behind the addresses.
fn l4(rule: &PointRule, kind: Kind, is_ipv6: bool) -> Result<Vec<(String, String)>, RenderError> {
    let word = |name: &str| if is_ipv6 { format!("{name}6") } else { name.to_owned() };
    let one = |name: String| Ok(vec![(name, String::new())]);
    if !rule.selector.flags.is_full() {
        let (source, destination) = match &rule.selector.l4 {
            L4::Any | L4::Protocol(6) => (RangeSet::full(), RangeSet::full()),
            L4::Tcp { source, destination } => (source.clone(), destination.clone()),
            _ => return Ok(Vec::new()),
        };
        let flags: Vec<String> = cubes(rule.selector.flags).into_iter().map(flag_text).collect();
        let ports = ports(&source, &destination);
        let all = ports.iter().flat_map(|ports| flags.iter().map(move |flags| format!("{ports}{flags}")));
        return Ok(all.map(|fields| (word("tcp"), fields)).collect());
    }
    match &rule.selector.l4 {
        L4::Any => one(if is_ipv6 { "ipv6".into() } else { "ip".into() }),
        L4::Protocol(6) => one(word("tcp")),
        L4::Protocol(17) => one(word("udp")),
        L4::Protocol(132) => one(word("sctp")),
        L4::Protocol(1) if !is_ipv6 => one("icmp".into()),
        L4::Protocol(58) if is_ipv6 => one("icmp6".into()),
        // In IPv6 these are extension headers (RFC 8200), which `nw_proto` is behind.
        L4::Protocol(number @ (0 | 43 | 44 | 51 | 60)) if is_ipv6 => Err(cannot(
            rule,
            kind,
            format!("protocol {number}"),
            "`nw_proto` is behind it: leave it out, or name IPv4 addresses only",
        )),
        L4::Protocol(number) => one(format!("{} nw_proto={number}", if is_ipv6 { "ipv6" } else { "ip" })),
        L4::Tcp { source, destination } => Ok(with(&word("tcp"), ports(source, destination))),
        L4::Udp { source, destination } => Ok(with(&word("udp"), ports(source, destination))),
        L4::Sctp { source, destination } => Ok(with(&word("sctp"), ports(source, destination))),
        L4::Icmp { types, codes } => Ok(with("icmp", icmp(types, codes))),
        L4::Icmp6 { types, codes } => Ok(with("icmp6", icmp(types, codes))),
    }
}

fn with(word: &str, fields: Vec<String>) -> Vec<(String, String)> {
    fields.into_iter().map(|fields| (word.to_owned(), fields)).collect()
}

fn ports(source: &PortSet, destination: &PortSet) -> Vec<String> {
    let to = blocks(destination);
    let pair = |from| to.iter().map(move |to| port_text("tp_src", from) + &port_text("tp_dst", *to));
    blocks(source).into_iter().flat_map(pair).collect()
}

/// ` tp_dst=80` or ` tp_dst=0x10/0xfff0`; nothing for every port.
fn port_text(key: &str, (value, mask): (u16, u16)) -> String {
    match mask {
        0 => String::new(),
        u16::MAX => format!(" {key}={value}"),
        _ => format!(" {key}={value:#x}/{mask:#x}"),
    }
}

fn icmp(types: &RangeSet<u8>, codes: &RangeSet<u8>) -> Vec<String> {
    let values = |key: &str, set: &RangeSet<u8>| -> Vec<String> {
        if set.is_full() {
            return vec![String::new()];
        }
        set.ranges().iter().flat_map(|&(first, last)| first..=last).map(|value| format!(" {key}={value}")).collect()
    };
    let codes = values("icmp_code", codes);
    values("icmp_type", types).iter().flat_map(|kind| codes.iter().map(move |code| format!("{kind}{code}"))).collect()
}

fn flag_text((value, mask): (u8, u8)) -> String {
    let mut text = String::from(" tcp_flags=");
    for (bit, name) in (0..8).zip(FlagSet::NAMES).filter(|(bit, _)| mask >> bit & 1 == 1) {
        let _ = write!(text, "{}{name}", if value >> bit & 1 == 1 { '+' } else { '-' });
    }
    text
}
