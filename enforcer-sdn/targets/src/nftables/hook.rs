//! The first line of a chain, for the parser: on which hook it is, at which interfaces, and when it is asked.

use enforcer_packetset::Verdict;

use super::family::Family;
use super::lex::{Kind, describe};
use super::parse::{Chain, Parser};
use crate::target::ParseError;

/// Which packets a base chain sees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    /// Those that a ruleset is about.
    Through,
    /// To or from the device itself.
    Own,
}

impl<'a> Parser<'a> {
    /// `type filter hook forward priority filter`; at ingress with the interfaces before the priority.
    pub(super) fn hook(&mut self, name: &'a str, at_name: usize) -> Result<Hook, ParseError> {
        let hook = self.family.hook();
        self.exactly("type", "write `type filter hook forward priority filter`")?;
        self.exactly("filter", "only chains of type filter decide about packets")?;
        self.exactly("hook", "write `type filter hook forward priority filter`")?;
        let (word, at) = self.lexer.expect_word(hook)?;
        if self.family != Family::Netdev && ["input", "output"].contains(&word) {
            return Ok(Hook::Own);
        }
        if word != hook {
            let advice = format!("give the chain on hook {hook} alone: other hooks see other packets");
            return Err(self.lexer.error(at, format!("`{word}` where `{hook}` belongs"), advice));
        }
        if self.family == Family::Netdev {
            self.devices()?;
        }
        if self.chain.is_some_and(|known| known.name != name) {
            let advice = format!("give the one chain on hook {hook}");
            return Err(self.lexer.error(at_name, format!("a second chain `{name}` on hook {hook}"), advice));
        }
        self.exactly("priority", "write `type filter hook forward priority filter`")?;
        let mut words = 0;
        while self.lexer.peek().kind != Kind::Break {
            let token = self.lexer.next()?;
            match token.kind {
                Kind::Word(word) if is_priority(word) => words += 1,
                Kind::Sign("+") if words > 0 => {}
                other => {
                    let what = format!("{} is no priority", describe(other));
                    return Err(self.lexer.error(token.at, what, "write `priority filter;` or a number"));
                }
            }
        }
        // Without a policy a base chain accepts.
        self.chain = Some(self.chain.unwrap_or(Chain { name, policy: Verdict::Allow }));
        Ok(Hook::Through)
    }

    /// Up to the brace that closes the chain; the one that opens it is taken.
    pub(super) fn skip_chain(&mut self, name: &str, at: usize) -> Result<(), ParseError> {
        let mut depth = 1;
        while depth > 0 {
            match self.lexer.next()?.kind {
                Kind::Sign("{") => depth += 1,
                Kind::Sign("}") => depth -= 1,
                Kind::End => return Err(self.lexer.error(at, format!("chain `{name}` does not end"), "close it with `}`")),
                _ => {}
            }
        }
        Ok(())
    }

    fn exactly(&mut self, wanted: &str, advice: &str) -> Result<(), ParseError> {
        let (word, at) = self.lexer.expect_word(wanted)?;
        if word == wanted {
            return Ok(());
        }
        Err(self.lexer.error(at, format!("`{word}` where `{wanted}` belongs"), advice))
    }

    /// `device NAME`, `devices = { NAME, NAME }` or `devices = $NAME`: which they are is not the rules' business.
    fn devices(&mut self) -> Result<(), ParseError> {
        let (word, at) = self.lexer.expect_word("`device` or `devices`")?;
        match word {
            "device" => return self.device(),
            "devices" => self.lexer.expect_sign("=")?,
            other => {
                let advice = "a chain at ingress names its interfaces: `devices = { left, right }`";
                return Err(self.lexer.error(at, format!("`{other}` where `devices` belongs"), advice));
            }
        }
        if self.lexer.take_sign("$")? {
            return self.device();
        }
        self.lexer.expect_sign("{")?;
        loop {
            self.device()?;
            if self.lexer.take_sign("}")? {
                return Ok(());
            }
            self.lexer.expect_sign(",")?;
        }
    }

    fn device(&mut self) -> Result<(), ParseError> {
        if let Kind::Quoted(_) = self.lexer.peek().kind {
            return self.lexer.next().map(drop);
        }
        self.lexer.expect_word("an interface").map(drop)
    }
}

fn is_priority(word: &str) -> bool {
    let names = ["raw", "mangle", "dstnat", "filter", "security", "srcnat", "-"];
    names.contains(&word) || word.parse::<i32>().is_ok()
}
