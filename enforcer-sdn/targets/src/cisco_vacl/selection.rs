//! What a VLAN map's clauses select by their lists, and what becomes of it.

use enforcer_packetset::{Effect, L4, Selector, Step, Verdict};

use crate::lists::chain::{Chain, deny_rest, of_all};
use crate::target::{ParseError, Parsed};
use crate::words::Words;

/// What a list selects.
#[derive(Default)]
pub(super) struct Selection {
    pub(super) name: String,
    pub(super) is_ipv6: bool,
    pub(super) is_standard: bool,
    /// For the numbers of its entries alone.
    pub(super) order: Chain,
    /// The first of its lines that is not understood; of no matter unless a clause in force matches the list.
    pub(super) broken: Option<ParseError>,
    pub(super) selected: Vec<(usize, Selector)>,
    /// Its last entry says that nothing else is selected.
    pub(super) is_closed: bool,
}

impl Selection {
    /// An entry's steps; `at` is where it begins.
    pub(super) fn add(&mut self, line: usize, steps: Vec<Step>, at: &Words<'_>) -> Result<(), ParseError> {
        if self.is_closed {
            return Err(at.error_ahead("an entry behind the one that ends the list", "leave it out"));
        }
        for step in steps {
            if step.effect.log {
                return Err(at.error_ahead("a log in a list that only selects", "log with `action drop log`"));
            }
            if step.effect.verdict == Some(Verdict::Allow) {
                self.selected.push((line, step.selector));
            } else if step.selector == of_all(self.is_ipv6, L4::Any) {
                self.is_closed = true;
            } else {
                let advice = "here it means \"not selected by this clause\": select with `permit` only, and put exceptions in a clause before";
                return Err(at.error_ahead("a `deny` in a list that a VLAN map matches", advice));
            }
        }
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct Clause {
    pub(super) number: u32,
    pub(super) line: usize,
    pub(super) matched: Option<(bool, Vec<String>)>,
    pub(super) effect: Option<Effect>,
}

pub(super) struct Map {
    pub(super) name: String,
    /// Line and column of its name in the first clause.
    pub(super) place: (usize, usize),
    pub(super) clauses: Vec<Clause>,
}

impl Map {
    /// What the map does with packets.
    pub(super) fn steps(&self, lists: &[Selection]) -> Result<Parsed, ParseError> {
        let wrong = |line: usize, what: String, advice: &str| Err(ParseError { line, column: 1, what, advice: advice.into() });
        let mut parsed = Parsed::default();
        let mut is_matched = [false, false];
        for clause in &self.clauses {
            let Some((is_ipv6, names)) = &clause.matched else {
                let what = format!("clause {} has no match, and so takes every packet of any kind", clause.number);
                return wrong(
                    clause.line,
                    what,
                    "name the list that it matches: one for IPv4, and one for IPv6 in a further clause",
                );
            };
            let Some(effect) = clause.effect else {
                return wrong(
                    clause.line,
                    format!("clause {} has no action", clause.number),
                    "write `action drop` or `action forward`",
                );
            };
            is_matched[usize::from(*is_ipv6)] = true;
            for name in names {
                let Some(list) = lists.iter().find(|list| list.name == *name && list.is_ipv6 == *is_ipv6) else {
                    return wrong(
                        clause.line,
                        format!("list `{name}` of this IP version is not in the text"),
                        "give it before the map",
                    );
                };
                if let Some(error) = &list.broken {
                    return Err(error.clone());
                }
                let is_open = *is_ipv6 && !list.is_closed && !list.selected.iter().any(|(_, at)| *at == of_all(true, L4::Any));
                if list.selected.is_empty() || is_open {
                    let advice = "what it selects unwritten depends on the switch: end an IPv6 list with `deny ipv6 any any`, and leave an empty one out";
                    return wrong(clause.line, format!("list `{name}` does not say all that it selects"), advice);
                }
                for (line, selector) in &list.selected {
                    parsed.steps.push(Step { selector: selector.clone(), effect });
                    parsed.lines.push(*line);
                }
            }
        }
        let last = self.clauses.last().map_or(1, |clause| clause.line);
        for is_ipv6 in [false, true] {
            if is_matched[usize::from(is_ipv6)] {
                parsed.steps.push(deny_rest(is_ipv6));
                parsed.lines.push(last);
            } else {
                let version = if is_ipv6 { "IPv6" } else { "IPv4" };
                parsed.notes.push(format!("no clause matches {version}, so all of {version} is forwarded"));
            }
        }
        Ok(parsed)
    }
}
