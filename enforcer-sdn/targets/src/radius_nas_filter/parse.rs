//! Reads filter rules as a server's user file or an accounting log shows them.

use enforcer_packetset::{
    AddressSet, Effect, FlagSet, HeadingSet, L4, LinkFields, PortSet, Prefix, RangeSet, Selector, Step, Verdict, merge_neighbours,
};

use super::options::{self, Options};
use crate::target::{ParseError, Parsed};
use crate::words::{Words, number};

/// Rules of both ways with their lines, in the order of the text.
type Rules = Vec<(usize, HeadingSet, Step)>;

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut groups: Vec<Rules> = vec![Vec::new()];
    for (line, given) in (1..).zip(text.lines()) {
        let trimmed = given.trim();
        if trimmed.is_empty() {
            continue;
        }
        if trimmed.starts_with('#') {
            // A remark says where to stop looking for neighbours to merge.
            groups.push(Vec::new());
            continue;
        }
        for (padding, rule) in attribute(line, given)? {
            // The rule at its own columns.
            let placed = " ".repeat(padding) + rule;
            let step = rule_of(&mut Words::new(line, &placed))?;
            if let Some(group) = groups.last_mut() {
                group.push((line, step.selector.link.heading, step));
            }
        }
    }
    let mut parsed = Parsed::default();
    for (heading, way) in [(HeadingSet::In, "in"), (HeadingSet::Out, "out")] {
        let of_way = |group: &Rules| -> Vec<(usize, Step)> {
            group.iter().filter(|rule| rule.1 == heading).map(|(line, _, step)| (*line, step.clone())).collect()
        };
        let mut last = None;
        for group in groups.iter().map(of_way).filter(|group| !group.is_empty()) {
            let line = group.first().map_or(1, |(line, _)| *line);
            last = group.last().map(|(line, step)| (*line, step.effect.verdict));
            for step in merge_neighbours(group.into_iter().map(|(_, step)| step)) {
                parsed.steps.push(step);
                parsed.lines.push(line);
            }
        }
        match last {
            None => {
                let what = format!("no rule is for `{way}`, and nothing says what becomes of those packets");
                return Err(ParseError { line: 1, column: 1, what, advice: format!("add `permit {way} ip from any to any`") });
            }
            // Dropped if the last rule was a permit, passed if it was a deny.
            Some((line, Some(Verdict::Allow))) => {
                let link = LinkFields { heading, ..LinkFields::any() }.into();
                parsed.steps.push(Step::deny(Selector { link, ..Selector::any() }));
                parsed.lines.push(line);
            }
            Some(_) => {}
        }
    }
    Ok(parsed)
}

/// The rules of a line, each with its place in characters: the line itself, or the value of an attribute.
fn attribute(line: usize, text: &str) -> Result<Vec<(usize, &str)>, ParseError> {
    let mut words = Words::new(line, text);
    if !words.peek().eq_ignore_ascii_case("NAS-Filter-Rule") {
        return Ok(vec![(0, text)]);
    }
    words.next();
    if !["=", "+=", ":="].contains(&words.next()) {
        return Err(words.error("an attribute without `=` or `+=`", "write NAS-Filter-Rule += \"permit ...\""));
    }
    let rest = words.rest().trim_end().trim_end_matches(',').trim_end();
    let value = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|value| !value.contains('"'));
    let Some(value) = value else {
        return Err(words.error_ahead("a value that is not in quotes", "write NAS-Filter-Rule += \"permit ...\""));
    };
    let mut rules = Vec::new();
    let mut at = text.chars().count() - words.rest().chars().count() + 1;
    for rule in value.split("\\000") {
        rules.push((at, rule));
        at += rule.chars().count() + "\\000".len();
    }
    Ok(rules)
}

const ADVICE: &str = "a rule is: permit|deny in|out PROTOCOL from ADDRESS [PORTS] to ADDRESS [PORTS] [OPTIONS]";

fn rule_of(words: &mut Words<'_>) -> Result<Step, ParseError> {
    let verdict = match words.some("`permit` or `deny`")? {
        "permit" => Verdict::Allow,
        "deny" => Verdict::Deny,
        other => return Err(words.error(format!("`{other}` is no action"), ADVICE)),
    };
    let heading = match words.some("`in` or `out`")? {
        "in" => HeadingSet::In,
        "out" => HeadingSet::Out,
        other => return Err(words.error(format!("`{other}` is no direction"), ADVICE)),
    };
    let protocol = match words.some("a protocol")? {
        "ip" => None,
        other => match number::<u8>(other) {
            Some(0) => return Err(words.error("protocol 0", "some servers take it for every protocol: write `ip`")),
            Some(number) => Some(number),
            None => return Err(words.error(format!("`{other}` is no protocol"), "write its number, or `ip`")),
        },
    };
    words.expect("from", ADVICE)?;
    let (source, source_ports) = side(words, protocol)?;
    words.expect("to", ADVICE)?;
    let (destination, destination_ports) = side(words, protocol)?;
    if (source.v4.is_empty() || destination.v4.is_empty()) && (source.v6.is_empty() || destination.v6.is_empty()) {
        return Err(words.error("addresses of two IP versions, which no packet has", "correct one of them"));
    }
    let has_v6 = !source.v6.is_empty() && !destination.v6.is_empty();
    if has_v6 && protocol.is_some_and(|number| [43, 44, 50, 51, 60, 135, 139, 140].contains(&number)) {
        return Err(words.error("the number of an IPv6 extension header", "write it for IPv4 addresses, or leave it out"));
    }
    let has_v4 = !source.v4.is_empty() && !destination.v4.is_empty();
    let Options { flags, types } = options::read(words)?;
    if flags.is_some() && protocol != Some(6) {
        return Err(words.error("TCP flags of another protocol", "write protocol 6"));
    }
    let has_ports = source_ports.is_some() || destination_ports.is_some();
    let (from, to) = (source_ports.unwrap_or_else(PortSet::full), destination_ports.unwrap_or_else(PortSet::full));
    let l4 = match (protocol, types) {
        (Some(1), Some(types)) if has_v4 && !has_v6 => L4::Icmp { types, codes: RangeSet::full() },
        (Some(1), Some(_)) => return Err(words.error("ICMP types over IPv6", "write IPv4 addresses")),
        (_, Some(_)) => return Err(words.error("ICMP types of another protocol", "write protocol 1")),
        (None, None) => L4::Any,
        (Some(6), None) if has_ports || flags.is_some() => L4::Tcp { source: from, destination: to },
        (Some(17), None) if has_ports => L4::Udp { source: from, destination: to },
        (Some(132), None) if has_ports => L4::Sctp { source: from, destination: to },
        (Some(number), None) => L4::Protocol(number),
    };
    let link = LinkFields { heading, ..LinkFields::any() }.into();
    let flags = flags.unwrap_or_else(FlagSet::full);
    let selector = Selector { source, destination, l4, flags, link, ..Selector::any() };
    Ok(Step { selector, effect: Effect { verdict: Some(verdict), log: false } })
}

/// An address with its ports; None where no port is named.
fn side(words: &mut Words<'_>, protocol: Option<u8>) -> Result<(AddressSet, Option<PortSet>), ParseError> {
    let word = words.some("an address")?;
    let (text, is_inverted) = word.strip_prefix('!').map_or((word, false), |text| (text, true));
    let set = match text {
        "any" if is_inverted => return Err(words.error("`!any`, which is nobody", "leave the rule out")),
        "any" => AddressSet::full(),
        "assigned" => {
            return Err(words.error("`assigned`: the text does not say which address the terminal has", "write the address"));
        }
        _ => {
            let has_clean_length = text.split_once('/').is_none_or(|(_, length)| number::<u8>(length).is_some());
            let Some(prefix) = text.parse::<Prefix>().ok().filter(|_| has_clean_length) else {
                let advice = "write an address, a prefix without host bits, or `any`";
                return Err(words.error(format!("`{text}` is no address"), advice));
            };
            let set = AddressSet::from(prefix);
            match (is_inverted, prefix.network().is_ipv4()) {
                (false, _) => set,
                (true, true) => AddressSet { v4: set.v4.complement(), v6: RangeSet::empty() },
                (true, false) => AddressSet { v4: RangeSet::empty(), v6: set.v6.complement() },
            }
        }
    };
    if set.is_empty() {
        return Err(words.error(format!("`{word}`, which is nobody"), "leave the rule out"));
    }
    if !words.peek().starts_with(|c: char| c.is_ascii_digit()) {
        return Ok((set, None));
    }
    let text = words.next();
    if !matches!(protocol, Some(6 | 17 | 132)) {
        return Err(words.error("ports without TCP, UDP or SCTP", "name the protocol by its number"));
    }
    let ports = options::list::<u16>(text).ok_or_else(|| {
        words.error(format!("`{text}` is no list of ports"), "write numbers and ascending ranges with commas between")
    })?;
    Ok((set, Some(ports)))
}
