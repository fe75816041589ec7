//! Log entries for a dialect that cannot log without deciding: where what follows lets the packet through anyway, the entry and the
//! passage become one rule.

use crate::product::{covers, meet};
use crate::ruleset::{Action, PointRule};

/// `Log` becomes an `Allow` that logs, wherever no later rule can deny the packets: then verdicts and log entries stay the same. What is
/// left as `Log` the dialect refuses by name.
pub fn with_verdicts(mut rules: Vec<PointRule>) -> Vec<PointRule> {
    for at in (0..rules.len()).rev() {
        let (Some(rule), later) = (rules.get(at), rules.get(at + 1..).unwrap_or_default()) else { continue };
        if rule.action == Action::Log && ends_well(rule, later) {
            let is_passage = later.first().is_some_and(|next| next.action == Action::Allow && next.selector == rule.selector);
            if let Some(rule) = rules.get_mut(at) {
                (rule.action, rule.log) = (Action::Allow, true);
            }
            if is_passage {
                rules.remove(at + 1);
            }
        }
    }
    rules
}

/// Whether every packet of the rule is allowed in the end.
fn ends_well(rule: &PointRule, later: &[PointRule]) -> bool {
    for other in later {
        match other.action {
            Action::Allow if covers(&other.selector, &rule.selector) => return true,
            Action::Deny if meet(&other.selector, &rule.selector) => return false,
            _ => {}
        }
    }
    true
}
