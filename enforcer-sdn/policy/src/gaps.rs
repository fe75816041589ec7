//! What a policy asks of a point that the point cannot do: traffic that never crosses it, words that it does not know.

use std::collections::BTreeSet;

use enforcer_packetset::AddressSet;
use sensor_model::Timestamp;

use crate::document::{Mode, Policy, Verdict};
use crate::point::{EnforcementPoint, Gap, Sees, Side};
use crate::resolve::Resolution;
use crate::semantics;

pub fn find(policy: &Policy, resolution: &Resolution, point: &EnforcementPoint, now: Timestamp) -> BTreeSet<Gap> {
    let mut gaps = BTreeSet::new();
    for rule in policy.rules.iter().filter(|rule| semantics::is_alive(rule, now)) {
        if rule.action == Verdict::Allow && !rule.operations.is_empty() {
            gaps.insert(Gap::Operations {
                rule: rule.name.value.clone(),
                operations: rule.operations.iter().map(ToString::to_string).collect(),
                services: rule.services.value.clone(),
            });
        }
    }
    if let Sees::Between(sides) = &point.sees {
        same_side(policy, resolution, sides, &mut gaps);
    }
    gaps
}

/// Pairs of zones, at least one enforced, that meet on one side.
fn same_side(policy: &Policy, resolution: &Resolution, sides: &[Side], gaps: &mut BTreeSet<Gap>) {
    let outside = AddressSet::full().difference(&resolution.inside());
    for side in sides {
        let present: Vec<usize> = resolution
            .zones
            .iter()
            .enumerate()
            .filter(|(_, zone)| !zone.addresses.intersection(&side.addresses).is_empty())
            .map(|(at, _)| at)
            .collect();
        let strangers = !outside.intersection(&side.addresses).is_empty();
        for (nth, &a) in present.iter().enumerate() {
            let Some(zone) = policy.zones.get(a) else { continue };
            if zone.mode == Mode::Enforce && strangers {
                gaps.insert(Gap::Neighbours { zone: zone.name.value.clone(), side: side.name.clone() });
            }
            for &b in present.iter().skip(nth) {
                let Some(other) = policy.zones.get(b) else { continue };
                // Within a zone that allows itself there is nothing to enforce; one address alone talks to nobody.
                let alone = a == b && (zone.intra_zone == Verdict::Allow || is_single(resolution, a));
                if semantics::pair_mode(policy, (Some(a), Some(b))) == Some(Mode::Enforce) && !alone {
                    let (from, to) = (zone.name.value.clone(), other.name.value.clone());
                    gaps.insert(Gap::SameSide { from, to, side: side.name.clone() });
                }
            }
        }
    }
}

fn is_single(resolution: &Resolution, zone: usize) -> bool {
    let Some(zone) = resolution.zones.get(zone) else { return true };
    let one = |first_is_last: bool, ranges: usize| ranges == 0 || (ranges == 1 && first_is_last);
    let v4 = zone.addresses.v4.ranges();
    let v6 = zone.addresses.v6.ranges();
    one(v4.first().is_some_and(|(a, b)| a == b), v4.len()) && one(v6.first().is_some_and(|(a, b)| a == b), v6.len())
}
