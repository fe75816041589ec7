//! What was written differently between two policies: zones, rules and guardrails that came, went or changed, by name.

use serde::Serialize;

use crate::document::{Guardrail, Member, Peer, Policy, Rule, Schedule, Verdict, Zone};

/// A sentence that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// `zone`, `rule`, `guardrail`.
    pub what: &'static str,
    pub name: String,
    pub how: How,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    Added,
    Removed,
    /// Field, before, after.
    Changed(Vec<(&'static str, String, String)>),
    /// The same words, asked at another place among the rules that both have.
    Moved,
}

type Fields = Vec<(&'static str, String)>;
/// Names with what they say.
type Named<'a> = Vec<(&'a str, Fields)>;

/// Every sentence that differs, zones first.
#[must_use]
pub fn revisions(before: &Policy, after: &Policy) -> Vec<Revision> {
    let mut found = Vec::new();
    compared("zone", &zones(before), &zones(after), &mut found);
    let (old, new) = (rules(before), rules(after));
    compared("rule", &old, &new, &mut found);
    moved(&old, &new, &mut found);
    compared("guardrail", &guardrails(before), &guardrails(after), &mut found);
    found
}

fn zones(policy: &Policy) -> Named<'_> {
    policy.zones.iter().map(|zone| (zone.name.value.as_str(), of_zone(policy, zone))).collect()
}

/// In the order in which they are asked.
fn rules(policy: &Policy) -> Named<'_> {
    let ordered = policy.rules_in_order().into_iter().filter_map(|at| policy.rules.get(at));
    ordered.map(|rule| (rule.name.value.as_str(), of_rule(policy, rule))).collect()
}

fn guardrails(policy: &Policy) -> Named<'_> {
    policy.guardrails.iter().map(|one| (one.name.value.as_str(), of_guardrail(policy, one))).collect()
}

fn compared(what: &'static str, before: &[(&str, Fields)], after: &[(&str, Fields)], found: &mut Vec<Revision>) {
    let old: std::collections::HashMap<&str, &Fields> = before.iter().map(|(name, fields)| (*name, fields)).collect();
    let new: std::collections::HashSet<&str> = after.iter().map(|(name, _)| *name).collect();
    let mut push = |name: &str, how| found.push(Revision { what, name: name.to_owned(), how });
    for (name, _) in before.iter().filter(|(name, _)| !new.contains(name)) {
        push(name, How::Removed);
    }
    for (name, fields) in after {
        let Some(known) = old.get(name) else {
            push(name, How::Added);
            continue;
        };
        let pairs = known.iter().zip(fields);
        let changed: Vec<_> = pairs.filter(|(a, b)| a.1 != b.1).map(|(a, b)| (a.0, a.1.clone(), b.1.clone())).collect();
        if !changed.is_empty() {
            push(name, How::Changed(changed));
        }
    }
}

/// Rules that both have, in another order: the smallest set that explains it is not looked for, only the first of each disorder.
fn moved(before: &[(&str, Fields)], after: &[(&str, Fields)], found: &mut Vec<Revision>) {
    let new: std::collections::HashSet<&str> = after.iter().map(|(name, _)| *name).collect();
    let old: std::collections::HashMap<&str, usize> =
        before.iter().map(|(name, _)| *name).filter(|name| new.contains(name)).enumerate().map(|(at, name)| (name, at)).collect();
    let mut last = None;
    for (name, _) in after {
        let Some(&at) = old.get(name) else { continue };
        if last.is_some_and(|last| at < last) {
            found.push(Revision { what: "rule", name: (*name).to_owned(), how: How::Moved });
        } else {
            last = Some(at);
        }
    }
}

fn of_zone(policy: &Policy, zone: &Zone) -> Fields {
    let inner = zone.inner.iter().filter_map(|at| policy.zones.get(*at)).map(|inner| format!("zone {}", inner.name.value));
    vec![
        ("mode", zone.mode.to_string()),
        ("members", zone.members.iter().map(of_member).chain(inner).collect::<Vec<_>>().join("; ")),
        ("except", zone.except.iter().map(of_member).collect::<Vec<_>>().join("; ")),
        ("intraZone", verdict(zone.intra_zone).to_owned()),
        ("priority", zone.priority.to_string()),
        ("owner", text(zone.owner.as_ref())),
    ]
}

fn of_member(member: &Member) -> String {
    let words = [
        member.asset.as_ref().map(|glob| format!("asset {glob}")),
        member.role.map(|role| format!("role {}", role.as_str())),
        member.vendor.as_ref().map(|glob| format!("vendor {glob}")),
        member.prefix.map(|prefix| format!("prefix {prefix}")),
        member.mac.map(|mac| format!("mac {mac}")),
        member.name.as_ref().map(|glob| format!("name {glob}")),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn of_rule(policy: &Policy, rule: &Rule) -> Fields {
    vec![
        ("from", peers(policy, &rule.from)),
        ("to", peers(policy, &rule.to)),
        ("services", rule.services.join(", ")),
        ("action", verdict(rule.action).to_owned()),
        ("tier", rule.tier.as_str().to_owned()),
        ("schedule", schedule(rule.schedule.as_deref())),
        ("expires", rule.expires.as_ref().map_or_else(String::new, |at| at.value.to_string())),
        ("log", rule.log.to_string()),
        ("operations", rule.operations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        ("owner", text(rule.owner.as_ref())),
        ("reviewBy", rule.review_by.as_ref().map_or_else(String::new, |at| at.value.to_string())),
    ]
}

fn of_guardrail(policy: &Policy, guardrail: &Guardrail) -> Fields {
    vec![
        ("assert", guardrail.assertion.as_str().to_owned()),
        ("from", peers(policy, &guardrail.from)),
        ("to", peers(policy, &guardrail.to)),
        ("services", guardrail.services.join(", ")),
        ("schedule", schedule(guardrail.schedule.as_deref())),
        ("owner", text(guardrail.owner.as_ref())),
    ]
}

fn peers(policy: &Policy, peers: &[Peer]) -> String {
    let word = |peer: &Peer| match peer {
        Peer::Any => "any".to_owned(),
        Peer::Outside => "outside".to_owned(),
        Peer::Zone(at) => policy.zones.get(*at).map_or_else(String::new, |zone| zone.name.value.clone()),
    };
    let mut words: Vec<String> = peers.iter().map(word).collect();
    // Indices follow the text; a zone that only moved is no change.
    words.sort_unstable();
    words.join(", ")
}

fn schedule(schedule: Option<&Schedule>) -> String {
    let Some(schedule) = schedule else { return String::new() };
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let days: Vec<&str> = names.into_iter().zip(schedule.days).filter(|(_, open)| *open).map(|(name, _)| name).collect();
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{} {} to {} {}", days.join(" "), clock(schedule.from), clock(schedule.to), schedule.zone_name)
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
    }
}

fn text(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}
