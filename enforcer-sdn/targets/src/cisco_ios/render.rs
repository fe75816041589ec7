//! A ruleset as two access lists.

use std::net::{IpAddr, Ipv4Addr};

use enforcer_packetset::Prefix;
use enforcer_policy::Ruleset;

use crate::list_entries::{Style, Writer, by_length, list_name};
use crate::list_times::{TimeWords, definitions, reference};
use crate::target::{RenderError, RenderOptions, Rendering};

pub(crate) const STYLE: Style = Style {
    target: "cisco-ios",
    any: ["ip", "ipv6"],
    icmp: ["icmp", "icmp"],
    address,
    kind: |kind, code| code.map_or_else(|| format!(" {kind}"), |code| format!(" {kind} {code}")),
    sctp_ports: false,
    times: TimeWords::Minutes,
};

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    let name = list_name(options, STYLE.target, 32)?;
    let mut out = Writer::new();
    definitions(STYLE.times, ruleset, &mut out);
    for (header, is_ipv6) in
        [(format!("ip access-list extended {name}-v4"), false), (format!("ipv6 access-list {name}-v6"), true)]
    {
        out.line(&header);
        for rule in &ruleset.rules {
            STYLE.check_stateless(rule)?;
            let entries = STYLE.entries(rule, is_ipv6)?;
            if entries.is_empty() {
                continue;
            }
            out.line(&format!(" remark {}", rule.id));
            let log = if rule.log { " log" } else { "" };
            let times = reference(rule);
            for entry in entries {
                out.rule_line(rule, &format!(" {entry}{log}{times}"));
            }
        }
        // What no rule decides is allowed; unwritten, it would be denied.
        out.line(" remark the policy has no opinion on the rest");
        out.line(if is_ipv6 { " permit ipv6 any any" } else { " permit ip any any" });
        out.line("!");
    }
    Ok(out.finish())
}

fn address(prefix: Prefix) -> String {
    match (prefix.network(), prefix.length()) {
        (IpAddr::V4(network), length @ 1..=31) => format!("{network} {}", Ipv4Addr::from_bits(u32::MAX >> length)),
        _ => by_length(prefix),
    }
}
