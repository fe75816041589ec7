//! The entries of a list while it is read: those that one rule was written as become one step again, and each step keeps its line.

use enforcer_packetset::{Step, merge_neighbours};

use crate::target::Parsed;

/// Entries with one stem, with the line of the first.
struct Group {
    stem: String,
    line: usize,
    steps: Vec<Step>,
}

/// Entries in the order in which they are asked.
#[derive(Default)]
pub(crate) struct Entries(Vec<Group>);

impl Entries {
    /// `name` is the entry's own; entries whose names differ only in a number at the end are looked at together. That is a matter of speed
    /// alone: neighbours are merged only where no packet fares differently.
    pub(crate) fn push(&mut self, name: &str, line: usize, step: Step) {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_' || c == '-' || c == '.');
        match self.0.last_mut() {
            Some(group) if group.stem == stem => group.steps.push(step),
            last => {
                if let Some(done) = last {
                    done.merge();
                }
                self.0.push(Group { stem: stem.to_owned(), line, steps: vec![step] });
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn finish(mut self, parsed: &mut Parsed) {
        if let Some(last) = self.0.last_mut() {
            last.merge();
        }
        for group in self.0 {
            for step in group.steps {
                parsed.steps.push(step);
                parsed.lines.push(group.line);
            }
        }
    }
}

impl Group {
    fn merge(&mut self) {
        self.steps = merge_neighbours(std::mem::take(&mut self.steps));
    }
}
