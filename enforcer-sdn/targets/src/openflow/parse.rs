//! Flows as steps: the file that `add-flows` reads, or what `dump-flows` lists. Shares nothing with the renderer.

use std::collections::BTreeMap;

use enforcer_packetset::{Effect, Selector, Step, Verdict};

use super::actions::{Actions, End};
use super::flow::{Flow, Piece, read};
use crate::conjunction::{Conjunction, Unsayable, state};
use crate::target::{ParseError, Parsed};

/// Tables one behind the other.
const DEEPEST: usize = 16;
/// Of flows that may not share a packet, and of steps.
const MOST: usize = 2_000_000;

/// Flows by table, the highest priority first.
type Tables = BTreeMap<u8, Vec<Flow>>;

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut tables = Tables::new();
    let (mut replaces, mut is_listing) = (false, false);
    let mut zone = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or("");
        let trimmed = line.trim();
        let blanks = line.len() - line.trim_start().len();
        let piece = Piece { text: trimmed, line: number, column: blanks + 1 };
        if trimmed.is_empty() {
            continue;
        }
        if ["OFPST_FLOW reply", "NXST_FLOW reply"].iter().any(|heading| trimmed.starts_with(heading)) {
            is_listing = true;
            continue;
        }
        if let Some(rest) = trimmed.strip_prefix("delete") {
            let is_by_cookie = rest.strip_prefix(" cookie=").is_some_and(|cookie| !cookie.contains([',', ' ']));
            if !(is_by_cookie || rest.is_empty()) || !tables.is_empty() {
                return Err(piece.error("flows that are deleted between others", "delete by cookie, above all flows"));
            }
            replaces = true;
            continue;
        }
        let flow = match trimmed.strip_prefix("add ") {
            Some(rest) => read(Piece { text: rest, column: piece.column + 4, ..piece })?,
            None => read(piece)?,
        };
        if let Some(own) = flow.actions.zone {
            if zone.is_some_and(|other| other != own) {
                return Err(
                    piece.error("another zone of connection tracking than above", "use one: zones do not know each other")
                );
            }
            zone = Some(own);
        }
        tables.entry(flow.table).or_default().push(flow);
    }
    for flows in tables.values_mut() {
        flows.sort_by_key(|flow| std::cmp::Reverse(flow.priority));
    }
    let mut pipeline = Pipeline { tables: &tables, parsed: Parsed::default() };
    pipeline.table(0, None, false, 0, 0)?;
    if !replaces && !is_listing {
        pipeline.parsed.notes.push("nothing is deleted before: older flows stay beside these".to_owned());
    }
    Ok(pipeline.parsed)
}

struct Pipeline<'t> {
    tables: &'t Tables,
    parsed: Parsed,
}

/// A flow as it meets a packet in this table now.
struct Seen {
    fields: Conjunction,
    actions: Actions,
    line: usize,
}

impl Pipeline<'_> {
    /// What a table does to the packets of `within` (None: to all). None is left undecided.
    fn table(
        &mut self,
        id: u8,
        within: Option<&Conjunction>,
        is_tracked: bool,
        depth: usize,
        line: usize,
    ) -> Result<(), ParseError> {
        if depth > DEEPEST {
            return Err(error(line, "tables that lead into each other too deep", "a loop: use fewer tables"));
        }
        let flows = self.tables.get(&id).map_or(&[][..], Vec::as_slice);
        for level in flows.chunk_by(|one, other| one.priority == other.priority) {
            for seen in seen(level, is_tracked)? {
                let both = within.map_or_else(|| seen.fields.clone(), |within| within.and(&seen.fields));
                if !both.is_nothing() {
                    self.flow(&both, &seen, is_tracked, depth)?;
                }
            }
        }
        // OpenFlow 1.3 5.4: a packet that no flow matches is dropped.
        let rest = within.cloned().unwrap_or_else(|| Conjunction::all(true, true));
        self.push(&rest, Effect { verdict: Some(Verdict::Deny), log: false }, line)
    }

    fn flow(&mut self, both: &Conjunction, seen: &Seen, is_tracked: bool, depth: usize) -> Result<(), ParseError> {
        let Seen { actions, line, .. } = seen;
        let decided = |verdict| Effect { verdict: Some(verdict), log: actions.logs };
        match actions.end {
            End::Drop => self.push(both, decided(Verdict::Deny), *line),
            End::Normal => self.push(both, decided(Verdict::Allow), *line),
            End::Table(next) => {
                self.log(both, actions, *line)?;
                self.table(next, Some(both), is_tracked, depth + 1, *line)
            }
            End::Track(next) => {
                self.log(both, actions, *line)?;
                self.table(next, Some(both), true, depth + 1, *line)
            }
        }
    }

    fn log(&mut self, both: &Conjunction, actions: &Actions, line: usize) -> Result<(), ParseError> {
        if actions.logs { self.push(both, Effect { verdict: None, log: true }, line) } else { Ok(()) }
    }

    fn push(&mut self, what: &Conjunction, effect: Effect, line: usize) -> Result<(), ParseError> {
        for selector in selectors(what, line)? {
            self.parsed.steps.push(Step { selector, effect });
            self.parsed.lines.push(line);
        }
        if self.parsed.steps.len() > MOST {
            return Err(error(line, "more steps than are compared", "use fewer tables that lead into each other"));
        }
        Ok(())
    }
}

fn selectors(what: &Conjunction, line: usize) -> Result<Vec<Selector>, ParseError> {
    what.selectors().map_err(|unsayable| match unsayable {
        Unsayable::SplitState => error(
            line,
            "a flow about some connection states only",
            "packets are known as `-new-inv+trk` (or +est and +rel), or as `+new` and `+inv`: name all of one side, or none",
        ),
        Unsayable::PortsOfAny => error(line, "ports of a protocol that has none", "use tcp, udp or sctp"),
    })
}

/// The flows of one priority: halves of a state that do the same are put together, and no two that do different things may share a packet.
fn seen(level: &[Flow], is_tracked: bool) -> Result<Vec<Seen>, ParseError> {
    let mut all: Vec<Seen> = Vec::new();
    let mut halves: Vec<Seen> = Vec::new();
    for flow in level {
        let Some(fields) = flow.matches.seen(is_tracked) else { continue };
        if is_tracked && flow.actions.end == End::Normal && fields.states & state::NEW != 0 && !flow.actions.commits {
            let what = "a connection that is let through and not committed, so that its answers are not known";
            return Err(error(flow.line, what, "put `ct(commit,zone=N)` before NORMAL"));
        }
        let is_half = fields.selectors() == Err(Unsayable::SplitState);
        // What is committed was looked at; an invalid packet cannot be.
        let actions = Actions { commits: false, zone: None, ..flow.actions };
        let seen = Seen { fields, actions, line: flow.line };
        if !is_half {
            all.push(seen);
            continue;
        }
        let twin =
            halves.iter_mut().find(|half| half.actions == seen.actions && is_same_but_for_states(&half.fields, &seen.fields));
        match twin {
            Some(half) => half.fields.states |= seen.fields.states,
            None => halves.push(seen),
        }
    }
    all.extend(halves);
    let does_same = |left: &Seen, right: &Seen| left.actions == right.actions;
    let Some(first) = all.first() else { return Ok(all) };
    if all.iter().any(|seen| !does_same(first, seen)) {
        if all.len().saturating_mul(all.len()) > MOST {
            return Err(error(
                first.line,
                "too many flows of one priority that do different things",
                "give them priorities of their own",
            ));
        }
        for (at, left) in all.iter().enumerate() {
            let shared =
                all.iter().skip(at + 1).find(|right| !does_same(left, right) && !left.fields.and(&right.fields).is_nothing());
            if let Some(right) = shared {
                let what =
                    format!("lines {} and {} share packets at one priority, and do different things", left.line, right.line);
                return Err(error(right.line, what, "nobody knows which one is asked: give one another priority"));
            }
        }
    }
    Ok(all)
}

fn is_same_but_for_states(left: &Conjunction, right: &Conjunction) -> bool {
    *left == Conjunction { states: left.states, ..right.clone() }
}

fn error(line: usize, what: impl Into<String>, advice: impl Into<String>) -> ParseError {
    ParseError { line, column: 1, what: what.into(), advice: advice.into() }
}
