//! A ruleset as one VLAN map: neighbouring rules with one effect become one clause for each IP version.

use std::fmt::Write as _;

use enforcer_policy::{Action, PointRule, Ruleset};

use crate::cisco_ios;
use crate::list_entries::{Numbers, Style, Writer, list_name};
use crate::list_times::{definitions, reference};
use crate::target::{RenderError, RenderOptions, Rendering};

const STYLE: Style = Style { target: "cisco-vacl", ..cisco_ios::STYLE };

/// The name of a list is the map's with its version and number.
const LONGEST_NAME: usize = 20;

/// The number of the last clause is 65535.
const MOST_CLAUSES: u32 = 65_535;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    let name = list_name(options, STYLE.target, LONGEST_NAME)?;
    let mut out = Writer::new();
    definitions(STYLE.times, ruleset, &mut out);
    let mut map = String::new();
    let mut numbers = Numbers::default();
    let is_same = |a: &PointRule, b: &PointRule| (a.action, a.log) == (b.action, b.log);
    for run in ruleset.rules.chunk_by(is_same) {
        for is_ipv6 in [false, true] {
            let mut has_list = false;
            for rule in run {
                let entries = entries(rule, is_ipv6)?;
                if entries.is_empty() {
                    continue;
                }
                if !has_list {
                    has_list = true;
                    let action = match (rule.action, rule.log) {
                        (Action::Deny, false) => "drop",
                        (Action::Deny, true) => "drop log",
                        _ => "forward",
                    };
                    let number = numbers.next();
                    if number > MOST_CLAUSES {
                        let advice = "put rules with one effect next to each other";
                        return Err(STYLE.cannot(rule, "so many changes between allow and deny", advice));
                    }
                    begin(&mut out, &mut map, name, number, is_ipv6, action);
                }
                out.line(&format!(" remark {}", rule.id));
                let times = reference(rule);
                for entry in entries {
                    out.rule_line(rule, &format!(" {entry}{times}"));
                }
            }
            if has_list && is_ipv6 {
                out.line(" deny ipv6 any any");
            }
        }
    }
    // What no rule decides is allowed; unwritten, it would be dropped.
    for is_ipv6 in [false, true] {
        begin(&mut out, &mut map, name, numbers.next(), is_ipv6, "forward");
        out.line(" remark the policy has no opinion on the rest");
        out.line(if is_ipv6 { " permit ipv6 any any" } else { " permit ip any any" });
    }
    map.lines().for_each(|line| out.line(line));
    Ok(out.finish())
}

/// Entries that select what the rule does, whatever its action is.
fn entries(rule: &PointRule, is_ipv6: bool) -> Result<Vec<String>, RenderError> {
    STYLE.check_stateless(rule)?;
    if rule.log && rule.action == Action::Allow {
        return Err(STYLE.cannot(rule, "a log of what is forwarded", "allow it without a log"));
    }
    STYLE.entries(&PointRule { action: Action::Allow, ..rule.clone() }, is_ipv6)
}

/// The header of the clause's list, and the clause.
fn begin(out: &mut Writer, map: &mut String, name: &str, number: u32, is_ipv6: bool, action: &str) {
    let (header, version, ending) =
        if is_ipv6 { ("ipv6 access-list", "ipv6", "v6") } else { ("ip access-list extended", "ip", "v4") };
    out.line(&format!("{header} {name}-{ending}-{number}"));
    let _ = write!(map, "vlan access-map {name} {number}\n match {version} address {name}-{ending}-{number}\n action {action}\n");
}
