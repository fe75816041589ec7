//! A ruleset as one access list. What the device does by itself with connections that it follows is not written, only checked.

use std::net::{IpAddr, Ipv4Addr};

use enforcer_packetset::{L4, Prefix, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::list_entries::{Style, Writer, by_length, list_name, selects};
use crate::list_times::{TimeWords, definitions, reference};
use crate::target::{RenderError, RenderOptions, Rendering};

const STYLE: Style = Style {
    target: "cisco-asa",
    any: ["ip", "ip"],
    icmp: ["icmp", "icmp6"],
    address,
    kind: |kind, code| code.map_or_else(|| format!(" {kind}"), |code| format!(" {kind} {code}")),
    sctp_ports: true,
    times: TimeWords::Minutes,
};

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    let name = list_name(options, STYLE.target, 64)?;
    let mut out = Writer::new();
    definitions(STYLE.times, ruleset, &mut out);
    // Whether an earlier rule has allowed every packet of a known connection, without a log: as the device does.
    let mut is_followed = false;
    for rule in &ruleset.rules {
        STYLE.check(rule)?;
        if !rule.selector.flags.is_full() {
            let advice = "the device follows connections itself: select their state";
            return Err(STYLE.cannot(rule, "TCP flags", advice));
        }
        if !is_followed {
            check_established(rule)?;
        }
        if rule.selector.state == StateSet::Established {
            is_followed |= is_everything(rule);
            continue;
        }
        let entries = entries(rule)?;
        out.line(&format!("access-list {name} remark {}", rule.id));
        // Without a word a deny is logged and a permit is not.
        let log = match (rule.action, rule.log) {
            (Action::Deny, false) => " log disable",
            (Action::Deny, true) | (_, false) => "",
            (_, true) => " log",
        };
        let times = reference(rule);
        for entry in entries {
            out.rule_line(rule, &format!("access-list {name} extended {entry}{log}{times}"));
        }
    }
    // What no rule decides is allowed; unwritten, it would be denied.
    out.line(&format!("access-list {name} remark the policy has no opinion on the rest"));
    out.line(&format!("access-list {name} extended permit ip any any"));
    Ok(out.finish())
}

/// The device lets packets of known connections through and logs none of them.
fn check_established(rule: &PointRule) -> Result<(), RenderError> {
    let is_said = rule.selector.state == StateSet::New || (rule.action == Action::Allow && !rule.log);
    if is_said {
        return Ok(());
    }
    let feature = if rule.action == Action::Allow { "a log of" } else { "a deny for" };
    let advice = "the list sees first packets only: let a rule before it allow established connections, or select new ones";
    Err(STYLE.cannot(rule, format!("{feature} packets of established connections"), advice))
}

fn is_everything(rule: &PointRule) -> bool {
    let selector = &rule.selector;
    selector.source.is_full() && selector.destination.is_full() && selector.l4 == L4::Any && selector.week.is_always()
}

/// Both versions, `any` where that is all of both.
fn entries(rule: &PointRule) -> Result<Vec<String>, RenderError> {
    let is_all = rule.selector.source.is_full() && rule.selector.destination.is_full();
    // In IPv6 these protocols are refused by number, and each ICMP belongs to one version.
    let is_both = selects(rule, false) && selects(rule, true);
    if is_all && is_both {
        let any = ["any".to_owned()];
        return STYLE.product(rule, &STYLE.protocol(rule, false)?, &any, &any);
    }
    let mut entries = STYLE.entries(rule, false)?;
    entries.extend(STYLE.entries(rule, true)?);
    Ok(entries)
}

fn address(prefix: Prefix) -> String {
    match (prefix.network(), prefix.length()) {
        (IpAddr::V4(_), 0) => "any4".into(),
        (IpAddr::V6(_), 0) => "any6".into(),
        (IpAddr::V4(network), length @ ..=31) => format!("{network} {}", Ipv4Addr::from_bits(!(u32::MAX >> length))),
        _ => by_length(prefix),
    }
}
