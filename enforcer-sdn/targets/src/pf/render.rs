//! A ruleset as tables and rules that decide at once: the same text every time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use enforcer_packetset::{AddressSet, L4, PortSet, RangeSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::saying::{Families, Say, members};
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

const SAY: Say = Say { target: "pf" };

/// A table's name has 31 characters, of which the number takes up to seven.
const LONGEST_NAME: usize = 24;

/// A list is a rule for each element; one type with one code each.
const MOST_TYPES: usize = 256;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    SAY.name(&options.name, LONGEST_NAME)?;
    let rendering = Rendering { text: String::new(), lines: Vec::new() };
    let mut out = Writer { name: &options.name, rendering, line: 0, tables: BTreeMap::new() };
    let mut rules = Vec::new();
    for rule in SAY.new_packets(ruleset)? {
        rules.push((rule, filter_rule(&mut out, rule)?));
    }
    // Tables come before rules.
    for (rule, text) in rules {
        out.line(&text, Some(rule));
    }
    // What no rule decides is allowed; unwritten, it would pass without a state.
    out.line("pass quick all flags any keep state", None);
    Ok(out.rendering)
}

struct Writer<'a> {
    name: &'a str,
    rendering: Rendering,
    line: usize,
    /// Names by content.
    tables: BTreeMap<String, String>,
}

impl Writer<'_> {
    fn line(&mut self, text: &str, rule: Option<&PointRule>) {
        let _ = writeln!(self.rendering.text, "{text}");
        self.line += 1;
        if let Some(rule) = rule {
            self.rendering.lines.push(RenderedLine { line: self.line, rule: rule.id.clone() });
        }
    }
}

fn filter_rule(out: &mut Writer<'_>, rule: &PointRule) -> Result<String, RenderError> {
    let families = SAY.families(rule)?;
    SAY.no_times(rule)?;
    let verb = match rule.action {
        Action::Allow => "pass",
        Action::Deny => "block",
        Action::Log => return Err(SAY.cannot(rule, "a log without a verdict", "put the zone in another mode")),
    };
    let log = if rule.log { " log" } else { "" };
    let family = match families {
        Families { v4: true, v6: true } => "",
        Families { v4: true, .. } => " inet",
        Families { .. } => " inet6",
    };
    let L4Words { protocol, from, to, types } = l4(rule, families)?;
    let flags = flags(rule)?;
    let state = if rule.action == Action::Allow { " keep state" } else { "" };
    let source = addresses(out, &rule.selector.source, families);
    let destination = addresses(out, &rule.selector.destination, families);
    // Addresses are of a family themselves; types of ICMP must have it said.
    let family = if (source == "any" && destination == "any") || !types.is_empty() { family } else { "" };
    Ok(format!(
        "{verb}{log} quick{family}{protocol} from {source}{from} to {destination}{to}{types}{flags}{state} label \"{}\"",
        rule.id
    ))
}

fn addresses(out: &mut Writer<'_>, set: &AddressSet, families: Families) -> String {
    let kept = AddressSet {
        v4: if families.v4 { set.v4.clone() } else { RangeSet::empty() },
        v6: if families.v6 { set.v6.clone() } else { RangeSet::empty() },
    };
    if (kept.v4.is_full() || !families.v4) && (kept.v6.is_full() || !families.v6) {
        return "any".into();
    }
    let texts: Vec<String> = kept.prefixes().iter().map(|prefix| format!("{}/{}", prefix.network(), prefix.length())).collect();
    if let [one] = texts.as_slice() {
        return one.clone();
    }
    let content = texts.join(", ");
    if let Some(known) = out.tables.get(&content) {
        return format!("<{known}>");
    }
    let name = format!("{}-{}", out.name, out.tables.len() + 1);
    out.line(&format!("table <{name}> const {{ {content} }}"), None);
    out.tables.insert(content, name.clone());
    format!("<{name}>")
}

#[derive(Default)]
struct L4Words {
    protocol: String,
    from: String,
    to: String,
    types: String,
}

fn l4(rule: &PointRule, families: Families) -> Result<L4Words, RenderError> {
    let protocol = |name: &str| L4Words { protocol: format!(" proto {name}"), ..L4Words::default() };
    let with_ports = |name: &str, source: &PortSet, destination: &PortSet| L4Words {
        from: ports(source),
        to: ports(destination),
        ..protocol(name)
    };
    Ok(match &rule.selector.l4 {
        L4::Any if rule.selector.flags.is_full() => L4Words::default(),
        L4::Any => protocol("tcp"),
        L4::Protocol(0) => return Err(SAY.cannot(rule, "protocol 0", "it is read as every protocol")),
        L4::Protocol(1) if families.v6 => return Err(SAY.cannot(rule, "ICMP over IPv6", "split the rule by IP version")),
        L4::Protocol(58) if families.v4 => return Err(SAY.cannot(rule, "ICMPv6 over IPv4", "split the rule by IP version")),
        L4::Protocol(1) => protocol("icmp"),
        L4::Protocol(58) => protocol("icmp6"),
        L4::Protocol(6) => protocol("tcp"),
        L4::Protocol(17) => protocol("udp"),
        L4::Protocol(number) => protocol(&number.to_string()),
        L4::Tcp { source, destination } => with_ports("tcp", source, destination),
        L4::Udp { source, destination } => with_ports("udp", source, destination),
        L4::Sctp { source, destination } if source.is_full() && destination.is_full() => protocol("132"),
        L4::Sctp { .. } => return Err(SAY.cannot(rule, "SCTP ports", "allow SCTP as a whole, or use another point")),
        L4::Icmp { types, codes } => L4Words { types: icmp(rule, "icmp-type", types, codes)?, ..protocol("icmp") },
        L4::Icmp6 { types, codes } => L4Words { types: icmp(rule, "icmp6-type", types, codes)?, ..protocol("icmp6") },
    })
}

fn ports(set: &PortSet) -> String {
    if set.is_full() {
        return String::new();
    }
    let text = |&(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}:{last}") };
    format!(" port {}", list(set.ranges().iter().map(text).collect()))
}

fn list(texts: Vec<String>) -> String {
    match texts.as_slice() {
        [one] => one.clone(),
        _ => format!("{{ {} }}", texts.join(", ")),
    }
}

fn icmp(rule: &PointRule, keyword: &str, types: &RangeSet<u8>, codes: &RangeSet<u8>) -> Result<String, RenderError> {
    let texts: Vec<String> = match (types.is_full(), codes.is_full()) {
        (true, true) => return Ok(String::new()),
        (true, false) => return Err(SAY.cannot(rule, "ICMP codes of every type", "name the types")),
        (false, true) => members(types).iter().map(u8::to_string).collect(),
        (false, false) => {
            let codes = members(codes);
            members(types).iter().flat_map(|kind| codes.iter().map(move |code| format!("{kind} code {code}"))).collect()
        }
    };
    if texts.len() > MOST_TYPES {
        let advice = "each type with each code is a rule of its own: name fewer, or all codes";
        return Err(SAY.cannot(rule, format!("a list of {} ICMP types", texts.len()), advice));
    }
    Ok(format!(" {keyword} {}", list(texts)))
}

/// In the order of the bits.
const FLAGS: [char; 8] = ['F', 'S', 'R', 'P', 'A', 'U', 'E', 'W'];

fn flags(rule: &PointRule) -> Result<String, RenderError> {
    let is_tcp = matches!(rule.selector.l4, L4::Any | L4::Protocol(6) | L4::Tcp { .. });
    if rule.selector.flags.is_full() {
        // Without it, a `pass` would match the opening SYN only.
        return Ok(if is_tcp && rule.action == Action::Allow { " flags any".into() } else { String::new() });
    }
    let Some((value, mask)) = rule.selector.flags.as_masked() else {
        return Err(SAY.cannot(rule, "this set of TCP flags", "it knows a mask and a value"));
    };
    let letters =
        |bits: u8| FLAGS.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, c)| *c).collect::<String>();
    Ok(format!(" flags {}/{}", letters(value), letters(mask)))
}
