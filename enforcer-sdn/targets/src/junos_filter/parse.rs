//! Reads filters as `show configuration firewall` gives them, in braces or as `set` lines, and says what they do. Shares nothing with the
//! renderer. What it does not know is an error with its place.

use enforcer_packetset::{Effect, Selector, Step, Verdict};

use super::from::{From, PrefixLists, list_entry};
use crate::reading::{Cursor, Word, of_family, paths};
use crate::target::{ParseError, Parsed};

#[derive(Debug)]
struct Filter<'a> {
    name: Word<'a>,
    terms: Vec<Term<'a>>,
}

#[derive(Debug)]
struct Term<'a> {
    name: Word<'a>,
    from: From<'a>,
    verdict: Option<Then<'a>>,
    logs: bool,
}

/// What ends a term.
#[derive(Clone, Copy, Debug)]
struct Then<'a> {
    word: Word<'a>,
    /// None for `next term`.
    verdict: Option<Verdict>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut filters: [Option<Filter<'_>>; 2] = [None, None];
    let mut lists = PrefixLists::new();
    for path in paths(text)? {
        let mut cursor = Cursor::new(&path.words);
        cursor.take("firewall");
        let first = cursor.some("a family")?;
        let is_ipv6 = match first.text {
            "policy-options" if !path.is_removal => {
                prefix_list(&mut lists, cursor)?;
                continue;
            }
            "family" => {
                let family = cursor.some("a family")?;
                match family.text {
                    "inet" => false,
                    "inet6" => true,
                    _ => return Err(family.unknown("`inet` or `inet6`", "give the filters of these two families")),
                }
            }
            // Without a family a filter is one of `inet`.
            "filter" => false,
            _ => return Err(first.unknown("a part of `firewall`", "give firewall filters and the prefix lists that they name")),
        };
        if first.text == "family" {
            cursor.expect("filter")?;
        }
        let name = cursor.some("a filter's name")?;
        let filter = &mut filters[usize::from(is_ipv6)];
        if path.is_removal {
            cursor.end()?;
            if filter.is_some() {
                return Err(name.error("a filter that is deleted after it was set", "put `delete` first"));
            }
            continue;
        }
        let filter = filter.get_or_insert_with(|| Filter { name, terms: Vec::new() });
        if filter.name.text != name.text {
            return Err(name.error(format!("a second filter of the same family, `{}`", name.text), "give the one that is bound"));
        }
        statement(filter, cursor, is_ipv6)?;
    }
    finish(&filters, &lists)
}

fn prefix_list<'a>(lists: &mut PrefixLists<'a>, mut cursor: Cursor<'_, 'a>) -> Result<(), ParseError> {
    cursor.expect("prefix-list")?;
    let list = lists.entry(cursor.some("a list's name")?.text).or_default();
    if !cursor.is_at_end() {
        let word = cursor.next();
        let entry =
            list_entry(word).ok_or_else(|| word.unknown("a prefix", "lists that are filled by `apply-path` are not read"))?;
        list.push((word, entry));
    }
    cursor.end()
}

fn statement<'a>(filter: &mut Filter<'a>, mut cursor: Cursor<'_, 'a>, is_ipv6: bool) -> Result<(), ParseError> {
    if cursor.is_at_end() {
        return Ok(());
    }
    let word = cursor.next();
    match word.text {
        // Counters of its own for each interface.
        "interface-specific" => return cursor.end(),
        "term" => {}
        _ => return Err(word.unknown("`term`", "a filter holds terms; other statements change what they mean")),
    }
    let name = cursor.some("a term's name")?;
    let at = filter.terms.iter().rposition(|term| term.name.text == name.text);
    let at = at.unwrap_or_else(|| {
        filter.terms.push(Term { name, from: From::default(), verdict: None, logs: false });
        filter.terms.len() - 1
    });
    let Some(term) = filter.terms.get_mut(at) else { return Ok(()) };
    if cursor.is_at_end() {
        return Ok(());
    }
    let word = cursor.next();
    match word.text {
        // Without anything in force.
        "from" | "then" if cursor.is_at_end() => Ok(()),
        "from" => term.from.add(&mut cursor, is_ipv6),
        "then" => then(term, &mut cursor),
        _ => Err(word.unknown("`from` or `then`", "a term holds these two")),
    }
}

fn then<'a>(term: &mut Term<'a>, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
    let word = cursor.some("an action")?;
    let verdict = match word.text {
        "accept" => Some(Verdict::Allow),
        "discard" => Some(Verdict::Deny),
        "reject" => {
            // Optionally with the ICMP message that is sent.
            cursor.next();
            Some(Verdict::Deny)
        }
        "next" => {
            cursor.expect("term")?;
            None
        }
        "log" | "syslog" => {
            term.logs = true;
            return cursor.end();
        }
        // Neither decides, nor goes on.
        "count" | "forwarding-class" | "loss-priority" => {
            cursor.some("a name")?;
            return cursor.end();
        }
        "sample" => return cursor.end(),
        _ => return Err(word.unknown("an action", "packets are accepted, discarded, rejected, logged and counted")),
    };
    cursor.end()?;
    if let Some(before) = term.verdict.replace(Then { word, verdict }) {
        return Err(word.error(format!("`{}` beside `{}`", word.text, before.word.text), "keep one"));
    }
    Ok(())
}

fn finish(filters: &[Option<Filter<'_>>; 2], lists: &PrefixLists<'_>) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    for (is_ipv6, filter) in [false, true].into_iter().zip(filters) {
        let version = if is_ipv6 { "IPv6" } else { "IPv4" };
        let Some(filter) = filter else {
            parsed.notes.push(format!("the text has no {version} filter, so all of {version} is allowed"));
            continue;
        };
        let Some(last) = filter.terms.last() else {
            return Err(filter.name.error("a filter without terms", "give its terms"));
        };
        if filter.terms.iter().any(|term| term.from.asks_first_header) {
            let note =
                "`next-header` looks at the first header only: a packet with an extension header before the protocol escapes it";
            parsed.notes.push(note.into());
        }
        for term in &filter.terms {
            // A term that says nothing else accepts.
            let verdict = term.verdict.map_or(Some(Verdict::Allow), |then| then.verdict);
            if let (Some(then), None) = (term.verdict, verdict)
                && term.name == last.name
            {
                return Err(then.word.error("`next term` in the last term", "the device refuses it: say what happens"));
            }
            for selector in term.from.selectors(lists, is_ipv6)? {
                parsed.steps.push(Step { selector, effect: Effect { verdict, log: term.logs } });
                parsed.lines.push(term.name.line);
            }
        }
        let rest = Selector { source: of_family(is_ipv6), destination: of_family(is_ipv6), ..Selector::any() };
        parsed.steps.push(Step::deny(rest));
        parsed.lines.push(last.name.line);
    }
    Ok(parsed)
}
