//! Rules that an earlier rule contradicts in part: their order matters.

use super::cover::Fate;
use super::{Context, Lint};
use crate::diagnostic::Diagnostic;

pub const LINT: Lint = Lint { code: "overlap", finds: "a rule of which an earlier rule decides a part otherwise", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    let policy = context.policy;
    let partly = context.cover().of_fate(Fate::Contradicted);
    partly
        .filter_map(|(at, takers)| {
            let rule = policy.rules.get(at)?;
            let message = format!("a part of rule `{}` is decided otherwise by {takers}, which is asked first", rule.name.value);
            let finding = Diagnostic::note(LINT.code, message).at(&policy.sources, &rule.name.span);
            Some(finding.help("right if that rule is the exception; otherwise change their order"))
        })
        .collect()
}
