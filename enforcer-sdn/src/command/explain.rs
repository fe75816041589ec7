//! `explain`: which rule decides for a packet or a conversation, on which enforcement point, in which rendered line.

use std::net::IpAddr;

use anyhow::{Context, Result, bail};
use enforcer_packetset::{AddressSet, L4, Packet, PacketSet, Prefix, Selector, Verdict, WeekSet};
use enforcer_policy::{Action, Policy, Sees, Standing};
use sensor_model::{Conversation, FlowMap, IpProtocol, Timestamp};
use serde::Serialize;
use serde_json::json;

use crate::cli::{Cli, Explain, Output};
use crate::clock;
use crate::command::plan::{compile_point, render_options, sees};
use crate::command::{Loaded, refused};
use crate::config::{Config, Point};
use crate::exit::Exit;

/// What one point does with the packet.
#[derive(Serialize)]
struct AtPoint {
    point: String,
    /// False: both ends are on one side, so the packet never comes by.
    crosses: bool,
    /// None: no rule of the point decides; the packet passes.
    rule: Option<String>,
    /// Names of the policy's rules and zones that it comes from.
    origin: Vec<String>,
    action: &'static str,
    lines: Vec<Line>,
    /// Why there is no line.
    note: Option<String>,
}

#[derive(Serialize)]
struct Line {
    line: usize,
    text: String,
}

pub fn explain(cli: &Cli, config: &Config, arguments: &Explain) -> Result<Exit> {
    let Loaded { policy, map, .. } = Loaded::read(config, &arguments.documents)?;
    let (source, destination) = (address(&map, &arguments.from)?, address(&map, &arguments.to)?);
    if source.is_ipv4() != destination.is_ipv4() {
        bail!("`{}` is {source} and `{}` is {destination}: packets do not change their IP version", arguments.from, arguments.to);
    }
    let now = clock::now();
    let at: Timestamp = match &arguments.at {
        Some(text) => text.parse().map_err(|_| anyhow::anyhow!("--at takes a moment such as 2026-12-31T18:00:00Z"))?,
        None => now,
    };
    let packets = packets(&policy, source, destination, &arguments.service, at)?;
    let observed = observed(&policy, &map, arguments, &packets, now)?;
    let mut answers = Vec::new();
    for packet in &packets {
        let explanation = enforcer_policy::explain(&policy, &map, packet, at).map_err(|found| refused(&found))?;
        let points: Result<Vec<AtPoint>> = config.points.iter().map(|point| at_point(&policy, &map, point, packet)).collect();
        answers.push((explanation, points?));
    }
    if cli.output == Output::Json {
        let rows: Vec<_> = answers
            .iter()
            .map(|(explanation, points)| {
                let verdict = explanation.decision.map(|decision| match decision.verdict {
                    Verdict::Allow => "allow",
                    Verdict::Deny => "deny",
                });
                let passed: Vec<_> =
                    explanation.passed_over.iter().map(|(rule, why)| json!({"rule": rule, "why": why})).collect();
                json!({"packet": explanation.packet.to_string(), "verdict": verdict, "rule": explanation.rule,
                    "mode": explanation.decision.map(|decision| decision.mode.as_str()), "place": explanation.place,
                    "from_zone": explanation.from.zone, "to_zone": explanation.to.zone, "passed_over": passed,
                    "explanation": explanation.to_string(), "points": points})
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&json!({"packets": rows, "observed": observed}))?);
        return Ok(Exit::Done);
    }
    for (explanation, points) in &answers {
        println!("{explanation}");
        points.iter().for_each(print_point);
    }
    if config.points.is_empty() {
        println!("  no enforcement point is configured, so no device decides it");
    }
    match observed {
        Some(observed) => println!("observed: {observed}"),
        None => println!("observed: never, in this flow map"),
    }
    Ok(Exit::Done)
}

fn print_point(at: &AtPoint) {
    let AtPoint { point, crosses, rule, action, lines, note, .. } = at;
    match rule {
        _ if !crosses => println!("  at `{point}`: does not come by: both ends are on one side of it"),
        None => println!("  at `{point}`: passes, no rule there is about it"),
        Some(rule) => println!("  at `{point}`: {action} by `{rule}`"),
    }
    lines.iter().filter(|_| *crosses).for_each(|line| println!("    line {}: {}", line.line, line.text));
    if let Some(note) = note {
        println!("    no line: {note}");
    }
}

fn at_point(policy: &Policy, map: &FlowMap, point: &Point, packet: &Packet) -> Result<AtPoint> {
    let (target, compiled) = compile_point(policy, map, point)?;
    let (action, rule) = compiled.ruleset.decide(packet);
    let mut at = AtPoint {
        point: point.name.clone(),
        crosses: crosses(&sees(point)?, packet),
        rule: rule.map(|rule| rule.id.clone()),
        origin: rule.map(|rule| rule.origin.clone()).unwrap_or_default(),
        action: if action == Action::Deny { "denied" } else { "allowed" },
        lines: Vec::new(),
        note: None,
    };
    if let Some(rule) = rule {
        match (target.render)(&compiled.ruleset, &render_options(&compiled)) {
            Ok(rendering) => {
                at.lines = rendering.lines_of(&rule.id).map(|(line, text)| Line { line, text: text.trim().to_owned() }).collect();
            }
            Err(refused) => at.note = Some(refused.to_string()),
        }
    }
    Ok(at)
}

fn crosses(sees: &Sees, packet: &Packet) -> bool {
    let Sees::Between(sides) = sees else { return true };
    let side = |address: IpAddr| sides.iter().position(|side| side.addresses.contains(address));
    side(packet.source) != side(packet.destination)
}

/// One first packet for each protocol of the service.
fn packets(policy: &Policy, source: IpAddr, destination: IpAddr, service: &str, at: Timestamp) -> Result<Vec<Packet>> {
    let l4 = if service == "icmp" { vec!["icmp/echo-request", "icmp6/echo-request"] } else { vec![service] };
    let mut found = Vec::new();
    for word in l4 {
        let terms =
            enforcer_policy::meant(policy, word).map_err(|refused| anyhow::anyhow!("{}; {}", refused.message, refused.help))?;
        if terms == [L4::Any] {
            bail!("`any` is no service of one packet; name one, such as tcp/502");
        }
        let minute = clock::minute_of_week(at);
        let host = |address: IpAddr| AddressSet::from(Prefix::host(address));
        for l4 in terms {
            let selector = Selector {
                source: host(source),
                destination: host(destination),
                l4,
                week: WeekSet::from_ranges([(minute, minute)]),
                ..Selector::any()
            };
            found.extend(PacketSet::any_of([&selector])?.witness());
        }
    }
    if found.is_empty() {
        bail!("`{service}` does not exist between {source} and {destination}: it belongs to the other IP version");
    }
    Ok(found)
}

/// What the flow map knows of such a conversation, in one sentence.
fn observed(policy: &Policy, map: &FlowMap, arguments: &Explain, packets: &[Packet], now: Timestamp) -> Result<Option<String>> {
    let is_end = |id: &sensor_model::AssetId, addresses: &[IpAddr], name: &str| {
        let label = map.asset(id).map(|asset| asset.label.as_str());
        id.as_str() == name || label == Some(name) || name.parse().is_ok_and(|address: IpAddr| addresses.contains(&address))
    };
    let is_service = |conversation: &Conversation, packet: &Packet| match conversation.service.protocol {
        IpProtocol::Tcp => packet.protocol == 6 && packet.destination_port == conversation.service.port,
        IpProtocol::Udp => packet.protocol == 17 && packet.destination_port == conversation.service.port,
        IpProtocol::Sctp => packet.protocol == 132 && packet.destination_port == conversation.service.port,
        IpProtocol::Icmp => matches!(packet.protocol, 1 | 58) && packet.source_port == conversation.service.port,
        IpProtocol::Other(number) => packet.protocol == number,
    };
    let found = map.conversations.iter().position(|one| {
        is_end(&one.client, &one.client_addresses, &arguments.from)
            && is_end(&one.server, &one.server_addresses, &arguments.to)
            && packets.iter().any(|packet| is_service(one, packet))
    });
    let Some(at) = found else { return Ok(None) };
    let impact = enforcer_policy::simulate(policy, map, now).map_err(|found| refused(&found))?;
    let (Some(conversation), Some(fate)) = (map.conversations.get(at), impact.conversations.get(at)) else { return Ok(None) };
    let standing = match fate.standing {
        Standing::Answered => "in use",
        Standing::OneWay => "one way",
        Standing::Attempt => "tried and not answered",
        Standing::CannotKnow => "cannot know whether it was answered",
    };
    let (flows, last) = (conversation.flows, conversation.last_seen);
    let beyond = match fate.beyond.as_slice() {
        [] => String::new(),
        beyond => format!("; operations beyond the rule: {}", beyond.join(", ")),
    };
    Ok(Some(format!("{} {flows} times until {last}, {standing}; {}{beyond}", conversation.service, fate.why)))
}

/// An address, or the address that an asset used last.
fn address(map: &FlowMap, name: &str) -> Result<IpAddr> {
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    let asset = map.assets.iter().find(|asset| asset.label == name || asset.id.as_str() == name);
    let asset = asset
        .with_context(|| format!("`{name}` is neither an address nor an asset of the flow map; `sensor assets` lists them"))?;
    let newest = asset.addresses.iter().max_by_key(|used| used.last_seen);
    newest.map(|used| used.address).with_context(|| format!("asset `{name}` was never seen with an address"))
}
