//! Reads filters as `show configuration firewall` gives them, in braces or as `set` lines, and says what they do. Shares nothing with the
//! renderer. What it does not know is an error with its place.

use std::collections::BTreeSet;

use enforcer_packetset::{Effect, Selector, Step, Verdict};

use super::from::{From, PrefixLists, list_entry};
use crate::junos_beside::{Beside, Binding, beside, passes};
use crate::reading::{Cursor, Path, Word, of_family, paths};
use crate::target::{ParseError, Parsed};

#[derive(Debug)]
struct Filter<'a> {
    name: Word<'a>,
    is_ipv6: bool,
    terms: Vec<Term<'a>>,
    /// The first statement that is not understood; of no matter unless the filter is in force.
    broken: Option<ParseError>,
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

/// What a text defines and binds.
#[derive(Debug, Default)]
struct Reader<'a> {
    filters: Vec<Filter<'a>>,
    lists: PrefixLists<'a>,
    bindings: Vec<Binding<'a>>,
    /// Whether what is bound nowhere is known to be so.
    has_interfaces: bool,
    /// Where packets pass through, by interface and unit.
    units: BTreeSet<(&'a str, &'a str, bool)>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let paths = paths(text)?;
    let starts = |path: &Path<'_>, words: &[&str]| path.words.first().is_some_and(|first| words.contains(&first.text));
    // A listing of `show configuration firewall` leaves the first word out everywhere.
    let has_root = paths.iter().any(|path| starts(path, &["firewall"]));
    let has_interfaces = paths.iter().any(|path| starts(path, &["interfaces"]));
    let mut reader = Reader { has_interfaces, ..Reader::default() };
    for path in &paths {
        let mut cursor = Cursor::new(&path.words);
        if cursor.take("policy-options") && cursor.peek().is("prefix-list") && !path.is_removal {
            prefix_list(&mut reader.lists, cursor)?;
        } else if starts(path, &["firewall"]) || (!has_root && starts(path, &["family", "filter"])) {
            cursor.take("firewall");
            reader.filter(cursor, path.is_removal)?;
        } else if has_root {
            reader.beside(path)?;
        } else {
            let first = path.words.first().copied().unwrap_or(cursor.peek());
            return Err(first.unknown("a part of `firewall`", "give firewall filters and the prefix lists that they name"));
        }
    }
    reader.finish()
}

impl<'a> Reader<'a> {
    /// What follows `firewall`.
    fn filter(&mut self, mut cursor: Cursor<'_, 'a>, is_removal: bool) -> Result<(), ParseError> {
        let first = cursor.some("a family")?;
        let is_ipv6 = match first.text {
            "family" => {
                let family = cursor.some("a family")?;
                let is_ip = ["inet", "inet6"].contains(&family.text);
                // In force where an interface names it, and that is refused there.
                if self.has_interfaces && !(is_ip && cursor.peek().is("filter")) {
                    return Ok(());
                }
                if !is_ip {
                    return Err(family.unknown("`inet` or `inet6`", "give the filters of these two families"));
                }
                cursor.expect("filter")?;
                family.is("inet6")
            }
            // Without a family a filter is one of `inet`.
            "filter" => false,
            // A term that names one is refused.
            "policer" | "three-color-policer" if !is_removal => return Ok(()),
            _ => return Err(first.unknown("a part of `firewall`", "give firewall filters and the prefix lists that they name")),
        };
        let name = cursor.some("a filter's name")?;
        let known = self.filters.iter().rposition(|filter| filter.is_ipv6 == is_ipv6 && filter.name.text == name.text);
        if is_removal {
            cursor.end()?;
            if known.is_some() {
                return Err(name.error("a filter that is deleted after it was set", "put `delete` first"));
            }
            return Ok(());
        }
        let at = known.unwrap_or_else(|| {
            self.filters.push(Filter { name, is_ipv6, terms: Vec::new(), broken: None });
            self.filters.len() - 1
        });
        if let Some(filter) = self.filters.get_mut(at)
            && let Err(error) = statement(filter, cursor, is_ipv6)
        {
            filter.broken.get_or_insert(error);
        }
        Ok(())
    }

    /// What is about neither filters nor their lists.
    fn beside(&mut self, path: &Path<'a>) -> Result<(), ParseError> {
        match path.words.as_slice() {
            // Objects of policies, and policies are refused.
            [first, ..] if first.is("applications") && !path.is_removal => return Ok(()),
            [first, part, ..] if first.is("security") && !HARMLESS.contains(&part.text) => {
                let what = format!("`security {}`, where policies decide too", part.text);
                let advice = "give it to `junos-srx`, or cut it out if what the filters do is to be proven without it";
                return Err(part.error(what, advice));
            }
            [first, part, ..] if first.is("security") && part.is("forwarding-options") => return Ok(()),
            _ => {}
        }
        self.units.extend(passes(path));
        if let Beside::Binds(binding) = beside(path)? {
            self.bindings.push(binding);
        }
        Ok(())
    }

    /// The filter of a version that judges packets; None where none does.
    fn in_force(&self, is_ipv6: bool) -> Result<Option<&Filter<'a>>, ParseError> {
        let mut bound = self.bindings.iter().filter(|binding| binding.is_ipv6 == is_ipv6).map(|binding| binding.filter);
        let mut filters = self.filters.iter().filter(|filter| filter.is_ipv6 == is_ipv6);
        if let Some(first) = bound.next() {
            if let Some(other) = bound.find(|other| other.text != first.text) {
                let what = format!(
                    "`{}` is bound here and `{}` in line {}: which of them a packet meets depends on its way",
                    other.text, first.text, first.line
                );
                return Err(other.error(what, "prove one filter at a time: cut the other one's bindings out"));
            }
            let missing =
                || first.error(format!("the filter that is bound, `{}`, is not in the text", first.text), "give it too");
            return filters.find(|filter| filter.name.text == first.text).map(Some).ok_or_else(missing);
        }
        if !self.bindings.is_empty() {
            return Ok(None);
        }
        let (first, second) = (filters.next(), filters.next());
        if let (Some(filter), true) = (first, self.has_interfaces) {
            let what = format!("the text has interfaces, and none of them binds `{}`: it filters nothing", filter.name.text);
            return Err(filter.name.error(what, "give the interface that binds it, or the filter without interfaces"));
        }
        match second.map(|second| second.name) {
            Some(name) => {
                let what = format!("a second filter of the same family, `{}`", name.text);
                Err(name.error(what, "give the one that is bound, or the interface that binds it"))
            }
            None => Ok(first),
        }
    }
}

/// Parts of `security` that are there without policies.
const HARMLESS: &[&str] = &[
    "alarms",
    "authentication-key-chains",
    "certificates",
    "forwarding-options",
    "ike",
    "ipsec",
    "log",
    "pki",
    "ssh-known-hosts",
    "traceoptions",
];

fn prefix_list<'a>(lists: &mut PrefixLists<'a>, mut cursor: Cursor<'_, 'a>) -> Result<(), ParseError> {
    cursor.expect("prefix-list")?;
    let list = lists.entry(cursor.some("a list's name")?.text).or_default();
    if !cursor.is_at_end() {
        let word = cursor.next();
        // Of no matter unless a term names the list.
        match list_entry(word) {
            Some(entry) => list.entries.push(entry),
            None => {
                list.broken.get_or_insert(word.unknown("a prefix", "lists that are filled by `apply-path` are not read"));
                return Ok(());
            }
        }
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

impl Reader<'_> {
    fn finish(&self) -> Result<Parsed, ParseError> {
        let mut parsed = Parsed::default();
        for is_ipv6 in [false, true] {
            let version = if is_ipv6 { "IPv6" } else { "IPv4" };
            let Some(filter) = self.in_force(is_ipv6)? else {
                let has_one = self.filters.iter().any(|filter| filter.is_ipv6 == is_ipv6);
                let what = if has_one { "no interface of the text binds an" } else { "the text has no" };
                parsed.notes.push(format!("{what} {version} filter, so all of {version} is allowed"));
                continue;
            };
            if let Some(error) = &filter.broken {
                return Err(error.clone());
            }
            filter.steps(&self.lists, &mut parsed)?;
            self.note_places(is_ipv6, &mut parsed);
        }
        Ok(parsed)
    }

    /// What a proof does not say: where the filter stands, and what passes without one.
    fn note_places(&self, is_ipv6: bool, parsed: &mut Parsed) {
        const MOST: usize = 8;
        let version = if is_ipv6 { "IPv6" } else { "IPv4" };
        let bound: Vec<&Binding<'_>> = self.bindings.iter().filter(|binding| binding.is_ipv6 == is_ipv6).collect();
        let is_open = |name: &str, unit: &str| bound.iter().all(|binding| (binding.interface.text, binding.unit) != (name, unit));
        let open = self.units.iter().filter(|(name, unit, version)| *version == is_ipv6 && is_open(name, unit));
        let open = open.map(|(name, unit, _)| format!("{name}.{unit}")).collect::<Vec<_>>();
        let bound = bound.iter().map(|at| format!("{}.{} {}", at.interface.text, at.unit, at.direction)).collect::<Vec<_>>();
        for (what, places) in [("the", &bound), ("no", &open)] {
            if !bound.is_empty() && !places.is_empty() {
                let more = places.len().saturating_sub(MOST);
                let shown = places.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                parsed.notes.push(format!("{what} {version} filter judges what passes {shown}{more}"));
            }
        }
    }
}

impl Filter<'_> {
    /// What the filter does, with its unwritten end.
    fn steps(&self, lists: &PrefixLists<'_>, parsed: &mut Parsed) -> Result<(), ParseError> {
        let is_ipv6 = self.is_ipv6;
        let Some(last) = self.terms.last() else {
            return Err(self.name.error("a filter without terms", "give its terms"));
        };
        if self.terms.iter().any(|term| term.from.asks_first_header) {
            let note =
                "`next-header` looks at the first header only: a packet with an extension header before the protocol escapes it";
            parsed.notes.push(note.into());
        }
        for term in &self.terms {
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
        Ok(())
    }
}
