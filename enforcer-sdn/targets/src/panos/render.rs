//! A ruleset as `set` lines: for each rule the services that it is the first to need, then the rule on one line.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use enforcer_packetset::{AddressSet, L4, PortSet, RangeSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::saying::{Families, Say, port_pairs};
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

const SAY: Say = Say { target: "panos" };

/// A service's name has 63 characters, of which protocol and ports take 37.
const LONGEST_NAME: usize = 25;

/// More services for one rule are refused: every one of them is compared.
const MOST_SERVICES: usize = 256;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    SAY.name(&options.name, LONGEST_NAME)?;
    let rendering = Rendering { text: String::new(), lines: Vec::new() };
    let mut out = Writer { prefix: &options.name, rendering, line: 0, services: BTreeSet::new() };
    out.line("delete rulebase security rules", None);
    for rule in SAY.new_packets(ruleset)? {
        security_rule(&mut out, rule)?;
    }
    // What no rule decides is allowed; unwritten, it would depend on the zones. No rule's id has capitals.
    let rest = "from any to any source any destination any application any service any action allow log-end no";
    out.line(&format!("set rulebase security rules REST {rest}"), None);
    Ok(out.rendering)
}

struct Writer<'a> {
    prefix: &'a str,
    rendering: Rendering,
    line: usize,
    /// What stands in the text already, by name.
    services: BTreeSet<String>,
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

fn security_rule(out: &mut Writer<'_>, rule: &PointRule) -> Result<(), RenderError> {
    let families = SAY.families(rule)?;
    SAY.no_times(rule)?;
    SAY.no_flags(rule)?;
    let verb = match rule.action {
        Action::Allow => "allow",
        Action::Deny => "drop",
        Action::Log => return Err(SAY.cannot(rule, "a log without a verdict", "put the zone in another mode")),
    };
    let services = services(out.prefix, rule)?;
    for (name, definition) in &services {
        if let Some(definition) = definition
            && out.services.insert(name.clone())
        {
            out.line(&format!("set service {name} {definition}"), Some(rule));
        }
    }
    let names: Vec<String> = services.into_iter().map(|(name, _)| name).collect();
    let text = format!(
        "set rulebase security rules {} from any to any source {} destination {} application any service {} action {verb} log-end {}",
        rule.id,
        list(&addresses(&rule.selector.source, families)),
        list(&addresses(&rule.selector.destination, families)),
        list(&names),
        if rule.log { "yes" } else { "no" },
    );
    out.line(&text, Some(rule));
    Ok(())
}

fn list(names: &[String]) -> String {
    match names {
        [name] => name.clone(),
        _ => format!("[ {} ]", names.join(" ")),
    }
}

fn addresses(set: &AddressSet, families: Families) -> Vec<String> {
    if set.is_full() && families.v4 && families.v6 {
        return vec!["any".into()];
    }
    let kept = AddressSet {
        v4: if families.v4 { set.v4.clone() } else { RangeSet::empty() },
        v6: if families.v6 { set.v6.clone() } else { RangeSet::empty() },
    };
    kept.prefixes().iter().map(|prefix| format!("{}/{}", prefix.network(), prefix.length())).collect()
}

/// Each with its definition; `any` has none.
type Services = Vec<(String, Option<String>)>;

fn services(prefix: &str, rule: &PointRule) -> Result<Services, RenderError> {
    let all = (PortSet::full(), PortSet::full());
    let services = match &rule.selector.l4 {
        L4::Any => vec![("any".to_owned(), None)],
        L4::Protocol(6) => ports(prefix, "tcp", &all.0, &all.1),
        L4::Protocol(17) => ports(prefix, "udp", &all.0, &all.1),
        L4::Tcp { source, destination } => ports(prefix, "tcp", source, destination),
        L4::Udp { source, destination } => ports(prefix, "udp", source, destination),
        L4::Protocol(_) | L4::Sctp { .. } | L4::Icmp { .. } | L4::Icmp6 { .. } => {
            let advice = "a service is TCP or UDP; other protocols are known by content there: allow all, or use another point";
            return Err(SAY.cannot(rule, "a protocol other than TCP and UDP", advice));
        }
    };
    if services.len() > MOST_SERVICES {
        let advice = "each port range is a service of its own: use wider ranges, or split the rule";
        return Err(SAY.cannot(rule, format!("a rule of {} services", services.len()), advice));
    }
    Ok(services)
}

fn ports(prefix: &str, protocol: &str, source: &PortSet, destination: &PortSet) -> Services {
    let service = |(from, to): (Option<String>, Option<String>)| {
        let mut name = format!("{prefix}-{protocol}");
        let mut definition = format!("protocol {protocol} port {}", to.as_deref().unwrap_or("0-65535"));
        if let Some(from) = from {
            let _ = write!(name, "-from-{from}");
            let _ = write!(definition, " source-port {from}");
        }
        if let Some(to) = to {
            let _ = write!(name, "-to-{to}");
        }
        (name, Some(definition))
    };
    port_pairs(source, destination).into_iter().map(service).collect()
}
