//! Reads security rules with their objects, as the CLI lists them in `set` form and the API in XML, and says what becomes of packets. Shares nothing with the
//! renderer. What it does not know is an error with its place.

use enforcer_packetset::{AddressSet, Effect, Selector, StateSet, Step, Verdict};

use super::beside::{Others, check};
use super::objects::{Objects, list};
use super::xml;
use crate::device_zones::DeviceZones;
use crate::reading::{Comments, Cursor, Lexing, Word, words};
use crate::target::{ParseError, Parsed};

const LEXING: Lexing = Lexing { marks: "[]\n", has_block_comments: false, comments: Comments::First, has_continuation: false };

#[derive(Debug, Default)]
struct Rule<'a> {
    from: Vec<Word<'a>>,
    to: Vec<Word<'a>>,
    source: Vec<Word<'a>>,
    destination: Vec<Word<'a>>,
    services: Vec<Word<'a>>,
    has_application: bool,
    /// `intrazone` or `interzone`; None for both.
    kind: Option<Kind<'a>>,
    negates: [bool; 2],
    verdict: Option<Verdict>,
    log_start: bool,
    log_end: Option<bool>,
    is_disabled: bool,
}

/// About packets within a zone, or between two.
#[derive(Clone, Copy, Debug)]
struct Kind<'a> {
    word: Word<'a>,
    is_within: bool,
}

/// What happens to packets that no rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Default {
    verdict: Verdict,
    logs: bool,
}

#[derive(Debug)]
struct Rulebase<'a> {
    /// Those of the management before the device's own, its own, and those after.
    rules: [Vec<(Word<'a>, Rule<'a>)>; 3],
    /// The virtual system that the text is about.
    system: Option<&'a str>,
    /// Whether the rules of each are shared by all virtual systems.
    are_shared: [Option<bool>; 3],
    /// Of which rulebase the default rules are.
    defaults_of: Option<usize>,
    within: Default,
    between: Default,
    /// What is about something else than security.
    others: Others<'a>,
}

impl Rulebase<'_> {
    fn new() -> Self {
        Self {
            others: Others::default(),
            rules: [const { Vec::new() }; 3],
            system: None,
            are_shared: [None; 3],
            defaults_of: None,
            within: Default { verdict: Verdict::Allow, logs: false },
            between: Default { verdict: Verdict::Deny, logs: false },
        }
    }
}

/// In `set` form or in XML.
pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    parse_with(text, &DeviceZones::default())
}

pub(super) fn parse_with(text: &str, zones: &DeviceZones) -> Result<Parsed, ParseError> {
    if text.trim_start().starts_with('<') {
        let document = xml::document(text)?;
        let (mut objects, mut rulebase) = (Objects::default(), Rulebase::new());
        let lines = xml::lines(&document)?;
        for line in &lines {
            set(&mut objects, &mut rulebase, &mut Cursor::new(line))?;
        }
        return finish(&objects, &rulebase, zones);
    }
    let (mut objects, mut rulebase) = (Objects::default(), Rulebase::new());
    let words = words(text, LEXING)?;
    for line in words.split(|word| word.is("\n")).filter(|line| !line.is_empty()) {
        let mut cursor = Cursor::new(line);
        let verb = cursor.next();
        match verb.text {
            "set" => set(&mut objects, &mut rulebase, &mut cursor)?,
            "delete" => {
                for word in ["rulebase", "security", "rules"] {
                    cursor.expect(word)?;
                }
                cursor.end()?;
                if rulebase.rules.iter().any(|rules| !rules.is_empty()) {
                    return Err(verb.error("rules that are deleted after they were set", "put `delete` first"));
                }
            }
            _ => return Err(verb.unknown("`set` or `delete`", "give the listing in `set` form")),
        }
    }
    finish(&objects, &rulebase, zones)
}

fn set<'a>(objects: &mut Objects<'a>, rulebase: &mut Rulebase<'a>, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
    let is_shared = cursor.take("shared");
    if !is_shared && cursor.take("vsys") {
        let name = cursor.some("a virtual system")?;
        if *rulebase.system.get_or_insert(name.text) != name.text {
            return Err(name.error("a second virtual system", "give the policy of one"));
        }
    }
    let words = cursor.rest();
    let kind = cursor.some("a part of the configuration")?;
    match kind.text {
        "address" | "address-group" | "service" | "service-group" => return objects.add(kind, is_shared, cursor),
        "rulebase" | "pre-rulebase" | "post-rulebase" => {}
        _ => return check(words),
    }
    let part = match kind.text {
        "pre-rulebase" => 0,
        "rulebase" => 1,
        _ => 2,
    };
    let words = cursor.rest();
    let kind = cursor.some("`security`")?;
    match kind.text {
        "security" | "default-security-rules" => cursor.expect("rules")?,
        _ => return rulebase.others.add(words),
    }
    let name = cursor.some("a rule's name")?;
    if kind.is("default-security-rules") {
        if *rulebase.defaults_of.get_or_insert(part) != part {
            return Err(kind.error("default rules of a second rulebase", "give those that are in force"));
        }
        let default = match name.text {
            "intrazone-default" => &mut rulebase.within,
            "interzone-default" => &mut rulebase.between,
            _ => return Err(name.unknown("`intrazone-default` or `interzone-default`", "there are these two")),
        };
        return overridden(default, cursor);
    }
    let (Some(rules), Some(shared)) = (rulebase.rules.get_mut(part), rulebase.are_shared.get_mut(part)) else { return Ok(()) };
    if *shared.get_or_insert(is_shared) != is_shared {
        return Err(name.error("shared rules and those of a virtual system in one rulebase", "give the rules of one"));
    }
    let at = rules.iter().rposition(|(before, _)| before.text == name.text).unwrap_or_else(|| {
        rules.push((name, Rule::default()));
        rules.len() - 1
    });
    let Some((_, rule)) = rules.get_mut(at) else { return Ok(()) };
    while !cursor.is_at_end() {
        attribute(rule, cursor)?;
    }
    Ok(())
}

fn overridden(default: &mut Default, cursor: &mut Cursor<'_, '_>) -> Result<(), ParseError> {
    while !cursor.is_at_end() {
        let keyword = cursor.next();
        match keyword.text {
            "action" => default.verdict = verdict(cursor)?,
            "log-start" | "log-end" => default.logs |= yes_or_no(cursor)?,
            _ => return Err(keyword.unknown("an attribute of a default rule", "it has an action and logs")),
        }
    }
    Ok(())
}

fn attribute<'a>(rule: &mut Rule<'a>, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
    let keyword = cursor.some("an attribute")?;
    match keyword.text {
        "from" => rule.from.extend(list(cursor)?),
        "to" => rule.to.extend(list(cursor)?),
        "source" => rule.source.extend(list(cursor)?),
        "destination" => rule.destination.extend(list(cursor)?),
        "service" => rule.services.extend(list(cursor)?),
        "application" => {
            only(cursor, "any", "applications are known by content: a rule about packets has `any` and its services")?;
            rule.has_application = true;
        }
        "source-user" | "category" | "source-hip" | "destination-hip" | "hip-profiles" => {
            only(cursor, "any", "a rule about packets has `any`")?;
        }
        "rule-type" => {
            let word = cursor.some("a type")?;
            rule.kind = match word.text {
                "universal" => None,
                "intrazone" | "interzone" => Some(Kind { word, is_within: word.is("intrazone") }),
                _ => return Err(word.unknown("`universal`, `intrazone` or `interzone`", "write one of them")),
            };
        }
        "negate-source" => rule.negates[0] = yes_or_no(cursor)?,
        "negate-destination" => rule.negates[1] = yes_or_no(cursor)?,
        "disabled" => rule.is_disabled = yes_or_no(cursor)?,
        "log-start" => rule.log_start = yes_or_no(cursor)?,
        "log-end" => rule.log_end = Some(yes_or_no(cursor)?),
        "log-setting" | "description" | "tag" | "group-tag" | "uuid" => drop(list(cursor)?),
        "action" => {
            let place = cursor.peek();
            if rule.verdict.replace(verdict(cursor)?).is_some() {
                return Err(place.error("a second action", "keep one"));
            }
        }
        _ => {
            let advice = "rules about packets have addresses, services, an action and logs";
            return Err(keyword.unknown("an attribute of a rule", advice));
        }
    }
    Ok(())
}

fn only(cursor: &mut Cursor<'_, '_>, wanted: &str, advice: &str) -> Result<(), ParseError> {
    match list(cursor)?.as_slice() {
        [word] if word.text == wanted => Ok(()),
        values => Err(values.first().copied().unwrap_or(cursor.peek()).unknown(&format!("`{wanted}`"), advice)),
    }
}

fn yes_or_no(cursor: &mut Cursor<'_, '_>) -> Result<bool, ParseError> {
    let word = cursor.some("`yes` or `no`")?;
    match word.text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(word.unknown("`yes` or `no`", "write one of them")),
    }
}

fn verdict(cursor: &mut Cursor<'_, '_>) -> Result<Verdict, ParseError> {
    let word = cursor.some("an action")?;
    match word.text {
        "allow" => Ok(Verdict::Allow),
        "deny" | "drop" | "reset-client" | "reset-server" | "reset-both" => Ok(Verdict::Deny),
        _ => Err(word.unknown("an action", "sessions are allowed, denied, dropped or reset")),
    }
}

const ADVICE: &str =
    "a zone is not in the packet: say what is behind each in `device_zones` of the point, or give one pair, or `any`";

fn finish(objects: &Objects<'_>, rulebase: &Rulebase<'_>, known: &DeviceZones) -> Result<Parsed, ParseError> {
    rulebase.others.finish()?;
    let mut parsed = Parsed::default();
    let mut add = |selector, verdict, log, line| {
        parsed.steps.push(Step { selector, effect: Effect { verdict: Some(verdict), log } });
        parsed.lines.push(line);
    };
    // A session that was admitted is not asked about again.
    add(Selector { state: StateSet::Established, ..Selector::any() }, Verdict::Allow, false, 1);
    let (mut is_complete, mut last) = (false, Word { text: "", line: 1, column: 1, is_quoted: false });
    let mut zones: Option<(&str, &str)> = None;
    for (name, rule) in rulebase.rules.iter().flatten() {
        last = *name;
        if rule.is_disabled {
            continue;
        }
        let incomplete =
            |what: &str| name.error(format!("rule `{}` has no {what}", name.text), "the device refuses it: complete it");
        // Within a zone, `to` is not asked for.
        let is_within = rule.kind.is_some_and(|kind| kind.is_within);
        if rule.from.is_empty() || (rule.to.is_empty() && !is_within) {
            return Err(incomplete("zone"));
        }
        let places = if known.is_empty() { one_pair(*name, rule, &mut zones)? } else { places(rule, known)? };
        if !rule.has_application {
            return Err(incomplete("application"));
        }
        let verdict = rule.verdict.ok_or_else(|| incomplete("action"))?;
        let log = rule.log_start || rule.log_end.unwrap_or(true);
        let [source, destination] = [(&rule.source, 0), (&rule.destination, 1)].map(|(names, side)| {
            let negates = rule.negates.get(side).copied().unwrap_or(false);
            addresses(objects, names, negates).and_then(|set| set.ok_or_else(|| incomplete("address")))
        });
        let (source, destination) = (source?, destination?);
        if rule.services.is_empty() {
            return Err(incomplete("service"));
        }
        for (from, to) in &places {
            let (source, destination) = (source.intersection(from), destination.intersection(to));
            for &service in &rule.services {
                for l4 in objects.service_named(service)? {
                    // Addresses that are behind other zones meet nothing.
                    if !source.is_empty() && !destination.is_empty() {
                        let selector =
                            Selector { source: source.clone(), destination: destination.clone(), l4, ..Selector::any() };
                        is_complete |= selector == Selector::any();
                        add(selector, verdict, log, name.line);
                    }
                }
            }
        }
    }
    if !known.is_empty() {
        let Default { verdict, logs } = rulebase.within;
        for (_, set) in known.iter().filter(|_| rulebase.within != rulebase.between) {
            let selector = Selector { source: set.clone(), destination: set.clone(), ..Selector::any() };
            add(selector, verdict, logs, last.line);
        }
    }
    let default = match zones {
        _ if !known.is_empty() => rulebase.between,
        _ if rulebase.within == rulebase.between => rulebase.within,
        Some((from, to)) if from != "any" && to != "any" => {
            if from == to {
                rulebase.within
            } else {
                rulebase.between
            }
        }
        // Never asked.
        _ if is_complete => rulebase.between,
        _ => {
            let advice =
                "within a zone they are allowed, between zones denied: end in a rule for everything, or override both defaults";
            return Err(last.error("rules that leave packets to the defaults", advice));
        }
    };
    add(Selector::any(), default.verdict, default.logs, last.line);
    if let Some((from, to)) = zones.filter(|&(from, to)| from != "any" || to != "any") {
        parsed.notes.push(format!("read as what happens to packets that come from zone `{from}` and leave to zone `{to}`"));
    }
    Ok(parsed)
}

/// Everybody, if the rule is about the one pair of zones that all others are about.
fn one_pair<'a>(
    name: Word<'a>,
    rule: &Rule<'a>,
    zones: &mut Option<(&'a str, &'a str)>,
) -> Result<Vec<(AddressSet, AddressSet)>, ParseError> {
    if let Some(kind) = rule.kind {
        return Err(kind.word.unknown("`universal`", ADVICE));
    }
    let ([from], [to]) = (rule.from.as_slice(), rule.to.as_slice()) else {
        return Err(name.error("a rule of several zones", ADVICE));
    };
    let pair = (from.text, to.text);
    if *zones.get_or_insert(pair) != pair {
        return Err(name.error("a rule of a second pair of zones", ADVICE));
    }
    Ok(vec![(AddressSet::full(), AddressSet::full())])
}

/// What is behind the zones of a rule: the union of these products.
fn places(rule: &Rule<'_>, known: &DeviceZones) -> Result<Vec<(AddressSet, AddressSet)>, ParseError> {
    let (from, to) = (known.union(&rule.from, "any")?, known.union(&rule.to, "any")?);
    let Some(kind) = rule.kind else { return Ok(vec![(from, to)]) };
    let pairs = known.iter().map(|(_, zone)| {
        let others = AddressSet::full().difference(zone);
        (from.intersection(zone), if kind.is_within { zone.clone() } else { to.intersection(&others) })
    });
    Ok(pairs.collect())
}

/// None where no address is named.
fn addresses(objects: &Objects<'_>, names: &[Word<'_>], negates: bool) -> Result<Option<AddressSet>, ParseError> {
    let Some(first) = names.first() else { return Ok(None) };
    let mut all = AddressSet::empty();
    for &name in names {
        all = all.union(&objects.address(name)?);
    }
    if negates {
        all = AddressSet::full().difference(&all);
    }
    if all.is_empty() {
        return Err(first.error("a list of addresses that no packet meets", "leave the rule out"));
    }
    Ok(Some(all))
}
