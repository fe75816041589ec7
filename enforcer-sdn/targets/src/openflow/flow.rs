//! One flow as `ovs-ofctl` reads and lists it, for the parser: its fields cut apart, each with its place.

use super::actions::{Actions, read as read_actions};
use super::fields::{Matches, number};
use crate::target::ParseError;

/// What a flow without a priority has (openflow-1.0.h, OFP_DEFAULT_PRIORITY).
const DEFAULT_PRIORITY: u16 = 32_768;

#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub line: usize,
    pub table: u8,
    pub priority: u16,
    pub matches: Matches,
    pub actions: Actions,
}

/// A piece of a line with the column that it begins at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub text: &'a str,
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
}

impl<'a> Piece<'a> {
    pub(super) fn error(&self, what: impl Into<String>, advice: impl Into<String>) -> ParseError {
        ParseError { line: self.line, column: self.column, what: what.into(), advice: advice.into() }
    }

    /// Cut at commas and, where `blanks_cut`, at blanks; never inside of parentheses.
    pub(super) fn split(self, blanks_cut: bool) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let (mut depth, mut start) = (0_i32, 0);
        let ends = |c: char| c == ',' || (blanks_cut && c.is_whitespace());
        let mut take = |from: usize, to: usize| {
            let text = self.text.get(from..to).unwrap_or("");
            let trimmed = text.trim();
            if !trimmed.is_empty() {
                let blanks = text.len() - text.trim_start().len();
                let before = self.text.get(..from + blanks).unwrap_or("");
                pieces.push(Piece { text: trimmed, line: self.line, column: self.column + before.chars().count() });
            }
        };
        for (at, c) in self.text.char_indices() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                c if depth == 0 && ends(c) => {
                    take(start, at);
                    start = at + c.len_utf8();
                }
                _ => {}
            }
        }
        take(start, self.text.len());
        pieces
    }

    /// `key=value`; the value is empty where there is none.
    pub(super) fn pair(&self) -> (&'a str, &'a str) {
        self.text.split_once('=').unwrap_or((self.text, ""))
    }
}

pub(super) fn read(line: Piece<'_>) -> Result<Flow, ParseError> {
    // The tool takes both spellings.
    let starts = |word: &str| {
        let is_start =
            |at: &usize| line.text.get(..*at).is_none_or(|before| before.is_empty() || before.ends_with([' ', ',', '\t']));
        line.text.match_indices(word).map(|(at, _)| at).find(is_start).map(|at| (at, at + word.len()))
    };
    let Some((at, end)) = starts("actions=").or_else(|| starts("action=")) else {
        return Err(line.error("a flow without `actions=`", "complete the line"));
    };
    let (head, before, tail) = (line.text.get(..at), line.text.get(..end), line.text.get(end..));
    let (head, before, tail) = (head.unwrap_or(""), before.unwrap_or(""), tail.unwrap_or(""));
    let actions = Piece { text: tail, line: line.line, column: line.column + before.chars().count() };
    let mut flow =
        Flow { line: line.line, table: 0, priority: DEFAULT_PRIORITY, matches: Matches::new(), actions: read_actions(actions)? };
    for field in (Piece { text: head, ..line }).split(true) {
        let (key, value) = field.pair();
        let refused = || field.error(format!("`{}` is not understood", field.text), "correct the number");
        match key {
            "cookie" | "duration" | "n_packets" | "n_bytes" | "idle_age" | "hard_age" | "importance" => {}
            "table" => flow.table = number(value).and_then(|value| u8::try_from(value).ok()).ok_or_else(refused)?,
            "priority" => flow.priority = number(value).and_then(|value| u16::try_from(value).ok()).ok_or_else(refused)?,
            "idle_timeout" | "hard_timeout" => {
                return Err(field.error("a flow that ends by itself", "what is true only for a while cannot be compared"));
            }
            _ => flow.matches.field(&field)?,
        }
    }
    flow.matches.check(&line)?;
    Ok(flow)
}
