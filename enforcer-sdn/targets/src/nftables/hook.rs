//! The first line of a chain, for the parser: on which hook it is, at which interfaces, and when it is asked.

use enforcer_packetset::Verdict;

use super::family::Family;
use super::lex::{Kind, describe};
use super::parse::{Chain, Parser};
use crate::target::ParseError;

impl<'a> Parser<'a> {
    /// `type filter hook forward priority filter`; at ingress with the interfaces before the priority.
    pub(super) fn hook(&mut self, name: &'a str) -> Result<(), ParseError> {
        let hook = self.family.hook();
        self.exactly("type", "write `type filter hook forward priority filter`")?;
        self.exactly("filter", "only chains of type filter decide about packets")?;
        self.exactly("hook", "write `type filter hook forward priority filter`")?;
        self.exactly(hook, &format!("give the chain on hook {hook} alone: other hooks see other packets"))?;
        if self.family == Family::Netdev {
            self.devices()?;
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
