//! A ruleset about what some hosts send as values of a user file, one a line: the same text every time.

use enforcer_packetset::AddressSet;
use enforcer_policy::{PointRule, Ruleset};

use super::HOSTS;
use crate::cisco_ios::STYLE as IOS;
use crate::list_entries::{Numbers, Style, Writer, selects};
use crate::list_times::TimeWords;
use crate::product::of_version;
use crate::target::{RenderError, RenderOptions, Rendering};

const STYLE: Style = Style { target: "radius-dacl", times: TimeWords::None, ..IOS };

pub(super) fn render(ruleset: &Ruleset, _: &RenderOptions) -> Result<Rendering, RenderError> {
    let hosts = hosts(ruleset)?;
    let mut values: Vec<(Option<&PointRule>, String)> = Vec::new();
    for (is_ipv6, list, all) in [(false, "ip:inacl", "ip"), (true, "ipv6:inacl", "ipv6")] {
        if of_version(&hosts, is_ipv6).is_empty() {
            continue;
        }
        let mut numbers = Numbers::default();
        let mut value = |entry: &str| format!("{list}#{}={entry}", numbers.next());
        for rule in ruleset.rules.iter().filter(|rule| selects(rule, is_ipv6)) {
            values.extend(entries(rule, is_ipv6)?.iter().map(|entry| (Some(rule), value(entry))));
        }
        // What no rule decides is allowed; unwritten, it would be denied.
        values.push((None, value(&format!("permit {all} any any"))));
    }
    let prefixes: Vec<String> = hosts.prefixes().iter().map(ToString::to_string).collect();
    let mut out = Writer::new();
    out.line(&format!("{HOSTS} {}", prefixes.join(" ")));
    let mut last = None;
    let end = values.len();
    for (at, (rule, value)) in (1..).zip(values) {
        let id = rule.map(|rule| rule.id.as_str());
        if at == 1 || id != last {
            out.line(&format!("# {}", id.unwrap_or("the policy has no opinion on the rest")));
        }
        last = id;
        let line = format!("Cisco-AVPair += \"{value}\"{}", if at == end { "" } else { "," });
        match rule {
            Some(rule) => out.rule_line(rule, &line),
            None => out.line(&line),
        }
    }
    Ok(out.finish())
}

/// Whose packets all rules are about.
fn hosts(ruleset: &Ruleset) -> Result<AddressSet, RenderError> {
    let mut hosts = AddressSet::empty();
    for rule in &ruleset.rules {
        STYLE.check_stateless(rule)?;
        if rule.log {
            return Err(STYLE.cannot(rule, "a log entry", "take the logs from another point, and leave them out here"));
        }
        for is_ipv6 in [false, true].into_iter().filter(|&is_ipv6| selects(rule, is_ipv6)) {
            hosts = hosts.union(&of_version(&rule.selector.source, is_ipv6));
        }
    }
    for rule in &ruleset.rules {
        let is_part =
            |is_ipv6| selects(rule, is_ipv6) && of_version(&rule.selector.source, is_ipv6) != of_version(&hosts, is_ipv6);
        if is_part(false) || is_part(true) {
            let advice = "name one zone as `zones` of the point, with `one_way`: every entry is about all that its hosts send";
            return Err(STYLE.cannot(rule, "packets of a part of the hosts, or to them", advice));
        }
    }
    if hosts.is_empty() {
        return Err(RenderError {
            rule: "(ruleset)".into(),
            target: STYLE.target,
            feature: "a ruleset without rules".into(),
            advice: "without a list the switch's own port list holds: leave it out".into(),
        });
    }
    Ok(hosts)
}

fn entries(rule: &PointRule, is_ipv6: bool) -> Result<Vec<String>, RenderError> {
    let protocol = STYLE.protocol(rule, is_ipv6)?;
    let destinations = of_version(&rule.selector.destination, is_ipv6);
    let destinations: Vec<String> = destinations.prefixes().into_iter().map(STYLE.address).collect();
    STYLE.product(rule, &protocol, &["any".into()], &destinations)
}
