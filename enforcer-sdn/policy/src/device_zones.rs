//! The device's own names (zones, interfaces, labels) as addresses: which zones of the policy are behind each of them.

use std::collections::BTreeMap;

use enforcer_packetset::{AddressSet, Prefix};

use crate::diagnostic::{Diagnostic, nearest};
use crate::document::Policy;
use crate::point::EnforcementPoint;
use crate::resolve::{Resolution, union_of};

/// Stands for every address that no other name has.
pub const REST: &str = "*";

/// What is behind each name that the point's description has.
///
/// # Errors
/// Zones that the policy does not have, and more than one name for the rest.
pub fn resolve(
    policy: &Policy,
    resolution: &Resolution,
    point: &EnforcementPoint,
) -> Result<BTreeMap<String, AddressSet>, Vec<Diagnostic>> {
    let zone = |word: &str| policy.zones.iter().position(|zone| zone.name.value == word);
    // An inner zone that is at a place of its own is not behind the name of the zone around it; whoever has a label more has both.
    let places = point.device_zones.values().flatten().filter(|_| !point.names_overlap);
    let named: Vec<usize> = places.filter_map(|word| zone(word)).collect();
    let mut found = BTreeMap::new();
    let mut rest: Option<&String> = None;
    for (name, words) in &point.device_zones {
        let refused = |what: String, help: &str| {
            let message = format!("enforcement point `{}`, `device_zones`, `{name}`: {what}", point.name);
            vec![Diagnostic::error("point-device-zone", message).help(help)]
        };
        if words.iter().any(|word| word == REST) {
            if words.len() > 1 {
                return Err(refused(
                    format!("`{REST}` beside other words"),
                    "`*` is everybody that no other name has: write it alone",
                ));
            }
            if let Some(other) = rest.replace(name) {
                return Err(refused(format!("`{other}` has the rest already"), "give `*` to one name"));
            }
            continue;
        }
        let mut set = AddressSet::empty();
        for word in words {
            if let Some(at) = zone(word) {
                let is_elsewhere = |inner: &usize| {
                    named
                        .iter()
                        .any(|&other| other != at && policy.within(at).contains(&other) && policy.within(other).contains(inner))
                };
                let members = policy.within(at).into_iter().filter(|inner| !is_elsewhere(inner));
                let members: Vec<_> = members.filter_map(|at| resolution.zones.get(at)).collect();
                // Who is shut in now is still behind this name.
                set = set.union(&union_of(members.iter().flat_map(|zone| [&zone.addresses, &zone.shut_in])));
            } else if let Ok(prefix) = word.parse::<Prefix>() {
                set = set.union(&AddressSet::from(prefix));
            } else {
                let known = policy.zones.iter().map(|zone| zone.name.value.as_str());
                let meant = nearest(word, known).map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
                return Err(refused(format!("`{word}` is no zone of the policy and no prefix{meant}"), "correct it"));
            }
        }
        if set.is_empty() {
            return Err(refused("nobody is behind it".into(), "name zones that have members, prefixes, or `*`"));
        }
        found.insert(name.clone(), set);
    }
    if let Some(name) = rest {
        let others = union_of(found.values());
        found.insert(name.clone(), AddressSet::full().difference(&others));
    }
    Ok(found)
}
