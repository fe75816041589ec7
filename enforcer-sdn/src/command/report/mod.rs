//! `report`: the figures that matter, from the state folder, its journal, the policy and the flow maps. What a source is missing
//! for is said to be unknown, never counted as zero.

mod print;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use enforcer_policy::{Fate, Impact, Mode, Outcome, Policy, Quarantine, Standing};
use sensor_model::{FlowMap, Scope, Timestamp, Visibility};
use serde::Serialize;

use crate::cli::{Cli, Documents, Output};
use crate::clock;
use crate::command::plan::words;
use crate::command::{read_map, read_policy, refused};
use crate::config::Config;
use crate::exit::Exit;
use crate::store::{self, Applied, Entry};

/// Reviews that come up within this many days are told too.
const SOON_DAYS: i64 = 30;
const DAY_NANOS: i64 = 86_400_000_000_000;

#[derive(Serialize)]
struct Report {
    at: Timestamp,
    /// None: no flow map was given.
    coverage: Option<Coverage>,
    traffic: Option<Traffic>,
    /// None: no policy was given.
    rules: Option<Rules>,
    changes: Changes,
    quarantines: Vec<Shut>,
    time_to_block: TimeToBlock,
}

/// From the order to put an asset in quarantine until the devices had it, over all orders of the journal.
#[derive(Serialize)]
struct TimeToBlock {
    orders: usize,
    /// Orders that no confirmed plan has carried out.
    not_carried_out: usize,
    median_ms: Option<u64>,
    worst_ms: Option<u64>,
}

/// What the taps see, and what of it the policy reaches.
#[derive(Serialize)]
struct Coverage {
    internal_assets: usize,
    seen_both_ways: usize,
    in_a_zone: Option<usize>,
    zones: BTreeMap<&'static str, usize>,
    /// Conversations whose zones are in `enforce`.
    conversations_enforced: Option<u64>,
    conversations: u64,
    lost_packets: u64,
}

/// What the policy does with what was seen.
#[derive(Serialize)]
struct Traffic {
    /// In use and denied by zones in `enforce`: somebody's work is stopped, or an attacker's.
    false_positives: Vec<String>,
    /// Tried between two internal assets, not answered, denied by zones in `enforce`.
    blocked_lateral_attempts: Vec<String>,
    /// In use, denied, and let through since no zone is in `enforce` yet.
    would_be_denied: u64,
}

#[derive(Serialize)]
struct Rules {
    rules: usize,
    by_owner: BTreeMap<String, usize>,
    ownerless: Vec<String>,
    past_review: Vec<Due>,
    review_soon: Vec<Due>,
    without_review: usize,
    expired: Vec<String>,
}

#[derive(Serialize)]
struct Due {
    rule: String,
    owner: Option<String>,
    on: String,
}

#[derive(Serialize)]
struct Changes {
    confirmed_plans: usize,
    rolled_back: usize,
    /// Rendered lines that came and went with confirmed plans, by month (UTC).
    lines_by_month: BTreeMap<String, Lines>,
    /// Milliseconds from the start of `apply` until the devices had the rules; None: never applied.
    apply_median_ms: Option<u64>,
    apply_worst_ms: Option<u64>,
}

#[derive(Default, Serialize)]
struct Lines {
    plans: usize,
    added: usize,
    removed: usize,
}

#[derive(Serialize)]
struct Shut {
    #[serde(flatten)]
    record: Quarantine,
    /// `active`, `expired`.
    state: &'static str,
    /// The confirmed plan has it.
    on_devices: bool,
}

pub fn report(cli: &Cli, config: &Config, arguments: &Documents) -> Result<Exit> {
    let now = clock::now();
    let has_policy = !arguments.policy.is_empty() || !config.policy.is_empty();
    let has_map = !arguments.flowmap.is_empty() || !config.flowmap.is_empty();
    let policy = if has_policy { Some(read_policy(config, &arguments.policy)?.0) } else { None };
    let map = if has_map { Some(read_map(config, &arguments.flowmap)?.0) } else { None };
    let impact = match (&policy, &map) {
        (Some(policy), Some(map)) => Some(enforcer_policy::simulate(policy, map, now).map_err(|found| refused(&found))?),
        _ => None,
    };
    let history = store::history(&config.state)?;
    let entries = store::entries(&config.state)?;
    let confirmed = store::confirmed(&config.state)?;
    let shut_in = store::quarantines(&config.state)?;
    let report = Report {
        at: now,
        coverage: map.as_ref().map(|map| coverage(map, policy.as_ref(), impact.as_ref())),
        traffic: impact.as_ref().zip(map.as_ref()).map(|(impact, map)| traffic(impact, map, &shut_in, now)),
        rules: policy.as_ref().map(|policy| rules(policy, now)),
        changes: changes(&history, &entries),
        quarantines: quarantines(&shut_in, confirmed.as_ref(), now),
        time_to_block: time_to_block(&entries, &history),
    };
    match cli.output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Output::Table => print::print(&report, config),
    }
    let overdue = report
        .rules
        .as_ref()
        .is_some_and(|rules| !(rules.ownerless.is_empty() && rules.past_review.is_empty() && rules.expired.is_empty()));
    Ok(if overdue { Exit::Hygiene } else { Exit::Done })
}

fn coverage(map: &FlowMap, policy: Option<&Policy>, impact: Option<&Impact>) -> Coverage {
    let internal = || map.assets.iter().filter(|asset| asset.scope == Scope::Internal);
    let resolution = policy.and_then(|policy| enforcer_policy::resolve::resolve(policy, Some(map)).ok());
    let mut zones: BTreeMap<&'static str, usize> = BTreeMap::new();
    for zone in policy.map_or(&[][..], |policy| &policy.zones).iter().filter(|zone| !zone.is_group()) {
        *zones.entry(zone.mode.as_str()).or_default() += 1;
    }
    let enforced = |impact: &Impact| impact.conversations.iter().filter(|fate| fate.mode == Some(Mode::Enforce.as_str())).count();
    Coverage {
        internal_assets: internal().count(),
        seen_both_ways: internal().filter(|asset| asset.coverage.visibility == Visibility::BothWays).count(),
        in_a_zone: resolution.map(|resolution| {
            let zoned: BTreeSet<_> = resolution.zones.iter().flat_map(|zone| &zone.assets).collect();
            internal().filter(|asset| zoned.contains(&asset.id)).count()
        }),
        zones,
        conversations_enforced: impact.map(|impact| enforced(impact) as u64),
        conversations: map.conversations.len() as u64,
        lost_packets: map.accounting.lost_packets,
    }
}

/// What a quarantine stops is stopped on purpose: no false positive.
fn traffic(impact: &Impact, map: &FlowMap, shut_in: &[Quarantine], now: Timestamp) -> Traffic {
    let is_shut_in =
        |fate: &&Fate| shut_in.iter().any(|one| one.is_active(now) && (one.asset == fate.client || one.asset == fate.server));
    let denied = |standing: Standing, is_enforced: bool| {
        impact.conversations.iter().filter(move |fate| {
            let enforced = fate.mode == Some(Mode::Enforce.as_str());
            fate.outcome == Outcome::Denied && fate.standing == standing && enforced == is_enforced
        })
    };
    let internal = |id| map.asset(id).is_some_and(|asset| asset.scope == Scope::Internal);
    Traffic {
        false_positives: denied(Standing::Answered, true).filter(|fate| !is_shut_in(fate)).map(words).collect(),
        blocked_lateral_attempts: denied(Standing::Attempt, true)
            .filter(|fate| internal(&fate.client) && internal(&fate.server))
            .map(words)
            .collect(),
        would_be_denied: denied(Standing::Answered, false).count() as u64,
    }
}

fn rules(policy: &Policy, now: Timestamp) -> Rules {
    let mut found = Rules {
        rules: policy.rules.len(),
        by_owner: BTreeMap::new(),
        ownerless: Vec::new(),
        past_review: Vec::new(),
        review_soon: Vec::new(),
        without_review: 0,
        expired: Vec::new(),
    };
    let (today, soon) = (day(now), day(Timestamp::from_nanos(now.as_nanos().saturating_add(SOON_DAYS * DAY_NANOS))));
    for rule in &policy.rules {
        let owner = rule.owner.as_ref().or(policy.owner.as_ref());
        match owner {
            Some(owner) => *found.by_owner.entry(owner.clone()).or_default() += 1,
            None => found.ownerless.push(rule.name.value.clone()),
        }
        if rule.expires.as_ref().is_some_and(|expires| expires.value <= now) {
            found.expired.push(rule.name.value.clone());
        }
        let Some(review) = &rule.review_by else {
            // A rule that ends by itself needs nobody to look at it.
            found.without_review += usize::from(rule.expires.is_none());
            continue;
        };
        let on = review.value.to_string();
        let due = Due { rule: rule.name.value.clone(), owner: owner.cloned(), on: on.clone() };
        if on < today {
            found.past_review.push(due);
        } else if on <= soon {
            found.review_soon.push(due);
        }
    }
    found.past_review.sort_by(|a, b| (&a.on, &a.rule).cmp(&(&b.on, &b.rule)));
    found.review_soon.sort_by(|a, b| (&a.on, &a.rule).cmp(&(&b.on, &b.rule)));
    found
}

/// `2026-11-23`.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

fn changes(history: &[Applied], entries: &[Entry]) -> Changes {
    let mut lines_by_month: BTreeMap<String, Lines> = BTreeMap::new();
    let by_id: BTreeMap<&str, &Applied> = history.iter().map(|applied| (applied.plan.id.as_str(), applied)).collect();
    for applied in history {
        let month: String = applied.applied_at.to_string().chars().take(7).collect();
        let lines = lines_by_month.entry(month).or_default();
        lines.plans += 1;
        let parent = applied.plan.parent.as_deref().and_then(|id| by_id.get(id));
        for point in &applied.plan.points {
            let before = parent.and_then(|parent| parent.plan.points.iter().find(|old| old.name == point.name));
            let before = before.map_or_else(BTreeMap::new, |old| bag(&old.text));
            let after = bag(&point.text);
            let more = |a: &BTreeMap<&str, usize>, b: &BTreeMap<&str, usize>| -> usize {
                a.iter().map(|(line, count)| count.saturating_sub(b.get(line).copied().unwrap_or(0))).sum()
            };
            lines.added += more(&after, &before);
            lines.removed += more(&before, &after);
        }
    }
    let mut took: Vec<u64> =
        entries.iter().filter(|entry| entry.event == "applied").filter_map(|entry| took_ms(&entry.detail)).collect();
    took.sort_unstable();
    Changes {
        confirmed_plans: history.len(),
        rolled_back: entries.iter().filter(|entry| entry.event == "rolled back").count(),
        lines_by_month,
        apply_median_ms: took.get(took.len() / 2).copied(),
        apply_worst_ms: took.last().copied(),
    }
}

/// Lines that mean something, with how often each is there.
fn bag(text: &str) -> BTreeMap<&str, usize> {
    let mut bag = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with('!')) {
        *bag.entry(line).or_default() += 1;
    }
    bag
}

/// `took 12 ms, cut 3` as `apply` writes it.
fn took_ms(detail: &str) -> Option<u64> {
    detail.strip_prefix("took ")?.split(' ').next()?.parse().ok()
}

fn quarantines(all: &[Quarantine], confirmed: Option<&Applied>, now: Timestamp) -> Vec<Shut> {
    all.iter()
        .map(|record| Shut {
            state: if record.is_active(now) { "active" } else { "expired" },
            on_devices: confirmed.is_some_and(|applied| applied.plan.quarantined.contains(&record.asset)),
            record: record.clone(),
        })
        .collect()
}

fn time_to_block(entries: &[Entry], history: &[Applied]) -> TimeToBlock {
    let holds = |plan: &str, asset: &str| {
        let found = history.iter().find(|applied| applied.plan.id == plan);
        found.is_some_and(|applied| applied.plan.quarantined.iter().any(|held| held.as_str() == asset))
    };
    let mut took = Vec::new();
    let orders: Vec<(usize, &Entry)> = entries.iter().enumerate().filter(|(_, entry)| entry.event == "quarantined").collect();
    for (at, order) in &orders {
        let asset = order.detail.split(' ').next().unwrap_or_default();
        let later = entries.iter().skip(at + 1).find(|entry| entry.event == "applied" && holds(&entry.plan, asset));
        took.extend(later.map(|applied| u64::try_from(applied.at.since(order.at).as_millis()).unwrap_or(u64::MAX)));
    }
    took.sort_unstable();
    TimeToBlock {
        orders: orders.len(),
        not_carried_out: orders.len() - took.len(),
        median_ms: took.get(took.len() / 2).copied(),
        worst_ms: took.last().copied(),
    }
}
