//! What is claimed about documents: replayed captures, their truth, and bad input. Needs no root.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

#[path = "offline/bad_input.rs"]
mod bad_input;
#[path = "offline/captures.rs"]
mod captures;
#[path = "offline/cases.rs"]
mod cases;
#[path = "offline/coverage.rs"]
mod coverage;
#[path = "offline/duplicates.rs"]
mod duplicates;
#[path = "offline/identity.rs"]
mod identity;
#[path = "offline/truth.rs"]
mod truth;
