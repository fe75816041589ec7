//! The commands that judge a policy: check, simulate.

use anyhow::Result;
use enforcer_policy::{Diagnostic, Impact, Severity};
use enforcer_policy::{Outcome, Proof, Standing};
use sensor_model::FlowMap;
use serde_json::json;

use crate::cli::{Cli, Documents, Output};
use crate::clock;
use crate::command::plan::compile_point;
use crate::command::{Loaded, counted, gaps, read_map, read_policy, refused, table};
use crate::config::Config;
use crate::exit::Exit;

/// Lints whose finding is about care, not about packets: exit code 8.
const HYGIENE: &[&str] = &["expired", "ownerless", "review-passed"];

pub fn check(cli: &Cli, config: &Config, arguments: &Documents) -> Result<Exit> {
    let (policy, _) = read_policy(config, &arguments.policy)?;
    let wants_map = !arguments.flowmap.is_empty() || !config.flowmap.is_empty();
    let map = if wants_map { Some(read_map(config, &arguments.flowmap)?.0) } else { None };
    let mut found = enforcer_policy::check(&policy, map.as_ref(), clock::now());
    let compilable = map.clone().or_else(|| enforcer_policy::needs_map(&policy).is_empty().then(|| enforcer_policy::merge(&[])));
    if let Some(map) = compilable.as_ref().filter(|_| found.iter().all(|finding| finding.severity != Severity::Error)) {
        // What a configured device cannot do is no fault of the policy, and nobody should learn it from the device.
        for point in &config.points {
            let mut gaps = gaps::texts(&compile_point(&policy, map, point)?.1.gaps);
            if cli.output == Output::Table {
                gaps = gaps::folded(&gaps);
            }
            found.extend(gaps.iter().map(|gap| Diagnostic::note("gap", format!("at `{}`: {gap}", point.name))));
        }
    }
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
            match fate.beyond.as_slice() {
                [] => fate.why.clone(),
                beyond => format!("{}; BEYOND the rule's operations: {}", fate.why, beyond.join(", ")),
            },
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
