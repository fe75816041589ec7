//! A ruleset as two access lists, each line one address pair and one port range: the same text every time.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, Prefix, RangeSet, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

/// A remark holds 100 characters.
const LONGEST_ID: usize = 48;

/// No switch holds more lines for one rule beside others; and every one of them is compared.
const MOST_LINES: usize = 1024;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    let name = &options.name;
    // The word itself is free, but a list named by a number is another kind of list.
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= 32
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !is_name {
        return Err(RenderError {
            rule: "(list)".into(),
            target: "cisco-ios",
            feature: format!("the list name `{name}`"),
            advice: "use letters, digits, `-` and `_`, at most 32, beginning with a letter".into(),
        });
    }
    let mut out = Writer { rendering: Rendering { text: String::new(), lines: Vec::new() }, line: 0 };
    for (header, is_ipv6) in
        [(format!("ip access-list extended {name}-v4"), false), (format!("ipv6 access-list {name}-v6"), true)]
    {
        out.line(&header);
        for rule in &ruleset.rules {
            let lines = lines(rule, is_ipv6)?;
            if lines.is_empty() {
                continue;
            }
            out.line(&format!(" remark {}", rule.id));
            for text in lines {
                out.line(&text);
                out.rendering.lines.push(RenderedLine { line: out.line, rule: rule.id.clone() });
            }
        }
        // What no rule decides is allowed; unwritten, it would be denied.
        out.line(" remark the policy has no opinion on the rest");
        out.line(if is_ipv6 { " permit ipv6 any any" } else { " permit ip any any" });
        out.line("!");
    }
    Ok(out.rendering)
}

struct Writer {
    rendering: Rendering,
    line: usize,
}

impl Writer {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.rendering.text, "{text}");
        self.line += 1;
    }
}

fn cannot(rule: &PointRule, feature: impl Into<String>, advice: &str) -> RenderError {
    RenderError { rule: rule.id.clone(), target: "cisco-ios", feature: feature.into(), advice: advice.into() }
}

/// The rule's lines for one IP version; none where it selects no packet of that version.
fn lines(rule: &PointRule, is_ipv6: bool) -> Result<Vec<String>, RenderError> {
    let selector = &rule.selector;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if rule.id.is_empty() || rule.id.len() > LONGEST_ID || !rule.id.chars().all(is_plain) {
        return Err(cannot(rule, "the rule's id", "use at most 48 of the characters a-z, 0-9 and `-`"));
    }
    if selector.state != StateSet::Any {
        return Err(cannot(rule, "connection states", "compile for a stateless point, with rules for the way back"));
    }
    if !selector.week.is_always() {
        return Err(cannot(rule, "times", "leave the schedule to a point that has the policy's clock"));
    }
    if !selector.link.is_any() {
        return Err(cannot(rule, "VLANs, MAC addresses and directions", "bind the list where they are what they should be"));
    }
    let verb = match rule.action {
        Action::Allow => "permit",
        Action::Deny => "deny",
        Action::Log => return Err(cannot(rule, "a log without a verdict", "put the zone in another mode")),
    };
    let has = |v6: bool| {
        let (source, destination) = (&selector.source, &selector.destination);
        let fits = match selector.l4 {
            L4::Icmp { .. } => !v6,
            L4::Icmp6 { .. } => v6,
            _ => true,
        };
        let is_met = if v6 {
            !source.v6.is_empty() && !destination.v6.is_empty()
        } else {
            !source.v4.is_empty() && !destination.v4.is_empty()
        };
        fits && is_met
    };
    if !has(false) && !has(true) {
        return Err(cannot(rule, "a rule that selects no packet", "an address set of it is empty: leave it out"));
    }
    let protocol = protocol(rule, is_ipv6)?;
    if !has(is_ipv6) {
        return Ok(Vec::new());
    }
    let established = if selector.flags.is_full() { "" } else { " established" };
    let log = if rule.log { " log" } else { "" };
    let (sources, destinations) = (addresses(&selector.source, is_ipv6), addresses(&selector.destination, is_ipv6));
    let count = sources.len().saturating_mul(destinations.len()).saturating_mul(protocol.fields.len());
    if count > MOST_LINES {
        let advice = "without sets each source stands with each destination and port: use prefixes, or split the rule";
        return Err(cannot(rule, format!("a rule of {count} lines"), advice));
    }
    let mut lines = Vec::new();
    for source in &sources {
        for destination in &destinations {
            for (from, to) in &protocol.fields {
                lines.push(format!(" {verb} {} {source}{from} {destination}{to}{established}{log}", protocol.name));
            }
        }
    }
    Ok(lines)
}

fn addresses(set: &AddressSet, is_ipv6: bool) -> Vec<String> {
    let of_version = if is_ipv6 {
        AddressSet { v4: RangeSet::empty(), v6: set.v6.clone() }
    } else {
        AddressSet { v4: set.v4.clone(), v6: RangeSet::empty() }
    };
    of_version.prefixes().into_iter().map(address).collect()
}

fn address(prefix: Prefix) -> String {
    match (prefix.network(), prefix.length()) {
        (_, 0) => "any".into(),
        (IpAddr::V4(network), 32) => format!("host {network}"),
        (IpAddr::V6(network), 128) => format!("host {network}"),
        (IpAddr::V4(network), length) => format!("{network} {}", Ipv4Addr::from_bits(u32::MAX >> length)),
        (IpAddr::V6(network), length) => format!("{network}/{length}"),
    }
}

/// The protocol's word and the texts behind source and destination.
struct Protocol {
    name: String,
    fields: Vec<(String, String)>,
}

fn protocol(rule: &PointRule, is_ipv6: bool) -> Result<Protocol, RenderError> {
    let all = |name: &str| Protocol { name: name.into(), fields: vec![(String::new(), String::new())] };
    if !rule.selector.flags.is_full() && rule.selector.flags != FlagSet::ack_or_rst() {
        return Err(cannot(rule, "these TCP flags", "only ACK or RST (`established`) has a word in every release"));
    }
    match &rule.selector.l4 {
        L4::Any | L4::Protocol(6) if !rule.selector.flags.is_full() => Ok(all("tcp")),
        L4::Tcp { source, destination } => ports(rule, "tcp", source, destination),
        _ if !rule.selector.flags.is_full() => {
            Err(cannot(rule, "a rule that selects no packet", "only TCP has flags: leave it out"))
        }
        L4::Any => Ok(all(if is_ipv6 { "ipv6" } else { "ip" })),
        // 0 is read as `ip`; in an IPv6 list these numbers are extension headers (RFC 8200), which the list looks behind.
        L4::Protocol(0 | 43 | 44 | 50 | 51 | 60 | 135 | 139 | 140) => {
            Err(cannot(rule, "this protocol number", "in one of the lists it is another thing than a protocol"))
        }
        L4::Protocol(number) => Ok(all(match (number, is_ipv6) {
            (6, _) => "tcp",
            (17, _) => "udp",
            (1, false) | (58, true) => "icmp",
            _ => return Ok(all(&number.to_string())),
        })),
        L4::Udp { source, destination } => ports(rule, "udp", source, destination),
        L4::Sctp { source, destination } if source.is_full() && destination.is_full() => Ok(all("132")),
        L4::Sctp { .. } => Err(cannot(rule, "SCTP ports", "allow SCTP as a whole, or use a stateful point")),
        L4::Icmp { types, codes } | L4::Icmp6 { types, codes } => icmp(rule, types, codes),
    }
}

fn ports(rule: &PointRule, name: &str, source: &PortSet, destination: &PortSet) -> Result<Protocol, RenderError> {
    if source.is_empty() || destination.is_empty() {
        return Err(cannot(rule, "a rule that selects no packet", "a port set of it is empty: leave it out"));
    }
    let texts = |set: &PortSet| -> Vec<String> {
        if set.is_full() {
            return vec![String::new()];
        }
        let one =
            |&(first, last): &(u16, u16)| if first == last { format!(" eq {first}") } else { format!(" range {first} {last}") };
        set.ranges().iter().map(one).collect()
    };
    let to = texts(destination);
    let fields = texts(source).into_iter().flat_map(|from| to.iter().map(move |to| (from.clone(), to.clone()))).collect();
    Ok(Protocol { name: name.into(), fields })
}

fn icmp(rule: &PointRule, types: &RangeSet<u8>, codes: &RangeSet<u8>) -> Result<Protocol, RenderError> {
    let values = |set: &RangeSet<u8>| -> Vec<u8> { set.ranges().iter().flat_map(|&(first, last)| first..=last).collect() };
    if types.is_empty() || codes.is_empty() {
        return Err(cannot(rule, "a rule that selects no packet", "an ICMP set of it is empty: leave it out"));
    }
    let suffixes: Vec<String> = match (types.is_full(), codes.is_full()) {
        (true, true) => vec![String::new()],
        (true, false) => return Err(cannot(rule, "ICMP codes of every type", "name the types")),
        (false, true) => values(types).iter().map(|kind| format!(" {kind}")).collect(),
        (false, false) => {
            let codes = values(codes);
            values(types).iter().flat_map(|kind| codes.iter().map(move |code| format!(" {kind} {code}"))).collect()
        }
    };
    Ok(Protocol { name: "icmp".into(), fields: suffixes.into_iter().map(|to| (String::new(), to)).collect() })
}
