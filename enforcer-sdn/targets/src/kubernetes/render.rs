//! A ruleset about one zone as a policy: the same text every time.

use enforcer_packetset::{AddressSet, L4, PortSet, Prefix, Selector, StateSet};
use enforcer_policy::{Action, Ruleset};

use super::{ADDRESSES, POINT};
use crate::around::{Allowed, Around};
use crate::lines::Lines;
use crate::product::{Writing, of_version};
use crate::target::{RenderError, RenderOptions, Rendering};

const TARGET: &str = "kubernetes";
/// Blocks of one rule; the API server takes no document of more than about 1 MB.
const MOST: usize = 4096;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    for (what, text, longest) in [("policy", &options.name, 63), ("point", &ruleset.point, 63)] {
        // RFC 1123 label, which is also a label's value.
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_label = text.len() <= longest
            && text.starts_with(is_word)
            && text.ends_with(is_word)
            && text.chars().all(|c| is_word(c) || c == '-');
        if !is_label {
            return Err(RenderError {
                rule: format!("({what})"),
                target: TARGET,
                feature: format!("the name `{text}`"),
                advice: "use lower-case letters, digits and `-`, at most 63, a letter or digit at both ends".into(),
            });
        }
    }
    let all = Selector { state: StateSet::Established, ..Selector::any() };
    let rules = match ruleset.rules.split_first() {
        Some((first, rules)) if first.selector == all && first.action == Action::Allow && !first.log => rules,
        first => {
            return Err(RenderError {
                rule: first.map_or_else(|| "(ruleset)".into(), |(rule, _)| rule.id.clone()),
                target: TARGET,
                feature: "a ruleset that does not let established connections through first".into(),
                advice: "answers always pass here: begin with a rule that allows them".into(),
            });
        }
    };
    let mut out = Lines::new();
    let around = Around::of(TARGET, ruleset, rules)?;
    out.push("apiVersion: networking.k8s.io/v1", None);
    out.push("kind: NetworkPolicy", None);
    out.push("metadata:", None);
    out.push(&format!("  name: {}", options.name), None);
    out.push("  annotations:", None);
    let hosts: Vec<String> = around.hosts.prefixes().iter().map(ToString::to_string).collect();
    out.push(&format!("    {ADDRESSES}: \"{}\"", hosts.join(" ")), None);
    out.push("spec:", None);
    out.push("  podSelector:", None);
    out.push("    matchLabels:", None);
    out.push(&format!("      {POINT}: \"{}\"", ruleset.point), None);
    let sides = [("Ingress", "ingress", "from", &around.incoming), ("Egress", "egress", "to", &around.outgoing)];
    let kinds: Vec<&str> = sides.iter().filter(|side| side.3.is_some()).map(|side| side.0).collect();
    out.push(&format!("  policyTypes: [{}]", kinds.join(", ")), None);
    for (_, section, peers, allowed) in sides {
        let Some(allowed) = allowed else { continue };
        if allowed.is_empty() {
            out.push(&format!("  {section}: []"), None);
            continue;
        }
        out.push(&format!("  {section}:"), None);
        for allowed in allowed {
            rule(&mut out, peers, allowed, &around.hosts)?;
        }
    }
    Ok(out.done())
}

fn rule(out: &mut Lines, peers: &str, allowed: &Allowed<'_>, hosts: &AddressSet) -> Result<(), RenderError> {
    let writing = Writing { target: TARGET, rule: allowed.rule };
    if allowed.rule.selector.state == StateSet::Established {
        return Err(writing.cannot("a rule about established connections", "answers always pass here: leave it out"));
    }
    if !allowed.flags.is_full() {
        return Err(writing.cannot("TCP flags", "answers always pass here: compile for a stateful point"));
    }
    let ports = ports(writing, &allowed.l4)?;
    let is_everybody = (hosts.v4.is_empty() || allowed.peers.v4.is_full()) && (hosts.v6.is_empty() || allowed.peers.v6.is_full());
    let blocks = if is_everybody { Vec::new() } else { blocks(&allowed.peers) };
    if blocks.iter().map(|(_, except)| except.len() + 1).sum::<usize>() > MOST {
        return Err(writing.cannot(format!("more than {MOST} address blocks"), "use prefixes, or split the rule"));
    }
    let id = Some(allowed.rule.id.as_str());
    out.push(&format!("  # {}", allowed.rule.id), None);
    let mut lines = Vec::new();
    if !blocks.is_empty() {
        lines.push(format!("{peers}:"));
    }
    for (block, except) in blocks {
        lines.push(format!("- ipBlock: {{cidr: \"{}\"{}}}", cidr(block), holes(&except)));
    }
    if !ports.is_empty() {
        lines.push("ports:".into());
        lines.extend(ports);
    }
    if lines.is_empty() {
        out.push("  - {}", id);
    }
    for (at, line) in lines.iter().enumerate() {
        out.push(&format!("  {} {line}", if at == 0 { "-" } else { " " }), id);
    }
    Ok(())
}

fn cidr(prefix: Prefix) -> String {
    format!("{}/{}", prefix.network(), prefix.length())
}

fn holes(except: &[Prefix]) -> String {
    if except.is_empty() {
        return String::new();
    }
    let holes: Vec<String> = except.iter().map(|&hole| format!("\"{}\"", cidr(hole))).collect();
    format!(", except: [{}]", holes.join(", "))
}

/// Blocks with their holes: for each IP version the prefixes of the set, or all of it without the rest, whichever is shorter.
fn blocks(set: &AddressSet) -> Vec<(Prefix, Vec<Prefix>)> {
    let mut blocks = Vec::new();
    for is_ipv6 in [false, true] {
        let set = of_version(set, is_ipv6);
        let (prefixes, all) = (set.prefixes(), of_version(&AddressSet::full(), is_ipv6));
        let rest = all.difference(&set).prefixes();
        match all.prefixes().first() {
            Some(&whole) if !prefixes.is_empty() && rest.len() + 1 < prefixes.len() => blocks.push((whole, rest)),
            _ => blocks.extend(prefixes.into_iter().map(|prefix| (prefix, Vec::new()))),
        }
    }
    blocks
}

/// The entries of `ports`; none for every service.
fn ports(writing: Writing<'_>, l4: &L4) -> Result<Vec<String>, RenderError> {
    let (name, source, destination) = match l4 {
        L4::Any => return Ok(Vec::new()),
        L4::Protocol(6) => ("TCP", &PortSet::full(), &PortSet::full()),
        L4::Protocol(17) => ("UDP", &PortSet::full(), &PortSet::full()),
        L4::Protocol(132) => ("SCTP", &PortSet::full(), &PortSet::full()),
        L4::Tcp { source, destination } => ("TCP", source, destination),
        L4::Udp { source, destination } => ("UDP", source, destination),
        L4::Sctp { source, destination } => ("SCTP", source, destination),
        L4::Protocol(_) | L4::Icmp { .. } | L4::Icmp6 { .. } => {
            return Err(
                writing.cannot("protocols other than TCP, UDP and SCTP", "what becomes of them is the network plugin's own")
            );
        }
    };
    if source.is_empty() || destination.is_empty() {
        return Err(writing.cannot("a rule that selects no packet", "a port set of it is empty: leave it out"));
    }
    if !source.is_full() {
        return Err(writing.cannot("source ports", "name the destination ports alone"));
    }
    if destination.is_full() {
        return Ok(vec![format!("- {{protocol: {name}}}")]);
    }
    let one = |&(first, last): &(u16, u16)| match first {
        0 => Err(writing.cannot("port 0", "the API takes ports from 1 on")),
        _ if first == last => Ok(format!("- {{protocol: {name}, port: {first}}}")),
        _ => Ok(format!("- {{protocol: {name}, port: {first}, endPort: {last}}}")),
    };
    destination.ranges().iter().map(one).collect()
}
