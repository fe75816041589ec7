//! Guardrails that the rules break. An error, and the compile refuses it with the same words.

use super::{Context, Lint};
use crate::diagnostic::Diagnostic;
use crate::guardrail;

pub const LINT: Lint = Lint { code: "guardrail", finds: "a never or always that the rules break", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    let Ok(resolution) = &context.resolution else { return Vec::new() };
    guardrail::broken(context.policy, resolution, context.now)
}
