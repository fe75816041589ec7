//! The policy language: read, check, learn, simulate, compile. Pure: text and flow maps in, documents and diagnostics out.
//!
//! [`read`] turns YAML into a [`Policy`] or into everything that is wrong with it. What a policy means is said in one place,
//! [`semantics`]; [`compile`] says the same as address sets for one enforcement point, and a property test holds the two together.
//! [`learn`], [`check`], [`simulate`], [`explain`] and [`difference`] answer the questions that come before an apply.

mod compile;
pub mod diagnostic;
mod diff;
mod digest;
pub mod document;
mod explain;
mod gaps;
mod glob;
mod judge;
mod learn;
pub mod lint;
mod log_only;
mod merge;
pub mod point;
mod product;
mod read;
pub mod resolve;
mod ruleset;
pub mod semantics;
mod service;
mod simulate;
pub mod source;
mod stateless;
mod window;
mod yaml;

pub use compile::{Compiled, compile};
pub use diagnostic::{Diagnostic, Severity};
pub use diff::{Change, Difference, changes, difference};
pub use document::{Mode, Policy, Verdict};
pub use explain::{End, Explanation, explain, explain_conversation};
pub use learn::{LearnOptions, NotProposed, Proposal, Subnet, learn};
pub use lint::{LINTS, Lint, check};
pub use merge::merge;
pub use point::{EnforcementPoint, Gap, Sees, Side, Times};
pub use read::{API_VERSION, read};
pub use ruleset::{Action, PointRule, Ruleset};
pub use simulate::{Fate, Impact, Outcome, Proof, RuleProof, Standing, Summary, hour_text, simulate, standing};
pub use source::{SourceFile, Sources, Span, Spanned};
