//! Rules about operations inside a protocol: where a device knows only ports, the whole service passes.

use super::{Context, Lint};
use crate::diagnostic::Diagnostic;
use crate::document::Verdict;
use crate::semantics;

pub const LINT: Lint = Lint { code: "operations", finds: "a rule whose operations most devices cannot tell apart", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    let rules = context.policy.rules.iter().filter(|rule| semantics::is_alive(rule, context.now) && !rule.operations.is_empty());
    rules
        .map(|rule| {
            let operations = rule.operations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let services = rule.services.join(", ");
            let name = &rule.name.value;
            let (message, help) = match rule.action {
                Verdict::Allow => (
                    format!(
                        "rule `{name}` allows only {operations}; a device that knows only ports lets all of {services} through"
                    ),
                    "`simulate` tells which other operations were seen; keep those writers out with narrower zones",
                ),
                Verdict::Deny => (
                    format!("rule `{name}` denies only {operations}; a device that knows only ports blocks all of {services}"),
                    "look with `simulate` whether anything else of the service is in use",
                ),
            };
            Diagnostic::note(LINT.code, message).at(&context.policy.sources, &rule.services.span).help(help)
        })
        .collect()
}
