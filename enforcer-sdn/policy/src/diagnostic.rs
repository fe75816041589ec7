//! What is wrong, where, and what to do: one finding about a policy, printed with the line and a caret under the words.

use std::fmt;

use crate::source::{Location, Sources, Span};

/// How bad a finding is. Only errors stop a compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The policy cannot be compiled.
    Error,
    /// It compiles, and probably not to what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One finding, complete in itself: no other document is needed to print it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Stable word for machines (`unknown-zone`).
    pub code: &'static str,
    /// One line, lower case, values in backticks.
    pub message: String,
    /// None when it is about no place in the text.
    pub location: Option<Location>,
    pub span: Option<Span>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    #[must_use]
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self { severity, code, message: message.into(), location: None, span: None, help: None }
    }

    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    #[must_use]
    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    #[must_use]
    pub fn at(mut self, sources: &Sources, span: &Span) -> Self {
        self.location = sources.locate(span);
        self.span = Some(span.clone());
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Line number from 1; 0 when it is about no place.
    #[must_use]
    pub fn line(&self) -> usize {
        self.location.as_ref().map_or(0, |location| location.line)
    }

    /// Column from 1 in characters; 0 when it is about no place.
    #[must_use]
    pub fn column(&self) -> usize {
        self.location.as_ref().map_or(0, |location| location.column)
    }
}

/// Longest piece of a line that is printed; a minified file is one line.
const EXCERPT_CHARS: usize = 120;

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.location {
            write!(f, "{}:{}:{}: ", at.file, at.line, at.column)?;
        }
        write!(f, "{}: {} [{}]", self.severity.as_str(), self.message, self.code)?;
        if let Some(at) = &self.location {
            let number = at.line.to_string();
            let skip = (at.column - 1).saturating_sub(EXCERPT_CHARS / 2);
            let shown: String = at.line_text.chars().skip(skip).take(EXCERPT_CHARS).map(plain).collect();
            let before = at.column - 1 - skip;
            let carets = at.width.min(EXCERPT_CHARS.saturating_sub(before)).max(1);
            write!(f, "\n {number} | {shown}\n {:gutter$} | {:before$}{:^<carets$}", "", "", "", gutter = number.len())?;
        }
        match &self.help {
            Some(help) => write!(f, "\n   = {help}"),
            None => Ok(()),
        }
    }
}

/// A character that keeps the caret in its column and the terminal in its state.
fn plain(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// The nearest of `known` to a misspelt word, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&folded, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= candidate.chars().count().max(folded.chars().count()).div_ceil(3))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn a_finding_shows_its_line_with_a_caret_under_the_words() {
        let sources = Sources::new(&[SourceFile { name: "plant.yaml".into(), text: "rules:\n  - to: plnt\n".into() }]);
        let finding = Diagnostic::error("unknown-zone", "unknown zone `plnt`; did you mean `plant`?")
            .at(&sources, &Span { file: 0, bytes: 15..19 })
            .help("zones are defined under `zones:`");
        assert_eq!(
            finding.to_string(),
            "plant.yaml:2:9: error: unknown zone `plnt`; did you mean `plant`? [unknown-zone]\n \
             2 |   - to: plnt\n   |         ^^^^\n   = zones are defined under `zones:`"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_words() {
        let text = format!("{}zone{}", "x".repeat(500), "y".repeat(500));
        let sources = Sources::new(&[SourceFile { name: "m".into(), text }]);
        let shown = Diagnostic::error("x", "y").at(&sources, &Span { file: 0, bytes: 500..504 }).to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1].find("zone"), lines[2].find("^^^^"));
        assert!(lines[1].len() < 140);
    }

    #[test]
    fn only_near_words_are_suggested() {
        assert_eq!(nearest("plnt", ["office", "plant"]), Some("plant"));
        assert_eq!(nearest("modbsu", ["modbus", "mbs"]), Some("modbus"));
        assert_eq!(nearest("kitchen", ["office", "plant"]), None);
    }
}
