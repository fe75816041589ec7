//! A ruleset as two access lists. A rule's id is the comment on its first entry.

use std::net::{IpAddr, Ipv4Addr};

use enforcer_packetset::Prefix;
use enforcer_policy::Ruleset;

use crate::list_entries::{Numbers, Style, Writer, list_name};
use crate::list_times::TimeWords;
use crate::target::{RenderError, RenderOptions, Rendering};

const STYLE: Style = Style {
    target: "aruba-aoscx",
    any: ["any", "any"],
    icmp: ["icmp", "icmpv6"],
    address,
    kind: |kind, code| match code {
        Some(code) => format!(" icmp-type {kind} icmp-code {code}"),
        None => format!(" icmp-type {kind}"),
    },
    sctp_ports: true,
    times: TimeWords::None,
};

/// A name of 64 characters is the longest; `-v4` belongs to it.
const LONGEST_NAME: usize = 60;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    let name = list_name(options, STYLE.target, LONGEST_NAME)?;
    let mut out = Writer::new();
    for (version, is_ipv6) in [("ip", false), ("ipv6", true)] {
        let mut numbers = Numbers::default();
        out.line(&format!("access-list {version} {name}-{}", if is_ipv6 { "v6" } else { "v4" }));
        for rule in &ruleset.rules {
            STYLE.check_stateless(rule)?;
            let entries = STYLE.entries(rule, is_ipv6)?;
            let log = if rule.log { " log" } else { "" };
            for (at, entry) in entries.into_iter().enumerate() {
                let number = numbers.next();
                out.rule_line(rule, &format!("    {number} {entry} count{log}"));
                if at == 0 {
                    out.line(&format!("    {number} comment {}", rule.id));
                }
            }
        }
        // What no rule decides is allowed; unwritten, it would be denied.
        let number = numbers.next();
        out.line(&format!("    {number} permit any any any count"));
        out.line(&format!("    {number} comment the policy has no opinion on the rest"));
    }
    Ok(out.finish())
}

fn address(prefix: Prefix) -> String {
    match (prefix.network(), prefix.length()) {
        (_, 0) => "any".into(),
        (IpAddr::V4(network), 32) => network.to_string(),
        (IpAddr::V6(network), 128) => network.to_string(),
        (IpAddr::V4(network), length) => format!("{network}/{}", Ipv4Addr::from_bits(!(u32::MAX >> length))),
        (IpAddr::V6(network), length) => format!("{network}/{length}"),
    }
}
