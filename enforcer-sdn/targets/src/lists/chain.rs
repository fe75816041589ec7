//! Entries of one list as they come by, merged between remarks so that a long text is never held line by line.

use enforcer_packetset::{L4, Selector, Step, merge_neighbours};

use crate::lists::address::all;
use crate::target::{ParseError, Parsed};
use crate::words::{Words, number};

/// The entries of one list.
#[derive(Default)]
pub(crate) struct Chain {
    /// Entries between two remarks, with the line of the first.
    groups: Vec<(usize, Vec<Step>)>,
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
            (Some(number), Some(last), Some((line, _))) if number == last => {
                let line = *line;
                self.cut(line);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A remark only says where to stop looking for lines that one selector can say.
    pub(crate) fn remark(&mut self, line: usize) {
        self.flush();
        self.cut(line);
    }

    pub(crate) fn push(&mut self, line: usize, steps: Vec<Step>) {
        self.flush();
        self.has_entries = true;
        self.has_end |= steps.iter().any(|step| {
            let Selector { source, destination, l4, .. } = &step.selector;
            let is_whole = |is_ipv6| all(is_ipv6) == *source && all(is_ipv6) == *destination;
            *l4 == L4::Any && (is_whole(false) || is_whole(true))
        });
        self.last = Some((line, steps));
    }

    fn cut(&mut self, line: usize) {
        if let Some((_, group)) = self.groups.last_mut() {
            *group = merge_neighbours(std::mem::take(group));
        }
        self.groups.push((line, Vec::new()));
    }

    fn flush(&mut self) {
        let Some((line, steps)) = self.last.take() else { return };
        match self.groups.last_mut() {
            Some((first, group)) => {
                if group.is_empty() {
                    *first = line;
                }
                group.extend(steps);
            }
            None => self.groups.push((line, steps)),
        }
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
        let mut last_line = 0;
        for (line, steps) in self.groups {
            for step in merge_neighbours(steps) {
                last_line = line;
                parsed.steps.push(step);
                parsed.lines.push(line);
            }
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
