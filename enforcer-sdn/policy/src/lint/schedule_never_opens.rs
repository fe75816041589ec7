//! Schedules without a minute in them, or whose rule ends before they open.

use super::{Context, Lint};
use crate::diagnostic::Diagnostic;
use crate::{semantics, window};

pub const LINT: Lint = Lint { code: "never-opens", finds: "a schedule that never opens", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    let alive = context.policy.rules.iter().filter(|rule| semantics::is_alive(rule, context.now));
    alive
        .filter_map(|rule| {
            let schedule = rule.schedule.as_ref()?;
            let opens = window::next_opening(schedule, context.now);
            let expires = rule.expires.as_ref().map(|expires| expires.value);
            let (why, help) = match (opens, expires) {
                (None, _) if schedule.days == [false; 7] => ("it has no days", "name at least one day"),
                (None, _) => ("it begins and ends at the same minute", "for a whole day write from \"00:00\" to \"24:00\""),
                (Some(opens), Some(expires)) if opens >= expires => {
                    ("the rule expires before it opens", "give the rule a later `expires:`")
                }
                _ => return None,
            };
            let message = format!("the schedule of rule `{}` never opens: {why}", rule.name.value);
            Some(Diagnostic::warning(LINT.code, message).at(&context.policy.sources, &schedule.span).help(help))
        })
        .collect()
}
