//! The commands that judge and change nothing: check, simulate, diff, explain.

use anyhow::{Context, Result, bail};
use enforcer_packetset::{ConnectionState, Packet};
use enforcer_policy::{Diagnostic, Impact, Severity};
use enforcer_policy::{Outcome, Proof, Standing};
use sensor_model::FlowMap;
use serde_json::json;

use crate::cli::{Cli, Diff, Documents, Explain, Output};
use crate::clock;
use crate::command::plan::compile_point;
use crate::command::{Loaded, counted, read_map, read_policy, refused, table};
use crate::config::Config;
use crate::exit::Exit;

/// Lints whose finding is about care, not about packets: exit code 8.
const HYGIENE: &[&str] = &["expired", "ownerless", "review-passed"];

pub fn check(cli: &Cli, config: &Config, arguments: &Documents) -> Result<Exit> {
    let (policy, _) = read_policy(config, &arguments.policy)?;
    let wants_map = !arguments.flowmap.is_empty() || !config.flowmap.is_empty();
    let map = if wants_map { Some(read_map(config, &arguments.flowmap)?.0) } else { None };
    let found = enforcer_policy::check(&policy, map.as_ref(), clock::now());
    let of = |severity: Severity| found.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings, notes) = (of(Severity::Error), of(Severity::Warning), of(Severity::Note));
    match cli.output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&found.iter().map(as_json).collect::<Vec<_>>())?),
        Output::Table => {
            found.iter().for_each(|finding| println!("{finding}\n"));
            println!(
                "{}, {}: {}, {}, {}{}",
                counted(policy.zones.len(), "zone"),
                counted(policy.rules.len(), "rule"),
                counted(errors, "error"),
                counted(warnings, "warning"),
                counted(notes, "note"),
                if map.is_none() { "; without a flow map members and identities were not checked" } else { "" }
            );
        }
    }
    if errors > 0 {
        return Ok(Exit::Error);
    }
    Ok(if found.iter().any(|finding| HYGIENE.contains(&finding.code)) { Exit::Hygiene } else { Exit::Done })
}

fn as_json(finding: &Diagnostic) -> serde_json::Value {
    json!({"severity": finding.severity.as_str(), "code": finding.code, "message": finding.message, "help": finding.help,
        "file": finding.location.as_ref().map(|at| &at.file), "line": finding.line(), "column": finding.column()})
}

pub fn simulate(cli: &Cli, config: &Config, arguments: &Documents) -> Result<Exit> {
    let Loaded { policy, map, .. } = Loaded::read(config, arguments)?;
    let impact = enforcer_policy::simulate(&policy, &map, clock::now()).map_err(|found| refused(&found))?;
    match cli.output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&impact)?),
        Output::Table => print_impact(&impact, &map),
    }
    Ok(if impact.summary.legitimate_denied > 0 { Exit::TrafficWouldBreak } else { Exit::Done })
}

fn print_impact(impact: &Impact, map: &FlowMap) {
    let rows = impact.conversations.iter().map(|fate| {
        let verdict = match (fate.outcome, fate.mode) {
            (Outcome::Allowed, _) => "allowed",
            (Outcome::Denied, Some("enforce")) => "DENIED",
            (Outcome::Denied, _) => "would be denied",
            (Outcome::NoOpinion, _) => "no opinion",
            (Outcome::CannotKnow, _) => "cannot know",
        };
        let standing = match fate.standing {
            Standing::Answered => "in use",
            Standing::OneWay => "one way",
            Standing::Attempt => "attempt",
            Standing::CannotKnow => "cannot know",
        };
        vec![
            fate.client_label.clone(),
            fate.server_label.clone(),
            fate.service.to_string(),
            standing.into(),
            verdict.into(),
            fate.why.clone(),
        ]
    });
    println!("{}", table(&["client", "server", "service", "standing", "verdict", "why"], rows));
    let unproven: Vec<Vec<String>> = impact
        .rules
        .iter()
        .filter(|rule| rule.proof != Proof::Confirmed)
        .map(|rule| vec![rule.rule.clone(), rule.why.clone()])
        .collect();
    if !unproven.is_empty() {
        println!("rules that no traffic confirms (silence is not consent):\n{}", table(&["rule", "why"], unproven));
    }
    let summary = &impact.summary;
    println!(
        "{} conversations from {} to {}: {} allowed, {} denied, {} without opinion, {} cannot know",
        summary.conversations,
        map.first_seen,
        map.last_seen,
        summary.allowed,
        summary.denied,
        summary.no_opinion,
        summary.cannot_know
    );
    println!(
        "legitimate (answered) conversations denied: {}, of them cut by the next apply: {}; rules: {} confirmed, {} unproven, {} cannot know",
        summary.legitimate_denied,
        summary.legitimate_cut,
        summary.rules_confirmed,
        summary.rules_unproven,
        summary.rules_cannot_know
    );
    if map.accounting.lost_packets > 0 || map.accounting.missed_bytes > 0 {
        println!(
            "the picture has gaps: {} packets lost before or in the sensor, {} acknowledged bytes never seen",
            map.accounting.lost_packets, map.accounting.missed_bytes
        );
    }
}

pub fn diff(cli: &Cli, config: &Config, arguments: &Diff) -> Result<Exit> {
    let (map, _) = read_map(config, &arguments.flowmap)?;
    let point = config.point(arguments.point.as_deref())?;
    let (old, _) = read_policy(config, std::slice::from_ref(&arguments.old))?;
    let (new, _) = read_policy(config, std::slice::from_ref(&arguments.new))?;
    let (_, old) = compile_point(&old, &map, point)?;
    let (target, new) = compile_point(&new, &map, point)?;
    let changes = enforcer_policy::changes(&old.ruleset, &new.ruleset, &map);
    let text = (target.render)(&old.ruleset, &enforcer_targets::RenderOptions::default())?.text;
    let packets = match enforcer_targets::prove(target, &new.ruleset, &text) {
        Ok(_) => None,
        Err(enforcer_targets::NotProven::Differs(difference)) => Some(difference),
        Err(other) => return Err(other.into()),
    };
    match cli.output {
        Output::Json => println!(
            "{}",
            json!({"equal": packets.is_none(), "conversations": changes, "witness": packets.as_ref().map(|found| found.packet.to_string())})
        ),
        Output::Table => {
            let rows = changes.iter().map(|change| {
                let verdict = if change.is_cut { "cut" } else { "opened" };
                let rule = |id: &Option<String>| id.clone().unwrap_or_else(|| "-".into());
                vec![
                    change.source.to_string(),
                    change.destination.to_string(),
                    change.service.to_string(),
                    verdict.into(),
                    rule(&change.rule_before),
                    rule(&change.rule_after),
                ]
            });
            if !changes.is_empty() {
                println!("{}", table(&["client", "server", "service", "becomes", "by rule before", "by rule after"], rows));
            }
            match &packets {
                None => println!("equal: no packet gets another verdict at `{}`", point.name),
                Some(found) => {
                    println!("{} observed conversations change; for example this packet changes: {}", changes.len(), found.packet)
                }
            }
        }
    }
    Ok(if packets.is_none() { Exit::Done } else { Exit::ChangesPending })
}

pub fn explain(cli: &Cli, config: &Config, arguments: &Explain) -> Result<Exit> {
    let Loaded { policy, map, .. } = Loaded::read(config, &arguments.documents)?;
    let (protocol, port) = service(&arguments.service)?;
    let (source, destination) = (address(&map, &arguments.from)?, address(&map, &arguments.to)?);
    if source.is_ipv4() != destination.is_ipv4() {
        bail!("`{}` is {source} and `{}` is {destination}: packets do not change their IP version", arguments.from, arguments.to);
    }
    let protocol = if protocol == 1 && source.is_ipv6() { 58 } else { protocol };
    let echo_request = if protocol == 58 { 128 } else { 8 };
    let (source_port, destination_port) = if matches!(protocol, 1 | 58) { (echo_request, 0) } else { (49152, port) };
    let now = clock::now();
    let minute_of_week = clock::minute_of_week(now);
    let ports = (source_port, destination_port);
    let packet = Packet::new(source, destination, protocol, ports, ConnectionState::New, minute_of_week);
    let explanation = enforcer_policy::explain(&policy, &map, &packet, now).map_err(|found| refused(&found))?;
    match cli.output {
        Output::Json => println!(
            "{}",
            json!({"packet": packet.to_string(), "rule": explanation.rule, "place": explanation.place, "explanation": explanation.to_string()})
        ),
        Output::Table => println!("{explanation}"),
    }
    for point in &config.points {
        let (target, compiled) = compile_point(&policy, &map, point)?;
        let (_, Some(rule)) = compiled.ruleset.decide(&packet) else { continue };
        let rendering = (target.render)(&compiled.ruleset, &enforcer_targets::RenderOptions::default())?;
        for (line, text) in rendering.lines_of(&rule.id).filter(|_| cli.output == Output::Table) {
            println!("at `{}`, line {line}: {}", point.name, text.trim());
        }
    }
    Ok(Exit::Done)
}

/// `tcp/502`, `udp/53`, `icmp` to protocol number and port.
fn service(text: &str) -> Result<(u8, u16)> {
    let refused = || format!("`{text}` is not a service; write it as tcp/502, udp/53 or icmp");
    let (protocol, port) = text.split_once('/').unwrap_or((text, "0"));
    let port = port.parse().with_context(refused)?;
    match protocol {
        "icmp" => Ok((1, 0)),
        "tcp" if port > 0 => Ok((6, port)),
        "udp" if port > 0 => Ok((17, port)),
        _ => bail!(refused()),
    }
}

/// An address, or the address that an asset used last.
fn address(map: &FlowMap, name: &str) -> Result<std::net::IpAddr> {
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    let asset = map.assets.iter().find(|asset| asset.label == name || asset.id.as_str() == name);
    let asset = asset
        .with_context(|| format!("`{name}` is neither an address nor an asset of the flow map; `sensor assets` lists them"))?;
    let newest = asset.addresses.iter().max_by_key(|used| used.last_seen);
    newest.map(|used| used.address).with_context(|| format!("asset `{name}` was never seen with an address"))
}
