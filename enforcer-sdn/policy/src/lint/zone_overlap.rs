//! Zones that claim the same address with the same priority.

use super::{Context, Lint};
use crate::diagnostic::Diagnostic;

pub const LINT: Lint = Lint { code: "zone-overlap", finds: "two zones of one priority that share an address", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    context.resolution.as_ref().err().cloned().unwrap_or_default()
}
