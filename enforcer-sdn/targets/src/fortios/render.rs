//! A ruleset as address objects, services and policies: the same text every time.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use enforcer_packetset::{AddressSet, L4, PortSet, Prefix, RangeSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::device_zones::DeviceZones;
use crate::saying::{Families, Say, members, of_families, own_names, port_pairs};
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

const SAY: Say = Say { target: "fortios" };

/// An object's name has 63 characters, of which the longest prefix takes 44.
const LONGEST_NAME: usize = 18;

/// More services for one rule are refused: every one of them is compared.
const MOST_SERVICES: usize = 256;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    SAY.name(&options.name, LONGEST_NAME)?;
    SAY.zone_names(&options.zones)?;
    let mut objects =
        Objects { prefix: &options.name, names: BTreeSet::new(), v4: Vec::new(), v6: Vec::new(), services: Vec::new() };
    let mut policies = Vec::new();
    for rule in SAY.new_packets(ruleset)? {
        policies.push((rule, policy(&mut objects, &options.zones, rule)?));
    }
    let mut out = Writer { rendering: Rendering { text: String::new(), lines: Vec::new() }, line: 0 };
    for (section, entries) in [("address", &objects.v4), ("address6", &objects.v6), ("service custom", &objects.services)] {
        if entries.is_empty() {
            continue;
        }
        out.line(0, &format!("config firewall {section}"), None);
        for object in entries {
            out.entry(&format!("\"{}\"", object.name), &object.settings, Some(object.rule));
        }
        out.line(0, "end", None);
    }
    out.line(0, "config firewall policy", None);
    out.line(1, "purge", None);
    for (number, (rule, settings)) in (1..).zip(&policies) {
        out.line(1, &format!("# {}", rule.id), None);
        out.entry(&format!("{number}"), settings, Some(rule));
    }
    // What no rule decides is allowed; unwritten, it would be denied.
    out.line(1, "# the policy has no opinion on the rest", None);
    let all =
        ["srcintf \"any\"", "dstintf \"any\"", "srcaddr \"all\"", "dstaddr \"all\"", "srcaddr6 \"all\"", "dstaddr6 \"all\""];
    let rest: Vec<String> =
        all.into_iter().chain(["action accept", "schedule \"always\"", "service \"ALL\""]).map(String::from).collect();
    out.entry(&format!("{}", policies.len() + 1), &rest, None);
    out.line(0, "end", None);
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

    fn entry(&mut self, name: &str, settings: &[String], rule: Option<&PointRule>) {
        self.line(1, &format!("edit {name}"), rule);
        for setting in settings {
            self.line(2, &format!("set {setting}"), rule);
        }
        self.line(1, "next", rule);
    }
}

/// Something with a name, defined for the first rule that needs it.
struct Object<'r> {
    name: String,
    settings: Vec<String>,
    rule: &'r PointRule,
}

struct Objects<'a, 'r> {
    prefix: &'a str,
    /// What is defined already.
    names: BTreeSet<String>,
    v4: Vec<Object<'r>>,
    v6: Vec<Object<'r>>,
    services: Vec<Object<'r>>,
}

fn policy<'r>(objects: &mut Objects<'_, 'r>, zones: &DeviceZones, rule: &'r PointRule) -> Result<Vec<String>, RenderError> {
    let families @ Families { v4, v6 } = SAY.families(rule)?;
    SAY.no_times(rule)?;
    SAY.no_flags(rule)?;
    if rule.action == Action::Log {
        return Err(SAY.cannot(rule, "a log without a verdict", "put the zone in another mode"));
    }
    let services = services(objects, rule)?;
    let at = |set| list(own_names(zones, &of_families(set, families)).unwrap_or_else(|| vec!["any".into()]));
    let mut settings =
        vec![format!("srcintf {}", at(&rule.selector.source)), format!("dstintf {}", at(&rule.selector.destination))];
    let sides = [("srcaddr", &rule.selector.source), ("dstaddr", &rule.selector.destination)];
    for (is_ipv6, suffix) in [(false, ""), (true, "6")].into_iter().filter(|&(is_ipv6, _)| if is_ipv6 { v6 } else { v4 }) {
        for (keyword, set) in sides {
            settings.push(format!("{keyword}{suffix} {}", addresses(objects, rule, set, is_ipv6)));
        }
    }
    // Nothing stands where the device lists nothing.
    if rule.action == Action::Allow {
        settings.push("action accept".into());
    }
    settings.push("schedule \"always\"".into());
    settings.push(format!("service {services}"));
    if rule.log {
        settings.push("logtraffic all".into());
    }
    Ok(settings)
}

fn list(names: impl IntoIterator<Item = String>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(" ")
}

/// Names of the addresses, defined where they were not yet.
fn addresses<'r>(objects: &mut Objects<'_, 'r>, rule: &'r PointRule, set: &AddressSet, is_ipv6: bool) -> String {
    let is_full = if is_ipv6 { set.v6.is_full() } else { set.v4.is_full() };
    if is_full {
        return list(["all".into()]);
    }
    let of_version = if is_ipv6 {
        AddressSet { v4: RangeSet::empty(), v6: set.v6.clone() }
    } else {
        AddressSet { v4: set.v4.clone(), v6: RangeSet::empty() }
    };
    list(of_version.prefixes().into_iter().map(|prefix| address(objects, rule, prefix)))
}

fn address<'r>(objects: &mut Objects<'_, 'r>, rule: &'r PointRule, prefix: Prefix) -> String {
    let text = format!("{}/{}", prefix.network(), prefix.length());
    let name = format!("{}-{text}", objects.prefix);
    if objects.names.insert(name.clone()) {
        let (entries, setting) = match prefix.network() {
            IpAddr::V4(network) => {
                let free = u32::MAX.checked_shr(prefix.length().into()).unwrap_or(0);
                (&mut objects.v4, format!("subnet {network} {}", Ipv4Addr::from_bits(!free)))
            }
            IpAddr::V6(_) => (&mut objects.v6, format!("ip6 {text}")),
        };
        entries.push(Object { name: name.clone(), settings: vec![setting], rule });
    }
    name
}

/// Names of the services, defined where they were not yet.
fn services<'r>(objects: &mut Objects<'_, 'r>, rule: &'r PointRule) -> Result<String, RenderError> {
    let protocol =
        |number: u8| vec![(format!("ip-{number}"), vec!["protocol IP".to_owned(), format!("protocol-number {number}")])];
    let all: Vec<(String, Vec<String>)> = match &rule.selector.l4 {
        L4::Any => return Ok(list(["ALL".into()])),
        // 0 stands for every protocol, and the device takes numbers up to 254.
        L4::Protocol(0 | 255) => return Err(SAY.cannot(rule, "protocol 0 and protocol 255", "the device has no word for them")),
        L4::Protocol(number) => protocol(*number),
        L4::Tcp { source, destination } => ports("tcp", 6, source, destination),
        L4::Udp { source, destination } => ports("udp", 17, source, destination),
        L4::Sctp { source, destination } => ports("sctp", 132, source, destination),
        L4::Icmp { types, codes } => icmp(rule, "ICMP", types, codes)?,
        L4::Icmp6 { types, codes } => icmp(rule, "ICMP6", types, codes)?,
    };
    if all.len() > MOST_SERVICES {
        let advice = "each port range and ICMP type is a service of its own: use wider ranges, or split the rule";
        return Err(SAY.cannot(rule, format!("a rule of {} services", all.len()), advice));
    }
    let mut names = Vec::new();
    for (name, settings) in all {
        let name = format!("{}-{name}", objects.prefix);
        if objects.names.insert(name.clone()) {
            objects.services.push(Object { name: name.clone(), settings, rule });
        }
        names.push(name);
    }
    Ok(list(names))
}

fn ports(protocol: &str, number: u8, source: &PortSet, destination: &PortSet) -> Vec<(String, Vec<String>)> {
    let service = |(from, to): (Option<String>, Option<String>)| match (from, to) {
        // All of a protocol is said by its number, port 0 included.
        (None, None) => (format!("ip-{number}"), vec!["protocol IP".into(), format!("protocol-number {number}")]),
        (None, Some(to)) => (format!("{protocol}-to-{to}"), vec![format!("{protocol}-portrange {to}")]),
        (Some(from), to) => {
            let to = to.unwrap_or_else(|| "0-65535".into());
            (format!("{protocol}-from-{from}-to-{to}"), vec![format!("{protocol}-portrange {to}:{from}")])
        }
    };
    port_pairs(source, destination).into_iter().map(service).collect()
}

fn icmp(
    rule: &PointRule,
    protocol: &str,
    types: &RangeSet<u8>,
    codes: &RangeSet<u8>,
) -> Result<Vec<(String, Vec<String>)>, RenderError> {
    let name = protocol.to_ascii_lowercase();
    let first = format!("protocol {protocol}");
    Ok(match (types.is_full(), codes.is_full()) {
        (true, true) => vec![(name, vec![first])],
        (true, false) => return Err(SAY.cannot(rule, "ICMP codes of every type", "name the types")),
        (false, true) => members(types)
            .into_iter()
            .map(|kind| (format!("{name}-{kind}"), vec![first.clone(), format!("icmptype {kind}")]))
            .collect(),
        (false, false) => {
            let codes = members(codes);
            let one = |kind: u8, code: u8| {
                let settings = vec![first.clone(), format!("icmptype {kind}"), format!("icmpcode {code}")];
                (format!("{name}-{kind}-{code}"), settings)
            };
            members(types)
                .into_iter()
                .flat_map(|kind| codes.iter().map(move |&code| (kind, code)))
                .map(|(k, c)| one(k, c))
                .collect()
        }
    })
}
