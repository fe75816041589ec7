//! What changes between two rulesets of one point: for every packet there is, and for the conversations that were recorded.

use std::net::IpAddr;

use enforcer_packetset::{Limits, Packet, PacketSet, TooLarge, compare};
use sensor_model::{AssetId, FlowMap, Service};
use serde::Serialize;

use crate::explain::first_packet;
use crate::ruleset::{Action, Ruleset};
use crate::simulate::{Standing, standing};

/// The packets that two rulesets treat differently. At least one set is not empty; `witness` of a set gives a packet of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Denied before, allowed after.
    pub opened: PacketSet,
    /// Allowed before, denied after.
    pub closed: PacketSet,
    /// Logged after and not before, whatever becomes of them.
    pub newly_logged: PacketSet,
    pub no_longer_logged: PacketSet,
}

/// Exactly the packets that change; None when the two rulesets do the same with every packet.
///
/// # Errors
/// When the limits do not suffice: then nothing is known.
pub fn difference(before: &Ruleset, after: &Ruleset, limits: Limits) -> Result<Option<Difference>, TooLarge> {
    let compared = compare(&before.steps(), &after.steps(), limits)?;
    Ok(compared.err().map(|sets| Difference {
        opened: sets.only_left_denies,
        closed: sets.only_right_denies,
        newly_logged: sets.only_right_logs,
        no_longer_logged: sets.only_left_logs,
    }))
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
    /// Ids of the rules that decide before and after; None: no rule does.
    pub rule_before: Option<String>,
    pub rule_after: Option<String>,
}

/// Recorded conversations whose verdict differs, in the order of the map; what is cut and what is opened are two entries.
#[must_use]
pub fn changes(before: &Ruleset, after: &Ruleset, map: &FlowMap) -> Vec<Change> {
    let mut found: Vec<Change> = Vec::new();
    for conversation in &map.conversations {
        let from = found.len();
        for &source in &conversation.client_addresses {
            for &destination in conversation.server_addresses.iter().filter(|to| to.is_ipv4() == source.is_ipv4()) {
                for hour in hours(conversation) {
                    let packet =
                        Packet { minute_of_week: u16::from(hour) * 60 + 30, ..first_packet(conversation, source, destination) };
                    let (was, rule_before) = before.decide(&packet);
                    let (is, rule_after) = after.decide(&packet);
                    if was == is {
                        continue;
                    }
                    let is_cut = is == Action::Deny;
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
                            rule_before: rule_before.map(|rule| rule.id.clone()),
                            rule_after: rule_after.map(|rule| rule.id.clone()),
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
