//! Flow maps to a proposal: zones by role and subnet, one rule a service and zone pair, each with the traffic that speaks for it.
//!
//! Only what was answered becomes a rule. What nobody answered is listed with the reason and stays closed.

mod evidence;
mod text;
mod zones;

use std::collections::{BTreeMap, HashSet};

use enforcer_packetset::Prefix;
use jiff::civil::Date;
use sensor_model::{Conversation, FlowMap, Timestamp};

use crate::diagnostic::Diagnostic;
use crate::document::{Mode, Policy};
use crate::judge::zone_pairs;
use crate::merge::merge;
use crate::read::{MAX_RULE_NAME, read};
use crate::resolve::resolve;
use crate::semantics::ZonePair;
use crate::service;
use crate::simulate::{Standing, standing};
use crate::source::SourceFile;

use evidence::Evidence;

/// What the proposal shall say that no traffic tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnOptions {
    /// Name of the policy.
    pub name: String,
    pub owner: Option<String>,
    pub review_by: Option<Date>,
    /// Of every zone.
    pub mode: Mode,
    /// Known networks. Any other address is taken to be in a /24 or a /64.
    pub subnets: Vec<Subnet>,
}

impl Default for LearnOptions {
    fn default() -> Self {
        Self { name: "learned".to_owned(), owner: None, review_by: None, mode: Mode::Observe, subnets: Vec::new() }
    }
}

/// A network with the name that people use for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    pub name: String,
    pub prefix: Prefix,
}

/// A policy to be read by a human.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// YAML that `read` accepts. Equal maps and options give equal text.
    pub text: String,
    pub zones: usize,
    pub rules: usize,
    pub not_proposed: Vec<NotProposed>,
}

/// A conversation that got no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotProposed {
    pub client: String,
    pub server: String,
    pub service: String,
    pub flows: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub why: &'static str,
}

/// Services that get no answer by design (RFC 5426, RFC 3416, RFC 7011; sFlow 5).
const ONE_WAY: &[(&str, u16)] = &[("udp", 162), ("udp", 514), ("udp", 2055), ("udp", 4739), ("udp", 6343), ("udp", 9995)];

/// Proposes a policy that allows what was answered in these maps and nothing else.
///
/// # Errors
/// Options that make no valid policy (a name with capital letters, overlapping subnets).
pub fn learn(maps: &[FlowMap], options: &LearnOptions) -> Result<Proposal, Vec<Diagnostic>> {
    let map = merge(maps);
    let groups = zones::propose(&map, options);
    let head = text::head(&map, options, &groups);
    // The zones go through the reader like anybody's, so that rules are learned on what they will really select.
    let policy = read(&[SourceFile { name: "proposal".to_owned(), text: head.clone() }])?;
    let resolution = resolve(&policy, Some(&map))?;
    let mut wanted: BTreeMap<(String, String, String), Evidence> = BTreeMap::new();
    let mut not_proposed = Vec::new();
    for conversation in &map.conversations {
        if let Some(why) = refusal(&map, conversation) {
            not_proposed.push(describe(&map, conversation, why));
            continue;
        }
        let pairs = zone_pairs(&resolution, conversation);
        if pairs.is_empty() {
            not_proposed.push(describe(&map, conversation, "an address that nobody has today"));
        }
        for (zones, (client, _)) in pairs.into_iter().filter(|(zones, _)| needs_rule(*zones)) {
            let term = service::term_of(conversation.service.protocol, conversation.service.port, client.is_ipv4());
            let key = (zone_word(&policy, zones.0), zone_word(&policy, zones.1), term);
            wanted.entry(key).or_default().add(&map, conversation);
        }
    }
    let mut names = HashSet::new();
    let rules: Vec<text::ProposedRule> = wanted
        .into_iter()
        .map(|((from, to, term), evidence)| text::ProposedRule {
            name: rule_name(&from, &to, &term, &mut names),
            from,
            to,
            term,
            evidence,
        })
        .collect();
    let text = head + &text::rules(&rules, options) + &text::tail(&not_proposed);
    Ok(Proposal { text, zones: groups.len(), rules: rules.len(), not_proposed })
}

/// Between two zones, or a zone and the outside. Zones of a proposal allow themselves.
fn needs_rule((from, to): ZonePair) -> bool {
    from != to
}

fn zone_word(policy: &Policy, zone: Option<usize>) -> String {
    zone.and_then(|at| policy.zones.get(at)).map_or_else(|| "outside".to_owned(), |zone| zone.name.value.clone())
}

/// Why a conversation is no reason for a rule.
fn refusal(map: &FlowMap, conversation: &Conversation) -> Option<&'static str> {
    let one_way = ONE_WAY.contains(&(conversation.service.protocol.to_string().as_str(), conversation.service.port));
    match standing(map, conversation) {
        Standing::Answered | Standing::OneWay => None,
        _ if one_way => Some("never answered, as this service is one-way: add a rule if it is meant"),
        Standing::Attempt => Some("never answered: a scan, or a client that asks for what is gone"),
        Standing::CannotKnow => Some("the tap does not see what the server sends: mirror its port, or add a rule by hand"),
    }
}

fn describe(map: &FlowMap, conversation: &Conversation, why: &'static str) -> NotProposed {
    let label = |id| map.asset(id).map_or_else(|| id.to_string(), |asset| asset.label.clone());
    NotProposed {
        client: label(&conversation.client),
        server: label(&conversation.server),
        service: conversation.service.to_string(),
        flows: conversation.flows,
        first_seen: conversation.first_seen,
        last_seen: conversation.last_seen,
        why,
    }
}

/// `plcs-to-historians-modbus`, cut so that the service stays readable, numbered where it is taken.
fn rule_name(from: &str, to: &str, term: &str, taken: &mut HashSet<String>) -> String {
    let service = service::name_of(term).map_or_else(|| term.replace('/', "-"), str::to_owned);
    let cut = |text: &str, room: usize| text.chars().take(room).collect::<String>().trim_end_matches('-').to_owned();
    // Room for `-to-`, `-`, and a number of up to four digits.
    let room = MAX_RULE_NAME.saturating_sub(service.len() + 5 + 5);
    let from_room = if to.len() < room / 2 { room - to.len() } else { (room / 2).max(room.saturating_sub(to.len())) };
    let from = cut(from, from_room.max(1));
    let to = cut(to, room.saturating_sub(from.len()).max(1));
    let base = format!("{from}-to-{to}-{service}");
    let mut name = base.clone();
    let mut next = 2u32;
    while !taken.insert(name.clone()) {
        name = format!("{base}-{next}");
        next += 1;
    }
    name
}
