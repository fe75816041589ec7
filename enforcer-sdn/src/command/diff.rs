//! `diff`: two policies, two plans, or one of each. What was written differently, which packets get another verdict on which
//! enforcement point, and which observed conversations.

use std::path::Path;

use anyhow::{Context, Result, bail};
use enforcer_packetset::{Limits, Packet, Step, Verdict};
use enforcer_policy::resolve::{Resolution, resolve};
use enforcer_policy::{
    Becomes, Change, EnforcementPoint, How, MovedPackets, Names, Policy, Revision, Standing, changes_by, difference_of, moved,
    revisions,
};
use enforcer_targets::Parsed;
use sensor_model::FlowMap;
use serde::Serialize;

use crate::cli::{Cli, Diff, Output};
use crate::command::plan::compile_point;
use crate::command::{counted, read_map, read_policy, refused, table};
use crate::config::Config;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::{apply, clock, documents};

/// Where no enforcement point is configured: one that every packet crosses.
const EVERYWHERE: &str = "every host";

type Decider = Box<dyn Fn(&Packet) -> (Verdict, Option<String>)>;

/// One document, as what each point does.
struct Side {
    policy: Option<(Policy, Resolution)>,
    points: Vec<Chain>,
}

struct Chain {
    point: String,
    steps: Vec<Step>,
    decide: Decider,
}

/// What changes on one point.
#[derive(Serialize)]
struct PointDiff {
    point: String,
    equal: bool,
    packets: MovedPackets,
    conversations: Vec<Change>,
}

pub fn diff(cli: &Cli, config: &Config, arguments: &Diff) -> Result<Exit> {
    let texts = [documents::text(&arguments.old)?, documents::text(&arguments.new)?];
    let are_plans = texts.iter().all(|text| is_plan(text));
    let map = match (are_plans, arguments.flowmap.is_empty() && config.flowmap.is_empty()) {
        (true, true) => None,
        _ => Some(read_map(config, &arguments.flowmap)?.0),
    };
    let [old_text, new_text] = &texts;
    let old = side(config, arguments, &arguments.old, old_text, map.as_ref(), arguments.enforced)?;
    let new = side(config, arguments, &arguments.new, new_text, map.as_ref(), arguments.enforced)?;
    let found = compared(&old, &new, map.as_ref(), arguments.most)?;
    let written = match (&old.policy, &new.policy) {
        (Some((old, _)), Some((new, _))) => revisions(old, new),
        _ => Vec::new(),
    };
    let equal = found.iter().all(|point| point.equal);
    let not_yet = equal && !arguments.enforced && !are_plans && changes_in_enforce(config, arguments, &texts, map.as_ref())?;
    match cli.output {
        Output::Json => println!(
            "{}",
            serde_json::to_string_pretty(&serde_json::json!({"equal": equal, "differs_in_enforce": not_yet, "written": written,
                "points": found, "conversations_compared": map.is_some()}))?
        ),
        Output::Table => print(&written, &found, map.is_some(), not_yet),
    }
    Ok(if equal { Exit::Done } else { Exit::ChangesPending })
}

/// Whether the two would differ with every zone in `enforce`.
fn changes_in_enforce(config: &Config, arguments: &Diff, texts: &[String; 2], map: Option<&FlowMap>) -> Result<bool> {
    let [old, new] = texts;
    if is_plan(old) || is_plan(new) {
        return Ok(false);
    }
    let old = side(config, arguments, &arguments.old, old, map, true)?;
    let new = side(config, arguments, &arguments.new, new, map, true)?;
    Ok(compared(&old, &new, None, 1)?.iter().any(|point| !point.equal))
}

fn is_plan(text: &str) -> bool {
    text.trim_start().starts_with('{') && text.contains("\"cordon.plan/")
}

fn side(config: &Config, arguments: &Diff, path: &Path, text: &str, map: Option<&FlowMap>, enforced: bool) -> Result<Side> {
    let wanted = |name: &str| arguments.point.as_ref().is_none_or(|point| point == name);
    if is_plan(text) {
        let plan = Plan::parse(text).with_context(|| format!("plan `{}`", path.display()))?;
        let points = plan.points.iter().filter(|point| wanted(&point.name));
        let points: Result<Vec<Chain>> =
            points.map(|point| Ok(of_text(&point.name, apply::parsed(&point.target, &point.text)?))).collect();
        return Ok(Side { policy: None, points: points? });
    }
    let (written, _) = read_policy(config, std::slice::from_ref(&path.to_path_buf()))?;
    let Some(map) = map else { bail!("a policy needs a flow map to know who is in its zones; add --flowmap FILE") };
    let resolution = resolve(&written, Some(map)).map_err(|found| refused(&found))?;
    let policy =
        if enforced { enforcer_policy::as_enforced(&written, map).map_err(|found| refused(&found))? } else { written.clone() };
    let mut points = Vec::new();
    if config.points.is_empty() {
        let point = EnforcementPoint::new(EVERYWHERE, "");
        let compiled = enforcer_policy::compile(&policy, map, &point, clock::now()).map_err(|found| refused(&found))?;
        points.push(of_ruleset(compiled.ruleset));
    } else if let Some(name) = &arguments.point {
        points.push(of_ruleset(compile_point(&policy, map, config.point(Some(name))?)?.1.ruleset));
    } else {
        for point in &config.points {
            points.push(of_ruleset(compile_point(&policy, map, point)?.1.ruleset));
        }
    }
    Ok(Side { policy: Some((written, resolution)), points })
}

fn of_ruleset(ruleset: enforcer_policy::Ruleset) -> Chain {
    let (point, steps) = (ruleset.point.clone(), ruleset.steps());
    Chain { point, steps, decide: Box::new(move |packet| enforcer_policy::decide_by(&ruleset)(packet)) }
}

fn of_text(point: &str, parsed: Parsed) -> Chain {
    let Parsed { steps, lines, .. } = parsed;
    let chain = steps.clone();
    let decide = move |packet: &Packet| {
        let at = chain.iter().position(|step| step.effect.verdict.is_some() && step.selector.contains(packet));
        let verdict = at.and_then(|at| chain.get(at)).and_then(|step| step.effect.verdict).unwrap_or(Verdict::Allow);
        (verdict, at.and_then(|at| lines.get(at)).map(|line| format!("line {line}")))
    };
    Chain { point: point.to_owned(), steps, decide: Box::new(decide) }
}

/// Point by point; what one side does not have lets everything through there.
fn compared(old: &Side, new: &Side, map: Option<&FlowMap>, most: usize) -> Result<Vec<PointDiff>> {
    let policies: Vec<(&Policy, &Resolution)> =
        [&new.policy, &old.policy].into_iter().flatten().map(|(policy, resolution)| (policy, resolution)).collect();
    let names = if policies.is_empty() { Names::default() } else { Names::of(&policies) };
    let mut points: Vec<&str> = old.points.iter().chain(&new.points).map(|chain| chain.point.as_str()).collect();
    points.sort_unstable();
    points.dedup();
    let nothing = Chain { point: String::new(), steps: Vec::new(), decide: Box::new(|_| (Verdict::Allow, None)) };
    let mut found = Vec::new();
    for point in points {
        let of = |side: &'_ Side| side.points.iter().position(|chain| chain.point == point);
        let before = of(old).and_then(|at| old.points.get(at)).unwrap_or(&nothing);
        let after = of(new).and_then(|at| new.points.get(at)).unwrap_or(&nothing);
        let difference = difference_of(&before.steps, &after.steps, Limits::default())?;
        let packets = match &difference {
            Some(difference) => moved(difference, &before.decide, &after.decide, &names, most),
            None => MovedPackets { sets: Vec::new(), is_cut: false },
        };
        let conversations = map.map_or_else(Vec::new, |map| changes_by(&before.decide, &after.decide, map));
        found.push(PointDiff { point: point.to_owned(), equal: difference.is_none(), packets, conversations });
    }
    Ok(found)
}

fn print(written: &[Revision], points: &[PointDiff], has_map: bool, not_yet: bool) {
    written.iter().for_each(print_revision);
    for point in points {
        if point.equal {
            println!("equal: no packet gets another verdict at `{}`", point.point);
            continue;
        }
        println!("at `{}`:", point.point);
        for set in &point.packets.sets {
            println!("  {} {set}", set.becomes.sign());
            let rule = |rule: &Option<String>| rule.as_ref().map_or_else(|| "nothing".to_owned(), |rule| format!("`{rule}`"));
            println!(
                "      such as {}; decided by {} before, {} after",
                set.witness,
                rule(&set.rule_before),
                rule(&set.rule_after)
            );
        }
        if point.packets.is_cut {
            println!("  and more; --most prints more of them");
        }
        if !point.conversations.is_empty() {
            let rows = point.conversations.iter().map(|change| {
                let rule = |id: &Option<String>| id.clone().unwrap_or_else(|| "-".into());
                let standing = if change.standing == Standing::Answered { "in use" } else { "not answered" };
                let verdict = if change.is_cut { "cut" } else { "opened" };
                let ends = (change.source.to_string(), change.destination.to_string());
                let (before, after) = (rule(&change.rule_before), rule(&change.rule_after));
                vec![ends.0, ends.1, change.service.to_string(), standing.into(), verdict.into(), before, after]
            });
            let head = ["client", "server", "service", "standing", "becomes", "before by", "after by"];
            println!("{}", table(&head, rows));
        }
    }
    let of = |becomes: Becomes| points.iter().flat_map(|point| &point.packets.sets).filter(|set| set.becomes == becomes).count();
    let conversations = || points.iter().flat_map(|point| &point.conversations);
    let in_use = |is_cut: bool| conversations().filter(|one| one.is_cut == is_cut && one.standing == Standing::Answered).count();
    println!(
        "{} allowed that {} denied, {} denied that {} allowed; {}",
        counted(of(Becomes::Opened), "packet set"),
        if of(Becomes::Opened) == 1 { "was" } else { "were" },
        counted(of(Becomes::Closed), "packet set"),
        if of(Becomes::Closed) == 1 { "was" } else { "were" },
        match has_map {
            true => format!("observed conversations in use: {} cut, {} opened", in_use(true), in_use(false)),
            false => "without a flow map observed conversations were not compared".to_owned(),
        }
    );
    if not_yet {
        println!(
            "the policies differ only where zones are in `observe` or `simulate`; see what `enforce` would change with --enforced"
        );
    }
}

fn print_revision(revision: &Revision) {
    let Revision { what, name, how } = revision;
    match how {
        How::Added => println!("+ {what} `{name}`"),
        How::Removed => println!("- {what} `{name}`"),
        How::Moved => println!("~ {what} `{name}`: asked at another place"),
        How::Changed(fields) => {
            println!("~ {what} `{name}`");
            let shown = |text: &String| if text.is_empty() { "nothing".to_owned() } else { text.clone() };
            fields.iter().for_each(|(field, before, after)| println!("    {field}: {} -> {}", shown(before), shown(after)));
        }
    }
}
