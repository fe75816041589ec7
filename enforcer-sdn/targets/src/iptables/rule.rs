//! One rule of a chain, for the parser: what it selects and where it sends packets.

use std::collections::HashMap;

use enforcer_packetset::{AddressSet, FlagSet, PortSet, RangeSet};

use super::values::{self, KERNEL_TARGETS, LOG_OPTIONS, NFLOG_OPTIONS};
use super::words::{Word, Words};
use crate::conjunction::{Conjunction, restrict, state};
use crate::target::ParseError;

const DAY: u16 = 24 * 60;
/// The kernel keeps 32 bits of a date; a listing shows its last second as if it had been asked for.
const LAST_DATE: &str = "2038-01-19T03:14:07";
const MOST_PORTS: usize = 15;

/// Address sets by name, with the IP version that each was made for.
pub(super) type Sets = HashMap<String, (bool, AddressSet)>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Jump {
    /// Counts packets.
    Nothing,
    Accept,
    Drop,
    Log,
    Return,
    Chain(String),
    /// Like `Chain`, but whoever returns from there returns from here too.
    Goto(String),
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub line: usize,
    pub matches: Conjunction,
    pub jump: Jump,
}

/// Reads what follows `-A CHAIN`.
pub(super) fn read(words: &mut Words, is_ipv6: bool, sets: &Sets) -> Result<Rule, ParseError> {
    let mut reader = Reader { words, is_ipv6, sets, matches: Conjunction::all(!is_ipv6, is_ipv6), time: None };
    let jump = reader.rule()?;
    let Reader { mut matches, time, .. } = reader;
    if let Some(time) = time {
        let minutes = time.minutes(words)?;
        matches.week = enforcer_packetset::WeekSet::from_ranges(minutes.ranges().iter().copied());
    }
    Ok(Rule { line: words.line, matches, jump })
}

/// What `-m time` has said so far.
struct Time {
    /// Seconds of the day, both ends included.
    start: u32,
    stop: u32,
    /// 0 = Monday.
    days: [bool; 7],
}

impl Time {
    fn minutes(&self, words: &Words) -> Result<RangeSet<u16>, ParseError> {
        if !self.start.is_multiple_of(60) || self.stop % 60 != 59 || self.start > self.stop {
            let advice =
                "write `--timestart 08:00 --timestop 16:59:59`: from a full minute to a second 59 of the same day, both included";
            return Err(words.error("times that are no ascending range of whole minutes", advice));
        }
        let minute = |seconds: u32| u16::try_from(seconds / 60).unwrap_or(DAY - 1);
        let days = (0..7u16).zip(self.days).filter(|(_, is_on)| *is_on);
        Ok(RangeSet::from_ranges(days.map(|(day, _)| (day * DAY + minute(self.start), day * DAY + minute(self.stop)))))
    }
}

struct Reader<'w, 's> {
    words: &'w mut Words,
    is_ipv6: bool,
    sets: &'s Sets,
    matches: Conjunction,
    time: Option<Time>,
}

impl Reader<'_, '_> {
    fn rule(&mut self) -> Result<Jump, ParseError> {
        let mut jump = Jump::Nothing;
        while let Some(mut word) = self.words.take() {
            let negated = word.text == "!";
            if negated {
                word = self.words.expect("what `!` turns round")?;
            }
            match word.text.as_str() {
                "-j" | "--jump" | "-g" | "--goto" if !negated && jump == Jump::Nothing => {
                    jump = self.jump(word.text.starts_with("-g") || word.text == "--goto")?;
                }
                "-c" | "--set-counters" if !negated => {
                    self.number("a packet count")?;
                    self.number("a byte count")?;
                }
                option => self.option(option, negated, &word)?,
            }
        }
        Ok(jump)
    }

    fn number(&mut self, meaning: &str) -> Result<(), ParseError> {
        let word = self.words.expect(meaning)?;
        let is_number = word.text.parse::<u64>().is_ok();
        is_number.then_some(()).ok_or_else(|| self.refused(&word, meaning))
    }

    fn refused(&self, word: &Word, meaning: &str) -> ParseError {
        let advice = "correct it, or take the text from `iptables-save`";
        self.words.at(word.column, format!("`{}` is not {meaning}", word.text), advice)
    }

    fn option(&mut self, option: &str, negated: bool, word: &Word) -> Result<(), ParseError> {
        match option {
            "-m" | "--match" if !negated => self.module(),
            "-s" | "--source" | "--src" => self.address(true, negated, values::prefix),
            "-d" | "--destination" | "--dst" => self.address(false, negated, values::prefix),
            "--src-range" => self.address(true, negated, values::addresses),
            "--dst-range" => self.address(false, negated, values::addresses),
            "-p" | "--protocol" | "--proto" => self.protocol(negated),
            "--sport" | "--source-port" => self.ports(true, negated, false),
            "--dport" | "--destination-port" => self.ports(false, negated, false),
            "--sports" | "--source-ports" => self.ports(true, negated, true),
            "--dports" | "--destination-ports" => self.ports(false, negated, true),
            "--icmp-type" if !self.is_ipv6 => self.icmp(negated),
            "--icmpv6-type" if self.is_ipv6 => self.icmp(negated),
            "--tcp-flags" => self.flags(negated),
            "--syn" => {
                // FIN, SYN, RST and ACK are looked at.
                self.restrict_flags(FlagSet::masked(FlagSet::SYN, 0x17), negated);
                Ok(())
            }
            "--ctstate" | "--state" => self.state(negated),
            "--match-set" => self.set(negated),
            "--comment" if !negated => self.words.expect("a comment").map(drop),
            "--timestart" | "--timestop" | "--weekdays" | "--datestop" | "--utc" => self.time(option, negated, word),
            "--kerneltz" | "--localtz" | "--contiguous" | "--monthdays" | "--datestart" => {
                let advice = "only days of the week and times of one day, in UTC, are compared";
                Err(self.words.at(word.column, format!("`{option}` is not understood"), advice))
            }
            _ => {
                let what = if negated { format!("`! {option}`") } else { format!("`{option}`") };
                let advice = "packets are matched by address, set, protocol, ports, ICMP, connection state and time; prove a text without it";
                Err(self.words.at(word.column, format!("{what} is not understood"), advice))
            }
        }
    }

    fn module(&mut self) -> Result<(), ParseError> {
        let word = self.words.expect("the name of a match")?;
        match word.text.as_str() {
            "tcp" | "udp" | "sctp" | "icmp" | "icmp6" | "multiport" | "conntrack" | "state" | "set" | "comment" | "iprange" => {
                Ok(())
            }
            "time" => {
                self.time.get_or_insert(Time { start: 0, stop: 86_399, days: [true; 7] });
                Ok(())
            }
            name => {
                let advice = "what it selects cannot be compared; prove a text without it";
                Err(self.words.at(word.column, format!("match `{name}` is not understood"), advice))
            }
        }
    }

    fn address(&mut self, is_source: bool, negated: bool, read: fn(&str, bool) -> Option<AddressSet>) -> Result<(), ParseError> {
        let word = self.words.expect("an address")?;
        // Several addresses are as many rules that do the same; the tools take no `!` before them.
        let has_more = word.text.contains(',') && !negated;
        let parts = if has_more { word.text.split(',').collect() } else { vec![word.text.as_str()] };
        let read_all = || {
            let sets = parts.iter().map(|part| read(part, self.is_ipv6)).collect::<Option<Vec<_>>>()?;
            Some(sets.into_iter().fold(AddressSet::empty(), |all, one| all.union(&one)))
        };
        let Some(set) = read_all() else {
            let version = if self.is_ipv6 { "an IPv6" } else { "an IPv4" };
            return Err(self.refused(&word, &format!("{version} address, prefix or range")));
        };
        if negated && (set.v4.is_full() || set.v6.is_full()) {
            return Err(self.nothing(&word));
        }
        self.narrow(is_source, negated, &set);
        Ok(())
    }

    /// The tools (1.8.9) load such a match as if it were not there.
    fn nothing(&self, word: &Word) -> ParseError {
        let advice = "the tools leave such a match out, so that the rule selects more than it says: leave the rule out";
        self.words.at(word.column, format!("`!` before `{}`, which is everything", word.text), advice)
    }

    fn narrow(&mut self, is_source: bool, negated: bool, set: &AddressSet) {
        let set = if negated { AddressSet::full().difference(set) } else { set.clone() };
        let side = if is_source { &mut self.matches.source } else { &mut self.matches.destination };
        *side = side.intersection(&set);
    }

    fn protocol(&mut self, negated: bool) -> Result<(), ParseError> {
        let word = self.words.expect("a protocol")?;
        let Some(set) = values::protocols(&word.text) else { return Err(self.refused(&word, "a protocol")) };
        if self.is_ipv6 && values::BEHIND.iter().any(|&header| set == RangeSet::of(header)) {
            let advice = "`-p` looks behind IPv6 extension headers and never selects one: leave the rule out";
            return Err(self.words.at(word.column, format!("`-p {}`", word.text), advice));
        }
        self.matches.restrict_protocols(&if negated { set.complement() } else { set });
        Ok(())
    }

    fn ports(&mut self, is_source: bool, negated: bool, is_list: bool) -> Result<(), ParseError> {
        let word = self.words.expect("a port")?;
        let mut ranges = Vec::new();
        for part in word.text.split(',') {
            ranges.push(
                values::ports(part)
                    .ok_or_else(|| self.refused(&word, "a port number or range, as `iptables-save` writes them"))?,
            );
        }
        let weight: usize = ranges.iter().map(|(first, last)| if first == last { 1 } else { 2 }).sum();
        if weight > if is_list { MOST_PORTS } else { 2 } || (!is_list && ranges.len() > 1) {
            return Err(self.words.at(
                word.column,
                "more ports than one match holds",
                "a multiport list holds 15, a range counts as two",
            ));
        }
        let set: PortSet = RangeSet::from_ranges(ranges);
        if negated && set.is_full() {
            return Err(self.nothing(&word));
        }
        let side = if is_source { &mut self.matches.source_ports } else { &mut self.matches.destination_ports };
        restrict(side, &if negated { set.complement() } else { set });
        Ok(())
    }

    fn icmp(&mut self, negated: bool) -> Result<(), ParseError> {
        let word = self.words.expect("an ICMP type")?;
        let Some((mut types, codes)) = values::icmp(&word.text, self.is_ipv6) else {
            return Err(self.refused(&word, "an ICMP type"));
        };
        if negated {
            if !codes.is_full() {
                return Err(self.words.at(
                    word.column,
                    "`!` before an ICMP type with a code",
                    "write the other types and codes in rules of their own",
                ));
            }
            types = types.complement();
        }
        restrict(&mut self.matches.types, &types);
        restrict(&mut self.matches.codes, &codes);
        Ok(())
    }

    /// `MASK VALUE`: of the flags in the mask exactly those of the value are set.
    fn flags(&mut self, negated: bool) -> Result<(), ParseError> {
        let mut bits = [0; 2];
        for bits in &mut bits {
            let word = self.words.expect("a list of TCP flags")?;
            *bits = values::flags(&word.text).ok_or_else(|| self.refused(&word, "a list of TCP flags such as SYN,ACK"))?;
        }
        let [mask, value] = bits;
        self.restrict_flags(FlagSet::masked(value, mask), negated);
        Ok(())
    }

    fn restrict_flags(&mut self, set: FlagSet, negated: bool) {
        self.matches.restrict_flags(if negated { set.complement() } else { set });
    }

    fn state(&mut self, negated: bool) -> Result<(), ParseError> {
        let word = self.words.expect("a connection state")?;
        let mut bits = 0;
        for name in word.text.split(',') {
            bits |= match name {
                "INVALID" => state::INVALID,
                "ESTABLISHED" => state::ESTABLISHED,
                "RELATED" => state::RELATED,
                "NEW" => state::NEW,
                "UNTRACKED" => state::UNTRACKED,
                _ => return Err(self.refused(&word, "a list of INVALID, NEW, ESTABLISHED, RELATED and UNTRACKED")),
            };
        }
        self.matches.states &= if negated { state::EVERY & !bits } else { bits };
        Ok(())
    }

    fn set(&mut self, negated: bool) -> Result<(), ParseError> {
        let name = self.words.expect("the name of a set")?;
        let Some((is_ipv6, set)) = self.sets.get(&name.text) else {
            return Err(self.words.at(name.column, format!("unknown set `{}`", name.text), "put `ipset save` above the tables"));
        };
        if *is_ipv6 != self.is_ipv6 {
            return Err(self.words.at(
                name.column,
                format!("set `{}` is of the other IP version", name.text),
                "use a set of this one",
            ));
        }
        let set = set.clone();
        let word = self.words.expect("`src` or `dst`")?;
        match word.text.as_str() {
            "src" => self.narrow(true, negated, &set),
            "dst" => self.narrow(false, negated, &set),
            _ => return Err(self.refused(&word, "`src` or `dst`")),
        }
        Ok(())
    }

    fn time(&mut self, option: &str, negated: bool, at: &Word) -> Result<(), ParseError> {
        let Some(mut time) = self.time.take() else {
            return Err(self.words.at(at.column, format!("`{option}` without `-m time`"), "put the match before its options"));
        };
        if negated && option != "--weekdays" {
            return Err(self.words.at(at.column, format!("`! {option}`"), "only days can be turned round"));
        }
        match option {
            "--utc" => {}
            "--datestop" => {
                let word = self.words.expect("a date")?;
                if word.text != LAST_DATE {
                    return Err(self.words.at(word.column, "a date", "only days of the week and times of the day are compared"));
                }
            }
            "--weekdays" => time.days = self.days(negated)?,
            _ => {
                let word = self.words.expect("a time")?;
                let Some(seconds) = values::seconds(&word.text) else {
                    return Err(self.refused(&word, "a time such as 08:00:00"));
                };
                *(if option == "--timestart" { &mut time.start } else { &mut time.stop }) = seconds;
            }
        }
        self.time = Some(time);
        Ok(())
    }

    fn days(&mut self, negated: bool) -> Result<[bool; 7], ParseError> {
        let word = self.words.expect("days of the week")?;
        let mut days = [negated; 7];
        for name in word.text.split(',') {
            let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
            let at = names
                .iter()
                .position(|known| *known == name)
                .or_else(|| values::number::<u8>(name)?.checked_sub(1).map(usize::from));
            let Some(day) = at.and_then(|at| days.get_mut(at)) else {
                return Err(self.refused(&word, "a list of days such as Mon,Tue"));
            };
            *day = !negated;
        }
        Ok(days)
    }

    fn jump(&mut self, is_goto: bool) -> Result<Jump, ParseError> {
        let word = self.words.expect("a target")?;
        let (jump, options): (Jump, &[(&str, bool)]) = match word.text.as_str() {
            name if is_goto => (Jump::Goto(name.to_owned()), &[]),
            "ACCEPT" => (Jump::Accept, &[]),
            "DROP" => (Jump::Drop, &[]),
            "RETURN" => (Jump::Return, &[]),
            "REJECT" => (Jump::Drop, &[("--reject-with", true)]),
            "LOG" => (Jump::Log, LOG_OPTIONS),
            "NFLOG" => (Jump::Log, NFLOG_OPTIONS),
            name if KERNEL_TARGETS.contains(&name) => {
                let advice = "only ACCEPT, DROP, REJECT, LOG, NFLOG, RETURN and chains are understood";
                return Err(self.words.at(word.column, format!("target `{name}` is not understood"), advice));
            }
            name => (Jump::Chain(name.to_owned()), &[]),
        };
        while let Some((_, has_value)) = self.words.peek().and_then(|next| options.iter().find(|(name, _)| *name == next)) {
            self.words.take();
            if *has_value {
                self.words.expect("the option's value")?;
            }
        }
        Ok(jump)
    }
}
