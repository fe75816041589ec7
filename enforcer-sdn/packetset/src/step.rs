//! Links of a first-match chain: what a list of rules is, in any dialect.

use crate::Selector;

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    Allow,
    Deny,
}

/// What a step does with the packets that it selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Effect {
    /// None: the next step is asked.
    pub verdict: Option<Verdict>,
    /// The packet leaves a log entry.
    pub log: bool,
}

/// One link of a chain. The first selecting step with a verdict decides; a packet that no step decides is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub selector: Selector,
    pub effect: Effect,
}

impl Step {
    /// A step that allows what the selector selects.
    #[must_use]
    pub const fn allow(selector: Selector) -> Self {
        Self { selector, effect: Effect { verdict: Some(Verdict::Allow), log: false } }
    }

    /// A step that denies what the selector selects.
    #[must_use]
    pub const fn deny(selector: Selector) -> Self {
        Self { selector, effect: Effect { verdict: Some(Verdict::Deny), log: false } }
    }
}
