//! A policy and a flow map to the ruleset of one enforcement point: the same decisions as `semantics`, as address sets.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use enforcer_packetset::{AddressSet, L4, Selector, StateSet, WeekSet};
use sensor_model::{FlowMap, Timestamp};

use crate::compress;
use crate::device_zones;
use crate::diagnostic::Diagnostic;
use crate::digest;
use crate::document::{Mode, Peer, Policy, Rule, Verdict};
use crate::gaps;
use crate::guardrail;
use crate::point::{EnforcementPoint, Gap, Logs, Times};
use crate::resolve::{Resolution, resolve, union_of};
use crate::ruleset::{Action, PointRule, Ruleset};
use crate::stateless::{self, Unanswerable};
use crate::view::View;
use crate::{log_only, product, semantics, window};

/// Longest id of a rule; devices cut longer log prefixes.
const MAX_ID: usize = 48;

/// What one point shall hold, and until when that is the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    pub ruleset: Ruleset,
    /// What the policy asks for and this point cannot do, sorted.
    pub gaps: Vec<Gap>,
    /// The next expiry or clock change after which the ruleset differs; None: never by time alone.
    pub valid_until: Option<Timestamp>,
    /// What is behind each of the device's own names, where the point says so.
    pub device_zones: BTreeMap<String, AddressSet>,
    /// SHA-256 of the rules, in hexadecimal.
    pub digest: String,
}

/// The ruleset of one point at `now`.
///
/// # Errors
/// Overlapping zones, and zones in `enforce` or `simulate` that nobody is in.
pub fn compile(policy: &Policy, map: &FlowMap, point: &EnforcementPoint, now: Timestamp) -> Result<Compiled, Vec<Diagnostic>> {
    let resolution = resolve(policy, Some(map))?;
    let empty = memberless(policy, &resolution);
    if !empty.is_empty() {
        return Err(empty);
    }
    let broken = guardrail::broken(policy, &resolution, now);
    if !broken.is_empty() {
        return Err(broken);
    }
    let view = View::of(policy, &resolution, point)?;
    let device_zones = device_zones::resolve(policy, &resolution, point)?;
    let mut build = Build::new(policy, &resolution, point.times);
    for at in policy.rules_in_order() {
        if let Some(rule) = policy.rules.get(at).filter(|rule| semantics::is_alive(rule, now)) {
            build.rule(rule, now);
        }
    }
    build.defaults(view.as_ref());
    let mut gaps = gaps::find(policy, &resolution, point, now);
    gaps.append(&mut build.gaps);
    let mut rules = build.rules;
    if let Some(view) = &view {
        rules = view.of_rules(rules, &mut |base| unique(base, &mut build.ids));
        gaps.extend(view.gaps(policy));
    }
    if point.logs == Logs::LeftOut {
        gaps.extend(leave_logs_out(&mut rules));
    }
    if !point.stateful {
        let (stateless, found) = stateless::without_states(rules).map_err(|refused| vec![unanswerable(policy, &refused)])?;
        gaps.extend(found);
        rules = stateless;
        // Errors and neighbour discovery are for everybody who talks.
        if let Some(view) = &view {
            rules = view.of_rules(rules, &mut |base| unique(base, &mut build.ids));
        }
    }
    // Not before: answers to what others ask are sent too.
    if let Some(view) = view.as_ref().filter(|view| view.is_one_way) {
        rules = view.sent(rules);
    }
    if !point.log_only {
        rules = log_only::with_verdicts(rules);
    }
    if point.stateful {
        rules = with_established(rules);
    }
    let mut ruleset = Ruleset { point: point.name.clone(), rules };
    if point.compress {
        ruleset = compress::compress(&ruleset);
    }
    Ok(Compiled {
        gaps: gaps.into_iter().collect(),
        valid_until: valid_until(policy, now),
        device_zones,
        digest: digest::of(&ruleset),
        ruleset,
    })
}

/// What then is not logged.
fn leave_logs_out(rules: &mut Vec<PointRule>) -> Vec<Gap> {
    let asking = rules.iter().filter(|rule| rule.log || rule.action == Action::Log);
    let gaps = asking.map(|rule| Gap::Unlogged { rule: rule.origin.first().unwrap_or(&rule.id).clone() }).collect();
    // `Log` decides nothing: what follows does.
    rules.retain(|rule| rule.action != Action::Log);
    rules.iter_mut().for_each(|rule| rule.log = false);
    gaps
}

fn with_established(rules: Vec<PointRule>) -> Vec<PointRule> {
    if rules.is_empty() {
        return rules;
    }
    let selector = Selector { state: StateSet::Established, ..Selector::any() };
    let first = PointRule { id: "established".to_owned(), selector, action: Action::Allow, log: false, origin: Vec::new() };
    std::iter::once(first).chain(rules).collect()
}

fn unanswerable(policy: &Policy, refused: &Unanswerable) -> Diagnostic {
    let Unanswerable { rule, why } = refused;
    let finding =
        Diagnostic::error("stateless-answers", format!("the answers to rule `{rule}` cannot be said without connections: {why}"))
            .help("write the exceptions as allow rules of their own, or enforce the rule on a stateful point");
    match policy.rules.iter().find(|known| known.name.value == *rule) {
        Some(known) => finding.at(&policy.sources, &known.name.span),
        None => finding,
    }
}

/// Zones that are meant to protect somebody and have nobody.
fn memberless(policy: &Policy, resolution: &Resolution) -> Vec<Diagnostic> {
    let zones = policy.zones.iter().zip(&resolution.zones);
    zones
        .filter(|(zone, members)| {
            zone.mode != Mode::Observe && !zone.is_group() && !members.is_quarantined && members.addresses.is_empty()
        })
        .map(|(zone, _)| {
            let message = format!("zone `{}` is in `{}` and has no members", zone.name.value, zone.mode);
            Diagnostic::error("zone-empty", message)
                .at(&policy.sources, &zone.name.span)
                .help("no asset of the flow map matches its selectors: correct them, use a newer map, or set `mode: observe`")
        })
        .collect()
}

fn valid_until(policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let alive = || policy.rules.iter().filter(|rule| semantics::is_alive(rule, now));
    let expiries = alive().filter_map(|rule| rule.expires.as_ref().map(|expires| expires.value));
    // Few zones, many rules: each zone is asked once.
    let zones: HashMap<&str, _> = alive()
        .filter_map(|rule| rule.schedule.as_ref())
        .map(|schedule| (schedule.zone_name.as_str(), &schedule.value))
        .collect();
    expiries.chain(zones.values().filter_map(|schedule| window::next_change(schedule, now))).min()
}

/// Zones by index, ascending; the index after the last zone is the outside.
type Atoms = Vec<usize>;

struct Build<'a> {
    policy: &'a Policy,
    resolution: &'a Resolution,
    outside: AddressSet,
    unions: HashMap<Atoms, AddressSet>,
    rules: Vec<PointRule>,
    ids: HashSet<String>,
    gaps: BTreeSet<Gap>,
    times: Times,
}

impl<'a> Build<'a> {
    fn new(policy: &'a Policy, resolution: &'a Resolution, times: Times) -> Self {
        let outside = AddressSet::full().difference(&resolution.inside());
        Self {
            policy,
            resolution,
            outside,
            unions: HashMap::new(),
            rules: Vec::new(),
            ids: HashSet::new(),
            gaps: BTreeSet::new(),
            times,
        }
    }

    fn atoms(&self, peers: &[Peer]) -> Atoms {
        let outside = self.policy.zones.len();
        if peers.contains(&Peer::Any) {
            return (0..=outside).collect();
        }
        let atom = |peer: &Peer| if let Peer::Zone(at) = peer { *at } else { outside };
        let mut atoms: Atoms = peers.iter().map(atom).collect();
        atoms.sort_unstable();
        atoms.dedup();
        atoms
    }

    fn mode(&self, atom: usize) -> Option<Mode> {
        self.policy.zones.get(atom).map(|zone| zone.mode)
    }

    fn addresses(&mut self, atoms: &[usize]) -> AddressSet {
        let everybody = self.policy.zones.len() + 1;
        if atoms.len() == everybody {
            return AddressSet::full();
        }
        if let Some(known) = self.unions.get(atoms) {
            return known.clone();
        }
        let sets = atoms.iter().map(|&atom| self.resolution.zones.get(atom).map_or(&self.outside, |zone| &zone.addresses));
        let union = union_of(sets);
        self.unions.insert(atoms.to_vec(), union.clone());
        union
    }

    /// The pairs of two lists whose mode is `mode`, as at most two products.
    fn pairs(&self, from: &[usize], to: &[usize], mode: Mode) -> Vec<(Atoms, Atoms)> {
        let below = |atoms: &[usize]| -> Atoms { atoms.iter().copied().filter(|&at| self.mode(at) < Some(mode)).collect() };
        let at_most = |atoms: &[usize]| -> Atoms { atoms.iter().copied().filter(|&at| self.mode(at) <= Some(mode)).collect() };
        let exactly = |atoms: &[usize]| -> Atoms { atoms.iter().copied().filter(|&at| self.mode(at) == Some(mode)).collect() };
        if below(to).is_empty() {
            return vec![(at_most(from), exactly(to))];
        }
        vec![(exactly(from), at_most(to)), (below(from), exactly(to))]
    }

    fn rule(&mut self, rule: &Rule, now: Timestamp) {
        let mut week = rule.schedule.as_ref().map_or_else(WeekSet::always, |schedule| window::open_at(schedule, now));
        if self.times == Times::Narrowed && !week.is_always() && !week.is_never() {
            let (becomes, narrowed) = match rule.action {
                Verdict::Allow => ("never open", WeekSet::never()),
                Verdict::Deny => ("always in force", WeekSet::always()),
            };
            self.gaps.insert(Gap::Narrowed { rule: rule.name.value.clone(), becomes });
            week = narrowed;
        }
        if week.is_never() {
            return;
        }
        let (from, to) = (self.atoms(&rule.from), self.atoms(&rule.to));
        let (sentences, mut is_concerned) = (self.rules.len(), false);
        for mode in [Mode::Enforce, Mode::Simulate] {
            for (from, to) in self.pairs(&from, &to, mode) {
                if from.is_empty() || to.is_empty() {
                    continue;
                }
                is_concerned = true;
                let (source, destination) = (self.addresses(&from), self.addresses(&to));
                for l4 in &rule.l4 {
                    self.sentence(rule, (&source, &destination), l4, &week, mode);
                }
            }
        }
        if is_concerned && self.rules.len() == sentences {
            self.gaps.insert(Gap::NoPacket { rule: rule.name.value.clone() });
        }
    }

    fn sentence(&mut self, rule: &Rule, (source, destination): (&AddressSet, &AddressSet), l4: &L4, week: &WeekSet, mode: Mode) {
        let Some(selector) = selector(source, destination, l4, week) else { return };
        let base = match (rule.l4.len(), ending(l4)) {
            (1, _) => rule.name.value.clone(),
            (_, ending) => format!("{}-{ending}", rule.name.value),
        };
        let origin = vec![rule.name.value.clone()];
        match (rule.action, mode) {
            (Verdict::Allow, _) => self.push(&base, selector, Action::Allow, rule.log, origin),
            (Verdict::Deny, Mode::Enforce) => self.push(&base, selector, Action::Deny, rule.log, origin),
            // Logged once, then let through, as a denied packet would meet no later rule.
            (Verdict::Deny, _) => {
                self.push(&format!("{base}-log"), selector.clone(), Action::Log, true, origin.clone());
                self.push(&format!("{base}-pass"), selector, Action::Allow, false, origin);
            }
        }
    }

    /// What no rule decided: within zones that allow it, then everything else of the zones that are enforced or simulated.
    fn defaults(&mut self, view: Option<&View>) {
        let everybody: Atoms = (0..=self.policy.zones.len()).collect();
        let always = WeekSet::always();
        for (at, zone) in self.policy.zones.iter().enumerate() {
            if zone.mode != Mode::Observe && zone.intra_zone == Verdict::Allow {
                let within = self.addresses(&[at]);
                if let Some(selector) = selector(&within, &within, &L4::Any, &always) {
                    self.push(
                        &format!("{}-intra", zone.name.value),
                        selector,
                        Action::Allow,
                        false,
                        vec![zone.name.value.clone()],
                    );
                }
            }
        }
        if let Some(View { hosts, name, origin, .. }) = view.filter(|view| view.is_enforced) {
            let full = AddressSet::full();
            for (half, from, to) in [("out", hosts, &full), ("in", &full, hosts)] {
                if let Some(selector) = selector(from, to, &L4::Any, &always) {
                    self.push(&format!("{name}-default-{half}"), selector, Action::Deny, true, origin.clone());
                }
            }
            return;
        }
        for (mode, action) in [(Mode::Enforce, Action::Deny), (Mode::Simulate, Action::Log)] {
            // Stronger pairs were decided above, so every address may stand on the other side; but `Log` decides nothing, and
            // a packet between two simulated zones is to be logged once: the incoming half leaves simulated sources out.
            let elsewhere: Atoms = everybody.iter().copied().filter(|&at| self.mode(at) != Some(mode)).collect();
            let sources = if action == Action::Deny { everybody.clone() } else { elsewhere };
            let full = AddressSet::full();
            let sources = self.addresses(&sources);
            for (half, outgoing) in [("out", true), ("in", false)] {
                for (at, zone) in self.policy.zones.iter().enumerate().filter(|(_, zone)| zone.mode == mode) {
                    let members = self.addresses(&[at]);
                    let (from, to) = if outgoing { (&members, &full) } else { (&sources, &members) };
                    if let Some(selector) = selector(from, to, &L4::Any, &always) {
                        let id = format!("{}-default-{half}", zone.name.value);
                        self.push(&id, selector, action, true, vec![zone.name.value.clone()]);
                    }
                }
            }
        }
    }

    fn push(&mut self, base: &str, selector: Selector, action: Action, log: bool, origin: Vec<String>) {
        let id = unique(base, &mut self.ids);
        self.rules.push(PointRule { id, selector, action, log, origin });
    }
}

/// The product of the sets in the families that both sides and the protocol have; None when that is nothing.
///
/// The state is left open: rule one has taken every established packet, so what comes here is new.
fn selector(source: &AddressSet, destination: &AddressSet, l4: &L4, week: &WeekSet) -> Option<Selector> {
    let (source, destination) = (source.clone(), destination.clone());
    product::trimmed(&Selector { source, destination, l4: l4.clone(), week: week.clone(), ..Selector::any() })
}

pub fn ending(l4: &L4) -> String {
    match l4 {
        L4::Any => "any".to_owned(),
        L4::Protocol(6) | L4::Tcp { .. } => "tcp".to_owned(),
        L4::Protocol(17) | L4::Udp { .. } => "udp".to_owned(),
        L4::Protocol(132) | L4::Sctp { .. } => "sctp".to_owned(),
        L4::Icmp { .. } => "icmp".to_owned(),
        L4::Icmp6 { .. } => "icmp6".to_owned(),
        L4::Protocol(number) => format!("ip{number}"),
    }
}

/// The base, or the base with the next free number.
pub fn unique(base: &str, taken: &mut HashSet<String>) -> String {
    let cut = |text: &str, room: usize| text.chars().take(room).collect::<String>();
    let mut id = cut(base, MAX_ID);
    let mut next = 2u32;
    while id == "established" || taken.contains(&id) {
        let ending = format!("-{next}");
        id = cut(base, MAX_ID - ending.len()) + &ending;
        next += 1;
    }
    taken.insert(id.clone());
    id
}
