//! The policy's word on an observed conversation: every pair of its addresses, every hour of the week in which it happened.

use std::collections::HashMap;
use std::net::IpAddr;

use enforcer_packetset::{L4, PortSet, WeekSet};
use sensor_model::{AssetId, Conversation, IpProtocol, Timestamp};

use crate::document::{Mode, Policy, Rule, Verdict};
use crate::resolve::Resolution;
use crate::semantics::{self, Decider, ZonePair};
use crate::window;

/// The word on one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub answer: Answer,
    /// None where the policy has no opinion, or where there is no pair to judge.
    pub zones: Option<ZonePair>,
    pub mode: Option<Mode>,
    pub decider: Option<Decider>,
    /// Everything that decides a part of it: other pairs of addresses, other hours.
    pub deciders: Vec<Decider>,
    /// The two addresses that the answer is about.
    pub pair: Option<(IpAddr, IpAddr)>,
    /// Hours of the UTC week that are denied while others are allowed; empty: all hours have one answer.
    pub hours: Vec<u8>,
    /// Operations that were seen and that the deciding rule does not list.
    pub beyond: Vec<String>,
}

/// Three answers, and silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    NoOpinion,
    Allowed,
    /// What was recorded is too coarse to tell.
    CannotKnow,
    Denied,
}

/// A policy, its zones and the moment, with the rules of each zone pair found once.
pub struct Judge<'a> {
    policy: &'a Policy,
    resolution: &'a Resolution,
    order: Vec<usize>,
    by_pair: HashMap<ZonePair, Vec<usize>>,
}

impl<'a> Judge<'a> {
    pub fn new(policy: &'a Policy, resolution: &'a Resolution, now: Timestamp) -> Self {
        let alive = |at: &usize| policy.rules.get(*at).is_some_and(|rule| semantics::is_alive(rule, now));
        let order = policy.rules_in_order().into_iter().filter(alive).collect();
        Self { policy, resolution, order, by_pair: HashMap::new() }
    }

    pub fn conversation(&mut self, conversation: &Conversation) -> Judgement {
        let mut worst: Option<Judgement> = None;
        let mut deciders = Vec::new();
        for (zones, pair) in zone_pairs(self.resolution, conversation) {
            let judged = self.pair(conversation, zones, pair);
            deciders.extend_from_slice(&judged.deciders);
            if worst.as_ref().is_none_or(|worst| judged.answer > worst.answer) {
                worst = Some(judged);
            }
        }
        deciders.sort_unstable();
        deciders.dedup();
        let unknown = Judgement {
            answer: Answer::CannotKnow,
            zones: None,
            mode: None,
            decider: None,
            deciders: Vec::new(),
            pair: None,
            hours: Vec::new(),
            beyond: Vec::new(),
        };
        Judgement { deciders, ..worst.unwrap_or(unknown) }
    }

    fn pair(&mut self, conversation: &Conversation, zones: ZonePair, pair: (IpAddr, IpAddr)) -> Judgement {
        let mut judgement = Judgement {
            answer: Answer::NoOpinion,
            zones: Some(zones),
            mode: semantics::pair_mode(self.policy, zones),
            decider: None,
            deciders: Vec::new(),
            pair: Some(pair),
            hours: Vec::new(),
            beyond: Vec::new(),
        };
        if judgement.mode.is_none() {
            return judgement;
        }
        let cells = self.cells(conversation, zones, pair.0.is_ipv4());
        judgement.deciders = cells.iter().flat_map(|cell| [cell.allow, cell.deny]).flatten().collect();
        let denied: Vec<&Cell> = cells.iter().filter(|cell| cell.deny.is_some() && cell.allow.is_none()).collect();
        if let Some(first) = denied.first() {
            judgement.answer = Answer::Denied;
            judgement.decider = first.deny;
            if denied.len() < cells.len() {
                judgement.hours = denied.iter().map(|cell| cell.hour).collect();
            }
        } else if let Some(both) = cells.iter().find(|cell| cell.deny.is_some()) {
            judgement.answer = Answer::CannotKnow;
            judgement.decider = both.allow;
        } else {
            judgement.answer = Answer::Allowed;
            judgement.decider = cells.iter().find_map(|cell| cell.allow);
            judgement.beyond = self.beyond(conversation, judgement.decider);
        }
        judgement
    }

    fn beyond(&self, conversation: &Conversation, decider: Option<Decider>) -> Vec<String> {
        let Some(Decider::Rule(at)) = decider else { return Vec::new() };
        let Some(rule) = self.policy.rules.get(at).filter(|rule| !rule.operations.is_empty()) else { return Vec::new() };
        let listed = |name: &str| rule.operations.iter().any(|glob| glob.matches(name));
        conversation.operations.iter().filter(|seen| !listed(&seen.name)).map(|seen| seen.name.clone()).collect()
    }

    /// One cell an hour in which the conversation happened; each has been decided.
    fn cells(&mut self, conversation: &Conversation, zones: ZonePair, is_ipv4: bool) -> Vec<Cell> {
        let mut cells: Vec<Cell> = hours_of(conversation).into_iter().map(Cell::open).collect();
        let policy = self.policy;
        let order = &self.order;
        let rules = self.by_pair.entry(zones).or_insert_with(|| {
            let applies = |rule: &Rule| semantics::names(&rule.from, zones.0) && semantics::names(&rule.to, zones.1);
            order.iter().copied().filter(|&at| policy.rules.get(at).is_some_and(applies)).collect()
        });
        for &at in rules.iter() {
            let Some(rule) = policy.rules.get(at) else { continue };
            let fits = rule.l4.iter().map(|l4| fits(l4, conversation, is_ipv4)).max().unwrap_or(Fit::No);
            if fits == Fit::No {
                continue;
            }
            let window = rule
                .schedule
                .as_ref()
                .map(|schedule| window::open_between(schedule, conversation.first_seen, conversation.last_seen));
            for cell in cells.iter_mut().filter(|cell| cell.is_open) {
                let fit = fits.min(window.as_ref().map_or(Fit::Yes, |window| covers(window, cell.hour)));
                cell.decide(fit, rule.action, Decider::Rule(at));
            }
            if cells.iter().all(|cell| !cell.is_open) {
                return cells;
            }
        }
        let (verdict, decider) = semantics::default_of(policy, zones);
        cells.iter_mut().filter(|cell| cell.is_open).for_each(|cell| cell.decide(Fit::Yes, verdict, decider));
        cells
    }
}

/// Whether something holds for all, some or none of the packets behind a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    No,
    Some,
    Yes,
}

/// An hour of the week and the verdicts that its packets may have had.
struct Cell {
    hour: u8,
    is_open: bool,
    allow: Option<Decider>,
    deny: Option<Decider>,
}

impl Cell {
    const fn open(hour: u8) -> Self {
        Self { hour, is_open: true, allow: None, deny: None }
    }

    fn decide(&mut self, fit: Fit, verdict: Verdict, decider: Decider) {
        if fit == Fit::No {
            return;
        }
        let slot = if verdict == Verdict::Allow { &mut self.allow } else { &mut self.deny };
        slot.get_or_insert(decider);
        self.is_open = fit != Fit::Yes;
    }
}

fn hours_of(conversation: &Conversation) -> Vec<u8> {
    let mut hours: Vec<u8> = conversation.activity.hours.iter().map(|(hour, _)| *hour).filter(|hour| *hour < 168).collect();
    if hours.is_empty() {
        hours = vec![conversation.first_seen.hour_of_week(), conversation.last_seen.hour_of_week()];
    }
    hours.sort_unstable();
    hours.dedup();
    hours
}

fn covers(window: &WeekSet, hour: u8) -> Fit {
    let first = u16::from(hour) * 60;
    let cell = PortSet::range(first, first + 59);
    if cell.is_subset(window.minutes()) {
        Fit::Yes
    } else if cell.intersection(window.minutes()).is_empty() {
        Fit::No
    } else {
        Fit::Some
    }
}

/// Whether a rule's protocol and ports are the conversation's.
fn fits(l4: &L4, conversation: &Conversation, is_ipv4: bool) -> Fit {
    let port = conversation.service.port;
    let whole = |holds: bool| if holds { Fit::Yes } else { Fit::No };
    let icmp = |types: &enforcer_packetset::RangeSet<u8>, codes: &enforcer_packetset::RangeSet<u8>| {
        match u8::try_from(port).is_ok_and(|kind| types.contains(kind)) {
            false => Fit::No,
            // The map keeps the type and not the code.
            true if codes.is_full() => Fit::Yes,
            true => Fit::Some,
        }
    };
    match (l4, conversation.service.protocol) {
        (L4::Any, _) => Fit::Yes,
        (L4::Tcp { destination, .. }, IpProtocol::Tcp)
        | (L4::Udp { destination, .. }, IpProtocol::Udp)
        | (L4::Sctp { destination, .. }, IpProtocol::Sctp) => whole(destination.contains(port)),
        (L4::Icmp { types, codes }, IpProtocol::Icmp) if is_ipv4 => icmp(types, codes),
        (L4::Icmp6 { types, codes }, IpProtocol::Icmp) if !is_ipv4 => icmp(types, codes),
        (L4::Protocol(number), protocol) => whole(protocol_number(protocol, is_ipv4) == *number),
        _ => Fit::No,
    }
}

/// The IANA number; the map calls ICMP and ICMPv6 by one name.
pub const fn protocol_number(protocol: IpProtocol, is_ipv4: bool) -> u8 {
    match protocol {
        IpProtocol::Tcp => 6,
        IpProtocol::Udp => 17,
        IpProtocol::Sctp => 132,
        IpProtocol::Icmp => {
            if is_ipv4 {
                1
            } else {
                58
            }
        }
        IpProtocol::Other(number) => number,
    }
}

/// The different zone pairs of a conversation as it would be today, each with one pair of addresses; families do not mix.
///
/// An address that another asset has taken over since is not judged: the conversation would now come from elsewhere.
pub fn zone_pairs(resolution: &Resolution, conversation: &Conversation) -> Vec<(ZonePair, (IpAddr, IpAddr))> {
    let clients = todays(resolution, &conversation.client, &conversation.client_addresses);
    let servers = todays(resolution, &conversation.server, &conversation.server_addresses);
    let mut pairs: Vec<(ZonePair, (IpAddr, IpAddr))> = Vec::new();
    for &client in &clients {
        for &server in servers.iter().filter(|server| server.is_ipv4() == client.is_ipv4()) {
            let zones = semantics::zones_of(resolution, client, server);
            if !pairs.iter().any(|(known, (address, _))| *known == zones && address.is_ipv4() == client.is_ipv4()) {
                pairs.push((zones, (client, server)));
            }
        }
    }
    pairs
}

fn todays(resolution: &Resolution, asset: &AssetId, seen: &[IpAddr]) -> Vec<IpAddr> {
    let still =
        |address: &&IpAddr| !address.is_unspecified() && resolution.owner_of(**address).is_none_or(|owner| owner == asset);
    let kept: Vec<IpAddr> = seen.iter().filter(still).copied().collect();
    if kept.is_empty() { resolution.addresses_of(asset).to_vec() } else { kept }
}
