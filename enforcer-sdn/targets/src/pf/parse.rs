//! Reads `pf.conf` and `pfctl -sr`, and says what becomes of packets. Shares nothing with the renderer. What it does not know is an error
//! with its place.

use enforcer_packetset::{Limits, Selector, StateSet, Step, compare};

use super::hosts::{Tables, table};
use super::rule::{Direction, Rule, rule};
use super::statements::statements;
use crate::device_zones::DeviceZones;
use crate::reading::Cursor;
use crate::selecting::{Chain, both_pass};
use crate::target::{ParseError, Parsed};

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    parse_with(text, &DeviceZones::default())
}

pub(super) fn parse_with(text: &str, zones: &DeviceZones) -> Result<Parsed, ParseError> {
    let mut tables = Tables::default();
    let mut rules: Vec<Rule<'_>> = Vec::new();
    let mut scrubs = false;
    for statement in statements(text)? {
        let mut cursor = Cursor::new(&statement);
        let word = cursor.next();
        match word.text {
            "table" => table(&mut cursor, &mut tables)?,
            "pass" | "block" => rules.push(rule(word, &mut cursor, &tables, zones)?),
            "set" => option(&mut cursor)?,
            // It drops and changes packets, and lets none through.
            "scrub" => scrubs = true,
            "anchor" => {
                return Err(word.error("an anchor, whose rules are elsewhere", "put its rules where it stands"));
            }
            _ => {
                let advice = "rules, tables, macros and a few `set` are read; `match`, `antispoof` and NAT are not";
                return Err(word.unknown("a statement", advice));
            }
        }
    }
    let mut parsed = finish(&rules)?;
    if tables.may_change {
        parsed.notes.push("tables that are not `const` can be changed without the text".into());
    }
    if scrubs {
        parsed.notes.push("`scrub` drops broken packets besides: not read".into());
    }
    Ok(parsed)
}

/// Options that change nothing about what passes.
fn option(cursor: &mut Cursor<'_, '_>) -> Result<(), ParseError> {
    let word = cursor.some("an option")?;
    match word.text {
        "skip" => {
            cursor.expect("on")?;
            let interface = cursor.some("an interface")?;
            if !["lo", "lo0"].contains(&interface.text) {
                return Err(interface.error("an interface that is not filtered", "only the loopback may be left out"));
            }
            cursor.end()
        }
        "block-policy"
        | "loginterface"
        | "optimization"
        | "ruleset-optimization"
        | "debug"
        | "hostid"
        | "fingerprints"
        | "require-order" => {
            cursor.some("a value")?;
            cursor.end()
        }
        "keepcounters" => cursor.end(),
        // How much is kept, and for how long.
        "limit" | "timeout" => {
            let is_list = cursor.take("{");
            loop {
                cursor.some("what it is of")?;
                cursor.some("a number")?;
                cursor.take(",");
                if !is_list || cursor.take("}") {
                    return cursor.end();
                }
            }
        }
        _ => Err(word.unknown("an option", "it may change what passes: leave it out")),
    }
}

/// The rules that are asked in a direction as a chain of which the first match decides. Where a packet comes in, its source is behind the
/// interface; where it leaves, its destination is.
fn chain(rules: &[Rule<'_>], other: Direction) -> Chain {
    let asked = || rules.iter().filter(|rule| rule.direction != other);
    let quick = asked().filter(|rule| rule.is_quick);
    let last_first = asked().filter(|rule| !rule.is_quick).rev();
    let steps = quick.chain(last_first).flat_map(|rule| {
        let at = |selector: &Selector| {
            let (source, destination) = (selector.source.clone(), selector.destination.clone());
            let (source, destination) = if other == Direction::Out {
                (source.intersection(&rule.behind), destination)
            } else {
                (source, destination.intersection(&rule.behind))
            };
            Selector { source, destination, ..selector.clone() }
        };
        let meets = |selector: &Selector| !selector.source.is_empty() && !selector.destination.is_empty();
        let selectors = rule.selectors.iter().map(at).filter(meets);
        selectors.map(|selector| (Step { selector, effect: rule.effect }, rule.place.line)).collect::<Vec<_>>()
    });
    steps.collect()
}

fn finish(rules: &[Rule<'_>]) -> Result<Parsed, ParseError> {
    let (incoming, outgoing) = (chain(rules, Direction::Out), chain(rules, Direction::In));
    let passes_all = |chain: &Chain| chain.first().is_some_and(|(step, _)| *step == Step::allow(Selector::any()));
    let directed = rules.iter().find(|rule| rule.direction != Direction::Both || rule.is_for_interface);
    let is_one_way = directed.is_some() && (passes_all(&incoming) || passes_all(&outgoing));
    let (chain, keeps_states) = match directed {
        None => {
            let keeps_states = decides_everything(&incoming);
            (incoming, keeps_states)
        }
        Some(rule) => {
            let keeps_states = decides_everything(&incoming) && decides_everything(&outgoing);
            // A packet that passes through is asked about where it comes in and where it leaves.
            let advice = "let everything pass in one of them: `pass out quick all flags any`";
            let too_long = || rule.place.error("rules that judge packets in both directions, and too many of them", advice);
            (both_pass(&incoming, &outgoing).ok_or_else(too_long)?, keeps_states)
        }
    };
    let mut parsed = Parsed::default();
    // What belongs to a state passes before any rule is asked.
    let established = Step::allow(Selector { state: StateSet::Established, ..Selector::any() });
    for (step, line) in keeps_states.then_some((established, 1)).into_iter().chain(chain) {
        parsed.steps.push(step);
        parsed.lines.push(line);
    }
    if !keeps_states {
        let note = "packets that no rule matches pass without a state: answers are taken to be judged as new packets are";
        parsed.notes.push(note.into());
    }
    if is_one_way {
        parsed.notes.push("one direction lets everything pass, so the rules of the other decide".into());
    }
    Ok(parsed)
}

/// Whether every packet meets a rule. What meets none passes without a state, and its answers are asked about like new packets; an answer of
/// a connection with a state is not, but the two look alike. So established packets are then taken to be asked about too: such a text is
/// proven only where that makes no difference.
fn decides_everything(chain: &[(Step, usize)]) -> bool {
    if chain.iter().any(|(step, _)| step.selector == Selector::any()) {
        return true;
    }
    let ending = |last: Step| -> Vec<Step> { chain.iter().map(|(step, _)| step.clone()).chain([last]).collect() };
    let (denied, allowed) = (ending(Step::deny(Selector::any())), ending(Step::allow(Selector::any())));
    matches!(compare(&denied, &allowed, Limits::default()), Ok(Ok(_)))
}
