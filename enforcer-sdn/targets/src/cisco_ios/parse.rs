//! Reads access lists as a running configuration shows them, and says what they do. What it does not know is an error with its place.

use std::net::{Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{AddressSet, Effect, FlagSet, L4, PortSet, RangeSet, Selector, Step, Verdict, merge_neighbours};

use crate::target::{ParseError, Parsed};

/// Entries between two remarks, with the line of the first.
type Group = (usize, Vec<Step>);

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut lists: [Option<Vec<Group>>; 2] = [None, None];
    let mut at = None;
    // Entries with numbers are sorted by the device; only ascending ones stand as they are read.
    let mut last_number = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let mut words = Words::new(number, line);
        match words.peek() {
            "" | "!" | "exit" | "end" => continue,
            "ip" | "ipv6" => {
                let is_ipv6 = words.next() == "ipv6";
                words.expect("access-list")?;
                if !is_ipv6 {
                    words.expect("extended")?;
                }
                words.some("a list's name")?;
                words.end()?;
                if lists[usize::from(is_ipv6)].replace(Vec::new()).is_some() {
                    return Err(words.error("a second list of the same IP version", "give the one that is bound"));
                }
                at = Some(is_ipv6);
                last_number = 0;
            }
            _ => {
                let Some(is_ipv6) = at else {
                    return Err(words.error("an entry outside of a list", "begin with `ip access-list extended NAME`"));
                };
                let groups = lists[usize::from(is_ipv6)].get_or_insert_default();
                words.number(&mut last_number, is_ipv6)?;
                if words.peek() == "remark" {
                    // Merged at once, so that a long text is never held line by line.
                    if let Some((_, group)) = groups.last_mut() {
                        *group = merge_neighbours(std::mem::take(group));
                    }
                    groups.push((number, Vec::new()));
                    continue;
                }
                let steps = entry(&mut words, is_ipv6)?;
                match groups.last_mut() {
                    Some((line, group)) => {
                        if group.is_empty() {
                            *line = number;
                        }
                        group.extend(steps);
                    }
                    None => groups.push((number, steps)),
                }
            }
        }
    }
    Ok(finish(lists))
}

/// Merges each group (a remark only says where to stop looking) and adds what the lists do unwritten.
fn finish(lists: [Option<Vec<Group>>; 2]) -> Parsed {
    let mut parsed = Parsed::default();
    for (is_ipv6, list) in [false, true].into_iter().zip(lists) {
        let version = if is_ipv6 { "IPv6" } else { "IPv4" };
        let Some(groups) = list else {
            parsed.notes.push(format!("the text has no {version} list, so all of {version} is allowed"));
            continue;
        };
        // A list without entries is no list.
        if groups.iter().all(|(_, steps)| steps.is_empty()) {
            parsed.notes.push(format!("the {version} list is empty, so all of {version} is allowed"));
            continue;
        }
        let mut last_line = 0;
        for (line, steps) in groups {
            last_line = line;
            for step in merge_neighbours(steps) {
                parsed.steps.push(step);
                parsed.lines.push(line);
            }
        }
        for step in unwritten(is_ipv6) {
            parsed.steps.push(step);
            parsed.lines.push(last_line);
        }
    }
    parsed
}

fn all(is_ipv6: bool) -> AddressSet {
    if is_ipv6 {
        AddressSet { v4: RangeSet::empty(), v6: RangeSet::full() }
    } else {
        AddressSet { v4: RangeSet::full(), v6: RangeSet::empty() }
    }
}

fn unwritten(is_ipv6: bool) -> Vec<Step> {
    let selector = |l4| Selector { source: all(is_ipv6), destination: all(is_ipv6), l4, ..Selector::any() };
    let mut steps = Vec::new();
    if is_ipv6 {
        // Neighbour advertisement and solicitation: RFC 4861 types 136 and 135.
        steps.push(Step::allow(selector(L4::Icmp6 { types: RangeSet::range(135, 136), codes: RangeSet::full() })));
    }
    steps.push(Step::deny(selector(L4::Any)));
    steps
}

fn entry(words: &mut Words<'_>, is_ipv6: bool) -> Result<Vec<Step>, ParseError> {
    let verdict = match words.next() {
        "permit" => Verdict::Allow,
        "deny" => Verdict::Deny,
        other => return Err(words.error(format!("`{other}` is not understood"), "an entry is `permit`, `deny` or `remark`")),
    };
    let protocol = words.some("a protocol")?;
    let number = protocol_number(protocol, is_ipv6);
    let is_any = protocol == if is_ipv6 { "ipv6" } else { "ip" };
    if number.is_none() && !is_any {
        return Err(words.error(format!("protocol `{protocol}` is not understood"), "write its number"));
    }
    let has_ports = matches!(number, Some(6 | 17));
    let is_icmp = number == Some(if is_ipv6 { 58 } else { 1 });
    let source = address(words, is_ipv6)?;
    let source_ports = if has_ports { ports(words)? } else { PortSet::full() };
    let destination = address(words, is_ipv6)?;
    let destination_ports = if has_ports { ports(words)? } else { PortSet::full() };
    let (types, codes) = if is_icmp { icmp(words)? } else { (RangeSet::full(), RangeSet::full()) };
    let is_established = number == Some(6) && words.peek() == "established";
    if is_established {
        words.next();
    }
    let flags = if is_established { FlagSet::ack_or_rst() } else { FlagSet::full() };
    let log = words.peek() == "log";
    if log {
        words.next();
    }
    words.end()?;
    let l4 = match number {
        None => L4::Any,
        Some(6) if !source_ports.is_full() || !destination_ports.is_full() => {
            L4::Tcp { source: source_ports, destination: destination_ports }
        }
        Some(17) if !source_ports.is_full() || !destination_ports.is_full() => {
            L4::Udp { source: source_ports, destination: destination_ports }
        }
        Some(1) if is_icmp && !types.is_full() => L4::Icmp { types, codes },
        Some(58) if is_icmp && !types.is_full() => L4::Icmp6 { types, codes },
        Some(number) => L4::Protocol(number),
    };
    let selector = Selector { source, destination, l4, flags, ..Selector::any() };
    Ok(vec![Step { selector, effect: Effect { verdict: Some(verdict), log } }])
}

/// IANA numbers of the words that IOS lists.
fn protocol_number(word: &str, is_ipv6: bool) -> Option<u8> {
    match word {
        "tcp" => Some(6),
        "udp" => Some(17),
        "icmp" => Some(if is_ipv6 { 58 } else { 1 }),
        "igmp" => Some(2),
        "gre" => Some(47),
        "ospf" => Some(89),
        "pim" => Some(103),
        "sctp" => Some(132),
        // 0 is another word for `ip`, and in IPv6 the numbers of extension headers match headers, not protocols.
        _ => number(word).filter(|n| ![0, 43, 44, 50, 51, 60, 135, 139, 140].contains(n)),
    }
}

/// Digits only, without a sign or a leading zero.
fn number<T: std::str::FromStr>(word: &str) -> Option<T> {
    let is_clean = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    if is_clean { word.parse().ok() } else { None }
}

fn address(words: &mut Words<'_>, is_ipv6: bool) -> Result<AddressSet, ParseError> {
    let advice = "write `any`, `host ADDRESS`, an IPv4 address with its wildcard, or an IPv6 prefix";
    let word = words.some("an address")?;
    if word == "any" {
        return Ok(all(is_ipv6));
    }
    let range = match (word, is_ipv6) {
        ("host", false) => words.next().parse::<Ipv4Addr>().ok().map(|host| (host.to_bits(), host.to_bits())),
        ("host", true) => {
            let host =
                words.next().parse::<Ipv6Addr>().map_err(|_| words.error("a host that is no IPv6 address", advice))?.to_bits();
            return Ok(AddressSet { v4: RangeSet::empty(), v6: RangeSet::of(host) });
        }
        (_, false) => {
            let wildcard = words.next().parse::<Ipv4Addr>().ok().map(Ipv4Addr::to_bits);
            let network = word.parse::<Ipv4Addr>().ok().map(Ipv4Addr::to_bits);
            // Free bits below fixed ones only, and no address bit that the wildcard frees: as the device lists it.
            network
                .zip(wildcard)
                .filter(|(network, free)| free & free.wrapping_add(1) == 0 && network & free == 0)
                .map(|(n, free)| (n, n | free))
        }
        (_, true) => {
            let split = word.split_once('/').and_then(|(network, length)| {
                let free = u128::MAX.checked_shr(number::<u32>(length).filter(|&length| length <= 128)?).unwrap_or(0);
                let network = network.parse::<Ipv6Addr>().ok()?.to_bits();
                (network & free == 0).then_some((network, network | free))
            });
            let (first, last) =
                split.ok_or_else(|| words.error(format!("`{word}` is not understood as an IPv6 prefix"), advice))?;
            return Ok(AddressSet { v4: RangeSet::empty(), v6: RangeSet::range(first, last) });
        }
    };
    let (first, last) = range.ok_or_else(|| words.error(format!("`{word}` and what follows is no IPv4 address set"), advice))?;
    Ok(AddressSet { v4: RangeSet::range(first, last), v6: RangeSet::empty() })
}

fn ports(words: &mut Words<'_>) -> Result<PortSet, ParseError> {
    let operator = words.peek();
    if !["eq", "range", "gt", "lt", "neq"].contains(&operator) {
        return Ok(PortSet::full());
    }
    words.next();
    let first = words.port()?;
    Ok(match operator {
        "eq" => {
            // `eq` takes several ports.
            let mut set = RangeSet::of(first);
            while let Some(port) = number(words.peek()) {
                words.next();
                set = set.union(&RangeSet::of(port));
            }
            set
        }
        "neq" => RangeSet::of(first).complement(),
        "gt" if first < u16::MAX => RangeSet::range(first + 1, u16::MAX),
        "lt" if first > 0 => RangeSet::range(0, first - 1),
        "range" => {
            let last = words.port()?;
            if last < first {
                return Err(words.error("a descending port range", "write the lower port first"));
            }
            RangeSet::range(first, last)
        }
        _ => return Err(words.error("a port comparison that nothing meets", "leave the entry out")),
    })
}

fn icmp(words: &mut Words<'_>) -> Result<(RangeSet<u8>, RangeSet<u8>), ParseError> {
    let Some(kind) = number::<u8>(words.peek()) else {
        return Ok((RangeSet::full(), RangeSet::full()));
    };
    words.next();
    let Some(code) = number::<u8>(words.peek()) else {
        return Ok((RangeSet::of(kind), RangeSet::full()));
    };
    words.next();
    Ok((RangeSet::of(kind), RangeSet::of(code)))
}

/// The words of one line.
struct Words<'a> {
    line: usize,
    text: &'a str,
    /// Of the word that was taken last, and of what is left.
    taken: usize,
    at: usize,
}

impl<'a> Words<'a> {
    fn new(line: usize, text: &'a str) -> Self {
        let mut words = Self { line, text, taken: 0, at: 0 };
        words.skip_blanks();
        words.taken = words.at;
        words
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Empty at the end of the line.
    fn peek(&self) -> &'a str {
        self.rest().split_whitespace().next().unwrap_or("")
    }

    fn next(&mut self) -> &'a str {
        let word = self.peek();
        self.taken = self.at;
        self.at += word.len();
        self.skip_blanks();
        word
    }

    fn some(&mut self, meaning: &str) -> Result<&'a str, ParseError> {
        match self.next() {
            "" => Err(self.error(format!("the line ends where {meaning} belongs"), "complete the line")),
            word => Ok(word),
        }
    }

    fn expect(&mut self, wanted: &str) -> Result<(), ParseError> {
        match self.next() {
            word if word == wanted => Ok(()),
            word => Err(self.error(format!("`{word}` where `{wanted}` belongs"), "give extended access lists only")),
        }
    }

    fn port(&mut self) -> Result<u16, ParseError> {
        let word = self.some("a port")?;
        number(word).ok_or_else(|| self.error(format!("port `{word}` is not understood"), "write its number"))
    }

    fn end(&self) -> Result<(), ParseError> {
        match self.peek() {
            "" => Ok(()),
            word => {
                let what = format!("`{word}` is not understood here");
                Err(Self { taken: self.at, ..*self }.error(what, "packets are matched by address, protocol, ports and ICMP"))
            }
        }
    }

    /// The optional number of an entry.
    fn number(&mut self, last: &mut u32, is_ipv6: bool) -> Result<(), ParseError> {
        if is_ipv6 && self.peek() == "sequence" {
            self.next();
        }
        let Some(number) = number::<u32>(self.peek()) else { return Ok(()) };
        self.next();
        if number <= *last {
            return Err(self.error("entries that are not in ascending order", "list them as the device does"));
        }
        *last = number;
        Ok(())
    }

    fn error(&self, what: impl Into<String>, advice: impl Into<String>) -> ParseError {
        let column = self.text.get(..self.taken).map_or(1, |before| before.chars().count() + 1);
        ParseError { line: self.line, column, what: what.into(), advice: advice.into() }
    }
}
