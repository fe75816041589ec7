//! A ruleset about whole hosts as a list of their prefixes, ascending.

use std::fmt::Write as _;

use enforcer_packetset::{AddressSet, L4, RangeSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use super::Use;
use crate::product::Writing;
use crate::target::{RenderError, RenderedLine, Rendering};

/// Which end of a packet is on the list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Source,
    Destination,
}

pub(super) fn render(ruleset: &Ruleset, usage: Use) -> Result<Rendering, RenderError> {
    let target = if usage == Use::Allow { "edl-allow" } else { "edl-deny" };
    let rules = match usage {
        Use::Deny => ruleset.rules.as_slice(),
        Use::Allow => without_rest(target, &ruleset.rules)?,
    };
    let (mut sources, mut destinations) = (AddressSet::empty(), AddressSet::empty());
    for rule in rules {
        match listed(Writing { target, rule }, usage)? {
            (End::Source, set) => sources = sources.union(set),
            (End::Destination, set) => destinations = destinations.union(set),
        }
    }
    let Some(last) = rules.last() else {
        return Err(RenderError {
            rule: "(ruleset)".into(),
            target,
            feature: "an empty list".into(),
            advice: "some firewalls take it for everybody: take the rule away instead".into(),
        });
    };
    let writing = Writing { target, rule: last };
    if sources != destinations {
        return Err(writing.cannot("hosts that are listed one way only", "say the same of packets from them and to them"));
    }
    if !sources.v4.is_empty() && !sources.v6.is_empty() {
        return Err(writing.cannot("two IP versions in one list", "compile a point for each"));
    }
    let mut rendering = Rendering { text: String::new(), lines: Vec::new() };
    for (number, prefix) in (1..).zip(sources.prefixes()) {
        let _ = writeln!(rendering.text, "{prefix}");
        let holds = |rule: &&PointRule| {
            let both = rule.selector.source.intersection(&rule.selector.destination);
            !both.intersection(&AddressSet::from(prefix)).is_empty()
        };
        if let Some(rule) = rules.iter().find(holds) {
            rendering.lines.push(RenderedLine { line: number, rule: rule.id.clone() });
        }
    }
    Ok(rendering)
}

/// The rules before the one that denies everybody else.
fn without_rest<'a>(target: &'static str, rules: &'a [PointRule]) -> Result<&'a [PointRule], RenderError> {
    let Some((last, before)) = rules.split_last() else { return Ok(rules) };
    let writing = Writing { target, rule: last };
    writing.check_stateless()?;
    let selector = &last.selector;
    let listed = before.first().map(|rule| &rule.selector);
    // Of the list's version.
    let is_v6 = listed.is_some_and(|selector| selector.source.v4.is_empty() || selector.destination.v4.is_empty());
    let all = all_of(is_v6);
    let is_rest = last.action == Action::Deny
        && !last.log
        && selector.l4 == L4::Any
        && selector.flags.is_full()
        && selector.source == all
        && selector.destination == all;
    if is_rest {
        return Ok(before);
    }
    Err(writing.cannot("a ruleset that does not end by denying everybody else", "deny all of the list's IP version at the end"))
}

fn all_of(is_ipv6: bool) -> AddressSet {
    if is_ipv6 {
        AddressSet { v4: RangeSet::empty(), v6: RangeSet::full() }
    } else {
        AddressSet { v4: RangeSet::full(), v6: RangeSet::empty() }
    }
}

/// The hosts that the rule is about, and at which end.
fn listed(writing: Writing<'_>, usage: Use) -> Result<(End, &AddressSet), RenderError> {
    writing.check_stateless()?;
    let rule = writing.rule;
    let selector = &rule.selector;
    let wanted = if usage == Use::Allow { Action::Allow } else { Action::Deny };
    if rule.action != wanted {
        return Err(writing.cannot("exceptions", "leave the hosts off the list, or use another dialect"));
    }
    if rule.log {
        return Err(writing.cannot("a log entry", "the firewall's rule that uses the list may log"));
    }
    if selector.l4 != L4::Any || !selector.flags.is_full() {
        return Err(writing.cannot("protocols and ports", "the firewall's rule that uses the list may have them"));
    }
    let is_all = |own: &AddressSet, peer: &AddressSet| {
        !own.is_empty() && (own.v4.is_empty() || peer.v4.is_full()) && (own.v6.is_empty() || peer.v6.is_full())
    };
    let (source, destination) = (&selector.source, &selector.destination);
    let is_whole = |set: &AddressSet| set.v4.is_full() || set.v6.is_full();
    if is_all(source, destination) && !is_whole(source) {
        Ok((End::Source, source))
    } else if is_all(destination, source) && !is_whole(destination) {
        Ok((End::Destination, destination))
    } else {
        Err(writing.cannot("packets between some and some", "a list is about hosts and everybody else"))
    }
}
