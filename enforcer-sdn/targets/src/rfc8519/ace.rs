//! One entry as JSON on one line. For renderers only.

use std::fmt::Write as _;

use enforcer_packetset::FlagSet;

use crate::product::{ALL_PORTS, Product, Service, Writing};
use crate::target::RenderError;

/// The `matches` of a product; empty where it selects every packet of the IP version. `more` are members for the `tcp` container.
pub(crate) fn matches(writing: Writing<'_>, product: &Product, more: &[String]) -> Result<String, RenderError> {
    let is_ipv6 = product.source.network().is_ipv6();
    let version = if is_ipv6 { "ipv6" } else { "ipv4" };
    let mut network = Vec::new();
    let mut transport = Vec::new();
    match product.service {
        Service::Any => {}
        Service::Protocol(number) => network.push(format!("\"protocol\": {number}")),
        Service::Ports { protocol, source, destination } => {
            network.push(format!("\"protocol\": {protocol}"));
            transport.extend(port("source-port", source));
            transport.extend(port("destination-port", destination));
            if protocol == 132 && !transport.is_empty() {
                return Err(writing.cannot("SCTP ports", "allow SCTP as a whole, or use a stateful point"));
            }
        }
        Service::Icmp { kind, code } => {
            network.push(format!("\"protocol\": {}", if is_ipv6 { 58 } else { 1 }));
            transport.extend(kind.map(|kind| format!("\"type\": {kind}")));
            transport.extend(code.map(|code| format!("\"code\": {code}")));
        }
    }
    if !product.flags.is_full() {
        transport.push(format!("\"ietf-acl-enh:flags-bitmask\": {{{}}}", flags(writing, product.flags)?));
    }
    transport.extend(more.iter().cloned());
    for (side, prefix) in [("source", product.source), ("destination", product.destination)] {
        if prefix.length() > 0 {
            network.push(format!("\"{side}-{version}-network\": \"{}/{}\"", prefix.network(), prefix.length()));
        }
    }
    let mut containers = Vec::new();
    if !network.is_empty() {
        containers.push(format!("\"{version}\": {{{}}}", network.join(", ")));
    }
    if !transport.is_empty() {
        let name = match product.service {
            Service::Ports { protocol: 17, .. } => "udp",
            Service::Icmp { .. } => "icmp",
            _ => "tcp",
        };
        containers.push(format!("\"{name}\": {{{}}}", transport.join(", ")));
    }
    Ok(containers.join(", "))
}

/// RFC 9899: any or all of some flags, or not.
fn flags(writing: Writing<'_>, set: FlagSet) -> Result<String, RenderError> {
    let (any, none) = (set.as_any_bit(), set.complement().as_any_bit());
    let all = |set: FlagSet| set.as_masked().filter(|(value, mask)| value == mask).map(|(value, _)| value);
    let (operator, mask) = match (any, all(set), none, all(set.complement())) {
        (Some(mask), ..) => ("any", mask),
        (_, Some(mask), ..) => ("match", mask),
        (.., Some(mask), _) => ("not any", mask),
        (.., Some(mask)) => ("not match", mask),
        _ => return Err(writing.cannot("these TCP flags", "RFC 9899 has words for any, all or none of some flags")),
    };
    let names = FlagSet::NAMES.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
    let names: Vec<String> = names.map(|(_, name)| format!("\"ietf-acl-enh:{name}\"")).collect();
    Ok(format!("\"operator\": \"{operator}\", \"explicit-tcp-flag\": [{}]", names.join(", ")))
}

/// None for all ports.
fn port(name: &str, range: (u16, u16)) -> Option<String> {
    match range {
        ALL_PORTS => None,
        (first, last) if first == last => Some(format!("\"{name}\": {{\"operator\": \"eq\", \"port\": {first}}}")),
        (first, last) => Some(format!("\"{name}\": {{\"lower-port\": {first}, \"upper-port\": {last}}}")),
    }
}

/// The entry.
pub(crate) fn entry(name: &str, matches: &str, forwarding: &str, log: bool) -> String {
    let mut text = format!("{{\"name\": \"{name}\", ");
    if !matches.is_empty() {
        let _ = write!(text, "\"matches\": {{{matches}}}, ");
    }
    let logging = if log { ", \"logging\": \"log-syslog\"" } else { "" };
    let _ = write!(text, "\"actions\": {{\"forwarding\": \"{forwarding}\"{logging}}}}}");
    text
}

/// The names of a rule's entries: `_` is in no rule id, so names of two rules never meet.
pub(crate) fn names(id: &str, count: usize) -> Vec<String> {
    if count == 1 {
        return vec![id.to_owned()];
    }
    (1..=count).map(|number| format!("{id}_{number}")).collect()
}
