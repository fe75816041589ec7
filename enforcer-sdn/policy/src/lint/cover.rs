//! Which rules earlier rules leave nothing to decide: exact, on zones, protocols, ports and minutes, without any address.
//!
//! A rule is a union of boxes for each zone pair, and what earlier rules take from it can be cut off box by box.

use std::collections::HashMap;
use std::rc::Rc;

use enforcer_packetset::WeekSet;
use sensor_model::Timestamp;

use crate::document::{Policy, Rule, Verdict};
use crate::parts::{self, Part};
use crate::{semantics, window};

/// Boxes compared before the rest is left alone: some seconds.
const MAX_STEPS: u64 = 5_000_000;

/// What earlier rules do to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing left, and not all of it decided alike.
    Shadowed,
    /// Nothing left, all of it decided alike.
    Redundant,
    /// Something left, a part decided otherwise.
    Contradicted,
}

/// The rules that earlier rules touch.
pub struct Cover {
    fates: Vec<(usize, Fate, String)>,
    pub gave_up: bool,
}

/// A part, and the rule that has it.
type Taken = (usize, Rc<Part>);

impl Cover {
    pub fn of_fate(&self, fate: Fate) -> impl Iterator<Item = (usize, &str)> {
        self.fates.iter().filter(move |(_, found, _)| *found == fate).map(|(at, _, takers)| (*at, takers.as_str()))
    }

    pub fn of(policy: &Policy, now: Timestamp) -> Self {
        let mut taken: HashMap<(usize, usize), Vec<Taken>> = HashMap::new();
        let mut cover = Self { fates: Vec::new(), gave_up: false };
        let mut steps = 0u64;
        for at in policy.rules_in_order() {
            let Some(rule) = policy.rules.get(at).filter(|rule| semantics::is_alive(rule, now)) else { continue };
            let week = rule.schedule.as_ref().map_or_else(WeekSet::always, |schedule| window::open_at(schedule, now));
            let parts: Vec<Rc<Part>> = parts::parts(&rule.l4, &week).into_iter().map(Rc::new).collect();
            if parts.is_empty() {
                continue;
            }
            let mut takers: Vec<usize> = Vec::new();
            let mut is_left = false;
            for pair in parts::pairs(policy, &rule.from, &rule.to) {
                let earlier = taken.entry(pair).or_default();
                for part in &parts {
                    steps = steps.saturating_add(earlier.len() as u64 + 1);
                    if steps > MAX_STEPS {
                        cover.gave_up = true;
                        return cover;
                    }
                    is_left |= !left_over(part, earlier, &mut takers).is_empty();
                }
                earlier.extend(parts.iter().map(|part| (at, Rc::clone(part))));
            }
            takers.sort_unstable();
            takers.dedup();
            if let Some(fate) = fate(policy, rule, &takers, is_left) {
                cover.fates.push((at, fate, words(policy, rule, &takers, fate)));
            }
        }
        cover
    }
}

fn fate(policy: &Policy, rule: &Rule, takers: &[usize], is_left: bool) -> Option<Fate> {
    let otherwise = takers.iter().any(|&at| policy.rules.get(at).is_some_and(|other| other.action != rule.action));
    match (takers.is_empty(), is_left, otherwise) {
        (true, ..) | (false, true, false) => None,
        (false, true, true) => Some(Fate::Contradicted),
        (false, false, true) => Some(Fate::Shadowed),
        (false, false, false) => Some(Fate::Redundant),
    }
}

/// The names of up to three takers that matter.
fn words(policy: &Policy, rule: &Rule, takers: &[usize], fate: Fate) -> String {
    let alike = |action: Verdict| action == rule.action;
    let names: Vec<&str> = takers
        .iter()
        .filter_map(|&at| policy.rules.get(at))
        .filter(|other| fate != Fate::Contradicted || !alike(other.action))
        .map(|other| other.name.value.as_str())
        .collect();
    let shown = names.iter().take(3).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len() {
        0..=3 => shown,
        more => format!("{shown} and {} more", more - 3),
    }
}

/// What earlier parts leave of one part; who took something is added to `takers`.
fn left_over(part: &Part, earlier: &[Taken], takers: &mut Vec<usize>) -> Vec<Part> {
    let mut left = vec![part.clone()];
    for (at, other) in earlier.iter().filter(|(_, other)| other.class == part.class) {
        let mut next = Vec::with_capacity(left.len());
        let mut touched = false;
        for piece in left {
            match piece.cut(other) {
                None => next.push(piece),
                Some(rest) => {
                    touched = true;
                    next.extend(rest);
                }
            }
        }
        if touched {
            takers.push(*at);
        }
        left = next;
        if left.is_empty() {
            break;
        }
    }
    left
}
