//! A ruleset as an access list, the same text every time: one line for each rule of the list.

use std::fmt::Write as _;

use enforcer_packetset::{Prefix, RangeSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::port_blocks::blocks;
use crate::product::{Product, Service, Writing};
use crate::saying::Say;
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

const TARGET: &str = "faucet";
const LONGEST_NAME: usize = 63;
/// Rules of one list: each takes a priority of its own, and the controller (1.10) counts down from 20480.
const MOST_RULES: usize = 20_000;
/// For one rule of the policy.
const MOST: usize = 1024;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    Say { target: TARGET }.name(&options.name, LONGEST_NAME)?;
    let mut out = Writer { rendering: Rendering { text: String::new(), lines: Vec::new() }, line: 0, rules: 0 };
    out.line("acls:");
    out.line(&format!("  {}:", options.name));
    out.line("  # ARP is no IP packet, and no IPv4 packet arrives without it");
    out.rule(&["eth_type: 0x806".into()], true);
    for rule in &ruleset.rules {
        let writing = Writing { target: TARGET, rule };
        let allow = allows(writing)?;
        writing.check_stateless()?;
        if !rule.selector.flags.is_full() {
            return Err(writing.cannot("TCP flags", "without them answers are told by their ports only"));
        }
        let matches = matches(writing)?;
        out.line(&format!("  # {}", rule.id));
        for fields in matches {
            out.rule(&fields, allow);
            out.rendering.lines.push(RenderedLine { line: out.line, rule: rule.id.clone() });
        }
        if out.rules > MOST_RULES {
            return Err(writing.cannot("so many rules in one list", "use prefixes, or divide the point"));
        }
    }
    out.line("  # the policy has no opinion on the rest");
    for version in ["eth_type: 0x800", "eth_type: 0x86dd"] {
        out.rule(&[version.into()], true);
    }
    Ok(out.rendering)
}

struct Writer {
    rendering: Rendering,
    line: usize,
    rules: usize,
}

impl Writer {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.rendering.text, "{text}");
        self.line += 1;
    }

    fn rule(&mut self, fields: &[String], allow: bool) {
        self.line(&format!("  - rule: {{{}, actions: {{allow: {}}}}}", fields.join(", "), u8::from(allow)));
        self.rules += 1;
    }
}

fn allows(writing: Writing<'_>) -> Result<bool, RenderError> {
    let PointRule { action, log, .. } = writing.rule;
    match action {
        Action::Log => Err(writing.cannot("a log without a verdict", "put the zone in another mode")),
        _ if *log => Err(writing.cannot("a log entry", "leave it to a point that can log")),
        Action::Allow => Ok(true),
        Action::Deny => Ok(false),
    }
}

/// The fields of each rule of the list.
fn matches(writing: Writing<'_>) -> Result<Vec<Vec<String>>, RenderError> {
    let mut all = Vec::new();
    for is_ipv6 in [false, true] {
        for product in writing.products(is_ipv6)? {
            let head = head(&product, is_ipv6);
            for service in services(&product.service, is_ipv6) {
                all.push(head.iter().cloned().chain(service).collect());
                if all.len() > MOST {
                    let advice = "each source stands with each destination and block of ports: use prefixes, or split the rule";
                    return Err(writing.cannot(format!("a rule of more than {MOST} rules of a list"), advice));
                }
            }
        }
    }
    Ok(all)
}

fn head(product: &Product, is_ipv6: bool) -> Vec<String> {
    let (eth_type, version) = if is_ipv6 { ("0x86dd", "ipv6") } else { ("0x800", "ipv4") };
    let address = |side: &str, prefix: Prefix| (prefix.length() > 0).then(|| format!("{version}_{side}: '{prefix}'"));
    let addresses = [address("src", product.source), address("dst", product.destination)];
    std::iter::once(format!("eth_type: {eth_type}")).chain(addresses.into_iter().flatten()).collect()
}

/// The fields behind the addresses, for each block of ports.
fn services(service: &Service, is_ipv6: bool) -> Vec<Vec<String>> {
    match *service {
        Service::Any => vec![Vec::new()],
        Service::Protocol(number) => vec![vec![format!("ip_proto: {number}")]],
        Service::Icmp { kind, code } => {
            let (number, version) = if is_ipv6 { (58, "icmpv6") } else { (1, "icmpv4") };
            let field = |name: &str, value: Option<u8>| value.map(|value| format!("{version}_{name}: {value}"));
            let fields = [Some(format!("ip_proto: {number}")), field("type", kind), field("code", code)];
            vec![fields.into_iter().flatten().collect()]
        }
        Service::Ports { protocol, source, destination } => {
            let name = match protocol {
                6 => "tcp",
                17 => "udp",
                _ => "sctp",
            };
            let of = |(first, last)| blocks(&RangeSet::range(first, last));
            let to = of(destination);
            let pair = |from| {
                to.iter().map(move |&to| {
                    let ports = [port(name, "src", from), port(name, "dst", to)];
                    std::iter::once(format!("ip_proto: {protocol}")).chain(ports.into_iter().flatten()).collect()
                })
            };
            of(source).into_iter().flat_map(pair).collect()
        }
    }
}

/// None for every port.
fn port(name: &str, side: &str, (value, mask): (u16, u16)) -> Option<String> {
    match mask {
        0 => None,
        u16::MAX => Some(format!("{name}_{side}: {value}")),
        _ => Some(format!("{name}_{side}: '{value:#x}/{mask:#x}'")),
    }
}
