//! A ruleset as two access lists, numbered as the device shows them.

use std::net::IpAddr;

use enforcer_packetset::Prefix;
use enforcer_policy::Ruleset;

use crate::list_entries::{Numbers, Style, Writer, list_name};
use crate::target::{RenderError, RenderOptions, Rendering};

const STYLE: Style = Style {
    target: "arista-eos",
    any: ["ip", "ipv6"],
    icmp: ["icmp", "icmpv6"],
    address,
    kind: |kind, code| code.map_or_else(|| format!(" {kind}"), |code| format!(" {kind} {code}")),
    sctp_ports: false,
};

/// With its ending it is a name on every release.
const LONGEST_NAME: usize = 32;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    let name = list_name(options, STYLE.target, LONGEST_NAME)?;
    let mut out = Writer::new();
    for (header, is_ipv6) in [(format!("ip access-list {name}-v4"), false), (format!("ipv6 access-list {name}-v6"), true)] {
        let mut numbers = Numbers::default();
        out.line(&header);
        out.line("   counters per-entry");
        for rule in &ruleset.rules {
            STYLE.check_stateless(rule)?;
            let entries = STYLE.entries(rule, is_ipv6)?;
            if entries.is_empty() {
                continue;
            }
            out.line(&format!("   {} remark {}", numbers.next(), rule.id));
            let log = if rule.log { " log" } else { "" };
            for entry in entries {
                out.rule_line(rule, &format!("   {} {entry}{log}", numbers.next()));
            }
        }
        // What no rule decides is allowed; unwritten, it would be denied.
        out.line(&format!("   {} remark the policy has no opinion on the rest", numbers.next()));
        out.line(&format!("   {} permit {} any any", numbers.next(), if is_ipv6 { "ipv6" } else { "ip" }));
        out.line("!");
    }
    Ok(out.finish())
}

fn address(prefix: Prefix) -> String {
    match (prefix.network(), prefix.length()) {
        (_, 0) => "any".into(),
        (IpAddr::V4(network), 32) => format!("host {network}"),
        (IpAddr::V6(network), 128) => format!("host {network}"),
        (network, length) => format!("{network}/{length}"),
    }
}
