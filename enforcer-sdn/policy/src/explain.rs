//! Why a packet or a conversation is allowed or denied: the zones of its two ends, the rules that were asked, the one that decided.

use std::fmt;

use enforcer_packetset::{ConnectionState, Packet};
use sensor_model::{AssetId, Conversation, FlowMap, Timestamp};

use crate::diagnostic::Diagnostic;
use crate::document::{Policy, Rule, Verdict};
use crate::judge::{protocol_number, zone_pairs};
use crate::resolve::{Resolution, resolve};
use crate::semantics::{self, Decider, Decision};

/// The answer, with the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub packet: Packet,
    pub from: End,
    pub to: End,
    /// None: the policy has no opinion.
    pub decision: Option<Decision>,
    /// Name of the rule that decided.
    pub rule: Option<String>,
    /// `file:line` of the rule or the zone that decided.
    pub place: Option<String>,
    /// Rules between the two zones that were asked first and did not match, with the reason.
    pub passed_over: Vec<(String, &'static str)>,
}

/// One end of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub asset: Option<AssetId>,
    pub label: Option<String>,
    pub zone: Option<String>,
}

/// Explains the word on one packet.
///
/// # Errors
/// Overlapping zones.
pub fn explain(policy: &Policy, map: &FlowMap, packet: &Packet, now: Timestamp) -> Result<Explanation, Vec<Diagnostic>> {
    let resolution = resolve(policy, Some(map))?;
    Ok(explain_with(policy, map, &resolution, packet, now))
}

/// Explains the word on a recorded conversation: once for each pair of zones that it runs between, in the hour it was last seen.
///
/// # Errors
/// Overlapping zones.
pub fn explain_conversation(
    policy: &Policy,
    map: &FlowMap,
    conversation: &Conversation,
    now: Timestamp,
) -> Result<Vec<Explanation>, Vec<Diagnostic>> {
    let resolution = resolve(policy, Some(map))?;
    let pairs = zone_pairs(&resolution, conversation);
    Ok(pairs
        .into_iter()
        .map(|(_, (source, destination))| {
            let packet = first_packet(conversation, source, destination);
            explain_with(policy, map, &resolution, &packet, now)
        })
        .collect())
}

/// The packet with which the client would open the conversation, at the time of week it was last seen.
pub fn first_packet(conversation: &Conversation, source: std::net::IpAddr, destination: std::net::IpAddr) -> Packet {
    let protocol = protocol_number(conversation.service.protocol, source.is_ipv4());
    // Of ICMP the type stands where others have their source port; of the rest any client port does.
    let (source_port, destination_port) = match protocol {
        1 | 58 => (conversation.service.port, 0),
        6 | 17 | 132 => (49152, conversation.service.port),
        _ => (0, 0),
    };
    let minute_of_week = crate::window::minute_of_week(conversation.last_seen);
    Packet::new(source, destination, protocol, (source_port, destination_port), ConnectionState::New, minute_of_week)
}

fn explain_with(policy: &Policy, map: &FlowMap, resolution: &Resolution, packet: &Packet, now: Timestamp) -> Explanation {
    let decision = semantics::decide(policy, resolution, packet, now);
    let zones = semantics::zones_of(resolution, packet.source, packet.destination);
    let deciding = match decision.map(|decision| decision.decider) {
        Some(Decider::Rule(at)) => policy.rules.get(at),
        _ => None,
    };
    let mut passed_over = Vec::new();
    if decision.is_some_and(|decision| decision.decider != Decider::Established) {
        for at in policy.rules_in_order() {
            let Some(rule) = policy.rules.get(at) else { continue };
            if semantics::matches(rule, zones, packet, now) {
                break;
            }
            if semantics::names(&rule.from, zones.0) && semantics::names(&rule.to, zones.1) {
                passed_over.push((rule.name.value.clone(), why_not(rule, packet, now)));
            }
        }
    }
    let end = |address, zone: Option<usize>| {
        let asset = resolution.owner_of(address).cloned();
        End {
            label: asset.as_ref().and_then(|id| map.asset(id)).map(|asset| asset.label.clone()),
            asset,
            zone: zone.and_then(|at| policy.zones.get(at)).map(|zone| zone.name.value.clone()),
        }
    };
    let span = deciding.map(|rule| &rule.name.span).or_else(|| match decision?.decider {
        Decider::IntraZone(at) => policy.zones.get(at).map(|zone| &zone.name.span),
        _ => None,
    });
    Explanation {
        packet: *packet,
        from: end(packet.source, zones.0),
        to: end(packet.destination, zones.1),
        decision,
        rule: deciding.map(|rule| rule.name.value.clone()),
        place: span.and_then(|span| policy.sources.locate(span)).map(|at| format!("{}:{}", at.file, at.line)),
        passed_over,
    }
}

fn why_not(rule: &Rule, packet: &Packet, now: Timestamp) -> &'static str {
    if !semantics::is_alive(rule, now) {
        "it has expired"
    } else if !semantics::serves(rule, packet) {
        "it is about other services"
    } else {
        "its schedule is closed at that time"
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.packet)?;
        writeln!(f, "  from {}", self.from)?;
        writeln!(f, "  to   {}", self.to)?;
        for (rule, why) in &self.passed_over {
            writeln!(f, "  rule `{rule}` does not match: {why}")?;
        }
        let place = self.place.as_ref().map_or_else(String::new, |place| format!(" ({place})"));
        let Some(decision) = self.decision else {
            return write!(f, "  no opinion: neither end is in a zone");
        };
        let word = if decision.verdict == Verdict::Allow { "allowed" } else { "denied" };
        match (decision.decider, &self.rule) {
            (Decider::Established, _) => write!(f, "  {word}: it belongs to a connection that was admitted")?,
            (Decider::IntraZone(_), _) => write!(f, "  {word} by `intraZone` of the zone{place}")?,
            (Decider::Rule(_), Some(rule)) => write!(f, "  {word} by rule `{rule}`{place}")?,
            _ => write!(f, "  {word}: no rule allows it")?,
        }
        write!(f, "; mode {}", decision.mode)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone.as_ref().map_or_else(|| "no zone".to_owned(), |zone| format!("zone `{zone}`"));
        match &self.label {
            Some(label) => write!(f, "`{}` in {zone}", label.escape_debug()),
            None => write!(f, "an unknown asset in {zone}"),
        }
    }
}
