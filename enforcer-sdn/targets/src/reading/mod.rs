//! How parsers take a text apart: words with their places, a cursor over a statement's words, and the values that words stand for.
//!
//! Only reading is shared between dialects: what a word means is each parser's own business, and no renderer uses anything of this.

mod groups;
mod paths;
mod values;
mod zones;

pub(crate) use groups::Groups;
pub(crate) use paths::{Path, paths};
pub(crate) use values::{address_range, digits, of_family, ports_of, prefix, range};

use crate::target::ParseError;

/// A word and where it stands. At the end of a statement: an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    /// Without its quotes.
    pub text: &'a str,
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    pub is_quoted: bool,
}

/// What the words of a dialect look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lexing {
    /// Characters that are a word of their own; with `\n` each end of a line is one too.
    pub marks: &'static str,
    /// `/* ... */` is a comment.
    pub has_block_comments: bool,
    /// Where `#` begins a comment.
    pub comments: Comments,
    /// A backslash before the end of a line joins the next one to it.
    pub has_continuation: bool,
}

/// Where `#` begins a comment, up to the end of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comments {
    /// Where a word could begin.
    Anywhere,
    /// The same; and a backslash before the end of the line joins the next one to the comment.
    Continued,
    /// As the first of a statement; elsewhere it is a letter like others.
    First,
}

impl<'a> Word<'a> {
    pub fn error(&self, what: impl Into<String>, advice: impl Into<String>) -> ParseError {
        ParseError { line: self.line, column: self.column, what: what.into(), advice: advice.into() }
    }

    /// The word where `meaning` belongs.
    pub fn unknown(&self, meaning: &str, advice: impl Into<String>) -> ParseError {
        match self.text {
            "" | "\n" => self.error(format!("the statement ends where {meaning} belongs"), "complete it"),
            text => self.error(format!("`{text}` is not understood as {meaning}"), advice),
        }
    }

    /// The word itself, not a quoted text of the same letters.
    pub fn is(&self, text: &str) -> bool {
        !self.is_quoted && self.text == text
    }
}

/// Whether the words begin with those of `start`; `*` is any word.
pub(crate) fn begins(words: &[Word<'_>], start: &str) -> bool {
    let mut words = words.iter();
    start.split(' ').all(|wanted| words.next().is_some_and(|word| wanted == "*" || word.is(wanted)))
}

/// All words of a text.
pub(crate) fn words(text: &str, lexing: Lexing) -> Result<Vec<Word<'_>>, ParseError> {
    let mut words = Vec::new();
    let (mut line, mut column) = (1, 1);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let place = Word { text: "", line, column, is_quoted: false };
        let length = if first == '\n' && lexing.marks.contains('\n') {
            words.push(Word { text: "\n", ..place });
            1
        } else if first.is_whitespace() {
            first.len_utf8()
        } else if lexing.has_continuation
            && first == '\\'
            && rest.trim_start_matches('\\').trim_start_matches('\r').starts_with('\n')
        {
            rest.find('\n').unwrap_or(0) + 1
        } else if first == '#' && begins_comment(lexing, words.last()) {
            comment(rest, lexing.comments == Comments::Continued)
        } else if lexing.has_block_comments && rest.starts_with("/*") {
            rest.find("*/").ok_or_else(|| place.error("a comment without an end", "close it with `*/`"))? + 2
        } else if first == '"' {
            let length = quoted(rest).ok_or_else(|| place.error("a quoted text without an end", "close it with `\"`"))?;
            words.push(Word { text: rest.get(1..length - 1).unwrap_or(""), is_quoted: true, ..place });
            length
        } else if lexing.marks.contains(first) {
            words.push(Word { text: rest.get(..first.len_utf8()).unwrap_or(""), ..place });
            first.len_utf8()
        } else {
            let ends = |c: char| c.is_whitespace() || c == '"' || lexing.marks.contains(c);
            let length = rest.find(ends).unwrap_or(rest.len());
            words.push(Word { text: rest.get(..length).unwrap_or(""), ..place });
            length
        };
        let (taken, left) = rest.split_at(length);
        for character in taken.chars() {
            (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        rest = left;
    }
    Ok(words)
}

fn begins_comment(lexing: Lexing, before: Option<&Word<'_>>) -> bool {
    lexing.comments != Comments::First || before.is_none_or(|before| before.is("\n"))
}

/// Bytes of the comment that `text` begins with.
fn comment(text: &str, is_continued: bool) -> usize {
    let mut length = 0;
    for line in text.split_inclusive('\n') {
        length += line.trim_end_matches('\n').len();
        if !(is_continued && line.ends_with('\n') && line.trim_end_matches(['\n', '\r']).ends_with('\\')) {
            break;
        }
        length += 1;
    }
    length
}

/// Bytes of the quoted text that `text` begins with, quotes included.
fn quoted(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !is_escaped => return Some(at + 1),
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    None
}

/// Goes over the words of one statement.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'w, 'a> {
    words: &'w [Word<'a>],
    at: usize,
    end: Word<'a>,
}

impl<'w, 'a> Cursor<'w, 'a> {
    pub fn new(words: &'w [Word<'a>]) -> Self {
        let end = words.last().map_or(Word { text: "", line: 1, column: 1, is_quoted: false }, |last| {
            let width = last.text.chars().count() + if last.is_quoted { 2 } else { 0 };
            Word { text: "", line: last.line, column: last.column + width, is_quoted: false }
        });
        Self { words, at: 0, end }
    }

    /// The empty word at the end.
    pub fn peek(&self) -> Word<'a> {
        self.words.get(self.at).copied().unwrap_or(self.end)
    }

    pub fn next(&mut self) -> Word<'a> {
        let word = self.peek();
        self.at += 1;
        word
    }

    pub fn is_at_end(&self) -> bool {
        self.at >= self.words.len()
    }

    /// What was not taken yet.
    pub fn rest(&self) -> &'w [Word<'a>] {
        self.words.get(self.at..).unwrap_or(&[])
    }

    /// The next word, if it is this one.
    pub fn take(&mut self, text: &str) -> bool {
        let is_next = !self.is_at_end() && self.peek().is(text);
        self.at += usize::from(is_next);
        is_next
    }

    pub fn some(&mut self, meaning: &str) -> Result<Word<'a>, ParseError> {
        if self.is_at_end() { Err(self.peek().unknown(meaning, "")) } else { Ok(self.next()) }
    }

    pub fn expect(&mut self, text: &str) -> Result<(), ParseError> {
        if self.take(text) { Ok(()) } else { Err(self.peek().unknown(&format!("`{text}`"), "see what the dialect reads")) }
    }

    pub fn end(&self) -> Result<(), ParseError> {
        match self.peek() {
            _ if self.is_at_end() => Ok(()),
            word => Err(word.error(format!("`{}` is not understood here", word.text), "the statement should end before it")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEXING: Lexing =
        Lexing { marks: "{;}\n", has_block_comments: true, comments: Comments::Anywhere, has_continuation: true };

    fn texts(text: &str) -> Vec<(&str, usize, usize)> {
        words(text, LEXING).unwrap().iter().map(|word| (word.text, word.line, word.column)).collect()
    }

    #[test]
    fn words_know_their_places() {
        assert_eq!(texts("a {b;\n}"), [("a", 1, 1), ("{", 1, 3), ("b", 1, 4), (";", 1, 5), ("\n", 1, 6), ("}", 2, 1)]);
        assert_eq!(texts("é \"x # \\\" y\" z # w"), [("é", 1, 1), ("x # \\\" y", 1, 3), ("z", 1, 14)]);
        assert_eq!(texts("a /* b\n c */ d"), [("a", 1, 1), ("d", 2, 7)]);
        assert_eq!(texts("a \\\n b"), [("a", 1, 1), ("b", 2, 2)]);
    }

    #[test]
    fn a_comment_ends_where_the_dialect_ends_it() {
        let of = |comments: Comments, text: &'static str| -> Vec<&str> {
            words(text, Lexing { comments, ..LEXING }).unwrap().iter().map(|word| word.text).collect()
        };
        assert_eq!(of(Comments::Anywhere, "a # b \\\nc"), ["a", "\n", "c"]);
        assert_eq!(of(Comments::Continued, "a # b \\\nc\nd"), ["a", "\n", "d"]);
        assert_eq!(of(Comments::First, " # b\na #b c"), ["\n", "a", "#b", "c"]);
    }

    #[test]
    fn what_never_ends_is_refused() {
        assert_eq!(words("x \"y", LEXING).unwrap_err().column, 3);
        assert_eq!(words("x /* y", LEXING).unwrap_err().column, 3);
    }
}
