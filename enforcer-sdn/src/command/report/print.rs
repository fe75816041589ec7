//! The report as lines for people.

use super::{Changes, Coverage, Report, Rules, Shut};
use crate::command::{counted, table};
use crate::config::Config;

pub fn print(report: &Report, config: &Config) {
    match &report.coverage {
        None => println!("coverage: unknown without a flow map; add --flowmap"),
        Some(coverage) => print_coverage(coverage),
    }
    match &report.traffic {
        None => println!("false positives, blocked attempts: unknown without a policy and a flow map"),
        Some(traffic) => {
            println!("false positives (in use, and denied by zones in enforce): {}", traffic.false_positives.len());
            traffic.false_positives.iter().for_each(|one| println!("  {one}"));
            println!("blocked lateral attempts (internal to internal, not answered): {}", traffic.blocked_lateral_attempts.len());
            traffic.blocked_lateral_attempts.iter().for_each(|one| println!("  {one}"));
            if traffic.would_be_denied > 0 {
                println!("in use and denied, but let through as no zone of theirs is in enforce: {}", traffic.would_be_denied);
            }
        }
    }
    match &report.rules {
        None => println!("rules: unknown without a policy; add --policy"),
        Some(rules) => print_rules(rules),
    }
    print_changes(&report.changes, config);
    let block = &report.time_to_block;
    if let (Some(median), Some(worst)) = (block.median_ms, block.worst_ms) {
        println!(
            "time to block, from `quarantine` to the devices: median {median} ms, worst {worst} ms over {}",
            counted(block.orders, "order")
        );
    }
    if block.not_carried_out > 0 {
        println!("quarantine orders that no confirmed plan carried out: {}", block.not_carried_out);
    }
    print_quarantines(&report.quarantines);
}

fn print_coverage(coverage: &Coverage) {
    let of = |part: usize| match coverage.internal_assets {
        0 => "none".to_owned(),
        all => format!("{part} of {all} ({} %)", part * 100 / all),
    };
    println!("internal assets seen both ways: {}", of(coverage.seen_both_ways));
    if let Some(zoned) = coverage.in_a_zone {
        println!("internal assets in a zone: {}", of(zoned));
    }
    if !coverage.zones.is_empty() {
        let zones = coverage.zones.iter().map(|(mode, count)| format!("{count} in {mode}"));
        println!("zones: {}", zones.collect::<Vec<_>>().join(", "));
    }
    if let Some(enforced) = coverage.conversations_enforced {
        println!("observed conversations under enforce: {enforced} of {}", coverage.conversations);
    }
    if coverage.lost_packets > 0 {
        println!("the picture has gaps: {} packets lost before or in the sensor", coverage.lost_packets);
    }
}

fn print_rules(rules: &Rules) {
    let owners = rules.by_owner.iter().map(|(owner, count)| format!("{owner} {count}")).collect::<Vec<_>>().join(", ");
    println!("{}: {owners}", counted(rules.rules, "rule"));
    let named = |what: &str, names: &[String]| {
        if !names.is_empty() {
            println!("{what}: {}", names.join(", "));
        }
    };
    named("without an owner", &rules.ownerless);
    named("expired", &rules.expired);
    for (what, due) in [("past review", &rules.past_review), ("review within 30 days", &rules.review_soon)] {
        for one in due {
            println!("{what}: {} on {} ({})", one.rule, one.on, one.owner.as_deref().unwrap_or("no owner"));
        }
    }
    if rules.without_review > 0 {
        println!("with neither review nor expiry: {}", rules.without_review);
    }
}

fn print_changes(changes: &Changes, config: &Config) {
    println!(
        "{} confirmed, {} rolled back (from {})",
        counted(changes.confirmed_plans, "plan"),
        changes.rolled_back,
        config.state.display()
    );
    if let (Some(median), Some(worst)) = (changes.apply_median_ms, changes.apply_worst_ms) {
        println!("time from apply to rules on the devices: median {median} ms, worst {worst} ms");
    }
    if !changes.lines_by_month.is_empty() {
        let rows = changes
            .lines_by_month
            .iter()
            .map(|(month, lines)| vec![month.clone(), lines.plans.to_string(), format!("+{} -{}", lines.added, lines.removed)]);
        println!("{}", table(&["month", "plans", "rendered lines"], rows));
    }
}

fn print_quarantines(all: &[Shut]) {
    if all.is_empty() {
        return println!("nobody is in quarantine");
    }
    let rows = all.iter().map(|one| {
        let devices = match (one.state, one.on_devices) {
            ("active", true) => "blocked",
            ("active", false) => "NOT YET ON THE DEVICES: plan and apply",
            (_, true) => "STILL ON THE DEVICES: plan and apply",
            _ => "over",
        };
        let (label, until) = (one.record.label.escape_debug().to_string(), one.record.expires.to_string());
        vec![label, until, devices.into(), one.record.owner.clone(), one.record.reason.clone()]
    });
    println!("{}", table(&["in quarantine", "until", "state", "owner", "reason"], rows));
}
