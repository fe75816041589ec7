//! Guardrails against the rules: whether the policy allows a packet that it never may, or denies one that it always must.
//!
//! Judged on what the policy decides, whatever the mode of its zones and whoever is in them: a guardrail that holds here holds
//! after the next asset moves in. Exact, by cutting boxes of packets zone pair by zone pair; a packet that breaks one is shown.

use std::collections::HashMap;

use enforcer_packetset::{AddressSet, Packet, PacketSet, RangeSet, Selector, WeekSet};
use sensor_model::Timestamp;

use crate::diagnostic::Diagnostic;
use crate::document::{Assertion, Guardrail, Peer, Policy, Rule, Verdict};
use crate::parts::{self, OTHER, Part};
use crate::resolve::Resolution;
use crate::semantics::{self, Decider};
use crate::window;

/// Boxes compared before nothing more is known: some seconds.
const MAX_STEPS: u64 = 20_000_000;
/// Clock changes looked at beyond `now`: a zone's winter and summer.
const CLOCK_CHANGES: usize = 2;
const CODE: &str = "guardrail";

/// One way in which a guardrail is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Index into `Policy::guardrails`.
    pub guardrail: usize,
    /// What decides against it: a rule, an `intraZone`, or that no rule allows it.
    pub decider: Decider,
    /// The zones between which it happens; None is the outside.
    pub zones: semantics::ZonePair,
    /// A packet that shows it; None where one of the zones has no known address.
    pub witness: Option<Packet>,
    /// The services in words, for when there is no witness.
    pub service: String,
}

/// What is asked of one zone pair: the guardrail, and the boxes that no rule has decided yet.
type Asked = (usize, Vec<Part>);

/// Every guardrail that is broken, once for each rule that breaks it; None: too large to tell.
#[must_use]
pub fn violations(policy: &Policy, resolution: &Resolution, now: Timestamp) -> Option<Vec<Violation>> {
    let mut found: Vec<Violation> = Vec::new();
    for moment in moments(policy, now) {
        for violation in with_offsets_of(policy, resolution, moment, now)? {
            let same = |known: &Violation| (known.guardrail, known.decider) == (violation.guardrail, violation.decider);
            if !found.iter().any(same) {
                found.push(violation);
            }
        }
    }
    found.sort_by_key(|violation| (violation.guardrail, violation.decider));
    Some(found)
}

/// The same as errors that say where.
pub fn broken(policy: &Policy, resolution: &Resolution, now: Timestamp) -> Vec<Diagnostic> {
    if policy.guardrails.is_empty() {
        return Vec::new();
    }
    match violations(policy, resolution, now) {
        Some(found) => found.iter().filter_map(|violation| diagnostic(policy, violation)).collect(),
        None => {
            let message = "the guardrails and rules are too many to compare, so it is not known whether they hold";
            vec![
                Diagnostic::error(CODE, message)
                    .help("give guardrails fewer zones: each pair of zones is compared with each rule"),
            ]
        }
    }
}

/// Now, and after the next clock changes: a window in local time moves against one in another time zone.
fn moments(policy: &Policy, now: Timestamp) -> Vec<Timestamp> {
    let of_rules = policy.rules.iter().filter_map(|rule| rule.schedule.as_ref());
    let of_guardrails = policy.guardrails.iter().filter_map(|guardrail| guardrail.schedule.as_ref());
    let zones: HashMap<&str, _> =
        of_rules.chain(of_guardrails).map(|schedule| (schedule.zone_name.as_str(), &schedule.value)).collect();
    let mut moments = vec![now];
    // One time zone alone moves with itself, but for zones that stay: UTC days are not its days.
    for schedule in zones.values() {
        let mut at = now;
        for _ in 0..CLOCK_CHANGES {
            let Some(next) = window::next_change(schedule, at) else { break };
            moments.push(next);
            at = next;
        }
    }
    moments.sort_unstable();
    moments.dedup();
    moments
}

/// The rules of `now`, with the clocks of `moment`: a rule that ends before the clocks change is still there until then.
fn with_offsets_of(policy: &Policy, resolution: &Resolution, moment: Timestamp, now: Timestamp) -> Option<Vec<Violation>> {
    let mut asked: HashMap<(usize, usize), Vec<Asked>> = HashMap::new();
    for (at, guardrail) in policy.guardrails.iter().enumerate() {
        let week = guardrail.schedule.as_ref().map_or_else(WeekSet::always, |schedule| window::open_at(schedule, moment));
        for pair in parts::pairs(policy, &guardrail.from, &guardrail.to) {
            asked.entry(pair).or_default().push((at, parts::parts(&guardrail.l4, &week)));
        }
    }
    let mut found = Vec::new();
    let mut steps = 0u64;
    for at in policy.rules_in_order() {
        let Some(rule) = policy.rules.get(at).filter(|rule| semantics::is_alive(rule, now)) else { continue };
        let week = rule.schedule.as_ref().map_or_else(WeekSet::always, |schedule| window::open_at(schedule, moment));
        let taken = parts::parts(&rule.l4, &week);
        for pair in pairs_asked(policy, rule, &asked) {
            for (guardrail, left) in asked.get_mut(&pair).into_iter().flatten() {
                steps = steps.saturating_add((left.len() * taken.len()) as u64 + 1);
                if steps > MAX_STEPS {
                    return None;
                }
                let met = take(left, &taken);
                if let (Some(part), true) = (met, breaks(policy, *guardrail, rule.action)) {
                    found.push(violation(policy, resolution, *guardrail, Decider::Rule(at), pair, &part));
                }
            }
        }
    }
    let mut pairs: Vec<_> = asked.into_iter().collect();
    pairs.sort_unstable_by_key(|(pair, _)| *pair);
    for (pair, asked) in pairs {
        let (verdict, decider) = semantics::default_of(policy, zones(policy, pair));
        for (guardrail, left) in asked {
            if let (Some(part), true) = (left.first(), breaks(policy, guardrail, verdict)) {
                found.push(violation(policy, resolution, guardrail, decider, pair, part));
            }
        }
    }
    Some(found)
}

/// The pairs of a rule that a guardrail asks about, by whichever list is shorter.
fn pairs_asked(policy: &Policy, rule: &Rule, asked: &HashMap<(usize, usize), Vec<Asked>>) -> Vec<(usize, usize)> {
    let few = |peers: &[Peer]| -> Option<Vec<usize>> {
        let at = |peer: &Peer| match peer {
            Peer::Any => None,
            Peer::Outside => Some(policy.zones.len()),
            Peer::Zone(at) => Some(*at),
        };
        peers.iter().map(at).collect()
    };
    if rule.from.len().saturating_mul(rule.to.len()) < asked.len()
        && let (Some(from), Some(to)) = (few(&rule.from), few(&rule.to))
    {
        let product = from.iter().flat_map(|&from| to.iter().map(move |&to| (from, to)));
        return product.filter(|pair| asked.contains_key(pair)).collect();
    }
    let named = |pair: &&(usize, usize)| {
        let (from, to) = zones(policy, **pair);
        semantics::names(&rule.from, from) && semantics::names(&rule.to, to)
    };
    let mut pairs: Vec<_> = asked.keys().filter(named).copied().collect();
    pairs.sort_unstable();
    pairs
}

fn zones(policy: &Policy, (from, to): (usize, usize)) -> semantics::ZonePair {
    let zone = |at: usize| (at < policy.zones.len()).then_some(at);
    (zone(from), zone(to))
}

fn breaks(policy: &Policy, guardrail: usize, verdict: Verdict) -> bool {
    policy.guardrails.get(guardrail).is_some_and(|guardrail| match guardrail.assertion {
        Assertion::Never => verdict == Verdict::Allow,
        Assertion::Always => verdict == Verdict::Deny,
    })
}

/// Takes what a rule decides out of what is left, and gives back a box of it.
fn take(left: &mut Vec<Part>, taken: &[Part]) -> Option<Part> {
    let mut met = None;
    for other in taken {
        let before = std::mem::take(left);
        for piece in before {
            match piece.cut(other) {
                None => left.push(piece),
                Some(rest) => {
                    met = met.or_else(|| piece.meet(other));
                    left.extend(rest);
                }
            }
        }
    }
    met
}

fn violation(
    policy: &Policy,
    resolution: &Resolution,
    guardrail: usize,
    decider: Decider,
    pair: (usize, usize),
    part: &Part,
) -> Violation {
    let service = match (part.class, part.ports.ranges().first()) {
        (6, Some((port, _))) => format!("tcp/{port}"),
        (17, Some((port, _))) => format!("udp/{port}"),
        (132, Some((port, _))) => format!("sctp/{port}"),
        (1, Some((kind, _))) => format!("icmp/{kind}"),
        (58, Some((kind, _))) => format!("icmp6/{kind}"),
        (_, Some((number, _))) => format!("ip/{number}"),
        (_, None) => "any".to_owned(),
    };
    Violation { guardrail, decider, zones: zones(policy, pair), witness: witness(resolution, zones(policy, pair), part), service }
}

/// An ordinary packet of the box between two hosts that are there.
fn witness(resolution: &Resolution, (from, to): semantics::ZonePair, part: &Part) -> Option<Packet> {
    let (l4, [v4, v6]) = part.l4();
    let side = |zone: Option<usize>| {
        let set = match zone {
            Some(at) => resolution.zones.get(at).map_or_else(AddressSet::empty, |zone| zone.addresses.clone()),
            None => AddressSet::full().difference(&resolution.inside()),
        };
        AddressSet { v4: if v4 { set.v4 } else { RangeSet::empty() }, v6: if v6 { set.v6 } else { RangeSet::empty() } }
    };
    let week = WeekSet::from_ranges(part.week.ranges().iter().copied());
    let selector = Selector { source: side(from), destination: side(to), l4, week, ..Selector::any() };
    PacketSet::any_of([&selector])
        .ok()?
        .witness()
        .filter(|packet| part.class != OTHER || !matches!(packet.protocol, 6 | 17 | 132))
}

fn diagnostic(policy: &Policy, violation: &Violation) -> Option<Diagnostic> {
    let guardrail = policy.guardrails.get(violation.guardrail)?;
    let zone = |at: Option<usize>| at.and_then(|at| policy.zones.get(at)).map_or("outside", |zone| zone.name.value.as_str());
    let (from, to) = (zone(violation.zones.0), zone(violation.zones.1));
    let packet = match &violation.witness {
        Some(packet) => format!("`{packet}`"),
        None => format!("{} from `{from}` to `{to}` (no host is known there yet)", violation.service),
    };
    let place =
        |span| policy.sources.locate(span).map_or_else(String::new, |at| format!(" ({}:{}:{})", at.file, at.line, at.column));
    let does = if guardrail.assertion == Assertion::Never { "allows" } else { "denies" };
    let (who, span, help) = match violation.decider {
        Decider::Rule(at) => {
            let rule = policy.rules.get(at)?;
            let help = format!("narrow rule `{}`, or ask {} to change the guardrail", rule.name.value, owner(policy, guardrail));
            (format!("rule `{}` {does} {packet}", rule.name.value), &rule.name.span, help)
        }
        Decider::IntraZone(at) => {
            let zone = policy.zones.get(at)?;
            let wanted = if guardrail.assertion == Assertion::Never { "deny" } else { "allow" };
            (
                format!("`intraZone` of `{from}` {does} {packet}"),
                &zone.name.span,
                format!("set `intraZone: {wanted}`, or add a rule"),
            )
        }
        _ => (format!("no rule allows {packet}"), &guardrail.name.span, "add a rule that allows all of it".to_owned()),
    };
    let told = if span == &guardrail.name.span { String::new() } else { place(&guardrail.name.span) };
    let message =
        format!("guardrail `{}`{told} is broken: it says {}, and {who}", guardrail.name.value, guardrail.assertion.as_str());
    Some(Diagnostic::error(CODE, message).at(&policy.sources, span).help(help))
}

fn owner(policy: &Policy, guardrail: &Guardrail) -> String {
    guardrail
        .owner
        .as_ref()
        .or(policy.owner.as_ref())
        .map_or_else(|| "its owner".to_owned(), |owner| format!("its owner {owner}"))
}
