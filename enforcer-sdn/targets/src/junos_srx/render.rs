//! A ruleset as `set` lines: for each rule the addresses and applications that it is the first to need, then its global policy.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use enforcer_packetset::{AddressSet, L4, PortSet, RangeSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::saying::{Families, Say, members, port_pairs};
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

const SAY: Say = Say { target: "junos-srx" };

/// An address's name has 63 characters, of which the longest prefix takes 43.
const LONGEST_NAME: usize = 19;

/// More applications for one rule are refused: every one of them is compared.
const MOST_APPLICATIONS: usize = 256;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    SAY.name(&options.name, LONGEST_NAME)?;
    let rendering = Rendering { text: String::new(), lines: Vec::new() };
    let mut out = Writer { prefix: &options.name, rendering, line: 0, objects: BTreeSet::new() };
    out.line("delete security policies global", None);
    for rule in SAY.new_packets(ruleset)? {
        policy(&mut out, rule)?;
    }
    // What no rule decides is allowed; unwritten, it would be denied. No rule's id has capitals.
    for rest in ["match source-address any", "match destination-address any", "match application any", "then permit"] {
        out.line(&format!("set security policies global policy REST {rest}"), None);
    }
    Ok(out.rendering)
}

struct Writer<'a> {
    prefix: &'a str,
    rendering: Rendering,
    line: usize,
    /// What stands in the text already, by name.
    objects: BTreeSet<String>,
}

impl Writer<'_> {
    fn line(&mut self, text: &str, rule: Option<&PointRule>) {
        let _ = writeln!(self.rendering.text, "{text}");
        self.line += 1;
        if let Some(rule) = rule {
            self.rendering.lines.push(RenderedLine { line: self.line, rule: rule.id.clone() });
        }
    }

    /// Defines the object once.
    fn object(&mut self, name: &str, definition: &str, rule: &PointRule) {
        if self.objects.insert(name.to_owned()) {
            self.line(definition, Some(rule));
        }
    }
}

fn policy(out: &mut Writer<'_>, rule: &PointRule) -> Result<(), RenderError> {
    let families = SAY.families(rule)?;
    SAY.no_times(rule)?;
    SAY.no_flags(rule)?;
    let verb = match rule.action {
        Action::Allow => "permit",
        Action::Deny => "deny",
        Action::Log => return Err(SAY.cannot(rule, "a log without a verdict", "put the zone in another mode")),
    };
    let applications = applications(out.prefix, rule)?;
    let source = addresses(out, rule, &rule.selector.source, families);
    let destination = addresses(out, rule, &rule.selector.destination, families);
    for (name, definition) in &applications {
        if let Some(definition) = definition {
            out.object(name, &format!("set applications application {name} {definition}"), rule);
        }
    }
    let names: Vec<String> = applications.into_iter().map(|(name, _)| name).collect();
    let policy = format!("set security policies global policy {}", rule.id);
    for (field, names) in [("source-address", source), ("destination-address", destination), ("application", names)] {
        out.line(&format!("{policy} match {field} {}", list(&names)), Some(rule));
    }
    out.line(&format!("{policy} then {verb}"), Some(rule));
    if rule.log {
        out.line(&format!("{policy} then log session-init"), Some(rule));
    }
    Ok(())
}

fn list(names: &[String]) -> String {
    match names {
        [name] => name.clone(),
        _ => format!("[ {} ]", names.join(" ")),
    }
}

/// Names of the addresses, defined where they were not yet.
fn addresses(out: &mut Writer<'_>, rule: &PointRule, set: &AddressSet, families: Families) -> Vec<String> {
    let kept = AddressSet {
        v4: if families.v4 { set.v4.clone() } else { RangeSet::empty() },
        v6: if families.v6 { set.v6.clone() } else { RangeSet::empty() },
    };
    match (kept.v4.is_full(), kept.v6.is_full()) {
        (true, true) => return vec!["any".into()],
        (true, false) if kept.v6.is_empty() => return vec!["any-ipv4".into()],
        (false, true) if kept.v4.is_empty() => return vec!["any-ipv6".into()],
        _ => {}
    }
    let name = |prefix| {
        let name = format!("{}-{prefix}", out.prefix);
        out.object(&name, &format!("set security address-book global address {name} {prefix}"), rule);
        name
    };
    let texts: Vec<String> = kept.prefixes().iter().map(|prefix| format!("{}/{}", prefix.network(), prefix.length())).collect();
    texts.into_iter().map(name).collect()
}

/// Each with its definition; `any` has none.
type Applications = Vec<(String, Option<String>)>;

fn applications(prefix: &str, rule: &PointRule) -> Result<Applications, RenderError> {
    let one = |name: String, definition: String| (format!("{prefix}-{name}"), Some(definition));
    let applications = match &rule.selector.l4 {
        L4::Any => vec![("any".to_owned(), None)],
        // 0 stands for every protocol in some of the device's words.
        L4::Protocol(0) => return Err(SAY.cannot(rule, "protocol 0", "it may be read as every protocol")),
        L4::Protocol(number) => vec![one(format!("ip-{number}"), format!("protocol {number}"))],
        L4::Tcp { source, destination } => ports(prefix, "tcp", source, destination),
        L4::Udp { source, destination } => ports(prefix, "udp", source, destination),
        L4::Sctp { source, destination } if source.is_full() && destination.is_full() => {
            vec![one("ip-132".into(), "protocol 132".into())]
        }
        L4::Sctp { .. } => return Err(SAY.cannot(rule, "SCTP ports", "allow SCTP as a whole, or use another point")),
        L4::Icmp { types, codes } => icmp(prefix, rule, "icmp", types, codes)?,
        L4::Icmp6 { types, codes } => icmp(prefix, rule, "icmp6", types, codes)?,
    };
    if applications.len() > MOST_APPLICATIONS {
        let advice = "each port range and ICMP type is an application of its own: use wider ranges, or split the rule";
        return Err(SAY.cannot(rule, format!("a rule of {} applications", applications.len()), advice));
    }
    Ok(applications)
}

fn ports(prefix: &str, protocol: &str, source: &PortSet, destination: &PortSet) -> Applications {
    let application = |(from, to): (Option<String>, Option<String>)| {
        let (mut name, mut definition) = (format!("{prefix}-{protocol}"), format!("protocol {protocol}"));
        if let Some(from) = from {
            let _ = write!(name, "-from-{from}");
            let _ = write!(definition, " source-port {from}");
        }
        if let Some(to) = to {
            let _ = write!(name, "-to-{to}");
            let _ = write!(definition, " destination-port {to}");
        }
        (name, Some(definition))
    };
    port_pairs(source, destination).into_iter().map(application).collect()
}

fn icmp(
    prefix: &str,
    rule: &PointRule,
    protocol: &str,
    types: &RangeSet<u8>,
    codes: &RangeSet<u8>,
) -> Result<Applications, RenderError> {
    let name = format!("{prefix}-{protocol}");
    Ok(match (types.is_full(), codes.is_full()) {
        (true, true) => vec![(name, Some(format!("protocol {protocol}")))],
        (true, false) => return Err(SAY.cannot(rule, "ICMP codes of every type", "name the types")),
        (false, true) => members(types)
            .into_iter()
            .map(|kind| (format!("{name}-{kind}"), Some(format!("protocol {protocol} {protocol}-type {kind}"))))
            .collect(),
        (false, false) => {
            let codes = members(codes);
            let one = |kind: u8, code: u8| {
                let definition = format!("protocol {protocol} {protocol}-type {kind} {protocol}-code {code}");
                (format!("{name}-{kind}-{code}"), Some(definition))
            };
            members(types).into_iter().flat_map(|kind| codes.iter().map(move |&code| one(kind, code))).collect()
        }
    })
}
