//! Which rules earlier rules leave nothing to decide: exact, on zones, protocols, ports and minutes, without any address.
//!
//! Zones share no address, so a rule is a union of boxes (zone pair, protocol, ports or type, code, minute of the week), and what
//! earlier rules take from it can be cut off box by box.

use std::collections::HashMap;
use std::rc::Rc;

use enforcer_packetset::{L4, RangeSet, WeekSet};
use sensor_model::Timestamp;

use crate::document::{Peer, Policy, Rule, Verdict};
use crate::{semantics, service, window};

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

/// Ports (or types, or protocol numbers), codes and minutes of one protocol class.
#[derive(Clone, Debug)]
struct Part {
    class: u8,
    ports: RangeSet<u16>,
    codes: RangeSet<u8>,
    week: RangeSet<u16>,
}

/// A part, and the rule that has it.
type Taken = (usize, Rc<Part>);

/// Stands for every protocol without ports or types.
const OTHER: u8 = 255;

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
            let parts: Vec<Rc<Part>> = parts(rule, now).into_iter().map(Rc::new).collect();
            if parts.is_empty() {
                continue;
            }
            let mut takers: Vec<usize> = Vec::new();
            let mut is_left = false;
            for pair in pairs(policy, rule) {
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
            match cut(&piece, other) {
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

/// `piece` without `other`; None when they do not meet.
fn cut(piece: &Part, other: &Part) -> Option<Vec<Part>> {
    let ports = piece.ports.intersection(&other.ports);
    let codes = piece.codes.intersection(&other.codes);
    let week = piece.week.intersection(&other.week);
    if ports.is_empty() || codes.is_empty() || week.is_empty() {
        return None;
    }
    let rest = [
        Part { ports: piece.ports.difference(&other.ports), ..piece.clone() },
        Part { ports: ports.clone(), codes: piece.codes.difference(&other.codes), ..piece.clone() },
        Part { ports, codes, week: piece.week.difference(&other.week), ..piece.clone() },
    ];
    Some(rest.into_iter().filter(|part| !part.ports.is_empty() && !part.codes.is_empty() && !part.week.is_empty()).collect())
}

fn parts(rule: &Rule, now: Timestamp) -> Vec<Part> {
    let week = rule.schedule.as_ref().map_or_else(WeekSet::always, |schedule| window::open_at(schedule, now));
    let week = week.minutes().clone();
    if week.is_empty() {
        return Vec::new();
    }
    let part = |class: u8, ports: RangeSet<u16>, codes: RangeSet<u8>| Part { class, ports, codes, week: week.clone() };
    let wide = |set: &RangeSet<u8>| RangeSet::from_ranges(set.ranges().iter().map(|&(a, b)| (u16::from(a), u16::from(b))));
    // Types and protocol numbers end at 255.
    let last = |class: u8| if matches!(class, 6 | 17 | 132) { u16::MAX } else { 255 };
    let whole = |class: u8| part(class, RangeSet::range(0, last(class)), RangeSet::full());
    rule.l4
        .iter()
        .flat_map(|l4| match l4 {
            L4::Any => [6, 17, 132, 1, 58, OTHER].map(whole).to_vec(),
            L4::Protocol(number @ (6 | 17 | 132 | 1 | 58)) => vec![whole(*number)],
            L4::Protocol(number) => vec![part(OTHER, RangeSet::of((*number).into()), RangeSet::full())],
            L4::Icmp { types, codes } | L4::Icmp6 { types, codes } => {
                vec![part(service::number(l4).unwrap_or(OTHER), wide(types), codes.clone())]
            }
            L4::Tcp { destination, .. } | L4::Udp { destination, .. } | L4::Sctp { destination, .. } => {
                vec![part(service::number(l4).unwrap_or(OTHER), destination.clone(), RangeSet::full())]
            }
        })
        .collect()
}

/// The zone pairs of a rule; the index after the last zone is the outside.
fn pairs(policy: &Policy, rule: &Rule) -> Vec<(usize, usize)> {
    let outside = policy.zones.len();
    let atoms = |peers: &[Peer]| -> Vec<usize> {
        (0..=outside).filter(|&at| semantics::names(peers, (at < outside).then_some(at))).collect()
    };
    let to = atoms(&rule.to);
    let from = atoms(&rule.from);
    from.iter().flat_map(|&a| to.iter().map(move |&b| (a, b))).filter(|&(a, b)| (a, b) != (outside, outside)).collect()
}
