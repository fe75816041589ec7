//! A ruleset as `set` lines: for each rule the addresses and applications that it is the first to need, then its global policy.

use std::collections::BTreeSet;

use enforcer_packetset::{AddressSet, L4, PortSet, RangeSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::device_zones::DeviceZones;
use crate::lines::{Lines, bracketed};
use crate::saying::{Families, Say, members, named_ports, of_families, own_names, port_pairs, prefix_texts};
use crate::target::{RenderError, RenderOptions, Rendering};

const SAY: Say = Say { target: "junos-srx" };

/// An address's name has 63 characters, of which the longest prefix takes 43.
const LONGEST_NAME: usize = 19;

/// More applications for one rule are refused: every one of them is compared.
const MOST_APPLICATIONS: usize = 256;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    SAY.name(&options.name, LONGEST_NAME)?;
    SAY.zone_names(&options.zones)?;
    let mut out = Writer { prefix: &options.name, zones: &options.zones, lines: Lines::new(), objects: BTreeSet::new() };
    out.line("delete security policies global", None);
    for rule in SAY.new_packets(ruleset)? {
        policy(&mut out, rule)?;
    }
    // What no rule decides is allowed; unwritten, it would be denied. No rule's id has capitals.
    for rest in ["match source-address any", "match destination-address any", "match application any", "then permit"] {
        out.line(&format!("set security policies global policy REST {rest}"), None);
    }
    Ok(out.lines.done())
}

struct Writer<'a> {
    prefix: &'a str,
    zones: &'a DeviceZones,
    lines: Lines,
    /// What stands in the text already, by name.
    objects: BTreeSet<String>,
}

impl Writer<'_> {
    fn line(&mut self, text: &str, rule: Option<&PointRule>) {
        self.lines.push(text, rule.map(|rule| rule.id.as_str()));
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
    for (field, set) in [("from-zone", &rule.selector.source), ("to-zone", &rule.selector.destination)] {
        if let Some(names) = own_names(out.zones, &of_families(set, families)) {
            let names: Vec<String> = names.into_iter().map(word).collect();
            out.line(&format!("{policy} match {field} {}", bracketed(&names)), Some(rule));
        }
    }
    for (field, names) in [("source-address", source), ("destination-address", destination), ("application", names)] {
        out.line(&format!("{policy} match {field} {}", bracketed(&names)), Some(rule));
    }
    out.line(&format!("{policy} then {verb}"), Some(rule));
    if rule.log {
        out.line(&format!("{policy} then log session-init"), Some(rule));
    }
    Ok(())
}

/// In quotes where it has blanks.
fn word(name: String) -> String {
    if name.contains(' ') { format!("\"{name}\"") } else { name }
}

/// Names of the addresses, defined where they were not yet.
fn addresses(out: &mut Writer<'_>, rule: &PointRule, set: &AddressSet, families: Families) -> Vec<String> {
    let kept = of_families(set, families);
    match (kept.v4.is_full(), kept.v6.is_full()) {
        (true, true) => return vec!["any".into()],
        (true, false) if kept.v6.is_empty() => return vec!["any-ipv4".into()],
        (false, true) if kept.v4.is_empty() => return vec!["any-ipv6".into()],
        _ => {}
    }
    let name = |prefix: String| {
        let name = format!("{}-{prefix}", out.prefix);
        out.object(&name, &format!("set security address-book global address {name} {prefix}"), rule);
        name
    };
    prefix_texts(&kept).into_iter().map(name).collect()
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
        let part =
            |word: &str, ports: &Option<String>| ports.as_ref().map_or_else(String::new, |ports| format!(" {word} {ports}"));
        let definition = format!("protocol {protocol}{}{}", part("source-port", &from), part("destination-port", &to));
        (named_ports(prefix, protocol, from.as_deref(), to.as_deref()), Some(definition))
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
