//! Cuts nft text into words, quoted strings, signs and line ends, each with its place. Knows no keyword.

use crate::target::ParseError;

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// Letters, digits and what names, numbers, addresses and ranges are made of.
    Word(&'a str),
    /// Without its quotes.
    Quoted(&'a str),
    Sign(&'a str),
    /// A newline or `;`.
    Break,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub kind: Kind<'a>,
    /// Byte offset.
    pub at: usize,
    /// Counted from 1.
    pub line: usize,
}

/// Reads one token after the other, with one in view.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    ahead: Token<'a>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, ParseError> {
        let ahead = Token { kind: Kind::End, at: 0, line: 1 };
        let mut lexer = Self { text, at: 0, line: 1, ahead };
        lexer.ahead = lexer.read()?;
        Ok(lexer)
    }

    pub(super) const fn peek(&self) -> Token<'a> {
        self.ahead
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>, ParseError> {
        let token = self.ahead;
        self.ahead = self.read()?;
        Ok(token)
    }

    /// Takes the sign if it comes next.
    pub(super) fn take_sign(&mut self, sign: &str) -> Result<bool, ParseError> {
        let is_next = self.ahead.kind == Kind::Sign(sign);
        if is_next {
            self.next()?;
        }
        Ok(is_next)
    }

    /// Takes the word if it comes next.
    pub(super) fn take_word(&mut self, word: &str) -> Result<bool, ParseError> {
        let is_next = self.ahead.kind == Kind::Word(word);
        if is_next {
            self.next()?;
        }
        Ok(is_next)
    }

    pub(super) fn expect_sign(&mut self, sign: &str) -> Result<(), ParseError> {
        let token = self.next()?;
        if token.kind == Kind::Sign(sign) {
            return Ok(());
        }
        Err(self.error(token.at, format!("{} where `{sign}` belongs", describe(token.kind)), "put it there"))
    }

    pub(super) fn expect_word(&mut self, meaning: &str) -> Result<(&'a str, usize), ParseError> {
        let token = self.next()?;
        match token.kind {
            Kind::Word(word) => Ok((word, token.at)),
            other => {
                Err(self.error(token.at, format!("{} where {meaning} belongs", describe(other)), "write it as nft lists it"))
            }
        }
    }

    pub(super) fn expect_quoted(&mut self, meaning: &str) -> Result<&'a str, ParseError> {
        let token = self.next()?;
        match token.kind {
            Kind::Quoted(text) => Ok(text),
            other => Err(self.error(token.at, format!("{} where {meaning} belongs", describe(other)), "put it in double quotes")),
        }
    }

    pub(super) fn skip_breaks(&mut self) -> Result<(), ParseError> {
        while self.ahead.kind == Kind::Break {
            self.next()?;
        }
        Ok(())
    }

    /// Where something is wrong, counted only now.
    pub(super) fn error(&self, at: usize, what: impl Into<String>, advice: impl Into<String>) -> ParseError {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        ParseError { line, column, what: what.into(), advice: advice.into() }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn read(&mut self) -> Result<Token<'a>, ParseError> {
        self.skip_blanks();
        let (at, line, rest) = (self.at, self.line, self.rest());
        let Some(first) = rest.chars().next() else {
            return Ok(Token { kind: Kind::End, at, line });
        };
        let (kind, length) = match first {
            '\n' | ';' => (Kind::Break, 1),
            '"' => {
                let inside = rest.get(1..).unwrap_or("");
                let Some(length) = inside.find(['"', '\n']).filter(|&end| inside[end..].starts_with('"')) else {
                    return Err(self.error(at, "a quoted string without an end", "close it with `\"` on the same line"));
                };
                (Kind::Quoted(&inside[..length]), length + 2)
            }
            c if is_word(c) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Kind::Word(&rest[..length]), length)
            }
            c => {
                let length = match rest.get(..2) {
                    Some("!=" | "==" | "<=" | ">=" | "<<" | ">>") => 2,
                    _ => c.len_utf8(),
                };
                (Kind::Sign(&rest[..length]), length)
            }
        };
        self.at += length;
        self.line += usize::from(first == '\n');
        Ok(Token { kind, at, line })
    }

    /// Spaces, comments, and a newline that a backslash hides.
    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let length = match rest.as_bytes() {
                [b' ' | b'\t' | b'\r', ..] => 1,
                [b'\\', b'\n', ..] => {
                    self.line += 1;
                    2
                }
                [b'#', ..] => rest.find('\n').unwrap_or(rest.len()),
                _ => return,
            };
            self.at += length;
        }
    }
}

const fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '/' | '@' | '-')
}

/// For messages.
pub(super) fn describe(kind: Kind<'_>) -> String {
    match kind {
        Kind::Word(text) | Kind::Sign(text) => format!("`{text}`"),
        Kind::Quoted(text) => format!("`\"{text}\"`"),
        Kind::Break => "the end of the line".into(),
        Kind::End => "the end of the text".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_strings_signs_and_breaks_are_told_apart_with_their_places() {
        let mut lexer = Lexer::new("ip saddr != @v4_1 # note\n\\\n{ 10.0.0.0/8, \"a b\" };").unwrap();
        let mut kinds = Vec::new();
        let mut lines = Vec::new();
        while lexer.peek().kind != Kind::End {
            let token = lexer.next().unwrap();
            kinds.push(token.kind);
            lines.push(token.line);
        }
        use Kind::{Break, Quoted, Sign, Word};
        let wanted = [Word("ip"), Word("saddr"), Sign("!="), Word("@v4_1"), Break, Sign("{"), Word("10.0.0.0/8")];
        assert_eq!(kinds[..7], wanted);
        assert_eq!(kinds[7..], [Sign(","), Quoted("a b"), Sign("}"), Break]);
        assert_eq!(lines, [1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3]);
    }

    #[test]
    fn an_open_string_is_refused_at_its_quote() {
        let error = Lexer::new("\"abc\ndef\"").unwrap_err();
        assert_eq!((error.line, error.column), (1, 1));
    }
}
