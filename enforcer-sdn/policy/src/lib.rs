//! The policy language: read, check, learn, simulate, compile. Pure: text and flow maps in, documents and diagnostics out.
//!
//! [`read`] turns YAML into a [`Policy`] or into everything that is wrong with it. What a policy means is said in one place,
//! [`semantics`]; [`compile`] says the same as address sets for one enforcement point, and a property test holds the two together.
//! [`learn`], [`check`], [`simulate`], [`explain`] and [`difference`] answer the questions that come before an apply.

mod compile;
mod compress;
pub mod device_zones;
pub mod diagnostic;
mod diff;
mod digest;
pub mod document;
mod explain;
mod gaps;
mod glob;
mod guardrail;
mod include;
mod judge;
mod learn;
pub mod lint;
mod log_only;
mod merge;
mod moved;
mod mud;
mod near;
mod parts;
pub mod point;
mod product;
mod quarantine;
mod read;
pub mod resolve;
mod revision;
mod ruleset;
mod schema;
pub mod semantics;
mod service;
mod simulate;
pub mod source;
mod stateless;
mod view;
mod window;
pub mod yaml;

pub use compile::{Compiled, compile};
pub use diagnostic::{Diagnostic, Severity};
pub use diff::{Change, Decide, Difference, as_enforced, changes, changes_by, decide_by, difference, difference_of};
pub use document::{Mode, Policy, Verdict};
pub use explain::{End, Explanation, explain, explain_conversation};
pub use guardrail::{Violation, violations};
pub use include::gather;
pub use learn::{LearnOptions, NotProposed, Proposal, Subnet, learn};
pub use lint::{LINTS, Lint, check};
pub use merge::merge;
pub use moved::{Becomes, Moved, MovedPackets, Names, moved};
pub use mud::{MudImport, MudOptions, from_mud};
pub use point::{EnforcementPoint, Gap, Logs, Sees, Side, Times};
pub use quarantine::{Quarantine, read_quarantined};
pub use read::{API_VERSION, read};
pub use resolve::needs_map;
pub use revision::{How, Revision, revisions};
pub use ruleset::{Action, PointRule, Ruleset};
pub use schema::schema;
pub use service::{Refused, meant};
pub use simulate::{Fate, Impact, Outcome, Proof, RuleProof, Standing, Summary, hour_text, simulate, standing};
pub use source::{SourceFile, Sources, Span, Spanned};
