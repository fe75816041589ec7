//! One entry of `rules:`.

use std::collections::HashMap;

use enforcer_packetset::L4;
use jiff::civil::Date;
use sensor_model::Timestamp;

use crate::document::{Peer, Rule, Schedule, Service, Tier};
use crate::glob::Glob;
use crate::service::{self, BUILT_IN};
use crate::source::Spanned;
use crate::window;
use crate::yaml::{Node, Value};

use super::fields::{self, Fields, Log};
use super::zone::RESERVED;
use super::{MAX_RULE_NAME, VERDICTS, keys, suggestion};

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The names that a rule may use.
pub struct Scope<'a> {
    pub zones: HashMap<String, usize>,
    pub services: HashMap<String, usize>,
    pub definitions: &'a [Service],
    /// For each zone itself and every zone inside it: a rule that names a zone means them all.
    pub within: Vec<Vec<usize>>,
}

pub fn read(node: &Node, scope: &Scope, log: &mut Log) -> Option<Rule> {
    let fields = Fields::of(node, "a rule", keys::RULE, log)?;
    let name = fields.required_text("name", "add `name:`", log);
    if let Some(name) = &name {
        fields::check_name(name, MAX_RULE_NAME, "rule", log);
    }
    let from = peers(&fields, "from", scope, log);
    let to = peers(&fields, "to", scope, log);
    let services = services(&fields, scope, log);
    if fields.get("action").is_none() {
        log.error("missing-key", "rule has no `action`", &fields.start(), "add `action: allow` or `action: deny`");
    }
    let action = fields.word("action", VERDICTS, log);
    let tiers = Tier::ALL.map(|tier| (tier.as_str(), tier));
    let date_help = "write the day as 2026-12-31";
    let rule = (
        fields.text("owner", log).map(|text| text.value),
        fields.text("reason", log).map(|text| text.value),
        fields.text("ticket", log).map(|text| text.value),
        fields.parsed("reviewBy", date_help, date, log),
        fields.parsed("expires", "write the last day as 2026-12-31, or the moment as 2026-12-31T18:00:00Z", moment, log),
        schedule(&fields, log),
        fields.word("log", &[("true", true), ("false", false)], log).unwrap_or(false),
        fields.texts("operations", log),
        fields.word("tier", &tiers, log).unwrap_or_default(),
    );
    let (owner, reason, ticket, review_by, expires, schedule, log_matches, operations, tier) = rule;
    let (l4, services) = services?;
    Some(Rule {
        name: name?,
        from: from?,
        to: to?,
        l4,
        services,
        action: action?,
        owner,
        reason,
        ticket,
        review_by,
        expires,
        schedule,
        log: log_matches,
        operations: operations.unwrap_or_default().iter().map(|text| Glob::new(text)).collect(),
        tier,
    })
}

pub fn peers(fields: &Fields, key: &str, scope: &Scope, log: &mut Log) -> Option<Spanned<Vec<Peer>>> {
    let words = fields.required_texts(key, &format!("add `{key}:` with a zone, a list of zones, `any` or `outside`"), log)?;
    let span = fields.get(key)?.span.clone();
    let mut known = true;
    let mut peers = Vec::new();
    for word in &words {
        match (word.value.as_str(), scope.zones.get(&word.value)) {
            ("any", _) => peers.push(Peer::Any),
            ("outside", _) => peers.push(Peer::Outside),
            (_, Some(zone)) => peers.extend(scope.within.get(*zone).into_iter().flatten().map(|zone| Peer::Zone(*zone))),
            (name, None) => {
                // Sorted, so that two equally near zones give one message on every run.
                let mut names: Vec<&str> = scope.zones.keys().map(String::as_str).chain(RESERVED).collect();
                names.sort_unstable();
                let message = format!("unknown zone `{name}`{}", suggestion(name, names));
                log.error("unknown-zone", message, &word.span, "zones are defined under `zones:`");
                known = false;
            }
        }
    }
    peers.sort_unstable();
    peers.dedup();
    (known && !peers.is_empty()).then_some(Spanned { value: peers, span })
}

pub fn services(fields: &Fields, scope: &Scope, log: &mut Log) -> Option<(Vec<L4>, Spanned<Vec<String>>)> {
    let help = "add `services:` with names or protocol and port, such as [modbus, tcp/5450], or `any`";
    let words = fields.required_texts("services", help, log)?;
    let span = fields.get("services")?.span.clone();
    let mut known = true;
    let mut l4 = Vec::new();
    for word in &words {
        if let Some(own) = scope.services.get(&word.value).and_then(|at| scope.definitions.get(*at)) {
            l4.extend(own.l4.iter().cloned());
        } else if let Some(terms) = service::built_in(word) {
            l4.extend(terms);
        } else {
            match service::parse(word) {
                Ok(term) => l4.push(term),
                Err(refused) if word.contains('/') => {
                    log.error("bad-service", refused.message, &word.span, &refused.help);
                    known = false;
                }
                Err(refused) => {
                    let own = scope.definitions.iter().map(|service| service.name.value.as_str());
                    let names = own.chain(BUILT_IN.iter().map(|(name, _)| *name));
                    let message = format!("unknown service `{}`{}", word.value, suggestion(word, names));
                    let help = format!("define it under `services:`, or {}", refused.help);
                    log.error("unknown-service", message, &word.span, &help);
                    known = false;
                }
            }
        }
    }
    let written = words.into_iter().map(|word| word.value).collect();
    (known && !l4.is_empty()).then(|| (service::merged(l4), Spanned { value: written, span }))
}

fn date(text: &str) -> Result<Date, String> {
    // Strict form only: jiff would also take a date-time here and drop its time.
    let ten = text.len() == 10;
    text.parse().ok().filter(|_| ten).ok_or_else(|| format!("`{text}` is not a day of the calendar"))
}

/// A day means its whole length in UTC.
fn moment(text: &str) -> Result<Timestamp, String> {
    let refused = || format!("`{text}` is not a day or a moment with its UTC offset");
    let at = match date(text) {
        Ok(day) => {
            let after = day.tomorrow().map_err(|_| refused())?;
            after.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| refused())?.timestamp()
        }
        Err(_) => text.parse::<jiff::Timestamp>().map_err(|_| refused())?,
    };
    i64::try_from(at.as_nanosecond()).map(Timestamp::from_nanos).map_err(|_| refused())
}

pub fn schedule(fields: &Fields, log: &mut Log) -> Option<Spanned<Schedule>> {
    let node = fields.get("schedule")?;
    let inner = Fields::of(node, "a schedule", keys::SCHEDULE, log)?;
    let clock_help = "write hours and minutes in quotes, as \"02:00\"; \"24:00\" ends a day";
    let from = required(&inner, "from", clock_help, |text| clock(text).filter(|minute| *minute < 1440), log);
    let to = required(&inner, "to", clock_help, clock, log);
    let zone_help = "write an IANA name such as Europe/Berlin or UTC";
    let zone = inner.required_text("timeZone", zone_help, log).and_then(|name| {
        let found = window::time_zone(&name);
        if found.is_none() {
            let names = window::time_zone_names();
            let message = format!("unknown time zone `{}`{}", name.value, suggestion(&name, names.iter().map(String::as_str)));
            log.error("unknown-time-zone", message, &name.span, zone_help);
        }
        Some((name.value, found?))
    });
    let days = match inner.get("days") {
        None => Some([true; 7]),
        Some(_) => days(&inner, log),
    };
    let (zone_name, time_zone) = zone?;
    Some(Spanned { value: Schedule { days: days?, from: from?, to: to?, zone_name, time_zone }, span: node.span.clone() })
}

fn required(fields: &Fields, key: &str, help: &str, parse: fn(&str) -> Option<u16>, log: &mut Log) -> Option<u16> {
    let text = fields.required_text(key, help, log)?;
    let value = parse(&text);
    if value.is_none() {
        log.error("bad-value", format!("`{}` is not a time of day", text.value), &text.span, help);
    }
    value
}

/// `02:00` to its minute of the day. One digit of hour is taken, as people write it.
fn clock(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str, most: usize| {
        ((1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse::<u16>().ok())?
    };
    let (hour, minute) = (digits(hour, 2)?, digits(minute, 2).filter(|_| minute.len() == 2)?);
    (minute < 60 && (hour < 24 || (hour, minute) == (24, 0))).then_some(hour * 60 + minute)
}

fn days(fields: &Fields, log: &mut Log) -> Option<[bool; 7]> {
    let node = fields.get("days")?;
    if matches!(&node.value, Value::List(items) if items.is_empty()) {
        // The lint says that it never opens.
        return Some([false; 7]);
    }
    let mut open = [false; 7];
    let mut known = true;
    for word in fields.texts("days", log)? {
        let lower = word.value.to_lowercase();
        let day = |text: &str| DAYS.iter().position(|day| text.len() >= 3 && day.starts_with(text));
        let found = match lower.split_once('-') {
            Some((first, last)) => day(first).zip(day(last)),
            None => day(&lower).map(|one| (one, one)),
        };
        let Some((first, last)) = found else {
            let message = format!("unknown day `{}`{}", word.value, suggestion(&lower, DAYS));
            log.error("bad-value", message, &word.span, "write mon, tue, wed, thu, fri, sat, sun or a range such as mon-fri");
            known = false;
            continue;
        };
        // `sat-mon` runs over the end of the week.
        let length = (last + 7 - first) % 7;
        (0..=length).for_each(|step| {
            if let Some(day) = open.get_mut((first + step) % 7) {
                *day = true;
            }
        });
    }
    known.then_some(open)
}
