//! Reads `pf.conf` and `pfctl -sr`, and says what becomes of packets. Shares nothing with the renderer. What it does not know is an error
//! with its place.

use enforcer_packetset::{Limits, Selector, StateSet, Step, compare};

use super::hosts::{Tables, table};
use super::rule::{Direction, Rule, rule};
use super::statements::statements;
use crate::reading::Cursor;
use crate::target::{ParseError, Parsed};

/// Steps with the line of each.
type Chain = Vec<(Step, usize)>;

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut tables = Tables::default();
    let mut rules: Vec<Rule<'_>> = Vec::new();
    for statement in statements(text)? {
        let mut cursor = Cursor::new(&statement);
        let word = cursor.next();
        match word.text {
            "table" => table(&mut cursor, &mut tables)?,
            "pass" | "block" => rules.push(rule(word, &mut cursor, &tables)?),
            "set" => option(&mut cursor)?,
            _ => {
                let advice =
                    "rules, tables, macros and a few `set` are read; `match`, `antispoof`, anchors, NAT and scrubbing are not";
                return Err(word.unknown("a statement", advice));
            }
        }
    }
    let mut parsed = finish(&rules)?;
    if tables.may_change {
        parsed.notes.push("tables that are not `const` can be changed without the text".into());
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
        "block-policy" | "loginterface" => {
            cursor.some("a value")?;
            cursor.end()
        }
        _ => Err(word.unknown("an option", "it may change what passes: leave it out")),
    }
}

/// The rules that are asked in a direction as a chain of which the first match decides.
fn chain(rules: &[Rule<'_>], other: Direction) -> Chain {
    let asked = || rules.iter().filter(|rule| rule.direction != other);
    let quick = asked().filter(|rule| rule.is_quick);
    let last_first = asked().filter(|rule| !rule.is_quick).rev();
    quick
        .chain(last_first)
        .flat_map(|rule| {
            rule.selectors.iter().map(|selector| (Step { selector: selector.clone(), effect: rule.effect }, rule.place.line))
        })
        .collect()
}

fn finish(rules: &[Rule<'_>]) -> Result<Parsed, ParseError> {
    let (incoming, outgoing) = (chain(rules, Direction::Out), chain(rules, Direction::In));
    let passes_all = |chain: &Chain| chain.first().is_some_and(|(step, _)| *step == Step::allow(Selector::any()));
    let directed = rules.iter().find(|rule| rule.direction != Direction::Both);
    let chain = match directed {
        None => incoming,
        Some(_) if passes_all(&outgoing) => incoming,
        Some(_) if passes_all(&incoming) => outgoing,
        Some(rule) => {
            let advice = "write no directions, or let everything pass in one of them: `pass out quick all flags any`";
            return Err(rule.place.error("rules that judge packets in both directions, and not alike", advice));
        }
    };
    let keeps_states = decides_everything(&chain);
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
    if directed.is_some() {
        parsed.notes.push("one direction lets everything pass, so the rules of the other decide".into());
    }
    Ok(parsed)
}

/// Whether every packet meets a rule. What meets none passes without a state, and its answers are asked about like new packets; an answer of
/// a connection with a state is not, but the two look alike. So established packets are then taken to be asked about too: such a text is
/// proven only where that makes no difference.
fn decides_everything(chain: &Chain) -> bool {
    if chain.iter().any(|(step, _)| step.selector == Selector::any()) {
        return true;
    }
    let ending = |last: Step| -> Vec<Step> { chain.iter().map(|(step, _)| step.clone()).chain([last]).collect() };
    let (denied, allowed) = (ending(Step::deny(Selector::any())), ending(Step::allow(Selector::any())));
    matches!(compare(&denied, &allowed, Limits::default()), Ok(Ok(_)))
}
