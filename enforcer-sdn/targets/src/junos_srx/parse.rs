//! Reads security policies with their address book and applications, in braces or as `set` lines, and says what becomes of packets.
//! Shares nothing with the renderer. What it does not know is an error with its place.

use enforcer_packetset::{AddressSet, Effect, Selector, StateSet, Step, Verdict};

use super::applications::Applications;
use super::book::Book;
use crate::reading::{Cursor, Word, paths};
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

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let (mut book, mut applications) = (Book::default(), Applications::default());
    let (mut pair, mut global) = (Context::default(), Context::default());
    let mut default = Verdict::Deny;
    let mut is_whole = None;
    for path in paths(text)? {
        let mut cursor = Cursor::new(&path.words);
        let first = cursor.peek();
        let has_root = cursor.take("security");
        let word = cursor.some("a part of `security`")?;
        // A listing of `show configuration security` leaves the first word out everywhere.
        if !word.is("applications") && *is_whole.get_or_insert(has_root) != has_root {
            return Err(first.error("`security` stands in some statements only", "give one listing"));
        }
        match word.text {
            _ if path.is_removal => removal(word, cursor, pair.policies.len() + global.policies.len())?,
            "address-book" => book.add(&mut cursor)?,
            "applications" => applications.add(&mut cursor)?,
            "policies" if cursor.is_at_end() => {}
            "policies" => {
                let word = cursor.next();
                match word.text {
                    "global" => policy(&mut global, &mut cursor)?,
                    "from-zone" => {
                        let from = cursor.some("a zone")?;
                        cursor.expect("to-zone")?;
                        let to = cursor.some("a zone")?;
                        let &mut (first_from, first_to) = pair.zones.get_or_insert((from, to));
                        if (first_from.text, first_to.text) != (from.text, to.text) {
                            let what = format!("policies of a second pair of zones, `{}` and `{}`", from.text, to.text);
                            return Err(from.error(what, "a zone is not in the packet: give one pair, or global policies"));
                        }
                        policy(&mut pair, &mut cursor)?;
                    }
                    "default-policy" => {
                        let word = cursor.some("a default")?;
                        default = match word.text {
                            "deny-all" => Verdict::Deny,
                            "permit-all" => Verdict::Allow,
                            _ => return Err(word.unknown("`permit-all` or `deny-all`", "write one of them")),
                        };
                        cursor.end()?;
                    }
                    // Whether sessions are judged anew after a change.
                    "policy-rematch" => {}
                    _ => return Err(word.unknown("a part of `policies`", "give global policies, or those of one pair of zones")),
                }
            }
            _ => return Err(word.unknown("a part of `security`", "give policies, the address book and applications")),
        }
    }
    finish(&book, &applications, &[pair, global], default)
}

/// `delete` before everything that it would take away.
fn removal(word: Word<'_>, cursor: Cursor<'_, '_>, policies: usize) -> Result<(), ParseError> {
    if word.is("policies") && policies == 0 && cursor.rest().iter().all(|word| word.is("global")) {
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
        "from-zone" | "to-zone" | "source-identity" | "dynamic-application" if cursor.peek().is("any") => drop(cursor.next()),
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
    book: &Book<'_>,
    applications: &Applications<'_>,
    contexts: &[Context<'_>],
    default: Verdict,
) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    let mut add = |selector, verdict, log, line| {
        parsed.steps.push(Step { selector, effect: Effect { verdict: Some(verdict), log } });
        parsed.lines.push(line);
    };
    // A session that was admitted is not asked about again.
    add(Selector { state: StateSet::Established, ..Selector::any() }, Verdict::Allow, false, 1);
    let mut last_line = 1;
    for policy in contexts.iter().flat_map(|context| &context.policies) {
        last_line = policy.name.line;
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
        let source = policy.source.resolve(book)?.ok_or_else(|| incomplete("source address"))?;
        let destination = policy.destination.resolve(book)?.ok_or_else(|| incomplete("destination address"))?;
        if policy.applications.is_empty() {
            return Err(incomplete("application"));
        }
        for &name in &policy.applications {
            for l4 in applications.find(name)? {
                let selector = Selector { source: source.clone(), destination: destination.clone(), l4, ..Selector::any() };
                add(selector, verdict, log, policy.name.line);
            }
        }
    }
    add(Selector::any(), default, false, last_line);
    for (from, to) in contexts.iter().filter_map(|context| context.zones) {
        let (from, to) = (from.text, to.text);
        parsed.notes.push(format!("read as what happens to packets that come from zone `{from}` and leave to zone `{to}`"));
    }
    Ok(parsed)
}

impl Addresses<'_> {
    /// None where no address is named.
    fn resolve(&self, book: &Book<'_>) -> Result<Option<AddressSet>, ParseError> {
        let Some(first) = self.names.first() else { return Ok(None) };
        let mut all = AddressSet::empty();
        for &name in &self.names {
            all = all.union(&book.find(name)?);
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
