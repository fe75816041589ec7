//! Rules that have ended: they allow and deny nothing any more.

use super::{Context, Lint};
use crate::diagnostic::Diagnostic;
use crate::semantics;

pub const LINT: Lint = Lint { code: "expired", finds: "a rule past its `expires`", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    let gone = context.policy.rules.iter().filter(|rule| !semantics::is_alive(rule, context.now));
    gone.filter_map(|rule| {
        let expires = rule.expires.as_ref()?;
        let message = format!("rule `{}` ended at {} and does nothing", rule.name.value, expires.value);
        let finding = Diagnostic::warning(LINT.code, message).at(&context.policy.sources, &expires.span);
        Some(finding.help("take the rule out, or give it a later `expires:`"))
    })
    .collect()
}
