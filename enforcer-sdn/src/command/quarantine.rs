//! `quarantine` and `release`: one asset shut in for a while and let out again, on the same way as every other change: recorded in
//! the state folder, planned, applied with a timer, confirmed. Every later plan holds it until it ends.

use std::net::IpAddr;
use std::time::Instant;

use anyhow::{Result, bail};
use enforcer_policy::Quarantine;
use sensor_model::{AssetId, FlowMap};
use serde_json::json;

use crate::cli::{Cli, Output, QuarantineArgs, Release, Way};
use crate::command::plan::Made;
use crate::command::{Loaded, devices, plan, read_map};
use crate::config::Config;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::store::{self, Store, write_atomically};
use crate::{apply, clock};

pub fn quarantine(cli: &Cli, config: &Config, arguments: &QuarantineArgs, started: Instant) -> Result<Exit> {
    if arguments.owner.trim().is_empty() || arguments.reason.trim().is_empty() {
        bail!("--owner and --reason say who answers for it and why; neither may be empty");
    }
    let now = clock::now();
    // An address needs nobody to say whose it is.
    let has_map = !arguments.documents.flowmap.is_empty() || !config.flowmap.is_empty();
    let map = if has_map || arguments.asset.parse::<IpAddr>().is_err() {
        read_map(config, &arguments.documents.flowmap)?.0
    } else {
        enforcer_policy::merge(&[])
    };
    let (asset, label, addresses) = find(&map, &arguments.asset)?;
    let known = store::quarantines(&config.state)?;
    if let Some(known) = known.iter().find(|known| known.asset == asset && known.is_active(now)) {
        bail!("`{label}` is in quarantine since {} until {} ({}); `release` it first", known.since, known.expires, known.reason);
    }
    let record = Quarantine {
        asset,
        label,
        addresses,
        since: now,
        expires: now + arguments.duration,
        owner: arguments.owner.clone(),
        reason: arguments.reason.clone(),
        ticket: arguments.ticket.clone(),
    };
    let before = known.into_iter().find(|known| known.asset == record.asset);
    Store::open(&config.state)?.quarantine(&record)?;
    let made = make(config, &arguments.documents);
    let Made { plan: sealed, shut_in } = match made {
        Ok(made) => made,
        Err(error) => {
            // Without a plan nothing is recorded: a record that no plan can hold would stop every other change.
            let store = Store::open(&config.state)?;
            match &before {
                Some(before) => store.quarantine(before)?,
                None => store.release(&record.asset)?,
            }
            return Err(error.context("nobody was put in quarantine"));
        }
    };
    Store::open(&config.state)?.journal(now, "quarantined", &sealed.id, &words(&record))?;
    if cli.output == Output::Table {
        let label = record.label.escape_debug();
        println!("`{label}` ({}) is in quarantine until {}: {}", record.asset, record.expires, record.reason);
        let own: Vec<_> = shut_in.iter().filter(|fate| fate.client == record.asset || fate.server == record.asset).collect();
        if !own.is_empty() {
            println!("conversations in use that it stops: {}", own.len());
            own.iter().for_each(|fate| println!("  {}", plan::words(fate)));
        }
    }
    finish(cli, config, &sealed, &arguments.way, ("quarantined", &record.asset), started)
}

pub fn release(cli: &Cli, config: &Config, arguments: &Release, started: Instant) -> Result<Exit> {
    let now = clock::now();
    let known = store::quarantines(&config.state)?;
    let address: Option<IpAddr> = arguments.asset.parse().ok();
    let wanted = |one: &&Quarantine| {
        one.label == arguments.asset
            || one.asset.as_str() == arguments.asset
            || address.is_some_and(|address| one.addresses.contains(&address))
    };
    let record = match known.iter().filter(wanted).collect::<Vec<_>>().as_slice() {
        [one] => (*one).clone(),
        [] if known.is_empty() => bail!("nobody is in quarantine"),
        [] => bail!("`{}` is not in quarantine; there are: {}", arguments.asset, labels(&known)),
        several => bail!("`{}` means several; name one by its id: {}", arguments.asset, ids(several)),
    };
    Store::open(&config.state)?.release(&record.asset)?;
    let Made { plan, .. } = match make(config, &arguments.documents) {
        Ok(made) => made,
        Err(error) => {
            Store::open(&config.state)?.quarantine(&record)?;
            return Err(error.context("nobody was released"));
        }
    };
    Store::open(&config.state)?.journal(now, "released", &plan.id, &words(&record))?;
    if cli.output == Output::Table {
        println!("`{}` ({}) is free again once the plan is applied", record.label.escape_debug(), record.asset);
    }
    finish(cli, config, &plan, &arguments.way, ("released", &record.asset), started)
}

fn words(record: &Quarantine) -> String {
    // The id first: `report` looks for it.
    format!("{} ({}) until {}, by {}: {}", record.asset, record.label, record.expires, record.owner, record.reason)
}

fn labels(known: &[Quarantine]) -> String {
    known.iter().map(|one| format!("{} ({})", one.label, one.asset)).collect::<Vec<_>>().join(", ")
}

fn ids(known: &[&Quarantine]) -> String {
    known.iter().map(|one| one.asset.to_string()).collect::<Vec<_>>().join(", ")
}

/// The plan with the records as they stand. Nothing but what the quarantines themselves stop may be cut.
fn make(config: &Config, documents: &crate::cli::Documents) -> Result<Made> {
    plan::make(config, Loaded::read_for_text(config, documents)?, false)
}

fn finish(cli: &Cli, config: &Config, plan: &Plan, way: &Way, done: (&str, &AssetId), started: Instant) -> Result<Exit> {
    if let Some(path) = &way.out {
        write_atomically(path, plan.to_json()?.as_bytes())?;
    }
    if cli.output == Output::Table {
        plan::print_plan(plan);
    }
    if way.apply {
        // Who waits for a plan of their own must not be overtaken.
        apply::recover(config)?;
        return devices::carry_out(cli, config, plan, way.confirm, way.detach, started);
    }
    match (cli.output, &way.out) {
        (Output::Json, _) => println!("{}", json!({"event": done.0, "asset": done.1, "plan": plan.id, "file": way.out})),
        (Output::Table, Some(path)) => println!("next: enforcer-sdn apply {} --confirm 10m", path.display()),
        (Output::Table, None) => {
            println!("no device has it yet: it is in every plan from now on; next: enforcer-sdn plan --out FILE, and apply that");
        }
    }
    Ok(plan::exit_of(plan))
}

/// An asset of the map, or an address that nobody was seen with.
fn find(map: &FlowMap, name: &str) -> Result<(AssetId, String, Vec<IpAddr>)> {
    let current = enforcer_policy::resolve::current_addresses(map);
    let address: Option<IpAddr> = name.parse().ok();
    let owns = |id: &AssetId| address.is_some_and(|address| current.get(id).is_some_and(|own| own.contains(&address)));
    let named: Vec<_> =
        map.assets.iter().filter(|asset| asset.id.as_str() == name || asset.label == name || owns(&asset.id)).collect();
    match (named.as_slice(), address) {
        ([asset], _) => {
            let addresses = current.get(&asset.id).cloned().unwrap_or_default();
            if addresses.is_empty() {
                bail!("`{name}` has no address of its own today, and rules are about addresses");
            }
            Ok((asset.id.clone(), asset.label.clone(), addresses))
        }
        ([], Some(address)) => Ok((AssetId::of_ip(address), address.to_string(), vec![address])),
        ([], None) => {
            bail!("`{name}` is neither an address nor an asset of the flow map; `sensor assets` lists them")
        }
        (several, _) => {
            let ids = several.iter().map(|asset| asset.id.to_string()).collect::<Vec<_>>().join(", ");
            bail!("`{name}` means several assets; name one by its id: {ids}")
        }
    }
}
