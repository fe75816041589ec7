//! Rules that say what earlier rules have said, alone or together.

use super::cover::Fate;
use super::{Context, Lint};
use crate::diagnostic::Diagnostic;

pub const LINT: Lint = Lint { code: "redundant", finds: "a rule whose packets earlier rules decide alike", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    let policy = context.policy;
    let redundant = context.cover().of_fate(Fate::Redundant);
    redundant
        .filter_map(|(at, takers)| {
            let rule = policy.rules.get(at)?;
            let message = format!("rule `{}` adds nothing: {takers} says it already", rule.name.value);
            let finding = Diagnostic::note(LINT.code, message).at(&policy.sources, &rule.name.span);
            Some(finding.help("take it out, or find out in what it was meant to differ"))
        })
        .collect()
}
