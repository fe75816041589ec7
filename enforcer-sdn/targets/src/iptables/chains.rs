//! Chains as one first-match list of steps, for the parser. Jumps are followed; who returns goes on where the jump stood.

use std::collections::BTreeMap;

use enforcer_packetset::{Effect, Step, Verdict};

use super::rule::{Jump, Rule};
use crate::conjunction::{Conjunction, Unsayable};
use crate::target::ParseError;

/// The kernel follows 16 jumps and more; a text that needs so many is a loop.
const DEEPEST: usize = 32;
/// Returns copy what comes after them; a text that is so tangled is not compared.
const MOST_STEPS: usize = 2_000_000;

#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    /// Of a chain of the kernel's.
    pub policy: Option<Verdict>,
    pub rules: Vec<Rule>,
    /// Of its declaration.
    pub line: usize,
}

pub(super) type Chains = BTreeMap<String, Chain>;

/// Where packets go on that return from a chain.
struct After<'a> {
    rules: &'a [Rule],
    after: Option<&'a After<'a>>,
}

struct Flattening<'a> {
    chains: &'a Chains,
    steps: Vec<Step>,
    lines: Vec<usize>,
}

/// The steps of the chain that forwarded packets enter, and the line of each; what no step decides has its policy.
pub(super) fn flatten(chains: &Chains, start: &str) -> Result<(Vec<Step>, Vec<usize>), ParseError> {
    let mut flat = Flattening { chains, steps: Vec::new(), lines: Vec::new() };
    if let Some(chain) = chains.get(start) {
        flat.rules(&chain.rules, None, None, 0)?;
    }
    Ok((flat.steps, flat.lines))
}

impl<'a> Flattening<'a> {
    /// Emits what `rules` do to the packets of `within` (None: to all); who gets through them is left undecided.
    fn rules(
        &mut self,
        rules: &[Rule],
        within: Option<&Conjunction>,
        after: Option<&After<'_>>,
        depth: usize,
    ) -> Result<(), ParseError> {
        for (at, rule) in (1..).zip(rules) {
            let both = within.map_or_else(|| rule.matches.clone(), |within| within.and(&rule.matches));
            if both.is_nothing() {
                continue;
            }
            let rest = After { rules: rules.get(at..).unwrap_or(&[]), after };
            match &rule.jump {
                Jump::Nothing => {}
                Jump::Accept => self.push(&both, Effect { verdict: Some(Verdict::Allow), log: false }, rule.line)?,
                Jump::Drop => self.push(&both, Effect { verdict: Some(Verdict::Deny), log: false }, rule.line)?,
                Jump::Log => self.push(&both, Effect { verdict: None, log: true }, rule.line)?,
                Jump::Return => self.resume(&both, after, depth, rule.line)?,
                Jump::Chain(name) => {
                    let chain = self.chain(name, rule, depth)?;
                    self.rules(&chain.rules, Some(&both), Some(&rest), depth + 1)?;
                }
                Jump::Goto(name) => {
                    let chain = self.chain(name, rule, depth)?;
                    self.rules(&chain.rules, Some(&both), after, depth + 1)?;
                    self.resume(&both, after, depth, rule.line)?;
                }
            }
        }
        Ok(())
    }

    /// Decides the packets of `within` for good: they skip what is left of a chain.
    fn resume(&mut self, within: &Conjunction, after: Option<&After<'_>>, depth: usize, line: usize) -> Result<(), ParseError> {
        let mut next = after;
        while let Some(frame) = next {
            if depth >= DEEPEST {
                return Err(tangled(line));
            }
            self.rules(frame.rules, Some(within), frame.after, depth + 1)?;
            next = frame.after;
        }
        let policy = self.chains.get(super::parse::FORWARD).and_then(|chain| chain.policy).unwrap_or(Verdict::Allow);
        self.push(within, Effect { verdict: Some(policy), log: false }, line)
    }

    fn chain(&self, name: &str, rule: &Rule, depth: usize) -> Result<&'a Chain, ParseError> {
        if depth >= DEEPEST {
            return Err(tangled(rule.line));
        }
        let chains: &'a Chains = self.chains;
        chains.get(name).filter(|chain| chain.policy.is_none()).ok_or_else(|| ParseError {
            line: rule.line,
            column: 1,
            what: format!("jump to `{name}`, which is no target that is understood and no chain of the table"),
            advice: "declare the chain with `:NAME - [0:0]`".into(),
        })
    }

    fn push(&mut self, what: &Conjunction, effect: Effect, line: usize) -> Result<(), ParseError> {
        let selectors = what.selectors().map_err(|unsayable| {
            let (what, advice) = match unsayable {
                Unsayable::SplitState => (
                    "a rule about some connection states only",
                    "packets are known as `RELATED,ESTABLISHED` or as `INVALID,NEW,UNTRACKED`: name all of one side, or none",
                ),
                Unsayable::PortsOfAny => (
                    "ports or ICMP types without their protocol",
                    "put `-p tcp`, `-p udp`, `-p sctp`, `-p icmp` or `-p ipv6-icmp` before them",
                ),
            };
            ParseError { line, column: 1, what: what.into(), advice: advice.into() }
        })?;
        for selector in selectors {
            self.steps.push(Step { selector, effect });
            self.lines.push(line);
        }
        if self.steps.len() > MOST_STEPS { Err(tangled(line)) } else { Ok(()) }
    }
}

fn tangled(line: usize) -> ParseError {
    let advice = "a loop, or returns out of many chains: use fewer chains";
    ParseError { line, column: 1, what: "chains that lead into each other too deep".into(), advice: advice.into() }
}
