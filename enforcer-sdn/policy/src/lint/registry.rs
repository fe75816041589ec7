//! Every lint there is, by code.

use super::Lint;

/// One line a lint.
pub const LINTS: &[Lint] = &[
    super::any_any::LINT,
    super::contradicted::LINT,
    super::empty_zone::LINT,
    super::expired::LINT,
    super::guardrail::LINT,
    super::operations::LINT,
    super::ownerless::LINT,
    super::redundant::LINT,
    super::review_passed::LINT,
    super::schedule_never_opens::LINT,
    super::shadowed::LINT,
    super::unreachable::LINT,
    super::unzoned_asset::LINT,
    super::weak_identity::LINT,
    super::zone_overlap::LINT,
];
