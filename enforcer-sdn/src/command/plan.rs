//! `plan`: policy and flow map to proven texts for every enforcement point, compared with what runs there now.

use std::path::Path;

use anyhow::{Context, Result, bail};
use enforcer_packetset::{AddressSet, Prefix};
use enforcer_policy::{Compiled, EnforcementPoint, Logs, Policy, Sees, Side, Times};
use enforcer_policy::{Fate, Outcome, Standing};
use enforcer_targets::cost::Hardware;
use enforcer_targets::{Capability, DeviceZones, NotProven, OwnNames, Place, RenderOptions, Target};
use sensor_model::{AssetId, FlowMap};

use crate::capacity::{self, Bill};
use crate::cli::{Cli, Output, PlanArgs};
use crate::command::{Loaded, counted, gaps, refused};
use crate::config::{Config, Point};
use crate::exit::{Exit, failure};
use crate::plan::{Plan, PointPlan, running_sha256};
use crate::store::{self, Store, write_atomically};
use crate::{apply, clock, driver};

/// Rules of a bill that are printed; the plan itself has them all.
const BILLED_RULES: usize = 20;

pub fn plan(cli: &Cli, config: &Config, arguments: &PlanArgs) -> Result<Exit> {
    let loaded = Loaded::read_for_text(config, &arguments.documents)?;
    let Made { plan, .. } = make(config, loaded, arguments.accept_cuts)?;
    if let Some(path) = &arguments.out {
        write_atomically(path, plan.to_json()?.as_bytes())?;
    }
    match cli.output {
        Output::Json => print!("{}", plan.to_json()?),
        Output::Table => {
            print_plan(&plan);
            print_next(&plan, arguments.out.as_deref());
        }
    }
    Ok(exit_of(&plan))
}

/// What a plan asks of whoever made it.
pub fn exit_of(plan: &Plan) -> Exit {
    match (plan.cuts.is_empty() || plan.cuts_accepted, plan.changes_anything()) {
        (false, _) => Exit::TrafficWouldBreak,
        (true, true) => Exit::ChangesPending,
        (true, false) => Exit::Done,
    }
}

/// A plan, and what it cuts because somebody was put in quarantine: that was ordered, so nobody is asked again.
pub struct Made {
    pub plan: Plan,
    pub shut_in: Vec<Fate>,
}

/// The plan for every configured point. `cuts_accepted`: the conversations that it cuts are meant to be cut.
pub fn make(config: &Config, loaded: Loaded, cuts_accepted: bool) -> Result<Made> {
    if config.points.is_empty() {
        bail!("the configuration names no enforcement point; add a [[point]] section, or use `render` to only see the text");
    }
    let Loaded { policy, map, policy_inputs, map_inputs } = loaded;
    let now = clock::now();
    let impact = enforcer_policy::simulate(&policy, &map, now).map_err(|found| refused(&found))?;
    let is_cut =
        |fate: &&Fate| fate.outcome == Outcome::Denied && fate.mode == Some("enforce") && fate.standing == Standing::Answered;
    let mut quarantined: Vec<AssetId> =
        store::quarantines(&config.state)?.into_iter().filter(|one| one.is_active(now)).map(|one| one.asset).collect();
    quarantined.sort_unstable();
    let is_ordered = |fate: &&Fate| quarantined.contains(&fate.client) || quarantined.contains(&fate.server);
    let (ordered, cut): (Vec<&Fate>, Vec<&Fate>) = impact.conversations.iter().filter(is_cut).partition(is_ordered);
    let (cuts, shut_in) = (cut.into_iter().map(words).collect(), ordered.into_iter().cloned().collect());
    let mut points = Vec::new();
    let mut valid_until = None;
    for point in &config.points {
        let (target, compiled) = compile_point(&policy, &map, point)?;
        points.push(plan_point(point, target, &compiled)?);
        valid_until = [valid_until, compiled.valid_until].into_iter().flatten().min();
    }
    let parent = Store::open(&config.state)?.confirmed()?.map(|applied| applied.plan.id);
    let plan = Plan {
        schema: String::new(),
        id: String::new(),
        parent,
        made_at: now,
        policy: policy_inputs,
        flowmaps: map_inputs,
        valid_until,
        cuts,
        cuts_accepted,
        quarantined,
        points,
    };
    Ok(Made { plan: plan.seal()?, shut_in })
}

/// One conversation and what becomes of it, on one line: a host chooses its own label.
pub fn words(fate: &Fate) -> String {
    let (client, server) = (fate.client_label.escape_debug(), fate.server_label.escape_debug());
    format!("{client} -> {server} {}: {}", fate.service, fate.why)
}

/// The dialect of a point, and the ruleset that it shall hold.
pub fn compile_point(policy: &Policy, map: &FlowMap, point: &Point) -> Result<(&'static Target, Compiled)> {
    compile_for(policy, map, point, &point.target)
}

/// The same in another dialect.
pub fn compile_for(policy: &Policy, map: &FlowMap, point: &Point, target: &str) -> Result<(&'static Target, Compiled)> {
    let known = || enforcer_targets::TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    let found = enforcer_targets::find(target).with_context(|| format!("unknown target `{target}`; known: {}", known()))?;
    let Capability { stateful, log, log_only, schedule, .. } = found.capability;
    let times = if point.narrow && !schedule { Times::Narrowed } else { Times::Kept };
    let logs = if point.narrow && !log { Logs::LeftOut } else { Logs::Kept };
    let sees = sees(point)?;
    let compress = point.capacity.is_some_and(|capacity| capacity.compress);
    let (zones, one_way, device_zones) = (point.zones.clone(), point.one_way, point.device_zones.clone());
    let described = EnforcementPoint {
        sees,
        zones,
        one_way,
        device_zones,
        names_overlap: matches!(found.own_names, OwnNames::Labels(_)),
        stateful,
        log_only,
        logs,
        times,
        compress,
        ..EnforcementPoint::new(&point.name, target)
    };
    let compiled = enforcer_policy::compile(policy, map, &described, clock::now()).map_err(|found| refused(&found))?;
    let refused = |what| anyhow::anyhow!("enforcement point `{}`, `device_zones`: {what}", point.name);
    found.check_names(&device_zones_of(&compiled)).map_err(refused)?;
    Ok((found, compiled))
}

/// What is behind the device's own names.
pub fn device_zones_of(compiled: &Compiled) -> DeviceZones {
    DeviceZones::new(compiled.device_zones.clone())
}

/// With the device's own names.
pub fn render_options(compiled: &Compiled) -> RenderOptions {
    RenderOptions { zones: device_zones_of(compiled), ..RenderOptions::default() }
}

/// Where the point stands.
pub fn place_of(point: &Point, compiled: &Compiled) -> Result<Place> {
    let sides = match sees(point)? {
        Sees::Everything => Vec::new(),
        Sees::Between(named) => {
            let mut sides: Vec<AddressSet> = named.into_iter().map(|side| side.addresses).collect();
            // What is on no side is one more: the uplink.
            let inside = sides.iter().fold(AddressSet::empty(), |all, side| all.union(side));
            sides.push(AddressSet::full().difference(&inside));
            sides
        }
    };
    Ok(Place { zones: device_zones_of(compiled), sides })
}

/// What crosses a point.
pub fn sees(point: &Point) -> Result<Sees> {
    let side = |(name, prefixes): (&String, &Vec<String>)| -> Result<Side> {
        let prefixes: Result<Vec<Prefix>, String> = prefixes.iter().map(|prefix| prefix.parse()).collect();
        let prefixes =
            prefixes.map_err(|refused| anyhow::anyhow!("enforcement point `{}`, side `{name}`: {refused}", point.name))?;
        Ok(Side { name: name.clone(), addresses: prefixes.into_iter().collect() })
    };
    if point.sides.is_empty() {
        return Ok(Sees::Everything);
    }
    Ok(Sees::Between(point.sides.iter().map(side).collect::<Result<_>>()?))
}

/// The text of a ruleset, read back by the dialect's own parser and found equal, and what it costs: no more than the point holds.
/// Anything else is no text.
pub fn proven_text(point: &Point, target: &Target, compiled: &Compiled) -> Result<(String, Bill)> {
    let rendering = (target.render)(&compiled.ruleset, &render_options(compiled))
        .with_context(|| format!("cannot write the rules of `{}` for {}", compiled.ruleset.point, target.name))?;
    let hardware = point.capacity.map_or_else(Hardware::default, |capacity| capacity.hardware());
    let cost = (target.cost)(&compiled.ruleset, &rendering, &hardware);
    capacity::check(&point.name, &cost, point.capacity.as_ref())?;
    let place = Place { zones: device_zones_of(compiled), sides: Vec::new() };
    match enforcer_targets::prove_at(target, &compiled.ruleset, &rendering.text, &place) {
        Ok(_) => Ok((rendering.text, Bill::new(&cost, point.capacity.as_ref()))),
        Err(unproven @ NotProven::Differs(_)) => Err(failure(
            Exit::ProofFailed,
            format!("the rendered text is not equal to the policy, so it is not written: {unproven}"),
        )),
        Err(unproven) => {
            Err(failure(Exit::ProofFailed, format!("the rendered text could not be proven, so it is not written: {unproven}")))
        }
    }
}

fn plan_point(point: &Point, target: &'static Target, compiled: &Compiled) -> Result<PointPlan> {
    let (text, bill) = proven_text(point, target, compiled)?;
    let running = driver::open(point)?.read_back().with_context(|| format!("enforcement point `{}`", point.name))?;
    let changes = match &running.0 {
        None => compiled.ruleset.rules.iter().map(|rule| format!("+ {} {}", action(rule.action), rule.id)).collect(),
        Some(running) => apply::changes(target, running, &text)?,
    };
    Ok(PointPlan {
        name: point.name.clone(),
        target: point.target.clone(),
        driver: point.driver.clone(),
        running_sha256: running_sha256(&running),
        text,
        changes,
        gaps: gaps::texts(&compiled.gaps),
        bill,
    })
}

const fn action(action: enforcer_policy::Action) -> &'static str {
    match action {
        enforcer_policy::Action::Allow => "allow",
        enforcer_policy::Action::Deny => "deny",
        enforcer_policy::Action::Log => "log",
    }
}

pub fn print_plan(plan: &Plan) {
    for point in &plan.points {
        println!("enforcement point `{}` ({}, proven equal to the policy):", point.name, point.target);
        if point.changes.is_empty() {
            println!("  no change");
        }
        point.changes.iter().for_each(|change| println!("  {change}"));
        gaps::folded(&point.gaps).iter().for_each(|gap| println!("  gap {gap}"));
        println!("  takes {}", point.bill.words());
        let dearest = point.bill.dearest();
        dearest.iter().take(BILLED_RULES).for_each(|(rule, entries)| println!("  {entries:>7} for `{rule}`"));
        if let Some(more) = dearest.len().checked_sub(BILLED_RULES).filter(|&more| more > 0) {
            println!("          and {} that each take no more", counted(more, "rule"));
        }
    }
    if let Some(until) = plan.valid_until {
        println!("valid until {until}: then a schedule or an expiry changes the rules, plan again");
    }
    if !plan.cuts.is_empty() {
        println!(
            "{} in use would be cut{}:",
            counted(plan.cuts.len(), "conversation"),
            if plan.cuts_accepted { " (accepted)" } else { "" }
        );
        plan.cuts.iter().for_each(|cut| println!("  {cut}"));
        if !plan.cuts_accepted {
            println!("`apply` refuses this plan; change the policy, or plan again with --accept-cuts");
        }
    }
}

fn print_next(plan: &Plan, out: Option<&Path>) {
    match out {
        Some(path) if plan.changes_anything() => {
            println!("plan {} written; next: enforcer-sdn apply {} --confirm 10m", plan.short_id(), path.display());
        }
        Some(_) => println!("plan {} written; it changes nothing", plan.short_id()),
        None => println!("plan {} not kept; add --out FILE to apply it", plan.short_id()),
    }
}
