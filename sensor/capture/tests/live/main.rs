//! Live capture on ports of its own. Needs root, and says so loudly where it is not.
#![expect(clippy::expect_used, reason = "a test that cannot make its input must fail")]

mod delivery;
mod silence;
mod wire;
