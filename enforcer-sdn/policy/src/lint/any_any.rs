//! Rules that allow everybody to reach everybody.

use super::{Context, Lint};
use crate::diagnostic::Diagnostic;
use crate::document::{Peer, Verdict};

pub const LINT: Lint = Lint { code: "any-any", finds: "a rule that allows everybody to reach everybody", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    let rules = context.policy.rules.iter();
    rules
        .filter(|rule| rule.action == Verdict::Allow && rule.from.contains(&Peer::Any) && rule.to.contains(&Peer::Any))
        .map(|rule| {
            let message = format!("rule `{}` allows {} from any to any", rule.name.value, rule.services.join(", "));
            Diagnostic::warning(LINT.code, message)
                .at(&context.policy.sources, &rule.from.span)
                .help("name the zones that need it; `simulate` shows which ones use it")
        })
        .collect()
}
