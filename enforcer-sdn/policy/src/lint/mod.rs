//! What a policy can be asked before anybody compiles it: one file a question behind a const registry. A lint never changes output.

mod any_any;
mod contradicted;
mod cover;
mod empty_zone;
mod expired;
mod guardrail;
mod operations;
mod ownerless;
mod redundant;
mod registry;
mod review_passed;
mod schedule_never_opens;
mod shadowed;
#[cfg(test)]
mod template;
mod unreachable;
mod unzoned_asset;
mod weak_identity;
mod zone_overlap;

use sensor_model::{FlowMap, Timestamp};

use crate::diagnostic::Diagnostic;
use crate::document::Policy;
use crate::resolve::{Resolution, resolve};

pub use registry::LINTS;

/// One question and its answers.
#[derive(Clone, Copy, Debug)]
pub struct Lint {
    /// The code of its diagnostics.
    pub code: &'static str,
    /// What it finds, for a list of lints.
    pub finds: &'static str,
    run: fn(&Context) -> Vec<Diagnostic>,
}

/// What a lint may look at.
struct Context<'a> {
    policy: &'a Policy,
    map: Option<&'a FlowMap>,
    /// The zones as addresses, or why there are none.
    resolution: Result<Resolution, Vec<Diagnostic>>,
    now: Timestamp,
    cover: std::cell::OnceCell<cover::Cover>,
}

impl Context<'_> {
    /// What earlier rules take from later ones; worked out once for all lints that ask.
    fn cover(&self) -> &cover::Cover {
        self.cover.get_or_init(|| cover::Cover::of(self.policy, self.now))
    }
}

/// Asks every lint. Errors first, then in the order of the text.
#[must_use]
pub fn check(policy: &Policy, map: Option<&FlowMap>, now: Timestamp) -> Vec<Diagnostic> {
    let context = Context { policy, map, resolution: resolve(policy, map), now, cover: std::cell::OnceCell::new() };
    let mut found: Vec<Diagnostic> = LINTS.iter().flat_map(|lint| (lint.run)(&context)).collect();
    found.sort_by_key(|finding| {
        (finding.severity, finding.span.as_ref().map_or((usize::MAX, 0), |span| (span.file, span.bytes.start)))
    });
    found
}
