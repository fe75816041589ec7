//! Zones that nobody is in: rules about them do nothing, and nobody is protected by them.

use super::{Context, Lint};
use crate::diagnostic::{Diagnostic, Severity};
use crate::document::{Member, Mode};

pub const LINT: Lint = Lint { code: "zone-empty", finds: "a zone that no asset and no prefix is in", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    let Ok(resolution) = &context.resolution else { return Vec::new() };
    let zones = context.policy.zones.iter().zip(&resolution.zones);
    zones
        // Without a map only prefixes can be known.
        .filter(|(zone, members)| {
            !zone.is_group() && !members.is_quarantined && members.addresses.is_empty()
                && (context.map.is_some() || zone.members.iter().all(Member::is_prefix_only))
        })
        .map(|(zone, _)| {
            let severity = if zone.mode == Mode::Observe { Severity::Warning } else { Severity::Error };
            Diagnostic::new(severity, LINT.code, format!("zone `{}` has no members", zone.name.value))
                .at(&context.policy.sources, &zone.name.span)
                .help("its rules select nobody: correct its selectors, or look whether a zone of higher priority has taken them all")
        })
        .collect()
}
