//! A proposal as YAML with comments. Whatever comes from the wire is quoted or made harmless: hosts choose their own names.

use std::fmt::Write as _;

use sensor_model::FlowMap;

use crate::read::API_VERSION;
use crate::service;

use super::evidence::{Evidence, minute};
use super::zones::Group;
use super::{LearnOptions, NotProposed};

/// Lines about one client before they become a count.
const MAX_LINES_A_CLIENT: usize = 5;

/// A rule with what speaks for it.
pub struct ProposedRule {
    pub name: String,
    pub from: String,
    pub to: String,
    pub term: String,
    pub evidence: Evidence,
}

/// Everything above `rules:`.
pub fn head(map: &FlowMap, options: &LearnOptions, groups: &[Group]) -> String {
    let mut out = String::new();
    let counts = map.accounting;
    line(
        &mut out,
        &comment(
            0,
            &format!(
                "Proposed from what sensor `{}` saw from {} to {}:",
                map.sensor,
                minute(map.first_seen),
                minute(map.last_seen)
            ),
        ),
    );
    line(
        &mut out,
        &comment(
            0,
            &format!(
                "{} packets ({} lost, {} not understood, {} bytes missed). What was not due or not seen is not here.",
                counts.packets, counts.lost_packets, counts.skipped_packets, counts.missed_bytes
            ),
        ),
    );
    line(&mut out, "# Read it as a question: is each line what should be? Then simulate, then enforce a zone at a time.");
    line(&mut out, &format!("apiVersion: {API_VERSION}\nkind: Policy\nmetadata:\n  name: {}", scalar(&options.name)));
    if let Some(owner) = &options.owner {
        line(&mut out, &format!("  owner: {}", scalar(owner)));
    }
    line(&mut out, if groups.is_empty() { "\nzones: []" } else { "\nzones:" });
    for group in groups {
        line(&mut out, &format!("  - name: {}", scalar(&group.name)));
        line(&mut out, &format!("    description: {}", scalar(&group.description)));
        line(&mut out, &format!("    mode: {}", options.mode));
        line(&mut out, "    members:");
        for member in &group.members {
            line(&mut out, &format!("      - asset: {} {}", scalar(&member.id), comment(0, &member.words)));
        }
    }
    out
}

pub fn rules(rules: &[ProposedRule], options: &LearnOptions) -> String {
    let mut out = String::from(if rules.is_empty() { "\nrules: []\n" } else { "\nrules:\n" });
    for rule in rules {
        for evidence in rule.evidence.lines() {
            line(&mut out, &comment(2, &evidence));
        }
        line(&mut out, &format!("  - name: {}", scalar(&rule.name)));
        line(&mut out, &format!("    from: {}\n    to: {}", scalar(&rule.from), scalar(&rule.to)));
        match service::name_of(&rule.term) {
            Some(name) => line(&mut out, &format!("    services: [{name}] # {}", rule.term)),
            None => line(&mut out, &format!("    services: [{}]", rule.term)),
        }
        line(&mut out, "    action: allow");
        if let Some(owner) = &options.owner {
            line(&mut out, &format!("    owner: {}", scalar(owner)));
        }
        if let Some(day) = options.review_by {
            line(&mut out, &format!("    reviewBy: {day}"));
        }
    }
    out
}

/// What got no rule, a few lines a client.
pub fn tail(refused: &[NotProposed]) -> String {
    if refused.is_empty() {
        return String::new();
    }
    let mut out = String::from("\n# Not proposed:\n");
    let mut sorted: Vec<&NotProposed> = refused.iter().collect();
    sorted.sort_by(|a, b| (&a.client, a.why, &a.server, &a.service).cmp(&(&b.client, b.why, &b.server, &b.service)));
    for group in sorted.chunk_by(|a, b| a.client == b.client && a.why == b.why) {
        for one in group.iter().take(MAX_LINES_A_CLIENT) {
            let span = format!("{} to {}", minute(one.first_seen), minute(one.last_seen));
            let text = format!("{} to {}, {} ({} flows, {span}): {}", one.client, one.server, one.service, one.flows, one.why);
            line(&mut out, &comment(0, &format!("- {text}")));
        }
        if let (Some(more), Some(one)) = (group.len().checked_sub(MAX_LINES_A_CLIENT).filter(|more| *more > 0), group.first()) {
            line(&mut out, &comment(0, &format!("- {} to {more} more: {}", one.client, one.why)));
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{text}");
}

fn comment(indent: usize, text: &str) -> String {
    let harmless: String = text.chars().map(|c| if is_harmless(c) { c } else { '?' }).collect();
    format!("{:indent$}# {harmless}", "")
}

/// Breaks no line, moves no cursor and turns no reading direction (Unicode 9.0 UAX #9: explicit formatting characters).
fn is_harmless(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Plain where that cannot be misread, in double quotes otherwise.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@' | ' '))
        && !text.ends_with(' ')
        && text != "null";
    if plain {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_harmless(c) => out.push(c),
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}
