//! One line of a text as words with their places, for the dialects that are lines of words. It knows no dialect.

use crate::target::ParseError;

/// The words of one line, taken from the left.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    line: usize,
    text: &'a str,
    /// Where the word that was taken last begins, and where what is left begins, in bytes.
    taken: usize,
    at: usize,
}

impl<'a> Words<'a> {
    pub(crate) fn new(line: usize, text: &'a str) -> Self {
        let mut words = Self { line, text, taken: 0, at: 0 };
        words.skip_blanks();
        words.taken = words.at;
        words
    }

    /// What is left, up to the end of the line.
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// The next word, not taken. Empty at the end of the line.
    pub(crate) fn peek(&self) -> &'a str {
        self.rest().split_whitespace().next().unwrap_or("")
    }

    /// The word after the next one, not taken.
    pub(crate) fn peek_second(&self) -> &'a str {
        self.rest().split_whitespace().nth(1).unwrap_or("")
    }

    pub(crate) fn next(&mut self) -> &'a str {
        let word = self.peek();
        self.taken = self.at;
        self.at += word.len();
        self.skip_blanks();
        word
    }

    /// Takes the next word if it is this one.
    pub(crate) fn take(&mut self, wanted: &str) -> bool {
        let is_next = self.peek() == wanted;
        if is_next {
            self.next();
        }
        is_next
    }

    /// The next word, which must be there.
    pub(crate) fn some(&mut self, meaning: &str) -> Result<&'a str, ParseError> {
        match self.next() {
            "" => Err(self.error(format!("the line ends where {meaning} belongs"), "complete the line")),
            word => Ok(word),
        }
    }

    pub(crate) fn expect(&mut self, wanted: &str, advice: &str) -> Result<(), ParseError> {
        match self.next() {
            word if word == wanted => Ok(()),
            word => Err(self.error(format!("`{word}` where `{wanted}` belongs"), advice)),
        }
    }

    /// Nothing may be left.
    pub(crate) fn end(&self, advice: &str) -> Result<(), ParseError> {
        match self.peek() {
            "" => Ok(()),
            word => Err(self.error_ahead(format!("`{word}` is not understood here"), advice)),
        }
    }

    /// How far the line is indented.
    pub(crate) fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }

    /// Line and column of the word that was taken last.
    pub(crate) fn place(&self) -> (usize, usize) {
        (self.line, self.text.get(..self.taken).map_or(1, |before| before.chars().count() + 1))
    }

    /// An error at the word that was taken last.
    pub(crate) fn error(&self, what: impl Into<String>, advice: impl Into<String>) -> ParseError {
        let (line, column) = self.place();
        ParseError { line, column, what: what.into(), advice: advice.into() }
    }

    /// An error at the next word.
    pub(crate) fn error_ahead(&self, what: impl Into<String>, advice: impl Into<String>) -> ParseError {
        Self { taken: self.at, ..*self }.error(what, advice)
    }
}

/// Digits only, without a sign or a leading zero.
pub(crate) fn number<T: std::str::FromStr>(word: &str) -> Option<T> {
    let is_clean = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    if is_clean { word.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_points_at_the_word_in_characters() {
        let mut words = Words::new(7, "  päß  permit x");
        assert_eq!(words.next(), "päß");
        assert!(words.take("permit") && !words.take("permit"));
        assert_eq!((words.error("", "").column, words.error_ahead("", "").column), (8, 15));
        assert_eq!(words.next(), "x");
        assert_eq!(words.some("a port").unwrap_err().to_string(), "7:16: the line ends where a port belongs; complete the line");
    }

    #[test]
    fn numbers_are_plain() {
        assert_eq!((number::<u16>("0"), number::<u16>("65535")), (Some(0), Some(65535)));
        for word in ["", "+1", "01", "65536", "-1", "1 "] {
            assert_eq!(number::<u16>(word), None, "{word}");
        }
    }
}
