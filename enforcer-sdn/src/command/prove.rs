//! The commands about text: render, prove, targets.

use anyhow::{Context, Result, bail};
use enforcer_targets::{NotProven, counterexample};
use serde_json::json;

use crate::cli::{AtPoint, Cli, Output, Prove, Render};
use crate::command::plan::{compile_for, place_of, proven_text};
use crate::command::{Loaded, counted, gaps, table};
use crate::config::{Config, Point};
use crate::documents;
use crate::exit::{Exit, failure};
use crate::store::write_atomically;

pub fn render(cli: &Cli, config: &Config, arguments: &Render) -> Result<Exit> {
    let Loaded { policy, map, .. } = Loaded::read_for_text(config, &arguments.documents)?;
    let (point, target) = chosen(config, &arguments.at)?;
    let (target, compiled) = compile_for(&policy, &map, &point, &target)?;
    let (text, bill) = proven_text(&point, target, &compiled)?;
    let gaps = gaps::texts(&compiled.gaps);
    gaps::folded(&gaps).iter().for_each(|gap| eprintln!("gap {gap}"));
    eprintln!("takes {}", bill.words());
    if let Some(path) = &arguments.out {
        write_atomically(path, text.as_bytes())?;
    }
    match (cli.output, &arguments.out) {
        (Output::Json, file) => {
            let text = file.is_none().then_some(text);
            println!(
                "{}",
                json!({"point": point.name, "target": target.name, "gaps": gaps, "bill": bill, "file": file, "text": text})
            );
        }
        (Output::Table, None) => print!("{text}"),
        (Output::Table, Some(_)) => {}
    }
    Ok(Exit::Done)
}

pub fn prove(cli: &Cli, config: &Config, arguments: &Prove) -> Result<Exit> {
    let Loaded { policy, map, .. } = Loaded::read_for_text(config, &arguments.documents)?;
    let (point, target) = chosen(config, &arguments.at)?;
    let (target, compiled) = compile_for(&policy, &map, &point, &target)?;
    let name = arguments.text.display().to_string();
    let text = documents::text(&arguments.text)?;
    match enforcer_targets::prove_at(target, &compiled.ruleset, &text, &place_of(&point, &compiled)?) {
        Ok(proof) => {
            match cli.output {
                Output::Json => println!(
                    "{}",
                    json!({"proven": true, "text": name, "rules": compiled.ruleset.rules.len(), "notes": proof.notes})
                ),
                Output::Table => {
                    println!(
                        "proven: `{name}` denies and logs the same packets as the policy ({})",
                        counted(compiled.ruleset.rules.len(), "rule")
                    );
                    proof.notes.iter().for_each(|note| println!("note: {note}"));
                }
            }
            Ok(Exit::Done)
        }
        Err(NotProven::Differs(difference)) => {
            write_atomically(&arguments.counterexample, &counterexample::pcap(&difference.packet))?;
            let message = format!("{name}: {difference} (the packet is in `{}`)", arguments.counterexample.display());
            Err(failure(Exit::ProofFailed, message))
        }
        Err(NotProven::Unreadable(error)) => Err(failure(Exit::ProofFailed, format!("{name}:{error}"))),
        Err(NotProven::TooLarge(limit)) => Err(failure(Exit::ProofFailed, format!("{name}: not proven: {limit}"))),
    }
}

pub fn targets(cli: &Cli) -> Result<Exit> {
    let all = enforcer_targets::TARGETS;
    if cli.output == Output::Json {
        println!("{}", json!(all.iter().map(|target| json!({"name": target.name, "title": target.title})).collect::<Vec<_>>()));
        return Ok(Exit::Done);
    }
    let yes = |can: bool| if can { "yes" } else { "no" }.to_owned();
    let rows = all.iter().map(|target| {
        let can = target.capability;
        vec![target.name.into(), target.title.into(), yes(can.stateful), yes(can.ipv6), yes(can.log_only), yes(can.schedule)]
    });
    println!("{}", table(&["target", "what it is", "stateful", "IPv6", "log only", "schedule"], rows));
    Ok(Exit::Done)
}

/// The configured point, as the arguments have it; without any, one that is only rendered for.
pub fn chosen(config: &Config, at: &AtPoint) -> Result<(Point, String)> {
    let (mut point, target) = if config.points.is_empty() && at.point.is_none() {
        let Some(target) = &at.target else { bail!("no enforcement point is configured; name a dialect with --target") };
        (Point::unreached(target), target.clone())
    } else {
        let point = config.point(at.point.as_deref()).context("for which device")?.clone();
        let target = at.target.as_ref().unwrap_or(&point.target).clone();
        (point, target)
    };
    point.narrow |= at.narrow;
    point.zones.extend(at.zone.iter().cloned());
    point.one_way |= at.one_way;
    point.device_zones.extend(at.device_zone.iter().cloned());
    Ok((point, target))
}
