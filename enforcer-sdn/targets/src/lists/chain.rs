//! Entries of one list as they come by, merged between remarks so that a long text is never held line by line.

use enforcer_packetset::{L4, Selector, Step, merge_neighbours};

use crate::lists::address::all;
use crate::target::{ParseError, Parsed};
use crate::words::{Words, number};

/// The entries of one list.
#[derive(Default)]
pub(crate) struct Chain {
    steps: Vec<Step>,
    /// Of each step: where the entries between two remarks begin.
    lines: Vec<usize>,
    /// The first step after the remark that was read last, and the line of its entry.
    start: usize,
    start_line: usize,
    /// The entry that was read last: a comment may still be about it.
    last: Option<(usize, Vec<Step>)>,
    number: Option<u32>,
    /// Remarks and entries without a number since then.
    unnumbered: u32,
    has_entries: bool,
    has_end: bool,
}

impl Chain {
    /// Entries are sorted by their numbers; only ascending ones stand as they are read. One without a number gets the next ten, behind the
    /// remarks before it, which some devices number and some do not: the higher number refuses more than is needed.
    pub(crate) fn number(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        let Some(number) = number::<u32>(words.peek()) else {
            self.unnumbered = self.unnumbered.saturating_add(1);
            if words.peek() != "remark" {
                self.number = Some(self.number.unwrap_or(0).saturating_add(self.unnumbered.saturating_mul(10)));
                self.unnumbered = 0;
            }
            return Ok(());
        };
        self.unnumbered = 0;
        words.next();
        if self.number.is_some_and(|last| number <= last) {
            return Err(words.error("entries that are not in ascending order", "list them as the device does"));
        }
        self.number = Some(number);
        Ok(())
    }

    /// `10 comment TEXT` is about entry 10, which may stand before or behind it.
    pub(crate) fn comment(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        let number = number::<u32>(words.peek());
        words.next();
        match (number, self.number, &self.last) {
            (Some(number), Some(last), _) if number < last => Err(words
                .error("a comment on an entry that is not before or behind it", "list entries and comments in ascending order")),
            (Some(number), Some(last), Some(_)) if number == last => {
                self.cut();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A remark only says where to stop looking for lines that one selector can say.
    pub(crate) fn remark(&mut self) {
        self.flush();
        self.cut();
    }

    pub(crate) fn push(&mut self, line: usize, steps: Vec<Step>) {
        self.flush();
        self.has_entries = true;
        self.has_end |= steps.iter().any(|step| {
            let Selector { source, destination, l4, week, .. } = &step.selector;
            let is_whole = |is_ipv6| all(is_ipv6) == *source && all(is_ipv6) == *destination;
            *l4 == L4::Any && week.is_always() && (is_whole(false) || is_whole(true))
        });
        self.last = Some((line, steps));
    }

    fn cut(&mut self) {
        if self.steps.len() - self.start > 1 {
            let merged = merge_neighbours(self.steps.drain(self.start..));
            self.steps.extend(merged);
            self.lines.truncate(self.steps.len());
        }
        self.start = self.steps.len();
    }

    fn flush(&mut self) {
        let Some((line, steps)) = self.last.take() else { return };
        if self.start == self.steps.len() {
            self.start_line = line;
        }
        self.steps.extend(steps);
        self.lines.resize(self.steps.len(), self.start_line);
    }

    /// Whether an entry decides on everything, so that nothing reaches the unwritten end.
    pub(crate) const fn has_end(&self) -> bool {
        self.has_end
    }

    /// A list without entries; most devices take it for no list.
    pub(crate) const fn is_empty(&self) -> bool {
        !self.has_entries
    }

    /// The steps to `parsed`, then what the list does unwritten.
    pub(crate) fn finish(mut self, parsed: &mut Parsed, unwritten: impl IntoIterator<Item = Step>) {
        self.flush();
        self.cut();
        let last_line = self.lines.last().copied().unwrap_or(0);
        // A long list moves as a whole: it is the largest thing in memory.
        if parsed.steps.is_empty() {
            (parsed.steps, parsed.lines) = (self.steps, self.lines);
        } else {
            parsed.steps.extend(self.steps);
            parsed.lines.extend(self.lines);
        }
        for step in unwritten {
            parsed.steps.push(step);
            parsed.lines.push(last_line);
        }
    }
}

/// The end of most lists.
pub(crate) fn deny_rest(is_ipv6: bool) -> Step {
    Step::deny(of_all(is_ipv6, L4::Any))
}

/// All packets of one IP version with that protocol.
pub(crate) fn of_all(is_ipv6: bool, l4: L4) -> Selector {
    Selector { source: all(is_ipv6), destination: all(is_ipv6), l4, ..Selector::any() }
}
