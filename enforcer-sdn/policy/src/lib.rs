//! The policy language: read, check, learn, simulate, compile. Pure: text and flow maps in, documents and diagnostics out.

mod ruleset;

pub use ruleset::{Action, PointRule, Ruleset};
