//! Statements of a rule that are no matches, for the parser: what they do to packets, and that the rest of them is harmless.

use enforcer_packetset::RangeSet;

use super::lex::Kind;
use super::rule::RuleReader;
use crate::target::ParseError;

impl RuleReader<'_, '_> {
    pub(super) fn counter(&mut self) -> Result<(), ParseError> {
        if let Kind::Word("name") = self.lexer.peek().kind {
            let at = self.lexer.peek().at;
            return Err(self.lexer.error(at, "a named counter", "use a plain `counter`"));
        }
        if self.lexer.take_word("packets")? {
            self.number()?;
            let (word, at) = self.lexer.expect_word("`bytes`")?;
            if word != "bytes" {
                return Err(self.lexer.error(at, format!("`{word}` where `bytes` belongs"), "write `counter packets N bytes N`"));
            }
            self.number()?;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), ParseError> {
        let (word, at) = self.lexer.expect_word("a number")?;
        match word.parse::<u64>() {
            Ok(_) => Ok(()),
            Err(_) => Err(self.lexer.error(at, format!("`{word}` is not a number"), "write it in digits")),
        }
    }

    pub(super) fn log(&mut self) -> Result<(), ParseError> {
        loop {
            match self.lexer.peek().kind {
                Kind::Word("prefix") => {
                    self.lexer.next()?;
                    self.lexer.expect_quoted("a log prefix")?;
                }
                Kind::Word("level") => {
                    self.lexer.next()?;
                    let (level, at) = self.lexer.expect_word("a log level")?;
                    // `audit` is no log entry but an audit record.
                    if !["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"].contains(&level) {
                        return Err(self.lexer.error(at, format!("unknown log level `{level}`"), "write `level info`"));
                    }
                }
                Kind::Word("group" | "snaplen" | "queue-threshold") => {
                    self.lexer.next()?;
                    self.number()?;
                }
                _ => break,
            }
        }
        self.logs = true;
        Ok(())
    }

    pub(super) fn reject(&mut self) -> Result<(), ParseError> {
        if !self.lexer.take_word("with")? {
            return Ok(());
        }
        let (kind, at) = self.lexer.expect_word("what to reject with")?;
        match kind {
            "tcp" => {
                let (word, at) = self.lexer.expect_word("`reset`")?;
                if word != "reset" {
                    return Err(self.lexer.error(at, format!("`{word}` where `reset` belongs"), "write `reject with tcp reset`"));
                }
                // RFC 9293: only TCP can be reset, so nft narrows the rule to TCP.
                self.matches.restrict_protocols(&RangeSet::of(6));
            }
            "icmpx" => drop(self.reason()?),
            "icmp" => {
                self.matches.is_v6 = false;
                self.reason()?;
            }
            "icmpv6" => {
                self.matches.is_v4 = false;
                self.reason()?;
            }
            other => {
                return Err(self.lexer.error(
                    at,
                    format!("unknown answer `{other}`"),
                    "write `icmp`, `icmpv6`, `icmpx` or `tcp reset`",
                ));
            }
        }
        Ok(())
    }

    fn reason(&mut self) -> Result<(), ParseError> {
        self.lexer.take_word("type")?;
        self.lexer.expect_word("a reason").map(drop)
    }
}
