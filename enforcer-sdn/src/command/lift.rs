//! Ends a quarantine whose time is over, on the same way as every other change: planned, applied with its timer, read back, confirmed.
//!
//! Nobody looks at this plan, so it must change nothing else: it is made of the policy documents that were confirmed, and every packet
//! that fares otherwise than before is the released asset's and was denied. Anything more is left to people, and said.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use enforcer_packetset::{AddressSet, Limits, Prefix, Selector, Step, compare};
use enforcer_policy::Quarantine;

use crate::cli::Documents;
use crate::command::plan::{self, Made};
use crate::command::{Loaded, devices};
use crate::config::Config;
use crate::plan::Plan;
use crate::store::{self, Applied, Store};
use crate::watchdog::Arm;
use crate::{apply, clock};

/// Between attempts: a device that cannot be reached is not asked twice a second.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// When to try again, and what was said last: a reason that stays is said once.
#[derive(Debug, Default)]
pub struct Lift {
    not_before: Option<Instant>,
    told: String,
}

/// What one look found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Quarantines whose time is over and that devices still hold.
    pub overdue: usize,
    /// One line for each that was ended now.
    pub lifted: Vec<String>,
    /// Why there are some left, where that is news.
    pub problem: Option<String>,
}

impl Lift {
    /// Ends what is over.
    pub fn look(&mut self, config: &Config, arm: &Arm) -> Seen {
        let over = match overdue(config) {
            Ok(over) => over,
            Err(error) => return Seen { problem: self.news(format!("{error:#}")), ..Seen::default() },
        };
        let Some((held, over)) = over.filter(|_| self.not_before.is_none_or(|moment| moment <= Instant::now())) else {
            return Seen { overdue: over_count(config), ..Seen::default() };
        };
        match lift(config, arm, &held, &over) {
            Ok(plan) => {
                *self = Self::default();
                Seen { lifted: over.iter().map(|one| words(one, &plan)).collect(), ..Seen::default() }
            }
            Err(error) => {
                self.not_before = Some(Instant::now() + RETRY_INTERVAL);
                let names: Vec<String> = over.iter().map(|one| one.label.escape_debug().to_string()).collect();
                let problem = format!("the quarantine of `{}` is over and still on the devices: {error:#}", names.join("`, `"));
                Seen { overdue: over.len(), problem: self.news(problem), ..Seen::default() }
            }
        }
    }

    fn news(&mut self, problem: String) -> Option<String> {
        let is_news = self.told != problem;
        self.told.clone_from(&problem);
        is_news.then_some(problem)
    }
}

fn words(record: &Quarantine, plan: &Plan) -> String {
    format!(
        "the quarantine of `{}` ({}) ended at {}: plan {}",
        record.label.escape_debug(),
        record.asset,
        record.expires,
        plan.short_id()
    )
}

fn over_count(config: &Config) -> usize {
    overdue(config).ok().flatten().map_or(0, |(_, over)| over.len())
}

/// The confirmed plan and the ended quarantines that it holds; None when there are none.
fn overdue(config: &Config) -> Result<Option<(Applied, Vec<Quarantine>)>> {
    let now = clock::now();
    let over: Vec<Quarantine> = store::quarantines(&config.state)?.into_iter().filter(|one| !one.is_active(now)).collect();
    if over.is_empty() {
        return Ok(None);
    }
    let Some(held) = store::confirmed(&config.state)? else { return Ok(None) };
    let over: Vec<Quarantine> = over.into_iter().filter(|one| held.plan.quarantined.contains(&one.asset)).collect();
    Ok((!over.is_empty()).then_some((held, over)))
}

fn lift(config: &Config, arm: &Arm, held: &Applied, over: &[Quarantine]) -> Result<Plan> {
    if store::pending(&config.state)?.is_some() {
        bail!("another plan waits for its confirmation; `confirm` or `rollback` it first");
    }
    if config.policy.is_empty() {
        bail!("the configuration names no policy to plan from; set `policy`, or plan and apply by hand");
    }
    if let Some(drift) = devices::drifted(config)?.into_iter().next() {
        bail!("{drift}; plan and apply by hand");
    }
    let loaded = Loaded::read_for_text(config, &Documents { policy: Vec::new(), flowmap: Vec::new() })?;
    let documents = |plan: &[crate::plan::Input]| plan.iter().map(|input| input.sha256.clone()).collect::<Vec<_>>();
    if documents(&loaded.policy_inputs) != documents(&held.plan.policy) {
        bail!("the policy is not the confirmed one any more, and nobody has looked at what that changes; plan and apply by hand");
    }
    let addresses = addresses(over, &loaded);
    // What it denies is known to be no more than before, so nobody has to accept cuts.
    let Made { plan, .. } = plan::make(config, loaded, true)?;
    changes_nothing_else(&held.plan, &plan, &addresses)?;
    let started = Instant::now();
    apply::apply(config, arm, &plan, config.confirm_within, started)?;
    // `apply` has read every device back; whoever changed one since then is noticed here, and the timer puts everything back.
    if let Some(drift) = devices::drifted(config)?.into_iter().next() {
        bail!("{drift}; not confirmed, so it is rolled back");
    }
    apply::confirm(config)?;
    let store = Store::open(&config.state)?;
    for record in over {
        store.release(&record.asset)?;
        let detail =
            format!("{} ({}) since {}, its time was over at {}", record.asset, record.label, record.since, record.expires);
        store.journal(clock::now(), "quarantine ended", &plan.id, &detail)?;
    }
    Ok(plan)
}

/// Those that the assets had and have.
fn addresses(over: &[Quarantine], loaded: &Loaded) -> AddressSet {
    let current = enforcer_policy::resolve::current_addresses(&loaded.map);
    let now = over.iter().flat_map(|one| current.get(&one.asset).into_iter().flatten());
    over.iter().flat_map(|one| &one.addresses).chain(now).map(|address| Prefix::host(*address)).collect()
}

/// Refuses a plan that denies or logs more than before, or changes anything for packets of others.
fn changes_nothing_else(before: &Plan, after: &Plan, addresses: &AddressSet) -> Result<()> {
    for point in &after.points {
        let held = before.points.iter().find(|held| held.name == point.name && held.target == point.target);
        let held = held.with_context(|| format!("enforcement point `{}` is new; plan and apply by hand", point.name))?;
        let (old, new) = (apply::parsed(&held.target, &held.text)?, apply::parsed(&point.target, &point.text)?);
        let beside = [
            Step::allow(Selector { source: addresses.clone(), ..Selector::any() }),
            Step::allow(Selector { destination: addresses.clone(), ..Selector::any() }),
        ];
        let others = |steps: &[Step]| beside.iter().chain(steps).cloned().collect::<Vec<Step>>();
        if let Err(all) = compare(&others(&old.steps), &others(&new.steps), Limits::default())? {
            let sets = [&all.only_left_denies, &all.only_right_denies, &all.only_left_logs, &all.only_right_logs];
            let packet =
                sets.into_iter().find_map(|set| set.witness()).map_or_else(String::new, |packet| format!(" (`{packet}`)"));
            bail!("at `{}` the rules for others would change too{packet}; plan and apply by hand", point.name);
        }
        if let Err(all) = compare(&old.steps, &new.steps, Limits::default())?
            && let Some(packet) = all.only_right_denies.witness()
        {
            bail!("at `{}` it would deny `{packet}`, which passes now; plan and apply by hand", point.name);
        }
    }
    match before.points.iter().find(|held| after.points.iter().all(|point| point.name != held.name)) {
        Some(gone) => bail!("enforcement point `{}` is configured no more; plan and apply by hand", gone.name),
        None => Ok(()),
    }
}
