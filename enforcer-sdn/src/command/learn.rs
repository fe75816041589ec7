//! `learn`: flow maps to a policy proposal.

use anyhow::{Context, Result};
use enforcer_policy::{LearnOptions, Mode};
use serde_json::json;

use crate::cli::{Cli, Learn, ModeArg, Output};
use crate::command::{counted, refused, table};
use crate::config::Config;
use crate::documents;
use crate::exit::Exit;
use crate::store::write_atomically;

pub fn learn(cli: &Cli, config: &Config, arguments: &Learn) -> Result<Exit> {
    let names = if arguments.flowmap.is_empty() { &config.flowmap } else { &arguments.flowmap };
    let maps: Vec<_> = documents::flow_maps(names)?.into_iter().map(|loaded| loaded.map).collect();
    let mode = match arguments.mode {
        ModeArg::Observe => Mode::Observe,
        ModeArg::Simulate => Mode::Simulate,
        ModeArg::Enforce => Mode::Enforce,
    };
    let review_by =
        arguments.review_by.as_deref().map(str::parse).transpose().context("--review-by takes a date like 2027-05-31")?;
    let options = LearnOptions { owner: arguments.owner.clone(), review_by, mode, ..LearnOptions::default() };
    let proposal = enforcer_policy::learn(&maps, &options).map_err(|found| refused(&found))?;
    let Some(path) = &arguments.out else {
        print!("{}", proposal.text);
        return Ok(Exit::Done);
    };
    write_atomically(path, proposal.text.as_bytes())?;
    if cli.output == Output::Json {
        println!(
            "{}",
            json!({"file": path, "zones": proposal.zones, "rules": proposal.rules, "not_proposed": proposal.not_proposed.len()})
        );
        return Ok(Exit::Done);
    }
    println!(
        "{}: {} and {}, mode {}",
        path.display(),
        counted(proposal.zones, "zone"),
        counted(proposal.rules, "rule"),
        mode.as_str()
    );
    if !proposal.not_proposed.is_empty() {
        println!("not proposed:");
        let rows = proposal.not_proposed.iter().map(|left| {
            vec![left.client.clone(), left.server.clone(), left.service.clone(), left.flows.to_string(), left.why.to_owned()]
        });
        println!("{}", table(&["client", "server", "service", "flows", "why"], rows));
    }
    println!("read it, give it owners, then: enforcer-sdn check --policy {}", path.display());
    Ok(Exit::Done)
}
