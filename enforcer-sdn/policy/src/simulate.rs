//! What a policy would have done to a recorded flow map: which conversations it cuts, and which rules no traffic has proven.

use sensor_model::{Asset, AssetId, Conversation, CoverageCause, FlowMap, Scope, Service, Timestamp, Visibility};
use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::document::{Mode, Peer, Policy, Rule};
use crate::judge::{Answer, Judge, Judgement};
use crate::resolve::{Resolution, ZoneMembers, resolve};
use crate::semantics::{self, Decider};
use crate::window;

/// The policy against the map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Impact {
    pub summary: Summary,
    /// In the order of the map.
    pub conversations: Vec<Fate>,
    /// In the order of the policy.
    pub rules: Vec<RuleProof>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub conversations: u64,
    pub allowed: u64,
    pub denied: u64,
    pub no_opinion: u64,
    pub cannot_know: u64,
    /// Answered conversations that the policy denies, whatever the mode of their zones.
    pub legitimate_denied: u64,
    /// Those of them whose zones are in `enforce`: cut by the next apply.
    pub legitimate_cut: u64,
    pub rules_confirmed: u64,
    pub rules_unproven: u64,
    pub rules_cannot_know: u64,
}

/// What happens to one conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fate {
    pub client: AssetId,
    pub client_label: String,
    pub server: AssetId,
    pub server_label: String,
    pub service: Service,
    pub standing: Standing,
    pub outcome: Outcome,
    /// Zone names; None is the outside.
    pub from_zone: Option<String>,
    pub to_zone: Option<String>,
    /// `enforce`: it is done; `simulate`: a denial is logged; `observe`: nothing. None: no opinion.
    pub mode: Option<&'static str>,
    /// The rule that decides.
    pub rule: Option<String>,
    /// One sentence.
    pub why: String,
    /// Operations seen that the rule does not list; the wire lets them through where a device knows only ports.
    pub beyond: Vec<String>,
}

/// Three answers, and silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Allowed,
    Denied,
    NoOpinion,
    CannotKnow,
}

/// Whether a conversation was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The server answered: it is in use.
    Answered,
    /// To a group address: nobody answers there.
    OneWay,
    /// The server is seen and did not answer: a scan, or a client that asks for what is gone.
    Attempt,
    /// The tap does not see what the server sends.
    CannotKnow,
}

/// Whether traffic has shown that a rule is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleProof {
    pub rule: String,
    pub proof: Proof,
    pub conversations: u64,
    /// One sentence.
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    Confirmed,
    /// No traffic, which may only mean that it was never due.
    Unproven,
    /// The tap could not have seen it.
    CannotKnow,
}

/// Judges every conversation of the map and every rule of the policy.
///
/// # Errors
/// Overlapping zones.
pub fn simulate(policy: &Policy, map: &FlowMap, now: Timestamp) -> Result<Impact, Vec<Diagnostic>> {
    let resolution = resolve(policy, Some(map))?;
    let mut judge = Judge::new(policy, &resolution, now);
    let mut uses = vec![0u64; policy.rules.len()];
    let mut summary = Summary::default();
    let mut conversations = Vec::with_capacity(map.conversations.len());
    for conversation in &map.conversations {
        let judgement = judge.conversation(conversation);
        for decider in &judgement.deciders {
            if let Decider::Rule(at) = decider
                && let Some(count) = uses.get_mut(*at)
            {
                *count += 1;
            }
        }
        let standing = standing(map, conversation);
        count(&mut summary, &judgement, standing);
        conversations.push(fate(policy, map, conversation, judgement, standing));
    }
    let rules: Vec<RuleProof> = policy
        .rules
        .iter()
        .zip(&uses)
        .map(|(rule, &uses)| {
            let (proof, why) = prove(&resolution, map, rule, uses, now);
            RuleProof { rule: rule.name.value.clone(), proof, conversations: uses, why }
        })
        .collect();
    let of = |proof: Proof| rules.iter().filter(|rule| rule.proof == proof).count() as u64;
    summary.rules_confirmed = of(Proof::Confirmed);
    summary.rules_unproven = of(Proof::Unproven);
    summary.rules_cannot_know = of(Proof::CannotKnow);
    Ok(Impact { summary, conversations, rules })
}

fn count(summary: &mut Summary, judgement: &Judgement, standing: Standing) {
    summary.conversations += 1;
    match judgement.answer {
        Answer::Allowed => summary.allowed += 1,
        Answer::NoOpinion => summary.no_opinion += 1,
        Answer::CannotKnow => summary.cannot_know += 1,
        Answer::Denied => {
            summary.denied += 1;
            summary.legitimate_denied += u64::from(standing == Standing::Answered);
            summary.legitimate_cut += u64::from(standing == Standing::Answered && judgement.mode == Some(Mode::Enforce));
        }
    }
}

/// Whether the conversation was one, as far as the tap can tell.
#[must_use]
pub fn standing(map: &FlowMap, conversation: &Conversation) -> Standing {
    let server = map.asset(&conversation.server);
    let unseen = |asset: &Asset| {
        let mute = !matches!(asset.coverage.visibility, Visibility::BothWays | Visibility::SendsOnly);
        mute && asset.coverage.cause != Some(CoverageCause::NoAnswer)
    };
    if conversation.answered_flows > 0 {
        Standing::Answered
    } else if server.is_some_and(|asset| asset.scope == Scope::Group) {
        Standing::OneWay
    } else if server.is_some_and(unseen) {
        Standing::CannotKnow
    } else {
        Standing::Attempt
    }
}

fn fate(policy: &Policy, map: &FlowMap, conversation: &Conversation, judgement: Judgement, standing: Standing) -> Fate {
    let label = |id: &AssetId| map.asset(id).map_or_else(|| id.to_string(), |asset| asset.label.clone());
    let zone = |at: Option<usize>| at.and_then(|at| policy.zones.get(at)).map(|zone| zone.name.value.clone());
    let zones = judgement.zones.unwrap_or((None, None));
    let rule = match judgement.decider {
        Some(Decider::Rule(at)) => policy.rules.get(at).map(|rule| rule.name.value.clone()),
        _ => None,
    };
    let (from_zone, to_zone) = (zone(zones.0), zone(zones.1));
    Fate {
        client: conversation.client.clone(),
        client_label: label(&conversation.client),
        server: conversation.server.clone(),
        server_label: label(&conversation.server),
        service: conversation.service.clone(),
        standing,
        outcome: match judgement.answer {
            Answer::Allowed => Outcome::Allowed,
            Answer::Denied => Outcome::Denied,
            Answer::NoOpinion => Outcome::NoOpinion,
            Answer::CannotKnow => Outcome::CannotKnow,
        },
        why: why(&judgement, rule.as_deref(), from_zone.as_deref(), to_zone.as_deref()),
        from_zone,
        to_zone,
        mode: judgement.mode.map(Mode::as_str),
        rule,
        beyond: judgement.beyond,
    }
}

fn why(judgement: &Judgement, rule: Option<&str>, from: Option<&str>, to: Option<&str>) -> String {
    let (from, to) = (from.unwrap_or("outside"), to.unwrap_or("outside"));
    let pair = judgement.pair.map_or_else(String::new, |(client, server)| format!(" ({client} to {server})"));
    let who = match (rule, judgement.decider) {
        (Some(rule), _) => format!("rule `{rule}`"),
        (None, Some(Decider::IntraZone(_))) => format!("intraZone of `{from}`"),
        _ => "the default".to_owned(),
    };
    let hours = || judgement.hours.iter().map(|hour| hour_text(*hour)).collect::<Vec<_>>().join(", ");
    match judgement.answer {
        Answer::NoOpinion => format!("neither side is in a zone{pair}"),
        Answer::Allowed => format!("{who} allows `{from}` to `{to}`"),
        Answer::Denied if rule.is_some() => format!("{who} denies `{from}` to `{to}`{pair}"),
        Answer::Denied if judgement.hours.is_empty() => format!("no rule allows `{from}` to `{to}`{pair}; {who} denies it"),
        Answer::Denied => format!("no rule allows `{from}` to `{to}`{pair} at {} UTC", hours()),
        Answer::CannotKnow if judgement.pair.is_none() => "no address of its two sides is known today".to_owned(),
        Answer::CannotKnow => format!("{who} covers part of what was recorded by the hour and without ICMP codes{pair}"),
    }
}

/// `Mon 02h`.
#[must_use]
pub fn hour_text(hour: u8) -> String {
    let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].get(usize::from(hour / 24)).unwrap_or(&"?");
    format!("{day} {:02}h", hour % 24)
}

fn prove(resolution: &Resolution, map: &FlowMap, rule: &Rule, uses: u64, now: Timestamp) -> (Proof, String) {
    if uses > 0 {
        return (Proof::Confirmed, format!("decides {uses} recorded conversation{}", if uses == 1 { "" } else { "s" }));
    }
    if !semantics::is_alive(rule, now) {
        return (Proof::Unproven, "it has expired".to_owned());
    }
    let opens = rule.schedule.as_ref().map(|schedule| window::next_opening(schedule, map.first_seen));
    if opens.is_some_and(|opens| opens.is_none_or(|opens| opens > map.last_seen)) {
        return (Proof::Unproven, "it was never due: its schedule did not open while the map was recorded".to_owned());
    }
    if !is_visible(resolution, map, rule) {
        return (Proof::CannotKnow, "the tap sees neither what its sources send nor what its destinations receive".to_owned());
    }
    (Proof::Unproven, format!("no traffic from {} to {}", map.first_seen, map.last_seen))
}

/// Whether a packet of the rule could have reached the tap: from a host whose sending it sees, or to one whose receiving it sees.
fn is_visible(resolution: &Resolution, map: &FlowMap, rule: &Rule) -> bool {
    let seen_in = |zone: &ZoneMembers, half: Visibility| {
        let mut assets = zone.assets.iter().filter_map(|id| map.asset(id));
        assets.any(|asset| asset.coverage.visibility == Visibility::BothWays || asset.coverage.visibility == half)
    };
    let seen = |peers: &[Peer], half: Visibility| {
        peers.iter().any(|peer| match peer {
            Peer::Zone(at) => resolution.zones.get(*at).is_some_and(|zone| seen_in(zone, half)),
            Peer::Any => resolution.zones.iter().any(|zone| seen_in(zone, half)),
            Peer::Outside => false,
        })
    };
    seen(&rule.from, Visibility::SendsOnly) || seen(&rule.to, Visibility::ReceivesOnly)
}
