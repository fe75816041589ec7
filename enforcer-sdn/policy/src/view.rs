//! The view of one zone: of a policy's rules those for packets that some hosts send or get, and nothing about anybody else.
//!
//! For points that stand at one zone: an interface with a list, a host's own filter, a dialect that knows peers of one group of hosts.

use enforcer_packetset::{AddressSet, Selector};

use crate::diagnostic::{Diagnostic, nearest};
use crate::document::{Mode, Policy};
use crate::point::{EnforcementPoint, Gap};
use crate::product;
use crate::resolve::{Resolution, union_of};
use crate::ruleset::{Action, PointRule};

/// Whose packets a point judges.
#[derive(Clone, Debug)]
pub struct View {
    pub hosts: AddressSet,
    /// Indices of the zones and of those inside them, ascending.
    zones: Vec<usize>,
    /// For names of rules: the zone, or `zones`.
    pub name: String,
    pub origin: Vec<String>,
    /// The point judges what they send and nothing else.
    pub is_one_way: bool,
    /// All of the hosts are in `enforce`: the last word on them is a denial.
    pub is_enforced: bool,
}

impl View {
    /// None for a point that is at no zone in particular.
    ///
    /// # Errors
    /// Zones that the policy does not have, and zones that nobody is in.
    pub fn of(policy: &Policy, resolution: &Resolution, point: &EnforcementPoint) -> Result<Option<Self>, Vec<Diagnostic>> {
        let EnforcementPoint { name: point, zones: names, one_way, .. } = point;
        if names.is_empty() && *one_way {
            let message = format!("enforcement point `{point}` judges one way only, and stands at no zone");
            return Err(vec![Diagnostic::error("point-zone", message).help("add `zones` to the point: whose packets it judges")]);
        }
        if names.is_empty() {
            return Ok(None);
        }
        let known = || policy.zones.iter().map(|zone| zone.name.value.as_str());
        let unknown = |name: &String| {
            let meant = nearest(name, known()).map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            let message = format!("enforcement point `{point}` stands at zone `{name}`, which the policy does not have{meant}");
            vec![Diagnostic::error("point-zone", message).help("correct `zones` of the point")]
        };
        let at = |name: &String| known().position(|zone| zone == name).ok_or_else(|| unknown(name));
        let named: Vec<usize> = names.iter().map(at).collect::<Result<_, _>>()?;
        let mut zones: Vec<usize> = named.iter().flat_map(|&at| policy.within(at)).collect();
        zones.sort_unstable();
        zones.dedup();
        let members: Vec<_> = zones.iter().filter_map(|&at| resolution.zones.get(at)).collect();
        // Who is shut in now is still behind this point.
        let hosts = union_of(members.iter().flat_map(|zone| [&zone.addresses, &zone.shut_in]));
        if hosts.is_empty() {
            let message = format!("enforcement point `{point}` stands at `{}`, and nobody is there", names.join("`, `"));
            let help = "correct the zone's members, or use a newer flow map";
            return Err(vec![Diagnostic::error("point-zone", message).help(help)]);
        }
        let is_enforced = zones
            .iter()
            .filter_map(|&at| policy.zones.get(at).zip(resolution.zones.get(at)))
            .all(|(zone, members)| zone.mode == Mode::Enforce || members.addresses.is_empty());
        let (name, origin) = match names.as_slice() {
            [one] => (one.clone(), names.clone()),
            _ => ("zones".into(), names.clone()),
        };
        Ok(Some(Self { hosts, zones, name, origin, is_one_way: *one_way, is_enforced }))
    }

    /// The rules for packets of the hosts. A rule that also selects other packets becomes one or two that do not.
    pub fn of_rules(&self, rules: Vec<PointRule>, unique: &mut dyn FnMut(&str) -> String) -> Vec<PointRule> {
        let mut kept = Vec::new();
        for rule in rules {
            let mut pieces = self.pieces(&rule).into_iter();
            if let Some(selector) = pieces.next() {
                let id = rule.id.clone();
                kept.push(PointRule { selector, ..rule.clone() });
                kept.extend(pieces.map(|selector| PointRule { id: unique(&format!("{id}-in")), selector, ..rule.clone() }));
            }
        }
        kept
    }

    /// What the hosts send, then what is sent to them. What they send to each other is in both where the first word decides: everybody but
    /// the hosts would take many prefixes, where everybody takes none. An entry in a log is written once.
    fn pieces(&self, rule: &PointRule) -> Vec<Selector> {
        let Selector { source, destination, .. } = &rule.selector;
        if source.is_subset(&self.hosts) || destination.is_subset(&self.hosts) {
            return vec![rule.selector.clone()];
        }
        let sent = Selector { source: source.intersection(&self.hosts), ..rule.selector.clone() };
        let source = if rule.action == Action::Log { source.difference(&self.hosts) } else { source.clone() };
        let got = Selector { source, destination: destination.intersection(&self.hosts), ..rule.selector.clone() };
        [sent, got].iter().filter_map(product::trimmed).collect()
    }

    /// Of the rules what is about packets that the hosts send.
    pub fn sent(&self, rules: Vec<PointRule>) -> Vec<PointRule> {
        let sent = |rule: PointRule| {
            let source = rule.selector.source.intersection(&self.hosts);
            let selector = product::trimmed(&Selector { source, ..rule.selector.clone() })?;
            Some(PointRule { selector, ..rule })
        };
        rules.into_iter().filter_map(sent).collect()
    }

    /// What the point leaves to others.
    pub fn gaps(&self, policy: &Policy) -> impl Iterator<Item = Gap> {
        let one_way = self.is_one_way.then(|| Gap::OneWay { at: self.origin.clone() });
        [self.elsewhere(policy), one_way].into_iter().flatten()
    }

    /// Zones whose packets to others this point does not judge.
    fn elsewhere(&self, policy: &Policy) -> Option<Gap> {
        let is_elsewhere = |at: &usize| !self.zones.contains(at) && !policy.quarantines.contains(at);
        let others = (0..policy.zones.len()).filter(is_elsewhere).filter_map(|at| policy.zones.get(at));
        let zones: Vec<String> = others.filter(|zone| zone.mode == Mode::Enforce).map(|zone| zone.name.value.clone()).collect();
        (!zones.is_empty()).then(|| Gap::Elsewhere { at: self.origin.clone(), zones })
    }
}
