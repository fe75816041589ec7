//! Reads nft text (a file, or a listing) and says what it does in hook forward. What it does not know is an error with its place.

use enforcer_packetset::{Selector, Step, Verdict};

use super::family::Family;
use super::frames::Frames;
use super::hook::Hook;
use super::lex::{Kind, Lexer, describe};
use super::rule::RuleReader;
use super::values::{PORT, PROTOCOL, SetMembers, Sets, V4, V6, listed};
use crate::conjunction::Conjunction;
use crate::target::{ParseError, Parsed};

pub(super) fn inet(text: &str) -> Result<Parsed, ParseError> {
    parse(text, Family::Inet)
}

pub(super) fn bridge(text: &str) -> Result<Parsed, ParseError> {
    parse(text, Family::Bridge { follows: true })
}

pub(super) fn stateless_bridge(text: &str) -> Result<Parsed, ParseError> {
    parse(text, Family::Bridge { follows: false })
}

pub(super) fn netdev(text: &str) -> Result<Parsed, ParseError> {
    parse(text, Family::Netdev)
}

fn parse(text: &str, family: Family) -> Result<Parsed, ParseError> {
    let mut parser = Parser {
        lexer: Lexer::new(text)?,
        family,
        table: None,
        sets: Sets::new(),
        chain: None,
        steps: Vec::new(),
        arp: None,
        notes: Vec::new(),
        removes: false,
    };
    parser.commands()?;
    Ok(parser.finish())
}

/// The state of the one table that the text defines.
pub(super) struct Parser<'a> {
    pub(super) lexer: Lexer<'a>,
    pub(super) family: Family,
    table: Option<Table<'a>>,
    sets: Sets,
    pub(super) chain: Option<Chain<'a>>,
    /// With the line of each.
    steps: Vec<(Step, usize)>,
    /// What the first rule about it does with ARP.
    arp: Option<Verdict>,
    notes: Vec<String>,
    /// A `delete` or `flush` stands before the definition.
    removes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Table<'a> {
    family: &'a str,
    name: &'a str,
}

/// The base chain on the family's hook.
#[derive(Clone, Copy)]
pub(super) struct Chain<'a> {
    pub(super) name: &'a str,
    pub(super) policy: Verdict,
}

impl<'a> Parser<'a> {
    fn commands(&mut self) -> Result<(), ParseError> {
        loop {
            self.lexer.skip_breaks()?;
            let token = self.lexer.next()?;
            match token.kind {
                Kind::End => return Ok(()),
                Kind::Word("table") => self.table()?,
                Kind::Word("add" | "create") if self.lexer.take_word("table")? => self.table()?,
                Kind::Word("delete" | "destroy") if self.lexer.take_word("table")? => {
                    self.table_name()?;
                    self.forget();
                }
                Kind::Word("flush") if self.lexer.take_word("ruleset")? => self.forget(),
                other => {
                    let what = format!("{} is not understood as a command", describe(other));
                    let advice =
                        "a text is `table`, `delete table` and `flush ruleset`; list a running table with `nft -nn list table`";
                    return Err(self.lexer.error(token.at, what, advice));
                }
            }
            let token = self.lexer.peek();
            if !matches!(token.kind, Kind::Break | Kind::End) {
                let what = format!("{} after a command", describe(token.kind));
                return Err(self.lexer.error(token.at, what, "begin a new line"));
            }
        }
    }

    /// A transaction that removes the table leaves nothing of what stood before.
    fn forget(&mut self) {
        self.removes = true;
        self.sets.clear();
        self.chain = None;
        self.steps.clear();
        self.arp = None;
        self.notes.clear();
    }

    fn table_name(&mut self) -> Result<Table<'a>, ParseError> {
        let (family, at) = self.lexer.expect_word("a table's family")?;
        if !self.family.reads(family) {
            let advice =
                format!("a table of {} is one of family `{}`: prove it as what it is", self.family.target(), self.family.word());
            return Err(self.lexer.error(at, format!("family `{family}` is not understood"), advice));
        }
        let (name, at) = self.lexer.expect_word("a table's name")?;
        let table = Table { family, name };
        if self.table.is_some_and(|known| known != table) {
            let advice = "give one table; what another one does is not known";
            return Err(self.lexer.error(at, format!("a second table `{family} {name}`"), advice));
        }
        self.table = Some(table);
        Ok(table)
    }

    fn table(&mut self) -> Result<(), ParseError> {
        let table = self.table_name()?;
        if !self.lexer.take_sign("{")? {
            return Ok(());
        }
        loop {
            self.lexer.skip_breaks()?;
            let token = self.lexer.next()?;
            match token.kind {
                Kind::Sign("}") => return Ok(()),
                Kind::Word("set") => self.set()?,
                Kind::Word("chain") => self.chain(table)?,
                Kind::Word("comment") => drop(self.lexer.expect_quoted("a comment")?),
                other => {
                    let what = format!("{} is not understood in a table", describe(other));
                    return Err(self.lexer.error(
                        token.at,
                        what,
                        "only sets, chains on hooks forward, input and output, and a comment are",
                    ));
                }
            }
        }
    }

    fn set(&mut self) -> Result<(), ParseError> {
        let (name, at) = self.lexer.expect_word("a set's name")?;
        if self.sets.contains_key(name) {
            return Err(self.lexer.error(
                at,
                format!("set `{name}` is defined twice"),
                "give all its elements in one definition",
            ));
        }
        self.lexer.expect_sign("{")?;
        let mut members = None;
        let mut has_elements = false;
        loop {
            self.lexer.skip_breaks()?;
            let token = self.lexer.next()?;
            match token.kind {
                Kind::Sign("}") => break,
                Kind::Word(word @ ("type" | "typeof")) if members.is_none() => members = Some(self.set_type(word)?),
                Kind::Word("flags") => self.set_flags()?,
                Kind::Word("auto-merge") => {}
                Kind::Word("comment") => drop(self.lexer.expect_quoted("a comment")?),
                Kind::Word("size") => drop(self.lexer.expect_word("a number")?),
                Kind::Word("elements") if !has_elements => {
                    has_elements = true;
                    self.lexer.expect_sign("=")?;
                    let Some(members) = &mut members else {
                        return Err(self.lexer.error(
                            token.at,
                            "elements of a set without a type",
                            "write `type` before `elements`",
                        ));
                    };
                    read_members(&mut self.lexer, members)?;
                }
                other => {
                    let what = format!("{} is not understood in a set", describe(other));
                    return Err(self.lexer.error(
                        token.at,
                        what,
                        "a set has one type, `flags interval`, and one list of elements",
                    ));
                }
            }
        }
        let Some(members) = members else {
            return Err(self.lexer.error(at, format!("set `{name}` has no type"), "write `type ipv4_addr` or another one"));
        };
        self.sets.insert(name.into(), members);
        Ok(())
    }

    fn set_type(&mut self, word: &str) -> Result<SetMembers, ParseError> {
        let (kind, at) = self.lexer.expect_word("a type")?;
        let field = if word == "typeof" { self.lexer.expect_word("a field")?.0 } else { "" };
        let v4 = || SetMembers::V4(enforcer_packetset::RangeSet::empty());
        let v6 = || SetMembers::V6(enforcer_packetset::RangeSet::empty());
        match (kind, field) {
            ("ipv4_addr", "") | ("ip", "saddr" | "daddr") => Ok(v4()),
            ("ipv6_addr", "") | ("ip6", "saddr" | "daddr") => Ok(v6()),
            ("inet_service", "") | ("tcp" | "udp" | "sctp" | "th", "sport" | "dport") => {
                Ok(SetMembers::Port(enforcer_packetset::RangeSet::empty()))
            }
            ("inet_proto", "") | ("ip", "protocol") | ("meta", "l4proto") => {
                Ok(SetMembers::Protocol(enforcer_packetset::RangeSet::empty()))
            }
            _ => {
                let advice = "types are ipv4_addr, ipv6_addr, inet_service and inet_proto, one field each";
                Err(self.lexer.error(at, format!("set type `{kind} {field}` is not understood"), advice))
            }
        }
    }

    fn set_flags(&mut self) -> Result<(), ParseError> {
        loop {
            let (flag, at) = self.lexer.expect_word("a flag")?;
            // Any other flag lets the set change by itself, so that the text does not say what is in it.
            if !["interval", "constant"].contains(&flag) {
                return Err(self.lexer.error(
                    at,
                    format!("set flag `{flag}` is not understood"),
                    "use `interval` and `constant` only",
                ));
            }
            if !self.lexer.take_sign(",")? {
                return Ok(());
            }
        }
    }

    fn chain(&mut self, table: Table<'a>) -> Result<(), ParseError> {
        let (name, at) = self.lexer.expect_word("a chain's name")?;
        self.lexer.expect_sign("{")?;
        loop {
            self.lexer.skip_breaks()?;
            let token = self.lexer.peek();
            let own = self.chain.filter(|chain| chain.name == name);
            match (token.kind, own) {
                (Kind::Sign("}"), Some(_)) => {
                    self.lexer.next()?;
                    return Ok(());
                }
                (Kind::Word("type"), _) => {
                    if self.hook(name, at)? == Hook::Own {
                        self.notes.push(format!("chain {name} is about traffic of the device itself and was not read"));
                        return self.skip_chain(name, at);
                    }
                }
                (Kind::Word("policy"), Some(chain)) => {
                    self.lexer.next()?;
                    let policy = self.policy()?;
                    if !self.steps.is_empty() && policy != chain.policy {
                        return Err(self.lexer.error(token.at, "a policy below rules", "write it beside the hook"));
                    }
                    self.chain = Some(Chain { policy, ..chain });
                }
                (Kind::Word("comment"), _) => {
                    self.lexer.next()?;
                    self.lexer.expect_quoted("a comment")?;
                }
                (Kind::End, Some(_)) => {
                    return Err(self.lexer.error(token.at, format!("chain `{name}` does not end"), "close it with `}`"));
                }
                (_, Some(chain)) => self.rule(table, chain)?,
                (_, None) => {
                    let hook = self.family.hook();
                    let advice = format!("begin it with `type filter hook {hook} priority filter; policy accept;`");
                    return Err(self.lexer.error(token.at, format!("chain `{name}` is not on hook {hook}"), advice));
                }
            }
        }
    }

    fn policy(&mut self) -> Result<Verdict, ParseError> {
        let (word, at) = self.lexer.expect_word("a policy")?;
        match word {
            "accept" => Ok(Verdict::Allow),
            "drop" => Ok(Verdict::Deny),
            other => Err(self.lexer.error(at, format!("unknown policy `{other}`"), "write `accept` or `drop`")),
        }
    }

    fn rule(&mut self, table: Table<'_>, chain: Chain<'_>) -> Result<(), ParseError> {
        let line = self.lexer.peek().line;
        let (steps, arp) = RuleReader {
            lexer: &mut self.lexer,
            sets: &self.sets,
            family: self.family,
            frames: Frames::all(self.family.has_frames()),
            arp: None,
            policy: chain.policy,
            matches: Conjunction::all(table.family != "ip6", table.family != "ip"),
            logs: false,
            steps: Vec::new(),
        }
        .read()?;
        self.arp = self.arp.or(arp);
        self.steps.extend(steps.into_iter().map(|step| (step, line)));
        Ok(())
    }

    fn finish(mut self) -> Parsed {
        let (is_v4, is_v6) = self.table.map_or((true, true), |table| (table.family != "ip6", table.family != "ip"));
        if self.chain.is_some_and(|chain| chain.policy == Verdict::Deny) {
            // A policy has no line that a reader could look up; the chain's last rule is nearest.
            let line = self.steps.last().map_or(1, |&(_, line)| line);
            let all = Conjunction::all(is_v4, is_v6).selectors().unwrap_or_default();
            self.steps.extend(all.into_iter().map(|selector: Selector| (Step::deny(selector), line)));
        }
        let mut notes = self.notes;
        if self.chain.is_none() {
            notes.push(format!("the text has no chain on hook {}, so it allows everything", self.family.hook()));
        } else if !self.removes {
            notes.push(
                "the text does not delete the table first: right for a listing, but loaded as a file it adds to older rules"
                    .into(),
            );
        }
        let drops_arp = self.arp.or(self.chain.map(|chain| chain.policy)) == Some(Verdict::Deny);
        if self.family.has_frames() && drops_arp {
            notes.push("ARP is dropped, so that no IPv4 packet arrives".into());
        }
        let (steps, lines) = self.steps.into_iter().unzip();
        Parsed { steps, lines, notes }
    }
}

fn read_members(lexer: &mut Lexer<'_>, members: &mut SetMembers) -> Result<(), ParseError> {
    match members {
        SetMembers::V4(set) => *set = listed(lexer, &V4)?,
        SetMembers::V6(set) => *set = listed(lexer, &V6)?,
        SetMembers::Port(set) => *set = listed(lexer, &PORT)?,
        SetMembers::Protocol(set) => *set = listed(lexer, &PROTOCOL)?,
    }
    Ok(())
}
