//! One small change in a rendered text: the proof finds it, or the text still means the same packets.

use enforcer_packetset::Packet;
use enforcer_policy::{Action, Ruleset};
use enforcer_targets::{NotProven, Parsed, Rendering, prove};

use crate::rulesets::{Random, cases, fit, layered_ruleset, packet, targets};

#[derive(Default, Debug)]
struct Tally {
    unreadable: usize,
    different: usize,
    equal: usize,
}

/// A changed text; None where this change is not possible.
fn mutate(random: &mut Random, rendering: &Rendering) -> Option<String> {
    let text = &rendering.text;
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    // Only lines of sets and rules: the frame is not the policy's.
    let candidates: Vec<usize> =
        (0..lines.len()).filter(|&at| rendering.rule_at(at + 1).is_some() || is_of_a_set(&lines[at])).collect();
    if candidates.is_empty() {
        return None;
    }
    let at = random.pick(&candidates);
    let rule = rendering.rule_at(at + 1);
    match random.below(7) {
        // A digit.
        0 => change_digit(random, &mut lines[at], |_| true)?,
        // A mask.
        1 => change_digit(random, &mut lines[at], |before| before.ends_with('/') || before.chars().rev().nth(1) == Some('/'))?,
        // A port, type or code.
        2 => {
            let start = ["dport ", "sport ", "type ", "code ", "eq ", "range "].iter().find_map(|word| lines[at].find(word))?;
            let (head, tail) = lines[at].split_at(start);
            let mut tail = tail.to_string();
            change_digit(random, &mut tail, |_| true)?;
            lines[at] = format!("{head}{tail}");
        }
        // The order of an exception and what it is an exception of.
        3 => {
            let of = format!("allow-{}", rule?.strip_prefix("except-")?);
            let is_same_version = |line: &str| line.contains("2001:db8:") == lines[at].contains("2001:db8:");
            let of_version = |rule: &str| -> Vec<usize> {
                rendering.lines_of(rule).filter(|(_, text)| is_same_version(text)).map(|(line, _)| line - 1).collect()
            };
            // Of several lines each, two might have nothing in common.
            let (exceptions, allowed) = (of_version(rule?), of_version(&of));
            let ([_], [other]) = (exceptions.as_slice(), allowed.as_slice()) else { return None };
            lines.swap(at, *other);
            let (first, second) = (at.min(*other), at.max(*other));
            let (head, tail) = lines.split_at_mut(second);
            swap_numbers(&mut head[first], &mut tail[0]);
        }
        // A missing line.
        4 if rule.is_some() => drop(lines.remove(at)),
        // A dropped keyword or value.
        5 | 6 => {
            let words: Vec<&str> = lines[at].split(' ').collect();
            // Comments, log texts and counters are no part of what a rule does.
            let end = words
                .iter()
                .position(|word| ["comment", "label"].contains(word) || word.starts_with("comment="))
                .unwrap_or(words.len());
            let skipped = ["prefix", "level", "info", "counter", "count", "const", "\"cordon", "add"];
            let dropped = random.below(end as u64) as usize;
            // Beside a flow for each IP version, one for both is the same.
            let is_version = ["ip", "ipv6"].contains(&words[dropped])
                && words.get(dropped + 1).is_some_and(|next| next.starts_with("actions="));
            // A rule of RouterOS that does not say what it does accepts.
            let is_unsaid = words[dropped] == "action=accept";
            if skipped.contains(&words[dropped].trim())
                || is_unsaid
                || is_version
                || words[dropped].contains(",priority=")
                || is_sequence(&words[..=dropped].join(" "))
                || (dropped > 0 && words[dropped - 1] == "\"cordon")
                || words[dropped] == "\""
            {
                return None;
            }
            lines[at] =
                words.iter().enumerate().filter(|(n, _)| *n != dropped).map(|(_, word)| *word).collect::<Vec<_>>().join(" ");
        }
        _ => return None,
    }
    let mutant = lines.join("\n") + "\n";
    // Blanks alone are no change.
    (!mutant.split_whitespace().eq(text.split_whitespace())).then_some(mutant)
}

/// Members of named sets stand on lines that belong to no one rule.
fn is_of_a_set(line: &str) -> bool {
    line.contains("elements") || ["\t\t\t", "add cordon-", "table <"].iter().any(|start| line.starts_with(start))
}

/// Where numbers make the order, each line takes the other's.
fn swap_numbers(one: &mut String, other: &mut String) {
    for (key, end) in [("\"sequence-id\": ", ","), (",priority=", " "), ("inacl#", "=")] {
        let number = |line: &str| line.split(key).nth(1).map(|rest| rest.split(end).next().unwrap().to_string());
        if let (Some(first), Some(second)) = (number(one), number(other)) {
            *one = one.replace(&format!("{key}{first}{end}"), &format!("{key}{second}{end}"));
            *other = other.replace(&format!("{key}{second}{end}"), &format!("{key}{first}{end}"));
        }
    }
    // Flow routes are asked in the order of what they match, so what they do is exchanged.
    let action = |line: &str| line.trim_start().starts_with("route ").then(|| line.find("then {")).flatten();
    if let (Some(first), Some(second)) = (action(one), action(other)) {
        let (head, tail) = (one.split_off(first), other.split_off(second));
        one.push_str(&tail);
        other.push_str(&head);
    }
}

/// Another digit at a random place that the text before it allows; not in names, comments or log texts.
fn change_digit(random: &mut Random, line: &mut String, here: impl Fn(&str) -> bool) -> Option<()> {
    let ends = ["log prefix", "counter", "-m comment", "label", "comment=", "collector_set_id"];
    let end = ends.iter().find_map(|word| line.find(word)).unwrap_or(line.len());
    // An entry's own name in JSON.
    let named =
        ["\"name\": \"", "\"description\": \"", "<entry name=\""].iter().find_map(|key| Some(line.find(key)? + key.len()));
    let unnamed = named
        .and_then(|start| Some(start + line[start..].find('"')?))
        .or_else(|| number_end(line))
        .or_else(|| route_name_end(line))
        .unwrap_or(0);
    // A term is called by its name nowhere else, and a policy by its number.
    let is_term = ["term ", "edit "].iter().any(|word| line.trim_start().starts_with(word));
    let is_name = |at: usize| is_term || line[..at].rsplit([' ', '\t']).next().is_some_and(|word| word.starts_with('@'));
    let digits: Vec<usize> = line[..end]
        .char_indices()
        .filter(|&(at, c)| at >= unnamed && c.is_ascii_digit() && here(&line[..at]) && !is_name(at) && !is_sequence(&line[..=at]))
        .map(|(at, _)| at)
        .collect();
    if digits.is_empty() {
        return None;
    }
    let at = random.pick(&digits);
    let other = char::from(b'0' + random.below(10) as u8);
    line.replace_range(at..=at, &other.to_string());
    Some(())
}

/// The number of a flow, or of an entry of a downloaded list, says no more than their order.
fn number_end(line: &str) -> Option<usize> {
    if let Some(start) = line.find("inacl#") {
        return Some(start + line[start..].find('=')?);
    }
    let start = line.find(",priority=")?;
    Some(start + line[start..].find(' ')?)
}

/// A flow route is called by its name nowhere else, and several may have one name.
fn route_name_end(line: &str) -> Option<usize> {
    line.trim_start().starts_with("route ").then(|| line.find("{ match"))?
}

/// Up to here the line is nothing but the number of its entry, which says no more than the order of the lines.
fn is_sequence(line: &str) -> bool {
    line.trim().bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn mutants_are_found_or_mean_the_same_share_0() {
    mutants_are_found_or_mean_the_same(0);
}

#[test]
fn mutants_are_found_or_mean_the_same_share_1() {
    mutants_are_found_or_mean_the_same(1);
}

#[test]
fn mutants_are_found_or_mean_the_same_share_2() {
    mutants_are_found_or_mean_the_same(2);
}

#[test]
fn mutants_are_found_or_mean_the_same_share_3() {
    mutants_are_found_or_mean_the_same(3);
}

fn mutants_are_found_or_mean_the_same(share: usize) {
    let wanted = cases("CORDON_MUTANTS", 200) as usize;
    for target in targets(share) {
        let mut random = Random(6);
        let mut tally = Tally::default();
        while tally.unreadable + tally.different + tally.equal < wanted {
            let (ruleset, rendering) = fit(target, layered_ruleset(&mut random));
            let Some(mutant) = mutate(&mut random, &rendering) else { continue };
            match prove(target, &ruleset, &mutant) {
                Err(NotProven::Unreadable(_)) => tally.unreadable += 1,
                Err(NotProven::Differs(difference)) => {
                    tally.different += 1;
                    let parsed = (target.parse)(&mutant).unwrap();
                    assert_ne!(
                        of_text(&parsed, &difference.packet),
                        of_ruleset(&ruleset, &difference.packet),
                        "the packet must show it: {difference}\n{mutant}"
                    );
                }
                Err(error @ NotProven::TooLarge(_)) => panic!("{error}"),
                Ok(_) => {
                    tally.equal += 1;
                    show_change(&rendering.text, &mutant);
                    assert_same(&mut random, &ruleset, &(target.parse)(&mutant).unwrap(), &mutant);
                }
            }
        }
        eprintln!("{}: {wanted} mutants: {tally:?}", target.name);
        // A few by chance, where the quick number of mutants is small.
        assert!(tally.equal * 100 <= wanted + 200, "more than 1 % of the mutants were not found: {tally:?}");
    }
}

/// Equal claims are checked without the algebra: at random packets, and at one packet for each step's own corner.
pub fn assert_same(random: &mut Random, ruleset: &Ruleset, parsed: &Parsed, mutant: &str) {
    let corners = parsed.steps.iter().map(|step| &step.selector).chain(ruleset.rules.iter().map(|rule| &rule.selector));
    let corners: Vec<Packet> = corners
        .filter_map(|selector| enforcer_packetset::PacketSet::any_of([selector]).ok().and_then(|set| set.witness()))
        .collect();
    let drawn: Vec<Packet> = (0..200).map(|_| packet(random)).collect();
    for packet in corners.iter().chain(&drawn) {
        assert_eq!(of_text(parsed, packet), of_ruleset(ruleset, packet), "{packet}\n{mutant}");
    }
}

/// The lines that an equal mutant changed, for whoever runs the test with `--nocapture`.
fn show_change(text: &str, mutant: &str) {
    let changed = text.lines().zip(mutant.lines()).find(|(before, after)| before != after);
    if let Some((before, after)) = changed {
        eprintln!("equal:\n{before}\n{after}");
    }
}

fn of_text(parsed: &Parsed, packet: &Packet) -> (bool, bool) {
    let mut logged = false;
    for step in parsed.steps.iter().filter(|step| step.selector.contains(packet)) {
        logged |= step.effect.log;
        if let Some(verdict) = step.effect.verdict {
            return (verdict == enforcer_packetset::Verdict::Deny, logged);
        }
    }
    (false, logged)
}

fn of_ruleset(ruleset: &Ruleset, packet: &Packet) -> (bool, bool) {
    let mut logged = false;
    for rule in ruleset.rules.iter().filter(|rule| rule.selector.contains(packet)) {
        logged |= rule.log || rule.action == Action::Log;
        if rule.action != Action::Log {
            return (rule.action == Action::Deny, logged);
        }
    }
    (false, logged)
}
