//! Reads downloadable lists as a server's user file has them, or their values alone.

use enforcer_packetset::{AddressSet, Prefix, Step};

use super::HOSTS;
use crate::cisco_ios::GRAMMAR as IOS;
use crate::lists::address::all;
use crate::lists::chain::Chain;
use crate::lists::entry::{Grammar, entry};
use crate::lists::groups::Groups;
use crate::product::of_version;
use crate::target::{ParseError, Parsed};
use crate::words::{Words, number};

/// Lists at ports do not log, and no group comes with them.
const GRAMMAR: Grammar = Grammar { log: &[], service_group: None, has_times: false, address, ..IOS };

const ADVICE: &str = "write Cisco-AVPair += \"ip:inacl#10=permit ...\" or ipv6:inacl, one a line";

/// The entries of one version.
#[derive(Default)]
struct List {
    chain: Chain,
    number: Option<u32>,
    /// Where it begins.
    line: usize,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut hosts: Option<AddressSet> = None;
    let mut lists = [List::default(), List::default()];
    for (line, given) in (1..).zip(text.lines()) {
        let trimmed = given.trim();
        if let Some(prefixes) = trimmed.strip_prefix(HOSTS) {
            let mut words = Words::new(line, given);
            if hosts.is_some() {
                return Err(words.error("the hosts for the second time", "one text is for one zone"));
            }
            words.next();
            words.next();
            hosts = Some(read_hosts(&mut words, prefixes)?);
        } else if trimmed.starts_with('#') {
            lists.iter_mut().for_each(|list| list.chain.remark());
        } else if !trimmed.is_empty() {
            value(line, given, &mut lists)?;
        }
    }
    let nowhere = |what: &str, advice: &str| ParseError { line: 1, column: 1, what: what.into(), advice: advice.into() };
    let Some(hosts) = hosts else {
        let advice = "write a line `# hosts: PREFIX ...`: whose packets the switch judges with it is not in the list itself";
        return Err(nowhere("a list that does not say for which hosts it is", advice));
    };
    let mut parsed = Parsed::default();
    for (is_ipv6, list) in [false, true].into_iter().zip(lists) {
        let version = if is_ipv6 { "IPv6" } else { "IPv4" };
        let own = of_version(&hosts, is_ipv6);
        if list.chain.is_empty() {
            if !own.is_empty() {
                parsed.notes.push(format!("no entry is for {version}, so its packets are not judged"));
            }
            continue;
        }
        if own.is_empty() {
            let what = format!("entries for {version}, and no host has such an address");
            return Err(ParseError {
                line: list.line,
                column: 1,
                what,
                advice: format!("add the {version} prefixes to the hosts"),
            });
        }
        let unwritten = crate::cisco_ios::unwritten(is_ipv6);
        let start = parsed.steps.len();
        list.chain.finish(&mut parsed, unwritten);
        for step in parsed.steps.iter_mut().skip(start) {
            step.selector.source.clone_from(&own);
        }
    }
    if parsed.steps.is_empty() {
        return Err(nowhere("no entries", ADVICE));
    }
    Ok(parsed)
}

/// A network is one range: what a switch makes of a server's entry with scattered free bits is not the same on all of them.
fn address(words: &mut Words<'_>, is_ipv6: bool, groups: &Groups) -> Result<AddressSet, ParseError> {
    let set = (IOS.address)(words, is_ipv6, groups)?;
    if set.v4.ranges().len() > 1 {
        return Err(words.error("a wildcard with free bits above fixed ones", "write one entry for each network"));
    }
    Ok(set)
}

fn read_hosts(words: &mut Words<'_>, prefixes: &str) -> Result<AddressSet, ParseError> {
    let mut hosts = AddressSet::empty();
    for _ in prefixes.split_whitespace() {
        let word = words.next();
        let Ok(prefix) = word.parse::<Prefix>() else {
            return Err(words.error(format!("`{word}` is no prefix"), "write addresses and prefixes without host bits"));
        };
        hosts = hosts.union(&AddressSet::from(prefix));
    }
    if hosts.is_empty() {
        return Err(words.error("no hosts", "write their prefixes"));
    }
    Ok(hosts)
}

/// One value, with or without its attribute.
fn value(line: usize, given: &str, lists: &mut [List; 2]) -> Result<(), ParseError> {
    let mut words = Words::new(line, given);
    let named = ["Cisco-AVPair", "cisco-av-pair"].iter().any(|name| words.peek().eq_ignore_ascii_case(name));
    if named {
        words.next();
        if !["=", "+=", ":="].contains(&words.next()) {
            return Err(words.error("an attribute without `=` or `+=`", ADVICE));
        }
    }
    let rest = words.rest().trim_end();
    let bare = rest.strip_suffix(',').map_or(rest, str::trim_end);
    let inner = match bare.strip_prefix('"') {
        Some(open) => open.strip_suffix('"').filter(|inner| !inner.contains(['"', '\\'])),
        None => Some(bare).filter(|bare| !named && !bare.contains('"')),
    };
    let Some(inner) = inner else { return Err(words.error_ahead("a value that is not in quotes", ADVICE)) };
    let Some((list, entry_text)) = inner.split_once('=') else {
        return Err(words.error_ahead(format!("`{inner}` is no value of a list"), ADVICE));
    };
    let (kind, given_number) = list.split_once('#').unwrap_or((list, ""));
    let is_ipv6 = match kind {
        "ip:inacl" => false,
        "ipv6:inacl" => true,
        "ip:outacl" | "ipv6:outacl" => {
            return Err(words
                .error_ahead("a list for what is sent to the host", "switches take `inacl` only: judge that at another point"));
        }
        other => return Err(words.error_ahead(format!("`{other}` is no list"), ADVICE)),
    };
    let Some(number) = number::<u32>(given_number) else {
        return Err(
            words.error_ahead(format!("`{list}` without a number"), "entries are sorted by their numbers: write ip:inacl#10=")
        );
    };
    let [v4, v6] = lists;
    let list = if is_ipv6 { v6 } else { v4 };
    if list.number.is_some_and(|last| number <= last) {
        return Err(words.error_ahead("entries that are not in ascending order", "list them by their numbers"));
    }
    list.number = Some(number);
    if list.line == 0 {
        list.line = line;
    }
    // The entry at its own columns.
    let place = given.find(inner).map_or(0, |at| at + inner.len() - entry_text.len());
    let padding = given.get(..place).map_or(0, |before| before.chars().count());
    let placed = " ".repeat(padding) + entry_text;
    let mut words = Words::new(line, &placed);
    let steps = entry(&mut words, is_ipv6, &Groups::default(), &GRAMMAR)?;
    if steps.iter().any(|step: &Step| step.selector.source != all(is_ipv6)) {
        return Err(Words::new(line, &placed).error(
            "an entry whose source is not `any`",
            "the switch puts the address of the authenticated host there: write `any`",
        ));
    }
    list.chain.push(line, steps);
    Ok(())
}

#[cfg(test)]
mod tests {
    use enforcer_packetset::Selector;

    use super::*;

    #[test]
    fn a_source_is_the_hosts_and_nobody_else() {
        let parsed = parse("# hosts: 192.0.2.0/24\nip:inacl#1=permit tcp any any eq 80\n").unwrap();
        let all: Vec<&Selector> = parsed.steps.iter().map(|step| &step.selector).collect();
        assert_eq!(all.len(), 2, "the entry and the unwritten end");
        assert!(all.iter().all(|selector| selector.source == AddressSet::from("192.0.2.0/24".parse::<Prefix>().unwrap())));
    }
}
