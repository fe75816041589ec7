//! One nft rule as steps, for the parser: matches narrow, statements act where they stand, a verdict ends.

use enforcer_packetset::{Effect, LinkSet, RangeSet, Selector, Step, Verdict};

use super::family::Family;
use super::flags;
use super::frames::Frames;
use super::lex::{Kind, Lexer, Token, describe};
use super::values::{DAY, ICMP_CODE, ICMP_TYPE, ICMP6_TYPE, PORT, PROTOCOL, STATE, Sets, V4, V6, listed, matched, states};
use crate::conjunction::{Conjunction, Unsayable, restrict};
use crate::target::ParseError;

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// Reads a rule up to the end of its line.
pub(super) struct RuleReader<'r, 'a> {
    pub lexer: &'r mut Lexer<'a>,
    pub sets: &'r Sets,
    pub family: Family,
    pub frames: Frames,
    /// What happens to ARP.
    pub arp: Option<Verdict>,
    /// What `return` means here.
    pub policy: Verdict,
    pub matches: Conjunction,
    /// A log statement stands behind all matches so far and is not yet in a step.
    pub logs: bool,
    pub steps: Vec<Step>,
}

impl RuleReader<'_, '_> {
    /// The rule's steps, and what it does with ARP.
    pub(super) fn read(mut self) -> Result<(Vec<Step>, Option<Verdict>), ParseError> {
        let start = self.lexer.peek().at;
        loop {
            let token = self.lexer.peek();
            match token.kind {
                Kind::Break | Kind::End | Kind::Sign("}") => {
                    self.push(None, start)?;
                    return Ok((self.steps, self.arp));
                }
                Kind::Word(word) => {
                    self.lexer.next()?;
                    if let Some(verdict) = self.statement(word, token)? {
                        self.arp = self.frames.arp.then_some(verdict);
                        self.push(Some(verdict), start)?;
                        return self.ended();
                    }
                }
                other => {
                    let what = format!("{} where a match or statement belongs", describe(other));
                    return Err(self.lexer.error(token.at, what, "list the table with `nft -nn list table`"));
                }
            }
        }
    }

    /// After a verdict only a comment may stand.
    fn ended(self) -> Result<(Vec<Step>, Option<Verdict>), ParseError> {
        if self.lexer.take_word("comment")? {
            self.lexer.expect_quoted("a comment")?;
        }
        let token = self.lexer.peek();
        match token.kind {
            Kind::Break | Kind::End | Kind::Sign("}") => Ok((self.steps, self.arp)),
            other => {
                let what = format!("{} after a verdict", describe(other));
                Err(self.lexer.error(token.at, what, "a verdict ends the rule: move it to the end, or use a line of its own"))
            }
        }
    }

    fn push(&mut self, verdict: Option<Verdict>, at: usize) -> Result<(), ParseError> {
        let effect = Effect { verdict, log: self.logs };
        self.logs = false;
        if effect.verdict.is_none() && !effect.log {
            return Ok(());
        }
        let selectors = self.matches.selectors().map_err(|unsayable| match unsayable {
            Unsayable::SplitState => self.lexer.error(
                at,
                "a rule about some connection states only",
                "packets are known as `established,related` or as `invalid,new,untracked`: name all of one side, or none",
            ),
            Unsayable::PortsOfAny => self.lexer.error(
                at,
                "ports of protocols that have none",
                "narrow `meta l4proto` to tcp, udp and sctp before `th sport` or `th dport`",
            ),
        })?;
        let link = &self.frames.fields;
        if link.vlan.is_empty() || link.source_mac.is_empty() || link.destination_mac.is_empty() {
            return Ok(());
        }
        let link = LinkSet::from(link.clone());
        let of_frames = |selector| Step { selector: Selector { link: link.clone(), ..selector }, effect };
        self.steps.extend(selectors.into_iter().map(of_frames));
        Ok(())
    }

    /// One match or statement whose first word is taken; its verdict, if it is one.
    fn statement(&mut self, word: &str, token: Token<'_>) -> Result<Option<Verdict>, ParseError> {
        match word {
            "accept" => return Ok(Some(Verdict::Allow)),
            "drop" => return Ok(Some(Verdict::Deny)),
            "return" => return Ok(Some(self.policy)),
            "reject" => {
                let before = self.meetable();
                self.reject()?;
                self.excluded(before, token)?;
                return Ok(Some(Verdict::Deny));
            }
            "continue" => {}
            "counter" => self.counter()?,
            "comment" => drop(self.lexer.expect_quoted("a comment")?),
            "log" => self.log()?,
            _ => {
                // A log statement before this match has seen more packets than the rest of the rule will.
                if self.logs {
                    self.push(None, token.at)?;
                }
                let before = self.meetable();
                self.narrow(word, token)?;
                self.excluded(before, token)?;
            }
        }
        Ok(None)
    }

    /// Whether an IP version is left, and a protocol.
    fn meetable(&self) -> (bool, bool) {
        (self.matches.is_v4 || self.matches.is_v6, !self.matches.protocols.is_empty())
    }

    /// nft refuses versions and protocols that exclude each other where it sees them.
    fn excluded(&self, before: (bool, bool), token: Token<'_>) -> Result<(), ParseError> {
        // What is left may be ARP.
        if before == self.meetable() || self.frames.arp {
            return Ok(());
        }
        let advice = "nft refuses most of such rules, and no packet is meant by the others: leave the rule out";
        Err(self.lexer.error(token.at, "what excludes every packet of the matches before it", advice))
    }

    fn narrow(&mut self, word: &str, token: Token<'_>) -> Result<(), ParseError> {
        let known = ["ip", "ip6", "meta", "ct", "tcp", "udp", "sctp", "th", "icmp", "icmpv6", "ether", "vlan"];
        if !known.contains(&word) {
            return Err(self.unknown(word, token));
        }
        let (field, at) = self.lexer.expect_word("the field to match")?;
        if self.frame((word, field), token)? {
            return Ok(());
        }
        // ARP has neither addresses of IP nor what is behind them; to connection tracking it is invalid.
        self.frames.arp &= ["ct", "ether", "vlan"].contains(&word) || matches!(field, "day" | "hour");
        match (word, field) {
            ("ip", "saddr") => {
                let set = matched(self.lexer, self.sets, &V4)?;
                self.matches.is_v6 = false;
                self.matches.source.v4 = self.matches.source.v4.intersection(&set);
            }
            ("ip", "daddr") => {
                let set = matched(self.lexer, self.sets, &V4)?;
                self.matches.is_v6 = false;
                self.matches.destination.v4 = self.matches.destination.v4.intersection(&set);
            }
            ("ip6", "saddr") => {
                let set = matched(self.lexer, self.sets, &V6)?;
                self.matches.is_v4 = false;
                self.matches.source.v6 = self.matches.source.v6.intersection(&set);
            }
            ("ip6", "daddr") => {
                let set = matched(self.lexer, self.sets, &V6)?;
                self.matches.is_v4 = false;
                self.matches.destination.v6 = self.matches.destination.v6.intersection(&set);
            }
            ("ip", "protocol") => {
                let set = matched(self.lexer, self.sets, &PROTOCOL)?;
                self.matches.is_v6 = false;
                self.matches.restrict_protocols(&set);
            }
            ("meta", "l4proto") => {
                let set = matched(self.lexer, self.sets, &PROTOCOL)?;
                self.matches.restrict_protocols(&set);
            }
            ("meta", "nfproto") if !self.family.has_frames() => self.nfproto()?,
            ("meta", "day") => {
                let days = matched(self.lexer, self.sets, &DAY)?;
                self.matches.restrict_week(&minutes_of(&days));
            }
            ("meta", "hour") => self.hour()?,
            ("ct", "state") if self.family.follows() => self.state()?,
            ("tcp", "flags") => {
                let set = flags::read(self.lexer)?;
                self.matches.restrict_flags(set);
            }
            ("tcp", _) => self.port(6, field, at)?,
            ("udp", _) => self.port(17, field, at)?,
            ("sctp", _) => self.port(132, field, at)?,
            ("th", "sport" | "dport") => self.ports(field, at)?,
            ("icmp", "type") => {
                let set = matched(self.lexer, self.sets, &ICMP_TYPE)?;
                self.icmp(false, token)?;
                restrict(&mut self.matches.types, &set);
            }
            ("icmpv6", "type") => {
                let set = matched(self.lexer, self.sets, &ICMP6_TYPE)?;
                self.icmp(true, token)?;
                restrict(&mut self.matches.types, &set);
            }
            ("icmp" | "icmpv6", "code") => {
                let set = matched(self.lexer, self.sets, &ICMP_CODE)?;
                self.icmp(word == "icmpv6", token)?;
                restrict(&mut self.matches.codes, &set);
            }
            ("ip6", "nexthdr") => {
                let advice = "use `meta l4proto`, which looks behind extension headers";
                return Err(self.lexer.error(token.at, "`ip6 nexthdr` is only the first header", advice));
            }
            _ => return Err(self.unknown(&format!("{word} {field}"), token)),
        }
        Ok(())
    }

    fn unknown(&self, words: &str, token: Token<'_>) -> ParseError {
        let advice = "packets are matched by address, protocol, ports, ICMP, connection state and time; prove a text without it";
        self.lexer.error(token.at, format!("`{words}` is not understood"), advice)
    }

    fn icmp(&mut self, is_ipv6: bool, token: Token<'_>) -> Result<(), ParseError> {
        self.check_version_is_said(token)?;
        // In family inet the keyword brings its IP version along (nft adds `meta nfproto`).
        self.matches.is_v4 &= !is_ipv6;
        self.matches.is_v6 &= is_ipv6;
        self.matches.restrict_protocols(&RangeSet::of(if is_ipv6 { 58 } else { 1 }));
        Ok(())
    }

    fn port(&mut self, protocol: u8, field: &str, at: usize) -> Result<(), ParseError> {
        self.ports(field, at)?;
        self.matches.restrict_protocols(&RangeSet::of(protocol));
        Ok(())
    }

    fn ports(&mut self, field: &str, at: usize) -> Result<(), ParseError> {
        let place = match field {
            "sport" => &mut self.matches.source_ports,
            "dport" => &mut self.matches.destination_ports,
            other => {
                return Err(self.lexer.error(
                    at,
                    format!("`{other}` of a protocol is not understood"),
                    "only `sport` and `dport` are",
                ));
            }
        };
        let set = matched(self.lexer, self.sets, &PORT)?;
        restrict(place, &set);
        Ok(())
    }

    fn nfproto(&mut self) -> Result<(), ParseError> {
        let (word, at) = self.lexer.expect_word("`ipv4` or `ipv6`")?;
        // AF_INET and AF_INET6, as `nft -nn` lists them.
        match word {
            "ipv4" | "2" => self.matches.is_v6 = false,
            "ipv6" | "10" => self.matches.is_v4 = false,
            other => return Err(self.lexer.error(at, format!("unknown IP version `{other}`"), "write `ipv4` or `ipv6`")),
        }
        Ok(())
    }

    /// `ct state established,related` is "one of these bits"; `{ }` is a list of values.
    fn state(&mut self) -> Result<(), ParseError> {
        let start = self.lexer.peek();
        let negated = self.lexer.take_sign("!=")?;
        if !negated {
            self.lexer.take_sign("==")?;
        }
        let (bits, is_plain_list) = if self.lexer.peek().kind == Kind::Sign("{") {
            (listed(self.lexer, &STATE)?, false)
        } else {
            let mut bits = RangeSet::empty();
            let mut count = 0;
            loop {
                let (word, at) = self.lexer.expect_word("a connection state")?;
                let Some((bit, _)) = (STATE.read)(word) else {
                    let advice = "states are invalid, established, related, new and untracked";
                    return Err(self.lexer.error(at, format!("unknown connection state `{word}`"), advice));
                };
                bits = bits.union(&RangeSet::of(bit));
                count += 1;
                if !self.lexer.take_sign(",")? && !self.lexer.take_sign("|")? {
                    break;
                }
            }
            (bits, count > 1)
        };
        if negated && is_plain_list {
            // nft compares the whole word with the two bits, which holds for every packet.
            let advice = "write `ct state != { a, b }`, or name the other states";
            return Err(self.lexer.error(start.at, "`!=` before a plain list of states", advice));
        }
        let bits = if negated { bits.complement() } else { bits };
        self.frames.arp &= bits.contains(1);
        self.matches.states &= states(&bits);
        Ok(())
    }

    /// Quoted times of one day, to the second, both ends included; whole minutes only.
    fn hour(&mut self) -> Result<(), ParseError> {
        let mut ranges = Vec::new();
        if self.lexer.take_sign("{")? {
            loop {
                self.lexer.skip_breaks()?;
                ranges.push(self.hours()?);
                self.lexer.skip_breaks()?;
                if self.lexer.take_sign("}")? {
                    break;
                }
                if self.lexer.peek().kind != Kind::Sign(",") {
                    return self.lexer.expect_sign("}");
                }
                self.lexer.next()?;
            }
        } else {
            ranges.push(self.hours()?);
        }
        let every_day =
            |&(first, last): &(u16, u16)| (0..7).map(move |day| (day * DAY_MINUTES + first, day * DAY_MINUTES + last));
        self.matches.restrict_week(&RangeSet::from_ranges(ranges.iter().flat_map(every_day)));
        Ok(())
    }

    fn hours(&mut self) -> Result<(u16, u16), ParseError> {
        let token = self.lexer.peek();
        let first = seconds(self.lexer.expect_quoted("a time such as \"08:00\"")?);
        let last =
            if self.lexer.take_word("-")? { seconds(self.lexer.expect_quoted("a time such as \"16:59:59\"")?) } else { first };
        match (first, last) {
            (Some(first), Some(last)) if first % 60 == 0 && last % 60 == 59 && first < last => {
                let minute = |seconds: u32| u16::try_from(seconds / 60).unwrap_or(DAY_MINUTES - 1);
                Ok((minute(first), minute(last)))
            }
            _ => {
                let advice = "write \"08:00\"-\"16:59:59\": from a full minute to a second 59 of the same day, both included";
                Err(self.lexer.error(token.at, "times that are no ascending range of whole minutes", advice))
            }
        }
    }
}

/// Days (0 = Sunday) as minutes of a week that begins on Monday.
fn minutes_of(days: &RangeSet<u8>) -> RangeSet<u16> {
    let start = |day: u8| u16::from((day + 6) % 7) * DAY_MINUTES;
    RangeSet::from_ranges((0..7).filter(|&day| days.contains(day)).map(|day| (start(day), start(day) + DAY_MINUTES - 1)))
}

/// `HH:MM` or `HH:MM:SS` as seconds.
fn seconds(text: &str) -> Option<u32> {
    let mut parts = text.split(':').map(|part| part.parse::<u32>().ok().filter(|_| part.len() == 2 && !part.starts_with('+')));
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    let is_time = parts.next().is_none() && hours < 24 && minutes < 60 && seconds < 60;
    is_time.then_some(hours * 3600 + minutes * 60 + seconds)
}
