//! From a plan to devices and back: checkpoint, arm the timer, apply, cut, confirm or roll back.
//!
//! Order matters. The pending file and the watchdog stand before the first device changes, so a crash at any later point
//! ends in the checkpoint.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use enforcer_packetset::{Limits, Packet, Verdict, compare};
use enforcer_policy::{Names, difference_of, moved};
use enforcer_targets::{Parsed, Target};
use sensor_model::Timestamp;

use crate::clock;
use crate::config::Config;
use crate::driver::{self, Cut, Driver};
use crate::exit::{Exit, failure};
use crate::plan::{Plan, running_sha256};
use crate::store::{self, Applied, Checkpoint, Pending, Store};
use crate::watchdog;

/// Packet sets that a plan tells of each kind.
const MAX_CHANGES: usize = 50;

/// A living watchdog is given this long after the deadline before somebody else rolls back in its place.
const WATCHDOG_GRACE: Duration = Duration::from_millis(400);

/// What an apply did, for people.
#[derive(Debug)]
pub struct Report {
    pub deadline: Timestamp,
    pub cut: Cut,
    /// From the start of the command until the devices had the new rules and the cut was done.
    pub took: Duration,
}

/// Puts a plan on its devices, to be confirmed within `confirm_within`.
pub fn apply(
    config: &Config,
    arm: &watchdog::Arm,
    plan: &Plan,
    confirm_within: Duration,
    started: std::time::Instant,
) -> Result<Report> {
    let store = Store::open(&config.state)?;
    recover_locked(config, &store, Duration::ZERO)?;
    if let Some(pending) = store.pending()? {
        let left = pending.deadline.since(clock::now()).as_secs();
        bail!(
            "plan {} waits for its confirmation ({left} s left); `confirm` or `rollback` it first",
            pending.applied.plan.short_id()
        );
    }
    refuse_stale(&store, plan)?;
    refuse_other_quarantines(config, plan)?;

    let mut reached = Vec::new();
    let mut checkpoints = Vec::new();
    for point in &plan.points {
        let driver = driver::open(config.point(Some(&point.name))?)?;
        let wanted = parsed(&point.target, &point.text)?;
        let running = driver.read_back().with_context(|| format!("enforcement point `{}`", point.name))?;
        if running_sha256(&running) != point.running_sha256 {
            let message =
                format!("enforcement point `{}` runs something else than when the plan was made; plan again", point.name);
            return Err(failure(Exit::Drift, message));
        }
        checkpoints.push(Checkpoint { point: point.name.clone(), running });
        reached.push((point, driver, wanted));
    }

    let applied_at = clock::now();
    let deadline = applied_at + confirm_within;
    let applied = Applied { plan: plan.clone(), applied_at, checkpoints };
    let pending = Pending { applied, deadline };
    store.set_pending(&pending)?;
    if let Err(error) = arm.start(&plan.id) {
        store.clear_pending()?;
        return Err(error);
    }

    let mut cut = Cut::default();
    let changed: Result<()> = reached.iter().try_for_each(|(point, driver, wanted)| {
        let done = change(driver.as_ref(), &point.text, wanted).with_context(|| format!("enforcement point `{}`", point.name))?;
        cut.examined += done.examined;
        cut.removed += done.removed;
        Ok(())
    });
    let took = started.elapsed();
    let verified = changed.and_then(|()| {
        reached.iter().try_for_each(|(point, driver, wanted)| same(driver.as_ref(), &point.target, &point.name, wanted))
    });
    if let Err(error) = verified {
        roll_back_pending(config, &store, &pending, "failed")
            .context("and the way back failed too; the watchdog keeps trying")?;
        return Err(error.context("not applied, everything was put back"));
    }
    store.journal(clock::now(), "applied", &plan.id, &format!("took {} ms, cut {}", took.as_millis(), cut.removed))?;
    Ok(Report { deadline, cut, took })
}

/// Makes the pending plan the confirmed one.
pub fn confirm(config: &Config) -> Result<Plan> {
    let store = Store::open(&config.state)?;
    recover_locked(config, &store, Duration::ZERO)?;
    let Some(pending) = store.pending()? else { bail!("no plan waits for a confirmation; if it was applied, its timer ran out") };
    store.confirm(&pending.applied)?;
    store.clear_pending()?;
    store.journal(clock::now(), "confirmed", &pending.applied.plan.id, "")?;
    Ok(pending.applied.plan)
}

/// Puts back what ran before the pending plan; without one, before the confirmed plan.
pub fn roll_back(config: &Config) -> Result<Plan> {
    let store = Store::open(&config.state)?;
    if let Some(pending) = store.pending()? {
        roll_back_pending(config, &store, &pending, "by hand")?;
        return Ok(pending.applied.plan);
    }
    let Some(confirmed) = store.confirmed()? else { bail!("nothing was applied, so there is nothing to roll back") };
    restore(config, &confirmed)?;
    store.unconfirm(confirmed.plan.parent.as_deref())?;
    store.journal(clock::now(), "rolled back", &confirmed.plan.id, "by hand, after it was confirmed")?;
    Ok(confirmed.plan)
}

/// Rolls back the pending plan `id` if it still waits. For the watchdog, whose own clock says that the time is over.
pub fn expire(config: &Config, id: &str) -> Result<()> {
    let store = Store::open(&config.state)?;
    match store.pending()? {
        Some(pending) if pending.applied.plan.id == id => roll_back_pending(config, &store, &pending, "timer"),
        _ => Ok(()),
    }
}

/// Rolls back a plan whose timer ran out while nobody watched (the machine was off, the watchdog was killed); tells whether.
pub fn recover(config: &Config) -> Result<bool> {
    recover_locked(config, &Store::open(&config.state)?, WATCHDOG_GRACE)
}

fn recover_locked(config: &Config, store: &Store, grace: Duration) -> Result<bool> {
    match store.pending()? {
        Some(pending) if pending.deadline + grace <= clock::now() => {
            roll_back_pending(config, store, &pending, "timer, found late").map(|()| true)
        }
        _ => Ok(false),
    }
}

fn refuse_stale(store: &Store, plan: &Plan) -> Result<()> {
    let confirmed = store.confirmed()?.map(|applied| applied.plan.id);
    if confirmed != plan.parent {
        let known = |id: Option<&String>| id.map_or_else(|| "nothing".to_owned(), |id| id.chars().take(12).collect());
        let (expects, runs) = (known(plan.parent.as_ref()), known(confirmed.as_ref()));
        return Err(failure(Exit::Drift, format!("the plan follows {expects}, but {runs} is confirmed; plan again")));
    }
    if plan.valid_until.is_some_and(|until| until <= clock::now()) {
        return Err(failure(
            Exit::Drift,
            "the plan's schedules are out of date (a clock change or an expiry lies behind it); plan again",
        ));
    }
    if !plan.cuts.is_empty() && !plan.cuts_accepted {
        let message = format!(
            "the plan cuts {} observed conversations; look at them, then plan again with --accept-cuts:\n  {}",
            plan.cuts.len(),
            plan.cuts.join("\n  ")
        );
        return Err(failure(Exit::TrafficWouldBreak, message));
    }
    Ok(())
}

/// A plan from before a quarantine would let the asset out again, one from before a release would shut it in again.
fn refuse_other_quarantines(config: &Config, plan: &Plan) -> Result<()> {
    let now = clock::now();
    let active = store::quarantines(&config.state)?.into_iter().filter(|one| one.is_active(now));
    let mut active: Vec<_> = active.map(|one| one.asset).collect();
    active.sort_unstable();
    if active == plan.quarantined {
        return Ok(());
    }
    let words = |all: &[sensor_model::AssetId]| match all {
        [] => "nobody".to_owned(),
        all => all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let message =
        format!("the plan has {} in quarantine, and by now it is {}; plan again", words(&plan.quarantined), words(&active));
    Err(failure(Exit::Drift, message))
}

fn change(driver: &dyn Driver, text: &str, wanted: &Parsed) -> Result<Cut> {
    driver.apply(text)?;
    driver.cut(&|packet| denies(wanted, packet))
}

/// Reads back what a point runs and compares it, as packet sets, with what it should run.
pub fn same(driver: &dyn Driver, target: &str, point: &str, wanted: &Parsed) -> Result<()> {
    let Some(text) = driver.read_back()?.0 else {
        return Err(failure(Exit::Drift, format!("enforcement point `{point}` runs none of our rules")));
    };
    let running = parsed(target, &text).with_context(|| format!("what enforcement point `{point}` runs"))?;
    let Err(difference) = compare(&wanted.steps, &running.steps, Limits::default())? else { return Ok(()) };
    let sets = [
        (&difference.only_left_denies, "lets through"),
        (&difference.only_right_denies, "blocks"),
        (&difference.only_left_logs, "does not log"),
        (&difference.only_right_logs, "logs"),
    ];
    let said = sets.into_iter().find_map(|(set, does)| Some(format!("it {does} `{}`", set.witness()?)));
    let message = format!("enforcement point `{point}` runs other rules than wanted: {}", said.unwrap_or_default());
    Err(failure(Exit::Drift, message))
}

/// A text as its target's own parser understands it.
pub fn parsed(target: &str, text: &str) -> Result<Parsed> {
    let target = enforcer_targets::find(target).with_context(|| format!("unknown target `{target}`"))?;
    Ok((target.parse)(text)?)
}

fn denies(text: &Parsed, packet: &Packet) -> bool {
    let decided = text.steps.iter().filter(|step| step.selector.contains(packet)).find_map(|step| step.effect.verdict);
    decided == Some(Verdict::Deny)
}

/// What a new text changes against a running one, for people: the packets that get another verdict.
pub fn changes(target: &Target, running: &str, text: &str) -> Result<Vec<String>> {
    let (before, after) = ((target.parse)(running)?, (target.parse)(text)?);
    let Some(difference) = difference_of(&before.steps, &after.steps, Limits::default())? else { return Ok(Vec::new()) };
    let nobody = |_: &Packet| (Verdict::Allow, None);
    let moved = moved(&difference, &nobody, &nobody, &Names::default(), MAX_CHANGES);
    let more = moved.is_cut.then(|| "and more; `diff` tells them all".to_owned());
    Ok(moved.sets.iter().map(|set| format!("{} {set}, for example {}", set.becomes.sign(), set.witness)).chain(more).collect())
}

fn roll_back_pending(config: &Config, store: &Store, pending: &Pending, why: &str) -> Result<()> {
    restore(config, &pending.applied)?;
    store.clear_pending()?;
    store.journal(clock::now(), "rolled back", &pending.applied.plan.id, why)
}

/// Every point is tried even when one fails; the first failure is told.
fn restore(config: &Config, applied: &Applied) -> Result<()> {
    let mut first_failure = None;
    for checkpoint in &applied.checkpoints {
        let restored = config.point(Some(&checkpoint.point)).and_then(driver::open).and_then(|driver| {
            driver.restore(&checkpoint.running)?;
            let Some(text) = &checkpoint.running.0 else { return Ok(()) };
            let target =
                applied.plan.points.iter().find(|point| point.name == checkpoint.point).map_or("", |point| point.target.as_str());
            let before = parsed(target, text)?;
            driver.cut(&|packet| denies(&before, packet)).map(drop)
        });
        if let Err(error) = restored {
            first_failure.get_or_insert(error.context(format!("enforcement point `{}` was not rolled back", checkpoint.point)));
        }
    }
    first_failure.map_or(Ok(()), Err)
}
