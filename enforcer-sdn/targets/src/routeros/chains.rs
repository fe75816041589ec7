//! Chains as one first-match list of steps: jumps are followed, and who returns goes on where the jump stood.

use std::collections::BTreeMap;

use enforcer_packetset::{Effect, Limits, Selector, StateSet, Step, Verdict, compare};

use super::lists::Lists;
use super::places::Places;
use super::rule::{Does, Rule};
use crate::conjunction::state;
use crate::reading::Word;
use crate::selecting::{Chain, both};
use crate::target::ParseError;

/// Jumps in jumps: more are a loop.
const DEEPEST: usize = 32;
/// Returns copy what comes after them; a text that is so tangled is not compared.
const MOST_STEPS: usize = 2_000_000;

/// Rules by chain.
pub(super) type Chains<'a> = BTreeMap<&'a str, Vec<Rule<'a>>>;

/// What the chain `forward` does to packets of one IP version; whether rules tell packets of no known connection apart.
///
/// We know such packets as new. A router also calls some invalid: what it does to these must deny whatever it denies of the new ones, or the
/// text admits more than is said. Untracked ones are made by other rules, in a menu that is not read, so there are none.
pub(super) fn flatten(chains: &Chains<'_>, lists: &Lists<'_>, places: &Places<'_>) -> Result<(Chain, bool), ParseError> {
    let chain = world(chains, lists, places, state::NEW)?;
    let splitting = chains.values().flatten().find(|rule| !rule.is_disabled && rule.splits_states());
    let Some(splitting) = splitting else { return Ok((chain, false)) };
    let steps = |chain: &Chain| -> Vec<Step> { chain.iter().map(|(step, _)| step.clone()).collect() };
    let invalid = world(chains, lists, places, state::INVALID)?;
    let admits_more = match compare(&steps(&chain), &steps(&invalid), Limits::default()) {
        Ok(Ok(_)) => false,
        Ok(Err(differs)) => differs.only_left_denies.witness().is_some(),
        Err(_) => true,
    };
    if admits_more {
        let advice = "drop `invalid` packets before, or name no states where `new` ones are dropped";
        return Err(splitting.state_word.error("invalid packets pass where new ones are dropped", advice));
    }
    Ok((chain, true))
}

fn world(chains: &Chains<'_>, lists: &Lists<'_>, places: &Places<'_>, world: u8) -> Result<Chain, ParseError> {
    let mut flat = Flattening { chains, lists, places, world, chain: Vec::new() };
    let rules = chains.get("forward").map_or(&[][..], Vec::as_slice);
    flat.rules(rules, &Selector::any(), None, 0)?;
    Ok(flat.chain)
}

struct Flattening<'c, 'a> {
    chains: &'c Chains<'a>,
    lists: &'c Lists<'a>,
    places: &'c Places<'a>,
    world: u8,
    chain: Chain,
}

/// Where packets go on that return from a chain.
struct After<'s, 'a> {
    rules: &'s [Rule<'a>],
    after: Option<&'s After<'s, 'a>>,
}

impl<'a> Flattening<'_, 'a> {
    /// Emits what `rules` do to the packets of `within`; who gets through them is left undecided.
    fn rules(
        &mut self,
        rules: &[Rule<'a>],
        within: &Selector,
        after: Option<&After<'_, 'a>>,
        depth: usize,
    ) -> Result<(), ParseError> {
        for (at, rule) in (1..).zip(rules) {
            if rule.is_disabled {
                continue;
            }
            let does = rule.does()?;
            let selectors = rule.selectors(self.lists, self.places, self.world)?;
            let later = rules.get(at..).unwrap_or(&[]);
            if let Does::Fasttrack(word) = does
                && !later.iter().find(|rule| !rule.is_disabled).is_some_and(Rule::accepts_established)
            {
                let advice = "let the next rule accept `established,related`: the first packets still meet it";
                return Err(word.error("fasttracked connections whose other packets are judged", advice));
            }
            for selector in selectors.iter().filter_map(|selector| both(within, selector)) {
                let line = rule.place.line;
                match does {
                    Does::Effect(effect) => self.push(selector, effect, rule.place)?,
                    Does::Fasttrack(_) => {
                        let established = Selector { state: StateSet::Established, ..selector };
                        self.push(established, Effect { verdict: Some(Verdict::Allow), log: false }, rule.place)?;
                    }
                    Does::Return(log) => {
                        self.log(&selector, log, line);
                        self.resume(&selector, after, depth, rule.place)?;
                    }
                    Does::Jump(target, log) => {
                        self.log(&selector, log, line);
                        let chains = self.chains;
                        let chain = chains.get(target.text).filter(|_| depth < DEEPEST);
                        let not_there =
                            || target.error(format!("the chain `{}` is not in the text, or in itself", target.text), "add it");
                        let rest = After { rules: later, after };
                        self.rules(chain.ok_or_else(not_there)?, &selector, Some(&rest), depth + 1)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn log(&mut self, selector: &Selector, log: bool, line: usize) {
        if log {
            self.chain.push((Step { selector: selector.clone(), effect: Effect { verdict: None, log } }, line));
        }
    }

    /// Decides the packets of `within` for good: they skip what is left of a chain.
    fn resume(
        &mut self,
        within: &Selector,
        after: Option<&After<'_, 'a>>,
        depth: usize,
        place: Word<'_>,
    ) -> Result<(), ParseError> {
        let mut next = after;
        while let Some(frame) = next {
            if depth >= DEEPEST {
                return Err(tangled(place));
            }
            self.rules(frame.rules, within, frame.after, depth + 1)?;
            next = frame.after;
        }
        self.push(within.clone(), Effect { verdict: Some(Verdict::Allow), log: false }, place)
    }

    fn push(&mut self, selector: Selector, effect: Effect, place: Word<'_>) -> Result<(), ParseError> {
        self.chain.push((Step { selector, effect }, place.line));
        if self.chain.len() > MOST_STEPS { Err(tangled(place)) } else { Ok(()) }
    }
}

fn tangled(place: Word<'_>) -> ParseError {
    place.error("chains that lead into each other too deep", "a loop, or returns out of many chains: use fewer chains")
}
