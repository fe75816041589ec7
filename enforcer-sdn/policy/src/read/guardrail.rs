//! One entry of `guardrails:`.

use crate::document::{Assertion, Guardrail, Peer};
use crate::yaml::Node;

use super::fields::{self, Fields, Log};
use super::rule::{self, Scope};
use super::{MAX_RULE_NAME, keys};

pub fn read(node: &Node, scope: &Scope, log: &mut Log) -> Option<Guardrail> {
    let fields = Fields::of(node, "a guardrail", keys::GUARDRAIL, log)?;
    let name = fields.required_text("name", "add `name:`", log);
    if let Some(name) = &name {
        fields::check_name(name, MAX_RULE_NAME, "guardrail", log);
    }
    if fields.get("assert").is_none() {
        log.error("missing-key", "guardrail has no `assert`", &fields.start(), "add `assert: never` or `assert: always`");
    }
    let words = Assertion::ALL.map(|assertion| (assertion.as_str(), assertion));
    let assertion = fields.word("assert", &words, log);
    let from = rule::peers(&fields, "from", scope, log);
    let to = rule::peers(&fields, "to", scope, log);
    let services = rule::services(&fields, scope, log);
    let (owner, reason, ticket) = (fields.text("owner", log), fields.text("reason", log), fields.text("ticket", log));
    let schedule = rule::schedule(&fields, log);
    if fields.get("schedule").is_some() && schedule.is_none() {
        // Without its window it would assert something else.
        return None;
    }
    let (from, to, (l4, services)) = (from?, to?, services?);
    if from.value == [Peer::Outside] && to.value == [Peer::Outside] {
        let message = "a policy has no opinion on what is outside its zones";
        log.error("bad-value", message, &to.span, "name a zone on one side");
    }
    Some(Guardrail {
        name: name?,
        assertion: assertion?,
        from,
        to,
        l4,
        services,
        schedule,
        owner: owner.map(|text| text.value),
        reason: reason.map(|text| text.value),
        ticket: ticket.map(|text| text.value),
    })
}
