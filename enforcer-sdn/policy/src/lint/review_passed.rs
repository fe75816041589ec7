//! Rules that somebody promised to look at again, and did not.

use jiff::tz::TimeZone;

use super::{Context, Lint};
use crate::diagnostic::Diagnostic;

pub const LINT: Lint = Lint { code: "review-passed", finds: "a rule past its `reviewBy`", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    let Ok(now) = jiff::Timestamp::from_nanosecond(context.now.as_nanos().into()) else { return Vec::new() };
    let today = now.to_zoned(TimeZone::UTC).date();
    let due = context.policy.rules.iter().filter_map(|rule| Some((rule, rule.review_by.as_ref()?)));
    due.filter(|(_, review_by)| review_by.value < today)
        .map(|(rule, review_by)| {
            let message = format!("rule `{}` was to be reviewed by {}", rule.name.value, review_by.value);
            let finding = Diagnostic::warning(LINT.code, message).at(&context.policy.sources, &review_by.span);
            finding.help("ask its owner whether it is still needed, then set a new `reviewBy:`")
        })
        .collect()
}
