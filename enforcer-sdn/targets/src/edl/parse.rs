//! Reads a list as somebody publishes it.

use std::net::IpAddr;

use enforcer_packetset::{AddressSet, Prefix, RangeSet, Selector, Step};

use super::Use;
use crate::target::{ParseError, Parsed};
use crate::words::Words;

pub(super) fn parse(text: &str, usage: Use) -> Result<Parsed, ParseError> {
    // Each entry with its line.
    let mut entries: Vec<(usize, AddressSet)> = Vec::new();
    // Files of some publishers begin with a byte order mark.
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let mut words = Words::new(number, line);
        if words.peek().is_empty() || is_comment(words.peek()) {
            continue;
        }
        let set = entry(&mut words)?;
        if !words.peek().is_empty() && !is_comment(words.peek()) {
            let what = "a second word that not every firewall takes for a comment";
            return Err(words.error_ahead(what, "begin comments with `#`, `;` or `//`"));
        }
        if let Some((first, other)) = entries.first()
            && other.v4.is_empty() != set.v4.is_empty()
        {
            return Err(words.error(format!("another IP version than on line {first}"), "a list is of one IP version"));
        }
        entries.push((number, set));
    }
    let Some((_, first)) = entries.first() else {
        let advice = "some firewalls take it for everybody: give at least one address".into();
        return Err(ParseError { line: 1, column: 1, what: "the list is empty".into(), advice });
    };
    let everybody = if first.v4.is_empty() {
        AddressSet { v4: RangeSet::empty(), v6: RangeSet::full() }
    } else {
        AddressSet { v4: RangeSet::full(), v6: RangeSet::empty() }
    };
    let whole = entries.iter().fold((Vec::new(), Vec::new()), |(mut v4, mut v6), (_, set)| {
        v4.extend_from_slice(set.v4.ranges());
        v6.extend_from_slice(set.v6.ranges());
        (v4, v6)
    });
    let listed = AddressSet { v4: RangeSet::from_ranges(whole.0), v6: RangeSet::from_ranges(whole.1) };
    let mut parsed = Parsed::default();
    let line = entries.first().map_or(1, |(line, _)| *line);
    let mut push = |selector: Selector, verdict: fn(Selector) -> Step| {
        parsed.steps.push(verdict(selector));
        parsed.lines.push(line);
    };
    let between = |source: &AddressSet, destination: &AddressSet| Selector {
        source: source.clone(),
        destination: destination.clone(),
        ..Selector::any()
    };
    let verdict = if usage == Use::Allow { Step::allow } else { Step::deny };
    push(between(&listed, &everybody), verdict);
    push(between(&everybody, &listed), verdict);
    if usage == Use::Allow {
        push(between(&everybody, &everybody), Step::deny);
    }
    let other = if first.v4.is_empty() { "IPv4" } else { "IPv6" };
    parsed.notes.push(format!("the list says nothing about {other}"));
    Ok(parsed)
}

fn is_comment(word: &str) -> bool {
    word.starts_with('#') || word.starts_with(';') || word.starts_with("//")
}

fn entry(words: &mut Words<'_>) -> Result<AddressSet, ParseError> {
    let word = words.next();
    let advice = "write an address, a prefix without host bits, or FIRST-LAST";
    if let Some((first, last)) = word.split_once('-') {
        let range = first.parse::<IpAddr>().ok().zip(last.parse::<IpAddr>().ok());
        return match range {
            Some((IpAddr::V4(first), IpAddr::V4(last))) if first <= last => {
                Ok(AddressSet { v4: RangeSet::range(first.to_bits(), last.to_bits()), v6: RangeSet::empty() })
            }
            Some((IpAddr::V6(first), IpAddr::V6(last))) if first <= last => {
                Ok(AddressSet { v4: RangeSet::empty(), v6: RangeSet::range(first.to_bits(), last.to_bits()) })
            }
            Some((first, last)) if first.is_ipv4() == last.is_ipv4() => {
                Err(words.error("a descending range", "write the lower address first"))
            }
            _ => Err(words.error(format!("`{word}` is no range of addresses"), advice)),
        };
    }
    let has_clean_length = word.split_once('/').is_none_or(|(_, length)| {
        length.bytes().all(|byte| byte.is_ascii_digit()) && (length == "0" || !length.starts_with('0'))
    });
    let prefix = word.parse::<Prefix>().ok().filter(|_| has_clean_length);
    prefix.map(AddressSet::from).ok_or_else(|| words.error(format!("`{word}` is no address and no prefix"), advice))
}
