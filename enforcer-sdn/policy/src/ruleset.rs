//! Vendor-neutral rules for one enforcement point: what every dialect renders and every parser is compared with.

use enforcer_packetset::{Effect, Packet, Selector, Step, Verdict};

/// What a rule does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    Allow,
    Deny,
    /// Write a log entry, then go on with the next rule: what a zone in `simulate` gets instead of `Deny`.
    Log,
}

/// One rule. Its selector is never empty; a compile that would make it so is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointRule {
    /// Unique in the ruleset, `[a-z0-9-]`, at most 48 characters; also the log prefix.
    pub id: String,
    pub selector: Selector,
    pub action: Action,
    /// Selected packets leave a log entry too. `Action::Log` does nothing else, whatever stands here.
    pub log: bool,
    /// Names of the policy rules and zones that it comes from.
    pub origin: Vec<String>,
}

/// First match decides; `Log` does not decide. What no rule decides is allowed: the policy has no opinion on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruleset {
    /// Enforcement point.
    pub point: String,
    pub rules: Vec<PointRule>,
}

impl Ruleset {
    /// The verdict, and the rule that decided; None where the policy has no opinion.
    #[must_use]
    pub fn decide(&self, packet: &Packet) -> (Action, Option<&PointRule>) {
        let decided = self.rules.iter().find(|rule| rule.action != Action::Log && rule.selector.contains(packet));
        (decided.map_or(Action::Allow, |rule| rule.action), decided)
    }

    /// The rules as steps of a first-match chain, one each, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.rules.iter().map(PointRule::step).collect()
    }
}

impl PointRule {
    /// What the rule selects and does, without its names.
    #[must_use]
    pub fn step(&self) -> Step {
        let effect = match self.action {
            Action::Allow => Effect { verdict: Some(Verdict::Allow), log: self.log },
            Action::Deny => Effect { verdict: Some(Verdict::Deny), log: self.log },
            Action::Log => Effect { verdict: None, log: true },
        };
        Step { selector: self.selector.clone(), effect }
    }
}
