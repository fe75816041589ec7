//! Fewer rules for the same packets: rules without effect go, rules that differ in one field become one. Nothing is granted or denied
//! beyond what was, and nothing logged: the outcome is compared with what went in, for every packet, before it is used.

use std::collections::HashSet;

use enforcer_packetset::{Limits, compare};

use crate::product::{covers, meet, unite};
use crate::ruleset::{Action, PointRule, Ruleset};

/// How far down a rule looks for another one that it can become one with; farther ones rarely can, and every pair costs.
const REACH: usize = 256;

/// The ruleset, smaller where that is possible.
#[must_use]
pub fn compress(ruleset: &Ruleset) -> Ruleset {
    let mut rules = ruleset.rules.clone();
    loop {
        let before = rules.len();
        rules = without_idle(rules);
        rules = united(rules);
        if rules.len() == before {
            break;
        }
    }
    let smaller = Ruleset { point: ruleset.point.clone(), rules };
    // The steps above are sound by themselves; this is the proof for this ruleset.
    match compare(&ruleset.steps(), &smaller.steps(), Limits::default()) {
        Ok(Ok(_)) => smaller,
        _ => ruleset.clone(),
    }
}

/// Without rules that nothing reaches, and rules after which the same happens as without them.
fn without_idle(rules: Vec<PointRule>) -> Vec<PointRule> {
    let mut kept: Vec<PointRule> = Vec::with_capacity(rules.len());
    for rule in rules {
        let nearby = kept.iter().rev().take(REACH);
        let is_reached =
            !nearby.into_iter().any(|earlier| earlier.action != Action::Log && covers(&earlier.selector, &rule.selector));
        if is_reached {
            kept.push(rule);
        }
    }
    let mut at = kept.len();
    while let Some(here) = at.checked_sub(1) {
        at = here;
        let idle = match kept.get(here).map(|rule| said_again(rule, kept.get(here + 1..).unwrap_or_default())) {
            Some(Again::At(distance)) => Some(Some(here + 1 + distance)),
            Some(Again::AtTheEnd) => Some(None),
            _ => None,
        };
        let Some(by) = idle else { continue };
        let origin = kept.get(here).map(|rule| rule.origin.clone()).unwrap_or_default();
        if let Some(covering) = by.and_then(|by| kept.get_mut(by)) {
            add_origin(covering, origin);
        }
        kept.remove(here);
    }
    kept
}

/// Where every packet of a rule fares the same without it.
enum Again {
    /// With this one of the rules behind it.
    At(usize),
    /// What no rule decides is allowed, without a log.
    AtTheEnd,
    Nowhere,
}

fn said_again(rule: &PointRule, later: &[PointRule]) -> Again {
    for (distance, other) in later.iter().enumerate() {
        if is_same_effect(rule, other) && covers(&other.selector, &rule.selector) {
            return Again::At(distance);
        }
        if (!is_same_effect(rule, other) && meet(&rule.selector, &other.selector)) || distance > REACH {
            return Again::Nowhere;
        }
    }
    if rule.action == Action::Allow && !rule.log { Again::AtTheEnd } else { Again::Nowhere }
}

fn add_origin(rule: &mut PointRule, origin: Vec<String>) {
    let known: HashSet<String> = rule.origin.iter().cloned().collect();
    rule.origin.extend(origin.into_iter().filter(|name| !known.contains(name)));
}

fn united(rules: Vec<PointRule>) -> Vec<PointRule> {
    let mut rules: Vec<Option<PointRule>> = rules.into_iter().map(Some).collect();
    for at in 0..rules.len() {
        let Some(mut rule) = rules.get(at).cloned().flatten() else { continue };
        let mut between: Vec<usize> = Vec::new();
        let end = rules.len().min(at.saturating_add(REACH));
        for other_at in at + 1..end {
            let Some(other) = rules.get(other_at).cloned().flatten() else { continue };
            // Moved up to `rule`, the other one passes what stands between them; where they meet, both must do the same.
            let commutes = || {
                between
                    .iter()
                    .filter_map(|&at| rules.get(at)?.as_ref())
                    .all(|middle| is_same_effect(middle, &other) || !meet(&middle.selector, &other.selector))
            };
            match unite(&rule.selector, &other.selector).filter(|_| is_same_effect(&rule, &other) && commutes()) {
                Some(selector) => {
                    rule.selector = selector;
                    add_origin(&mut rule, other.origin);
                    if let Some(place) = rules.get_mut(other_at) {
                        *place = None;
                    }
                }
                None => between.push(other_at),
            }
        }
        if let Some(place) = rules.get_mut(at) {
            *place = Some(rule);
        }
    }
    rules.into_iter().flatten().collect()
}

fn is_same_effect(left: &PointRule, right: &PointRule) -> bool {
    left.step().effect == right.step().effect
}
