//! A ruleset as `set` lines, for each rule the services that it is the first to need, then the rule on one line; or as XML, all services
//! first.

use std::collections::BTreeSet;

use enforcer_packetset::{AddressSet, L4, PortSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::lines::{Lines, bracketed};
use crate::saying::{Families, Say, named_ports, of_families, own_names, port_pairs, prefix_texts};
use crate::target::{RenderError, RenderOptions, Rendering};

const SAY: Say = Say { target: "panos" };

/// A service's name has 63 characters, of which protocol and ports take 37.
const LONGEST_NAME: usize = 25;

/// More services for one rule are refused: every one of them is compared.
const MOST_SERVICES: usize = 256;

/// What the device calls the text's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Set,
    Xml,
}

/// One rule in the device's words.
struct Said {
    from: Vec<String>,
    to: Vec<String>,
    source: Vec<String>,
    destination: Vec<String>,
    services: Services,
    action: &'static str,
    log: bool,
}

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    let mut out = Writer::new(Form::Set);
    out.line("delete rulebase security rules", None);
    rules(&mut out, ruleset, options)?;
    Ok(out.lines.done())
}

/// The element of one virtual system: services first, then the rulebase.
pub(super) fn render_xml(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    let mut out = Writer::new(Form::Xml);
    out.line("<config> <devices> <entry name=\"localhost.localdomain\"> <vsys> <entry name=\"vsys1\">", None);
    out.line("<service>", None);
    for rule in SAY.new_packets(ruleset)? {
        for service in &said(options, rule)?.services {
            out.service(service, rule);
        }
    }
    out.line("</service>", None);
    out.line("<rulebase> <security> <rules>", None);
    rules(&mut out, ruleset, options)?;
    out.line("</rules> </security> </rulebase>", None);
    out.line("</entry> </vsys> </entry> </devices> </config>", None);
    Ok(out.lines.done())
}

fn rules(out: &mut Writer, ruleset: &Ruleset, options: &RenderOptions) -> Result<(), RenderError> {
    SAY.name(&options.name, LONGEST_NAME)?;
    SAY.zone_names(&options.zones)?;
    for rule in SAY.new_packets(ruleset)? {
        let said = said(options, rule)?;
        if out.form == Form::Set {
            said.services.iter().for_each(|service| out.service(service, rule));
        }
        out.rule(&rule.id, &said, Some(rule));
    }
    // What no rule decides is allowed; unwritten, it would depend on the zones. No rule's id has capitals.
    let any = || vec!["any".to_owned()];
    let services = vec![("any".into(), None)];
    let rest = Said { from: any(), to: any(), source: any(), destination: any(), services, action: "allow", log: false };
    out.rule("REST", &rest, None);
    Ok(())
}

struct Writer {
    form: Form,
    lines: Lines,
    /// What stands in the text already, by name.
    services: BTreeSet<String>,
}

impl Writer {
    const fn new(form: Form) -> Self {
        Self { form, lines: Lines::new(), services: BTreeSet::new() }
    }

    fn line(&mut self, text: &str, rule: Option<&PointRule>) {
        self.lines.push(text, rule.map(|rule| rule.id.as_str()));
    }

    /// The definition, unless it stands there already.
    fn service(&mut self, (name, definition): &(String, Option<Ports>), rule: &PointRule) {
        let Some(Ports { protocol, from, to }) = definition else { return };
        if !self.services.insert(name.clone()) {
            return;
        }
        let text = match self.form {
            Form::Set => {
                let from = from.as_ref().map_or_else(String::new, |from| format!(" source-port {from}"));
                format!("set service {name} protocol {protocol} port {to}{from}")
            }
            Form::Xml => {
                let from = from.as_ref().map_or_else(String::new, |from| format!(" <source-port>{from}</source-port>"));
                format!(
                    "<entry name=\"{name}\"> <protocol> <{protocol}> <port>{to}</port>{from} </{protocol}> </protocol> </entry>"
                )
            }
        };
        self.line(&text, Some(rule));
    }

    fn rule(&mut self, id: &str, said: &Said, rule: Option<&PointRule>) {
        let Said { from, to, source, destination, services, action, log } = said;
        let names: Vec<String> = services.iter().map(|(name, _)| name.clone()).collect();
        let log = if *log { "yes" } else { "no" };
        let text = match self.form {
            Form::Set => format!(
                "set rulebase security rules {id} from {} to {} source {} destination {} application any service {} action {action} log-end {log}",
                quoted(from),
                quoted(to),
                bracketed(source),
                bracketed(destination),
                bracketed(&names),
            ),
            Form::Xml => format!(
                "<entry name=\"{id}\"> <from> {} </from> <to> {} </to> <source> {} </source> <destination> {} </destination> \
                 <application> {any} </application> <service> {} </service> <action>{action}</action> <log-end>{log}</log-end> </entry>",
                members(from),
                members(to),
                members(source),
                members(destination),
                members(&names),
                any = "<member>any</member>",
            ),
        };
        self.line(&text, rule);
    }
}

fn said(options: &RenderOptions, rule: &PointRule) -> Result<Said, RenderError> {
    let families = SAY.families(rule)?;
    SAY.no_times(rule)?;
    SAY.no_flags(rule)?;
    let action = match rule.action {
        Action::Allow => "allow",
        Action::Deny => "drop",
        Action::Log => return Err(SAY.cannot(rule, "a log without a verdict", "put the zone in another mode")),
    };
    let services = services(&options.name, rule)?;
    let [source, destination] = [&rule.selector.source, &rule.selector.destination].map(|set| addresses(set, families));
    let [from, to] = [&rule.selector.source, &rule.selector.destination]
        .map(|set| own_names(&options.zones, &of_families(set, families)).unwrap_or_else(|| vec!["any".into()]));
    Ok(Said { from, to, source, destination, services, action, log: rule.log })
}

fn members(names: &[String]) -> String {
    names.iter().map(|name| format!("<member>{name}</member>")).collect::<Vec<_>>().join(" ")
}

/// Zones may have blanks in their names.
fn quoted(names: &[String]) -> String {
    let quoted = |name: &String| if name.contains(' ') { format!("\"{name}\"") } else { name.clone() };
    bracketed(&names.iter().map(quoted).collect::<Vec<_>>())
}

fn addresses(set: &AddressSet, families: Families) -> Vec<String> {
    if set.is_full() && families.v4 && families.v6 {
        return vec!["any".into()];
    }
    prefix_texts(&of_families(set, families))
}

/// Each with its definition; `any` has none.
type Services = Vec<(String, Option<Ports>)>;

/// A service of TCP or UDP.
struct Ports {
    protocol: &'static str,
    from: Option<String>,
    to: String,
}

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

fn ports(prefix: &str, protocol: &'static str, source: &PortSet, destination: &PortSet) -> Services {
    let service = |(from, to): (Option<String>, Option<String>)| {
        let name = named_ports(prefix, protocol, from.as_deref(), to.as_deref());
        (name, Some(Ports { protocol, from, to: to.unwrap_or_else(|| "0-65535".into()) }))
    };
    port_pairs(source, destination).into_iter().map(service).collect()
}
