//! Reads security policies with their address book and applications, in braces or as `set` lines, and says what becomes of packets.
//! Shares nothing with the renderer. What it does not know is an error with its place.

use std::collections::BTreeSet;

use enforcer_packetset::{AddressSet, Effect, Selector, StateSet, Step, Verdict};

use super::applications::Applications;
use super::book::Books;
use crate::device_zones::DeviceZones;
use crate::junos_beside::{Beside, beside};
use crate::reading::{Cursor, Path, Word, paths};
use crate::target::{ParseError, Parsed};

/// Policies that are asked for the same packets, in order.
#[derive(Debug, Default)]
struct Context<'a> {
    zones: Option<(Word<'a>, Word<'a>)>,
    policies: Vec<Policy<'a>>,
}

#[derive(Debug)]
struct Policy<'a> {
    name: Word<'a>,
    /// Zones of a global policy.
    from: Vec<Word<'a>>,
    to: Vec<Word<'a>>,
    source: Addresses<'a>,
    destination: Addresses<'a>,
    applications: Vec<Word<'a>>,
    verdict: Option<Verdict>,
    logs_begin: bool,
    logs_end: Option<Word<'a>>,
}

#[derive(Debug, Default)]
struct Addresses<'a> {
    names: Vec<Word<'a>>,
    /// All but the named ones.
    is_excluded: bool,
}

/// In which order policies are asked, and by what.
#[derive(Debug, Default)]
struct Policies<'a> {
    /// Of pairs of zones.
    pairs: Vec<Context<'a>>,
    global: Context<'a>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    parse_with(text, &DeviceZones::default())
}

pub(super) fn parse_with(text: &str, zones: &DeviceZones) -> Result<Parsed, ParseError> {
    let (mut books, mut applications) = (Books::default(), Applications::default());
    let mut policies = Policies::default();
    let mut default = None;
    let paths = paths(text)?;
    // A listing of `show configuration security` leaves the first word out everywhere.
    let has_root = paths.iter().any(|path| path.words.first().is_some_and(|first| first.is("security")));
    for mut path in paths {
        if let Some(&first) = path.words.first().filter(|first| !has_root && !first.is("applications")) {
            path.words.insert(0, Word { text: "security", ..first });
        }
        let mut cursor = Cursor::new(&path.words);
        let root = cursor.next();
        match root.text {
            "security" => {}
            "applications" if !path.is_removal => {
                applications.add(&mut cursor)?;
                continue;
            }
            // In force where an interface names them, and that is refused there.
            "firewall" if !path.is_removal => continue,
            _ => {
                alone(&path)?;
                continue;
            }
        }
        let word = cursor.some("a part of `security`")?;
        match word.text {
            _ if path.is_removal => {
                let is_first = policies.in_order().next().is_none() && (default.is_none() || !cursor.is_at_end());
                removal(word, cursor, is_first)?;
            }
            "address-book" => books.add(&mut cursor)?,
            "zones" if !zone(&mut books, &mut cursor)? => alone(&path)?,
            "zones" => {}
            "policies" if cursor.is_at_end() => {}
            "policies" => policies.add(&mut default, &mut cursor, zones)?,
            _ => alone(&path)?,
        }
    }
    finish(&books, &applications, &policies, default.unwrap_or(Verdict::Deny), zones)
}

/// Nothing that stands beside policies decides; nor does a filter.
fn alone(path: &Path<'_>) -> Result<(), ParseError> {
    match beside(path)? {
        Beside::Unrelated => Ok(()),
        Beside::Binds(binding) => {
            let what = format!("the filter `{}` on an interface decides about packets too", binding.filter.text);
            let advice = "cut it out only if what the policies do is to be proven without it; `junos-filter` proves filters";
            Err(binding.filter.error(what, advice))
        }
    }
}

/// What follows `zones`: of a zone only its address book is about the policies. False where the statement is about something else.
fn zone<'a>(books: &mut Books<'a>, cursor: &mut Cursor<'_, 'a>) -> Result<bool, ParseError> {
    if !cursor.take("security-zone") {
        return Ok(cursor.is_at_end());
    }
    let name = cursor.some("a zone's name")?;
    if cursor.take("address-book") {
        return books.add_to_zone(name.text, cursor).map(|()| true);
    }
    Ok(cursor.is_at_end())
}

impl<'a> Policies<'a> {
    /// What follows `policies`.
    fn add(&mut self, default: &mut Option<Verdict>, cursor: &mut Cursor<'_, 'a>, known: &DeviceZones) -> Result<(), ParseError> {
        let word = cursor.next();
        match word.text {
            "global" => policy(&mut self.global, cursor),
            "from-zone" => {
                let from = cursor.some("a zone")?;
                cursor.expect("to-zone")?;
                let to = cursor.some("a zone")?;
                let same = |pair: &Context<'_>| pair.zones.is_some_and(|(a, b)| (a.text, b.text) == (from.text, to.text));
                let is_own = |word: &Word<'_>| word.is(DEVICE);
                if let Some((first, second)) =
                    self.pairs.iter().filter_map(|pair| pair.zones).find(|(a, b)| !is_own(a) && !is_own(b))
                    && known.is_empty()
                    && !is_own(&from)
                    && !is_own(&to)
                    && (first.text, second.text) != (from.text, to.text)
                {
                    let what = format!("policies of a second pair of zones, `{}` and `{}`", from.text, to.text);
                    return Err(from.error(what, ADVICE));
                }
                let at = self.pairs.iter().position(same).unwrap_or_else(|| {
                    self.pairs.push(Context { zones: Some((from, to)), policies: Vec::new() });
                    self.pairs.len() - 1
                });
                self.pairs.get_mut(at).map_or(Ok(()), |pair| policy(pair, cursor))
            }
            "default-policy" => {
                let word = cursor.some("a default")?;
                *default = Some(match word.text {
                    "deny-all" => Verdict::Deny,
                    "permit-all" => Verdict::Allow,
                    _ => return Err(word.unknown("`permit-all` or `deny-all`", "write one of them")),
                });
                cursor.end()
            }
            // Whether sessions are judged anew after a change.
            "policy-rematch" => Ok(()),
            _ => Err(word.unknown("a part of `policies`", "give global policies, or those of pairs of zones")),
        }
    }
}

/// The zone of the device itself: what is sent to it and by it.
const DEVICE: &str = "junos-host";

const ADVICE: &str = "a zone is not in the packet: say what is behind each in `device_zones` of the point, or give one pair";

/// `delete` before everything that it would take away.
fn removal(word: Word<'_>, cursor: Cursor<'_, '_>, is_first: bool) -> Result<(), ParseError> {
    if word.is("policies") && is_first && cursor.rest().iter().all(|word| word.is("global")) {
        return Ok(());
    }
    Err(word.error("a removal that is not the first of policies", "begin with `delete security policies global`"))
}

fn policy<'a>(context: &mut Context<'a>, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
    if cursor.is_at_end() {
        return Ok(());
    }
    cursor.expect("policy")?;
    let name = cursor.some("a policy's name")?;
    let at = context.policies.iter().rposition(|policy| policy.name.text == name.text).unwrap_or_else(|| {
        context.policies.push(Policy {
            name,
            from: Vec::new(),
            to: Vec::new(),
            source: Addresses::default(),
            destination: Addresses::default(),
            applications: Vec::new(),
            verdict: None,
            logs_begin: false,
            logs_end: None,
        });
        context.policies.len() - 1
    });
    let Some(policy) = context.policies.get_mut(at) else { return Ok(()) };
    let word = cursor.some("`match` or `then`")?;
    match word.text {
        "match" => matches(policy, cursor),
        "then" => then(policy, cursor),
        "description" => {
            cursor.some("a text")?;
            cursor.end()
        }
        _ => Err(word.unknown("`match` or `then`", "a policy holds these two; schedulers are not read")),
    }
}

fn matches<'a>(policy: &mut Policy<'a>, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
    let field = cursor.some("a condition")?;
    match field.text {
        "source-address" => policy.source.names.push(cursor.some("an address")?),
        "destination-address" => policy.destination.names.push(cursor.some("an address")?),
        "application" => policy.applications.push(cursor.some("an application")?),
        "source-address-excluded" => policy.source.is_excluded = true,
        "destination-address-excluded" => policy.destination.is_excluded = true,
        "from-zone" => policy.from.push(cursor.some("a zone")?),
        "to-zone" => policy.to.push(cursor.some("a zone")?),
        "source-identity" | "dynamic-application" if cursor.peek().is("any") => drop(cursor.next()),
        _ => return Err(field.unknown("a condition", "packets are matched by addresses and applications")),
    }
    cursor.end()
}

fn then<'a>(policy: &mut Policy<'a>, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
    let word = cursor.some("an action")?;
    let verdict = match word.text {
        "permit" => Verdict::Allow,
        "deny" | "reject" => Verdict::Deny,
        "log" => {
            let when = cursor.some("`session-init` or `session-close`")?;
            match when.text {
                "session-init" => policy.logs_begin = true,
                "session-close" => policy.logs_end = Some(when),
                _ => return Err(when.unknown("`session-init` or `session-close`", "write one of them")),
            }
            return cursor.end();
        }
        "count" => return cursor.end(),
        _ => return Err(word.unknown("an action", "sessions are permitted, denied, rejected, logged and counted")),
    };
    cursor.end()?;
    if policy.verdict.replace(verdict).is_some() {
        return Err(word.error(format!("`{}` beside another action", word.text), "keep one"));
    }
    Ok(())
}

fn finish(
    books: &Books<'_>,
    applications: &Applications<'_>,
    policies: &Policies<'_>,
    default: Verdict,
    zones: &DeviceZones,
) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    let mut notes = BTreeSet::new();
    let mut add = |selector, verdict, log, line| {
        parsed.steps.push(Step { selector, effect: Effect { verdict: Some(verdict), log } });
        parsed.lines.push(line);
    };
    // A session that was admitted is not asked about again.
    add(Selector { state: StateSet::Established, ..Selector::any() }, Verdict::Allow, false, 1);
    let mut last_line = 1;
    for (context, policy) in policies.in_order() {
        last_line = policy.name.line;
        if context.zones.is_some_and(|(from, to)| from.is(DEVICE) || to.is(DEVICE)) {
            notes.insert("policies of `junos-host` are about the device itself: not read".to_owned());
            continue;
        }
        let incomplete = |what: &str| {
            policy.name.error(format!("policy `{}` has no {what}", policy.name.text), "the device refuses it: complete it")
        };
        let verdict = policy.verdict.ok_or_else(|| incomplete("action"))?;
        let log = match (verdict, policy.logs_end) {
            (Verdict::Deny, Some(word)) if !policy.logs_begin => {
                return Err(word.error("a denied session that is logged at its end", "it has none: use `session-init`"));
            }
            (_, end) => policy.logs_begin || end.is_some(),
        };
        let (from, to) = context.zones.map_or((None, None), |(from, to)| (Some(from.text), Some(to.text)));
        let source = policy.source.resolve(books, from)?.ok_or_else(|| incomplete("source address"))?;
        let destination = policy.destination.resolve(books, to)?.ok_or_else(|| incomplete("destination address"))?;
        if policy.applications.is_empty() {
            return Err(incomplete("application"));
        }
        let pair = context.zones.filter(|_| !zones.is_empty());
        let (from, to) = match pair {
            Some((from, to)) => (zones.find(from)?.clone(), zones.find(to)?.clone()),
            None => (behind(&policy.from, zones)?, behind(&policy.to, zones)?),
        };
        let (source, destination) = (source.intersection(&from), destination.intersection(&to));
        for &name in &policy.applications {
            for l4 in applications.find(name, &mut notes)? {
                // Addresses that are behind other zones meet nothing.
                if !source.is_empty() && !destination.is_empty() {
                    let selector = Selector { source: source.clone(), destination: destination.clone(), l4, ..Selector::any() };
                    add(selector, verdict, log, policy.name.line);
                }
            }
        }
    }
    add(Selector::any(), default, false, last_line);
    let pairs = policies.pairs.iter().filter_map(|pair| pair.zones).filter(|_| zones.is_empty());
    for (from, to) in pairs.filter(|(from, to)| !from.is(DEVICE) && !to.is(DEVICE)) {
        let (from, to) = (from.text, to.text);
        notes.insert(format!("read as what happens to packets that come from zone `{from}` and leave to zone `{to}`"));
    }
    parsed.notes.extend(notes);
    Ok(parsed)
}

/// What is behind the zones that a global policy names; everybody where it names none.
fn behind(names: &[Word<'_>], zones: &DeviceZones) -> Result<AddressSet, ParseError> {
    match names.iter().find(|name| name.text != "any") {
        None => Ok(AddressSet::full()),
        Some(name) if zones.is_empty() => Err(name.error(format!("a policy for the zone `{}`", name.text), ADVICE)),
        Some(_) => zones.union(names, "any"),
    }
}

impl<'a> Policies<'a> {
    /// Those of a pair of zones before the global ones.
    fn in_order(&self) -> impl Iterator<Item = (&Context<'a>, &Policy<'a>)> {
        let contexts = self.pairs.iter().chain([&self.global]);
        contexts.flat_map(|context| context.policies.iter().map(move |policy| (context, policy)))
    }
}

impl Addresses<'_> {
    /// None where no address is named.
    fn resolve(&self, books: &Books<'_>, zone: Option<&str>) -> Result<Option<AddressSet>, ParseError> {
        let Some(first) = self.names.first() else { return Ok(None) };
        let mut all = AddressSet::empty();
        for &name in &self.names {
            all = all.union(&books.find(name, zone)?);
        }
        if self.is_excluded {
            all = AddressSet::full().difference(&all);
        }
        if all.is_empty() {
            return Err(first.error("an exclusion that leaves no address", "leave the policy out"));
        }
        Ok(Some(all))
    }
}
