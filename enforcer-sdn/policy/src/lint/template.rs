//! Copy this file, change the question, add one line to `registry.rs` and one `mod` line: a new lint.

use super::{Context, Lint};
use crate::diagnostic::Diagnostic;

pub const LINT: Lint = Lint { code: "no-rules", finds: "a policy without rules", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    if !context.policy.rules.is_empty() {
        return Vec::new();
    }
    let message = format!("policy `{}` has no rules", context.policy.name);
    vec![Diagnostic::note(LINT.code, message).help("once a zone is enforced, nothing enters or leaves it")]
}

#[test]
fn the_template_is_a_lint() {
    assert_eq!(LINT.code, "no-rules");
    let files = [crate::SourceFile {
        name: "p".into(),
        text: "{apiVersion: cordon/v1, kind: Policy, metadata: {name: p, owner: o}}".into(),
    }];
    let policy = crate::read(&files).unwrap();
    let now = sensor_model::Timestamp::ZERO;
    let resolution = crate::resolve::resolve(&policy, None);
    let context = Context { policy: &policy, map: None, resolution, now, cover: std::cell::OnceCell::new() };
    assert_eq!((LINT.run)(&context).len(), 1);
}
