//! Rules that never decide, because earlier rules with another word take all their packets.

use super::cover::Fate;
use super::{Context, Lint};
use crate::diagnostic::Diagnostic;

pub const LINT: Lint = Lint { code: "shadowed", finds: "a rule whose packets earlier rules decide otherwise", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    let policy = context.policy;
    let mut found: Vec<Diagnostic> = context
        .cover()
        .of_fate(Fate::Shadowed)
        .filter_map(|(at, takers)| {
            let rule = policy.rules.get(at)?;
            let message = format!("rule `{}` never decides: {takers} takes all its packets", rule.name.value);
            let finding = Diagnostic::warning(LINT.code, message).at(&policy.sources, &rule.name.span);
            Some(finding.help("move it before that rule, or take it out"))
        })
        .collect();
    if context.cover().gave_up {
        let message = "the policy is too large to compare every rule with all earlier ones; some were not compared";
        found.push(Diagnostic::note(LINT.code, message));
    }
    found
}
