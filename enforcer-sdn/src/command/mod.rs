//! One function a command. Each reads its documents, asks a pure room, prints, and says its exit code.

mod devices;
mod diff;
mod explain;
mod gaps;
mod judge;
mod learn;
mod lift;
mod mud;
mod plan;
mod prove;
mod quarantine;
mod report;
mod serve;
mod update;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use comfy_table::{ContentArrangement, Table, presets};
use enforcer_policy::{Diagnostic, Policy, Severity};
use sensor_model::FlowMap;

use crate::cli::{Cli, Command, Documents};
use crate::config::Config;
use crate::exit::{Exit, failure};
use crate::plan::{Input, sha256};
use crate::watchdog;
use crate::{clock, documents, store};

/// Runs the command that was asked for.
pub fn run(cli: &Cli, started: Instant) -> Result<Exit> {
    let config = Config::load(cli.config.as_deref())?;
    match &cli.command {
        Command::Learn(arguments) => learn::learn(cli, &config, arguments),
        Command::Check(arguments) => judge::check(cli, &config, arguments),
        Command::Simulate(arguments) => judge::simulate(cli, &config, arguments),
        Command::Diff(arguments) => diff::diff(cli, &config, arguments),
        Command::Explain(arguments) => explain::explain(cli, &config, arguments),
        Command::Plan(arguments) => plan::plan(cli, &config, arguments),
        Command::Render(arguments) => prove::render(cli, &config, arguments),
        Command::Prove(arguments) => prove::prove(cli, &config, arguments),
        Command::Update(arguments) => update::update(cli, &config, arguments),
        Command::Targets => prove::targets(cli),
        Command::Quarantine(arguments) => quarantine::quarantine(cli, &config, arguments, started),
        Command::Release(arguments) => quarantine::release(cli, &config, arguments, started),
        Command::Report(arguments) => report::report(cli, &config, arguments),
        Command::Mud(arguments) => mud::import(cli, arguments),
        Command::Schema => {
            print!("{}", enforcer_policy::schema());
            Ok(Exit::Done)
        }
        Command::Apply(arguments) => devices::apply(cli, &config, arguments, started),
        Command::Confirm => devices::confirm(cli, &config),
        Command::Rollback => devices::rollback(cli, &config),
        Command::Drift => devices::drift(cli, &config),
        Command::Verify(arguments) => verify::verify(cli, &config, arguments),
        Command::Serve => serve::serve(cli, &config),
        Command::Watchdog { plan } => watchdog::run(&config, plan).map(|()| Exit::Done),
    }
}

/// A policy and the merged flow maps that give its names their addresses.
struct Loaded {
    policy: Policy,
    map: FlowMap,
    policy_inputs: Vec<Input>,
    map_inputs: Vec<Input>,
}

impl Loaded {
    /// What the options name, else what the configuration names.
    fn read(config: &Config, arguments: &Documents) -> Result<Self> {
        let (policy, policy_inputs) = read_policy(config, &arguments.policy)?;
        let (map, map_inputs) = read_map(config, &arguments.flowmap)?;
        Ok(Self { policy, map, policy_inputs, map_inputs })
    }

    /// The same for texts, which zones of prefixes need no flow map for. A zone that does need one is refused: without its assets it
    /// would be smaller than the policy says.
    fn read_for_text(config: &Config, arguments: &Documents) -> Result<Self> {
        if !arguments.flowmap.is_empty() || !config.flowmap.is_empty() {
            return Self::read(config, arguments);
        }
        let (policy, policy_inputs) = read_policy(config, &arguments.policy)?;
        let lacking = enforcer_policy::needs_map(&policy);
        if !lacking.is_empty() {
            return Err(refused(&lacking));
        }
        eprintln!("no flow map given: the zones are their prefixes, and what observed traffic the rules would cut is not known");
        Ok(Self { policy, map: enforcer_policy::merge(&[]), policy_inputs, map_inputs: Vec::new() })
    }
}

fn read_policy(config: &Config, option: &[PathBuf]) -> Result<(Policy, Vec<Input>)> {
    let paths = if option.is_empty() { &config.policy } else { option };
    if paths.is_empty() {
        bail!("no policy given; add --policy FILE (`enforcer-sdn learn` writes a first one)");
    }
    let named: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let load = |path: &str| documents::text(Path::new(path)).map_err(|error| error.root_cause().to_string());
    let files = enforcer_policy::gather(&named, load).map_err(|found| refused(&found))?;
    let shut_in = store::quarantines(&config.state)?;
    let policy = enforcer_policy::read_quarantined(&files, &shut_in, clock::now()).map_err(|found| refused(&found))?;
    let inputs = files.iter().map(|file| Input { name: file.name.clone(), sha256: sha256(file.text.as_bytes()) }).collect();
    Ok((policy, inputs))
}

fn read_map(config: &Config, option: &[String]) -> Result<(FlowMap, Vec<Input>)> {
    let names = if option.is_empty() { &config.flowmap } else { option };
    let (maps, inputs): (Vec<FlowMap>, Vec<Input>) =
        documents::flow_maps(names)?.into_iter().map(|loaded| (loaded.map, loaded.input)).unzip();
    Ok((enforcer_policy::merge(&maps), inputs))
}

/// Prints what is wrong with a document, and ends the command.
fn refused(found: &[Diagnostic]) -> anyhow::Error {
    found.iter().for_each(|finding| eprintln!("{finding}"));
    let errors = found.iter().filter(|finding| finding.severity == Severity::Error).count();
    failure(Exit::Error, format!("the policy has {errors} error{}; nothing was done", if errors == 1 { "" } else { "s" }))
}

/// A table as every command prints it.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_header(head.iter().copied());
    if !std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        table.set_width(120);
    }
    table.add_rows(rows);
    table
}

/// `1 rule`, `2 rules`.
pub fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
