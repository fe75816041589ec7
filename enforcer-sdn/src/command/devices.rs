//! The commands that change or compare devices: apply, confirm, rollback, drift.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use crate::cli::{Apply, Cli, Output};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::plan::Plan;
use crate::store::{self, Store};
use crate::watchdog::Arm;
use crate::{apply, driver};

/// How often a waiting `apply` looks whether its plan was confirmed.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

pub fn apply(cli: &Cli, config: &Config, arguments: &Apply, started: Instant) -> Result<Exit> {
    let plan = Plan::read(&arguments.plan)?;
    carry_out(cli, config, &plan, arguments.confirm, arguments.detach, started)
}

/// Applies a plan, tells it, and waits for its end unless told not to.
pub fn carry_out(
    cli: &Cli,
    config: &Config,
    plan: &Plan,
    confirm_within: Option<Duration>,
    detach: bool,
    started: Instant,
) -> Result<Exit> {
    let confirm_within = confirm_within.unwrap_or(config.confirm_within);
    let report = apply::apply(config, &Arm { config: cli.config.clone() }, plan, confirm_within, started)?;
    let points: Vec<&str> = plan.points.iter().map(|point| point.name.as_str()).collect();
    match cli.output {
        Output::Json => println!(
            "{}",
            json!({"plan": plan.id, "points": points, "took_ms": report.took.as_millis(), "connections_examined": report.cut.examined,
                "connections_cut": report.cut.removed, "rolls_back_at": report.deadline})
        ),
        Output::Table => {
            println!(
                "applied plan {} to {} in {} ms; read back and found equal",
                plan.short_id(),
                points.join(", "),
                report.took.as_millis()
            );
            println!("connections: {} tracked, {} denied now and cut", report.cut.examined, report.cut.removed);
            println!("rolls back by itself at {} unless you run `enforcer-sdn confirm`", report.deadline);
        }
    }
    if detach { Ok(Exit::Done) } else { wait(config, plan) }
}

/// Stays until the plan is confirmed or gone.
fn wait(config: &Config, plan: &Plan) -> Result<Exit> {
    loop {
        if store::pending(&config.state)?.is_none_or(|pending| pending.applied.plan.id != plan.id) {
            break;
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
    let confirmed = Store::open(&config.state)?.confirmed()?.is_some_and(|applied| applied.plan.id == plan.id);
    if confirmed {
        println!("confirmed");
        return Ok(Exit::Done);
    }
    eprintln!("not confirmed in time: rolled back, everything is as before");
    Ok(Exit::RolledBack)
}

pub fn confirm(cli: &Cli, config: &Config) -> Result<Exit> {
    let plan = apply::confirm(config)?;
    say(cli, "confirmed", &plan);
    Ok(Exit::Done)
}

pub fn rollback(cli: &Cli, config: &Config) -> Result<Exit> {
    let plan = apply::roll_back(config)?;
    say(cli, "rolled back", &plan);
    Ok(Exit::Done)
}

fn say(cli: &Cli, what: &str, plan: &Plan) {
    match cli.output {
        Output::Json => println!("{}", json!({"plan": plan.id, "event": what})),
        Output::Table => println!("{what} plan {}", plan.short_id()),
    }
}

pub fn drift(cli: &Cli, config: &Config) -> Result<Exit> {
    apply::recover(config)?;
    let found = drifted(config)?;
    match cli.output {
        Output::Json => println!("{}", json!({"drift": found})),
        Output::Table if found.is_empty() => println!("no drift: every enforcement point runs what was confirmed"),
        Output::Table => found.iter().for_each(|line| println!("{line}")),
    }
    Ok(if found.is_empty() { Exit::Done } else { Exit::Drift })
}

/// One sentence for each point that does not run what was applied last.
pub fn drifted(config: &Config) -> Result<Vec<String>> {
    let store = Store::open(&config.state)?;
    let current = match store.pending()? {
        Some(pending) => Some(pending.applied),
        None => store.confirmed()?,
    };
    let Some(applied) = current else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for point in &applied.plan.points {
        let driver = driver::open(config.point(Some(&point.name))?)?;
        let wanted = apply::parsed(&point.target, &point.text).context("the confirmed plan's own text")?;
        if let Err(error) = apply::same(driver.as_ref(), &point.target, &point.name, &wanted) {
            match error.downcast_ref::<Failure>() {
                Some(failure) => found.push(failure.message.clone()),
                None => return Err(error),
            }
        }
    }
    Ok(found)
}
