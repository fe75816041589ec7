//! A ruleset as two filters, a term for each rule: the same text every time.

use std::fmt::Write as _;

use enforcer_packetset::{AddressSet, FlagSet, L4, Number, RangeSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::saying::Say;
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

const SAY: Say = Say { target: "junos-filter" };

/// A filter's name has 64 characters, and `-v4` takes three.
const LONGEST_NAME: usize = 61;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    SAY.name(&options.name, LONGEST_NAME)?;
    let mut out = Writer { rendering: Rendering { text: String::new(), lines: Vec::new() }, line: 0 };
    out.line(0, "firewall {", None);
    for (family, suffix, is_ipv6) in [("inet", "v4", false), ("inet6", "v6", true)] {
        out.line(1, &format!("family {family} {{"), None);
        out.line(2, &format!("replace: filter {}-{suffix} {{", options.name), None);
        for rule in &ruleset.rules {
            term(&mut out, rule, is_ipv6)?;
        }
        // What no rule decides is allowed; unwritten, it would be discarded. No rule's id has capitals.
        out.line(3, "term REST { then accept; }", None);
        for depth in [2, 1] {
            out.line(depth, "}", None);
        }
    }
    out.line(0, "}", None);
    Ok(out.rendering)
}

struct Writer {
    rendering: Rendering,
    line: usize,
}

impl Writer {
    fn line(&mut self, depth: usize, text: &str, rule: Option<&PointRule>) {
        let _ = writeln!(self.rendering.text, "{:1$}{text}", "", depth * 4);
        self.line += 1;
        if let Some(rule) = rule {
            self.rendering.lines.push(RenderedLine { line: self.line, rule: rule.id.clone() });
        }
    }
}

fn term(out: &mut Writer, rule: &PointRule, is_ipv6: bool) -> Result<(), RenderError> {
    let families = SAY.families(rule)?;
    SAY.no_states(rule)?;
    SAY.no_times(rule)?;
    let protocol = protocol(rule, is_ipv6 && families.v6)?;
    let flags = flags(rule)?;
    if !families.has(is_ipv6) {
        return Ok(());
    }
    let needs_condition = rule.action == Action::Log;
    let mut conditions = addresses("source-address", &rule.selector.source, is_ipv6, needs_condition);
    conditions.extend(addresses("destination-address", &rule.selector.destination, is_ipv6, false));
    conditions.extend(protocol);
    conditions.extend(flags);
    let verb = match rule.action {
        Action::Allow => "accept;",
        Action::Deny => "discard;",
        Action::Log => "next term;",
    };
    let logs = rule.log || rule.action == Action::Log;
    // On the line that closes `from`: a line that is lost must not leave a term that accepts.
    let then = if logs { format!("then {{ syslog; {verb} }}") } else { format!("then {verb}") };
    let on = Some(rule);
    if conditions.is_empty() {
        out.line(3, &format!("term {} {{ {then} }}", rule.id), on);
        return Ok(());
    }
    out.line(3, &format!("term {} {{", rule.id), on);
    out.line(4, "from {", on);
    for (depth, line) in conditions {
        out.line(5 + depth, &line, on);
    }
    out.line(4, &format!("}} {then}"), on);
    out.line(3, "}", on);
    Ok(())
}

/// Lines with their depth below `from`.
type Conditions = Vec<(usize, String)>;

fn addresses(keyword: &str, set: &AddressSet, is_ipv6: bool, even_if_full: bool) -> Conditions {
    let (of_version, is_full) = if is_ipv6 {
        (AddressSet { v4: RangeSet::empty(), v6: set.v6.clone() }, set.v6.is_full())
    } else {
        (AddressSet { v4: set.v4.clone(), v6: RangeSet::empty() }, set.v4.is_full())
    };
    if is_full && !even_if_full {
        return Vec::new();
    }
    let mut lines = vec![(0, format!("{keyword} {{"))];
    lines.extend(of_version.prefixes().iter().map(|prefix| (1, format!("{}/{};", prefix.network(), prefix.length()))));
    lines.push((0, "}".into()));
    lines
}

/// One statement; nothing where every value is meant.
fn values<T: Number + std::fmt::Display>(keyword: &str, set: &RangeSet<T>) -> Conditions {
    let one = |&(first, last): &(T, T)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    let texts: Vec<String> = set.ranges().iter().map(one).collect();
    match texts.as_slice() {
        _ if set.is_full() => Vec::new(),
        [text] => vec![(0, format!("{keyword} {text};"))],
        _ => vec![(0, format!("{keyword} [ {} ];", texts.join(" ")))],
    }
}

fn protocol(rule: &PointRule, is_ipv6: bool) -> Result<Conditions, RenderError> {
    let keyword = if is_ipv6 { "payload-protocol" } else { "protocol" };
    let is = |name: &str| vec![(0, format!("{keyword} {name};"))];
    let with = |name: &str, more: [Conditions; 2]| is(name).into_iter().chain(more.into_iter().flatten()).collect();
    Ok(match &rule.selector.l4 {
        L4::Any if rule.selector.flags.is_full() => Vec::new(),
        // The device would look for flags in packets of any protocol.
        L4::Any => is("tcp"),
        // In IPv6 these are extension headers (RFC 8200 and IANA's list), which `payload-protocol` looks behind.
        L4::Protocol(0 | 43 | 44 | 50 | 51 | 60 | 135 | 139 | 140) if is_ipv6 => {
            return Err(SAY.cannot(rule, "this protocol number in IPv6", "there it is a header before the protocol"));
        }
        L4::Protocol(6) => is("tcp"),
        L4::Protocol(17) => is("udp"),
        L4::Protocol(number) => is(&number.to_string()),
        L4::Tcp { source, destination } => with("tcp", [values("source-port", source), values("destination-port", destination)]),
        L4::Udp { source, destination } => with("udp", [values("source-port", source), values("destination-port", destination)]),
        L4::Sctp { source, destination } if source.is_full() && destination.is_full() => is("sctp"),
        L4::Sctp { .. } => return Err(SAY.cannot(rule, "SCTP ports", "allow SCTP as a whole, or use another point")),
        L4::Icmp { types, codes } => with("icmp", [values("icmp-type", types), values("icmp-code", codes)]),
        L4::Icmp6 { types, codes } => with("icmp6", [values("icmp-type", types), values("icmp-code", codes)]),
    })
}

/// The names of the six low bits; the device knows no others.
const FLAGS: [&str; 6] = ["fin", "syn", "rst", "push", "ack", "urgent"];

fn flags(rule: &PointRule) -> Result<Conditions, RenderError> {
    let set = rule.selector.flags;
    if set.is_full() {
        return Ok(Vec::new());
    }
    if set == FlagSet::ack_or_rst() {
        return Ok(vec![(0, "tcp-established;".into())]);
    }
    let names = |mask: u8| FLAGS.iter().enumerate().filter(move |(bit, _)| mask >> bit & 1 == 1);
    let text = match (set.as_any_bit(), set.as_masked()) {
        (Some(mask), _) if mask < 64 => names(mask).map(|(_, name)| (*name).to_owned()).collect::<Vec<_>>().join(" | "),
        (_, Some((value, mask))) if mask < 64 => {
            let sign = |bit: usize| if value >> bit & 1 == 1 { "" } else { "!" };
            names(mask).map(|(bit, name)| format!("{}{name}", sign(bit))).collect::<Vec<_>>().join(" & ")
        }
        _ => {
            let advice = "it knows bits of which one is set, or a mask and a value, of FIN, SYN, RST, PSH, ACK and URG";
            return Err(SAY.cannot(rule, "this set of TCP flags", advice));
        }
    };
    Ok(vec![(0, format!("tcp-flags \"({text})\";"))])
}
