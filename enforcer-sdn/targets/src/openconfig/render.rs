//! A ruleset as two sets, each entry on a line of its own: the same text every time.

use std::fmt::Write as _;

use enforcer_packetset::FlagSet;
use enforcer_policy::Ruleset;

use super::{MODULE, icmp};
use crate::lines::Lines;
use crate::product::{ALL_PORTS, Product, Service, Writing};
use crate::target::{RenderError, RenderOptions, Rendering};

const TARGET: &str = "openconfig";
/// Between two sequence numbers, as vendors do.
const STEP: usize = 10;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    let name = &options.name;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 48 || !name.chars().all(is_plain) {
        return Err(RenderError {
            rule: "(list)".into(),
            target: TARGET,
            feature: format!("the set name `{name}`"),
            advice: "use letters, digits, `-` and `_`, at most 48".into(),
        });
    }
    let mut out = Lines::new();
    out.push("{", None);
    out.push(&format!("  \"{MODULE}:acl\": {{"), None);
    out.push("    \"acl-sets\": {", None);
    out.push("      \"acl-set\": [", None);
    for (version, is_ipv6) in [("4", false), ("6", true)] {
        let key = format!("\"name\": \"{name}-v{version}\", \"type\": \"{MODULE}:ACL_IPV{version}\"");
        out.push("        {", None);
        out.push(&format!("          {key},"), None);
        out.push(&format!("          \"config\": {{{key}}},"), None);
        out.push("          \"acl-entries\": {", None);
        out.push("            \"acl-entry\": [", None);
        out.elements(14, entries(ruleset, is_ipv6)?);
        out.push("            ]", None);
        out.push("          }", None);
        out.push(if is_ipv6 { "        }" } else { "        }," }, None);
    }
    for text in ["      ]", "    }", "  }", "}"] {
        out.push(text, None);
    }
    Ok(out.done())
}

fn entries(ruleset: &Ruleset, is_ipv6: bool) -> Result<Vec<(String, Option<&str>)>, RenderError> {
    let mut entries = Vec::new();
    for rule in &ruleset.rules {
        let writing = Writing { target: TARGET, rule };
        writing.check_stateless()?;
        let forwarding = writing.verdict("ACCEPT", "DROP")?;
        for product in writing.products(is_ipv6)? {
            let matches = matches(writing, &product)?;
            entries.push((entry(entries.len(), &rule.id, &matches, forwarding, rule.log), Some(rule.id.as_str())));
        }
    }
    // What no rule decides is allowed; what a device does at the end of a set, nobody knows.
    entries.push((entry(entries.len(), "the policy has no opinion on the rest", "", "ACCEPT", false), None));
    Ok(entries)
}

fn entry(at: usize, description: &str, matches: &str, forwarding: &str, log: bool) -> String {
    let number = (at + 1) * STEP;
    let logging = if log { format!(", \"log-action\": \"{MODULE}:LOG_SYSLOG\"") } else { String::new() };
    format!(
        "{{\"sequence-id\": {number}, \"config\": {{\"sequence-id\": {number}, \"description\": \"{description}\"}}, {matches}\
         \"actions\": {{\"config\": {{\"forwarding-action\": \"{MODULE}:{forwarding}\"{logging}}}}}}}"
    )
}

/// The containers of the headers, each with a comma behind it.
fn matches(writing: Writing<'_>, product: &Product) -> Result<String, RenderError> {
    let is_ipv6 = product.source.network().is_ipv6();
    let (version, module) = if is_ipv6 { ("6", icmp::MODULES[1]) } else { ("4", icmp::MODULES[0]) };
    let mut network = Vec::new();
    let mut kind = String::new();
    let mut transport = Vec::new();
    match product.service {
        Service::Any => {}
        Service::Protocol(255) => return Err(writing.cannot("protocol 255", "the model ends at 254: leave it to another point")),
        Service::Protocol(number) => network.push(format!("\"protocol\": {}", protocol(number))),
        Service::Ports { protocol: 132, source, destination } if (source, destination) != (ALL_PORTS, ALL_PORTS) => {
            return Err(writing.cannot("SCTP ports", "allow SCTP as a whole, or use a stateful point"));
        }
        Service::Ports { protocol: number, source, destination } => {
            network.push(format!("\"protocol\": {}", protocol(number)));
            transport.extend(port("source-port", source));
            transport.extend(port("destination-port", destination));
        }
        Service::Icmp { kind: number, code } => {
            network.push(format!("\"protocol\": {}", protocol(if is_ipv6 { 58 } else { 1 })));
            kind = icmp(writing, is_ipv6, number, code)?
                .into_iter()
                .map(|(leaf, name)| format!("\"{leaf}\": \"{module}:{name}\""))
                .collect::<Vec<_>>()
                .join(", ");
        }
    }
    if !product.flags.is_full() {
        transport.extend(flags(writing, product.flags)?);
    }
    for (side, prefix) in [("source", product.source), ("destination", product.destination)] {
        if prefix.length() > 0 {
            network.push(format!("\"{side}-address\": \"{}/{}\"", prefix.network(), prefix.length()));
        }
    }
    let mut text = String::new();
    if !network.is_empty() {
        let kind = if kind.is_empty() { kind } else { format!(", \"icmpv{version}\": {{\"config\": {{{kind}}}}}") };
        let _ = write!(text, "\"ipv{version}\": {{\"config\": {{{}}}{kind}}}, ", network.join(", "));
    }
    if !transport.is_empty() {
        let _ = write!(text, "\"transport\": {{\"config\": {{{}}}}}, ", transport.join(", "));
    }
    Ok(text)
}

fn protocol(number: u8) -> String {
    match number {
        6 => "\"openconfig-packet-match-types:IP_TCP\"".into(),
        17 => "\"openconfig-packet-match-types:IP_UDP\"".into(),
        1 => "\"openconfig-packet-match-types:IP_ICMP\"".into(),
        _ => number.to_string(),
    }
}

/// Leaves for the flags: a built-in word, or any or all of some.
fn flags(writing: Writing<'_>, set: FlagSet) -> Result<Vec<String>, RenderError> {
    let builtin = |word: &str| Ok(vec!["\"detail-mode\": \"BUILTIN\"".into(), format!("\"builtin-detail\": \"{word}\"")]);
    if set == FlagSet::ack_or_rst() {
        return builtin("TCP_ESTABLISHED");
    }
    if set == FlagSet::masked(FlagSet::SYN, FlagSet::SYN | FlagSet::ACK) {
        return builtin("TCP_INITIAL");
    }
    let (mode, mask) = match (set.as_any_bit(), set.as_masked()) {
        (Some(mask), _) => ("ANY", mask),
        (None, Some((value, mask))) if value == mask => ("ALL", mask),
        _ => return Err(writing.cannot("these TCP flags", "the model has words for any or all of some flags")),
    };
    let names = FlagSet::NAMES.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
    let names: Vec<String> =
        names.map(|(_, name)| format!("\"openconfig-packet-match-types:TCP_{}\"", name.to_ascii_uppercase())).collect();
    Ok(vec![
        "\"detail-mode\": \"EXPLICIT\"".into(),
        format!("\"explicit-detail-match-mode\": \"{mode}\""),
        format!("\"explicit-tcp-flags\": [{}]", names.join(", ")),
    ])
}

/// None for all ports.
fn port(name: &str, range: (u16, u16)) -> Option<String> {
    match range {
        ALL_PORTS => None,
        (first, last) if first == last => Some(format!("\"{name}\": {first}")),
        (first, last) => Some(format!("\"{name}\": \"{first}..{last}\"")),
    }
}

/// Leaves and names.
fn icmp(
    writing: Writing<'_>,
    is_ipv6: bool,
    kind: Option<u8>,
    code: Option<u8>,
) -> Result<Vec<(&'static str, &'static str)>, RenderError> {
    let Some(number) = kind else {
        return match code {
            None => Ok(Vec::new()),
            Some(_) => Err(writing.cannot("ICMP codes of every type", "name the types")),
        };
    };
    let Some(kind) = icmp::kinds(is_ipv6).iter().find(|kind| kind.number == number) else {
        return Err(writing.cannot(format!("ICMP type {number}"), "the model has no name for it: allow ICMP as a whole"));
    };
    let Some(code) = code else { return Ok(vec![("type", kind.name)]) };
    let Some((name, _)) = kind.codes.iter().find(|(_, number)| *number == code) else {
        return Err(writing.cannot(format!("code {code} of ICMP type {number}"), "the model has no name for it: take all codes"));
    };
    Ok(vec![("type", kind.name), ("code", name)])
}
