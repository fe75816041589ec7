//! Rules that nobody answers for.

use super::{Context, Lint};
use crate::diagnostic::Diagnostic;

pub const LINT: Lint = Lint { code: "ownerless", finds: "a rule without an owner in a policy without an owner", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    if context.policy.owner.is_some() {
        return Vec::new();
    }
    let rules = context.policy.rules.iter().filter(|rule| rule.owner.is_none());
    rules
        .map(|rule| {
            Diagnostic::warning(LINT.code, format!("rule `{}` has no owner", rule.name.value))
                .at(&context.policy.sources, &rule.name.span)
                .help("add `owner:` to the rule, or to `metadata:` for all rules")
        })
        .collect()
}
