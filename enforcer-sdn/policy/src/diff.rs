//! What changes between two rulesets of one point: for every packet there is, and for the conversations that were recorded.

use std::net::IpAddr;

use enforcer_packetset::{Limits, Packet, PacketSet, Step, TooLarge, compare};
use sensor_model::{AssetId, FlowMap, Service};
use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::document::{Mode, Policy, Verdict};
use crate::explain::first_packet;
use crate::resolve::resolve;
use crate::ruleset::{Action, Ruleset};
use crate::simulate::{Standing, standing};

/// The packets that two rulesets treat differently. At least one set is not empty; `witness` of a set gives a packet of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Denied before, allowed after.
    pub opened: PacketSet,
    /// Allowed before, denied after.
    pub closed: PacketSet,
    /// Logged after and not before, beside what is closed.
    pub newly_logged: PacketSet,
    /// Logged before and not after, beside what is opened.
    pub no_longer_logged: PacketSet,
}

/// Exactly the packets that change; None when the two rulesets do the same with every packet.
///
/// # Errors
/// When the limits do not suffice: then nothing is known.
pub fn difference(before: &Ruleset, after: &Ruleset, limits: Limits) -> Result<Option<Difference>, TooLarge> {
    difference_of(&before.steps(), &after.steps(), limits)
}

/// The same of two chains, wherever they come from.
///
/// # Errors
/// See [`difference`].
pub fn difference_of(before: &[Step], after: &[Step], limits: Limits) -> Result<Option<Difference>, TooLarge> {
    let compared = compare(before, after, limits)?;
    let Err(sets) = compared else { return Ok(None) };
    Ok(Some(Difference {
        // A denial is logged with it: that is no news of its own.
        newly_logged: sets.only_right_logs.difference(&sets.only_right_denies)?,
        no_longer_logged: sets.only_left_logs.difference(&sets.only_left_denies)?,
        opened: sets.only_left_denies,
        closed: sets.only_right_denies,
    }))
}

/// The policy as if every zone that has members were in `enforce`: what it says, whatever reaches the devices today.
///
/// # Errors
/// Overlapping zones.
pub fn as_enforced(policy: &Policy, map: &FlowMap) -> Result<Policy, Vec<Diagnostic>> {
    let resolution = resolve(policy, Some(map))?;
    let mut enforced = policy.clone();
    for (zone, members) in enforced.zones.iter_mut().zip(&resolution.zones) {
        if !members.addresses.is_empty() {
            zone.mode = Mode::Enforce;
        }
    }
    Ok(enforced)
}

/// What a chain does with a packet: deny it or let it through, and by which of its rules or lines; None: none decides.
pub type Decide<'a> = dyn Fn(&Packet) -> (Verdict, Option<String>) + 'a;

/// A ruleset's word, by rule id.
pub fn decide_by(ruleset: &Ruleset) -> impl Fn(&Packet) -> (Verdict, Option<String>) + '_ {
    |packet| {
        let (action, rule) = ruleset.decide(packet);
        let verdict = if action == Action::Deny { Verdict::Deny } else { Verdict::Allow };
        (verdict, rule.map(|rule| rule.id.clone()))
    }
}

/// A recorded conversation that gets another verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub client: AssetId,
    pub server: AssetId,
    pub service: Service,
    pub standing: Standing,
    pub source: IpAddr,
    pub destination: IpAddr,
    /// Hours of the UTC week, among those in which it was seen, that change.
    pub hours: Vec<u8>,
    /// True: it was allowed and no longer is.
    pub is_cut: bool,
    /// The rules or lines that decide before and after; None: no rule does.
    pub rule_before: Option<String>,
    pub rule_after: Option<String>,
}

/// Recorded conversations whose verdict differs, in the order of the map; what is cut and what is opened are two entries.
#[must_use]
pub fn changes(before: &Ruleset, after: &Ruleset, map: &FlowMap) -> Vec<Change> {
    changes_by(&decide_by(before), &decide_by(after), map)
}

/// The same of two chains, wherever they come from.
#[must_use]
pub fn changes_by(before: &Decide, after: &Decide, map: &FlowMap) -> Vec<Change> {
    let mut found: Vec<Change> = Vec::new();
    for conversation in &map.conversations {
        let from = found.len();
        for &source in &conversation.client_addresses {
            for &destination in conversation.server_addresses.iter().filter(|to| to.is_ipv4() == source.is_ipv4()) {
                for hour in hours(conversation) {
                    let packet =
                        Packet { minute_of_week: u16::from(hour) * 60 + 30, ..first_packet(conversation, source, destination) };
                    let (was, rule_before) = before(&packet);
                    let (is, rule_after) = after(&packet);
                    if was == is {
                        continue;
                    }
                    let is_cut = is == Verdict::Deny;
                    let known = found.iter_mut().skip(from).find(|change| change.is_cut == is_cut);
                    match known {
                        Some(change) if change.hours.contains(&hour) => {}
                        Some(change) => change.hours.push(hour),
                        None => found.push(Change {
                            client: conversation.client.clone(),
                            server: conversation.server.clone(),
                            service: conversation.service.clone(),
                            standing: standing(map, conversation),
                            source,
                            destination,
                            hours: vec![hour],
                            is_cut,
                            rule_before,
                            rule_after,
                        }),
                    }
                }
            }
        }
        found.iter_mut().skip(from).for_each(|change| change.hours.sort_unstable());
    }
    found
}

fn hours(conversation: &sensor_model::Conversation) -> Vec<u8> {
    let seen: Vec<u8> = conversation.activity.hours.iter().map(|(hour, _)| *hour).filter(|hour| *hour < 168).collect();
    if seen.is_empty() { vec![conversation.last_seen.hour_of_week()] } else { seen }
}
