//! One line as words with their places, for the parser: quotes and backslashes as `iptables-restore` reads them.

use crate::target::ParseError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    /// In characters, counted from 1.
    pub column: usize,
}

/// The words of one line, taken one after the other.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub line: usize,
    words: Vec<Word>,
    next: usize,
    end: usize,
}

impl Words {
    pub(super) fn new(line: usize, text: &str) -> Result<Self, ParseError> {
        let mut words: Vec<Word> = Vec::new();
        let (mut current, mut quoted, mut escaped): (Option<Word>, bool, bool) = (None, false, false);
        let mut end = 1;
        for (column, c) in (1..).zip(text.chars()) {
            end = column + 1;
            if !quoted && !escaped && c.is_whitespace() {
                words.extend(current.take());
                continue;
            }
            let word = current.get_or_insert_with(|| Word { text: String::new(), column });
            match c {
                _ if escaped => {
                    word.text.push(c);
                    escaped = false;
                }
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ => word.text.push(c),
            }
        }
        words.extend(current.take());
        let read = Self { line, words, next: 0, end };
        if quoted || escaped {
            return Err(read.error("a quote that is not closed", "close it in the same line"));
        }
        Ok(read)
    }

    pub(super) fn peek(&self) -> Option<&str> {
        self.words.get(self.next).map(|word| word.text.as_str())
    }

    pub(super) fn take(&mut self) -> Option<Word> {
        let word = self.words.get(self.next).cloned();
        self.next += usize::from(word.is_some());
        word
    }

    /// The next word, which `meaning` says what it is for.
    pub(super) fn expect(&mut self, meaning: &str) -> Result<Word, ParseError> {
        self.take().ok_or_else(|| self.error(format!("the line ends where {meaning} belongs"), "complete the line"))
    }

    pub(super) fn finish(&self) -> Result<(), ParseError> {
        match self.words.get(self.next) {
            None => Ok(()),
            Some(word) => Err(self.at(word.column, format!("`{}` is not understood here", word.text), "leave it out")),
        }
    }

    /// An error at the word that was taken last; at the end of the line when it lacks words.
    pub(super) fn error(&self, what: impl Into<String>, advice: impl Into<String>) -> ParseError {
        let last = self.next.checked_sub(1).and_then(|at| self.words.get(at));
        let column = last.filter(|_| self.next < self.words.len() || self.end == 1).map_or(self.end, |word| word.column);
        self.at(column, what, advice)
    }

    pub(super) fn at(&self, column: usize, what: impl Into<String>, advice: impl Into<String>) -> ParseError {
        ParseError { line: self.line, column, what: what.into(), advice: advice.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_blanks_together() {
        let mut words = Words::new(1, r#"-A x --comment "a \" b"  -j"#).unwrap();
        let all: Vec<(String, usize)> = std::iter::from_fn(|| words.take()).map(|word| (word.text, word.column)).collect();
        assert_eq!(all[3], ("a \" b".to_owned(), 16));
        assert_eq!(all[4], ("-j".to_owned(), 26));
        assert!(Words::new(1, "a \"b").is_err());
    }
}
