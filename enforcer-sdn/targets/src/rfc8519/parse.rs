//! Reads lists as a device or another generator gives them, and says what they do. A member of another module is an error.

use std::collections::HashSet;

use enforcer_packetset::{Effect, L4, Selector, Step, Verdict};

use super::MODULE;
use super::matches::{self, Versions};
use crate::entries::Entries;
use crate::target::{ParseError, Parsed};
use crate::tree::{Field, Tree};

/// One list.
struct List<'a> {
    field: Field<'a>,
    name: &'a str,
    versions: Versions,
    entries: Field<'a>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let tree = Tree::of_json(text, &[MODULE])?;
    let mut root = tree.root().members()?;
    let mut acls = root.need(&format!("{MODULE}:acls"))?.members()?;
    root.done("give the access control lists alone")?;
    let given = acls.need("acl")?.items()?.map(list).collect::<Result<Vec<_>, _>>()?;
    let bound = acls.take("attachment-points")?.map(bindings).transpose()?.unwrap_or_default();
    acls.done("a member of another module may change what the lists do")?;
    let mut parsed = Parsed::default();
    let lists = choose(given, &bound, &mut parsed)?;
    for list in &lists {
        read(list, &mut parsed)?;
    }
    for (version, name) in [(Versions::V4, "IPv4"), (Versions::V6, "IPv6")] {
        if !lists.iter().any(|list| list.versions == version || list.versions == Versions::Both) {
            parsed.notes.push(format!("no list is about {name}, so all of {name} is allowed"));
        }
    }
    Ok(parsed)
}

fn list(field: Field<'_>) -> Result<List<'_>, ParseError> {
    let mut members = field.members()?;
    let name = members.need("name")?.text()?;
    let kind = members.need("type")?;
    let versions = match identity(kind)? {
        "ipv4-acl-type" | "mixed-eth-ipv4-acl-type" => Versions::V4,
        "ipv6-acl-type" | "mixed-eth-ipv6-acl-type" => Versions::V6,
        "mixed-eth-ipv4-ipv6-acl-type" => Versions::Both,
        other => {
            return Err(kind.error(format!("a list of type `{other}`"), "give lists of IPv4, IPv6, or both"));
        }
    };
    let entries = members.need("aces")?;
    members.done("a list has `name`, `type` and `aces`")?;
    Ok(List { field, name, versions, entries })
}

/// The name without the module that it may begin with.
fn identity(field: Field<'_>) -> Result<&str, ParseError> {
    let text = field.text()?;
    Ok(text.strip_prefix(MODULE).and_then(|rest| rest.strip_prefix(':')).unwrap_or(text))
}

/// Names of the lists that are bound somewhere, each with the place.
fn bindings(field: Field<'_>) -> Result<Vec<(Field<'_>, String)>, ParseError> {
    let mut bound = Vec::new();
    let mut points = field.members()?;
    let interfaces = points.need("interface")?;
    points.done("lists are bound at interfaces")?;
    for interface in interfaces.items()? {
        let mut members = interface.members()?;
        let id = members.need("interface-id")?.text()?;
        for way in ["ingress", "egress"] {
            let Some(way_field) = members.take(way)? else { continue };
            let mut way_members = way_field.members()?;
            let mut sets = way_members.need("acl-sets")?.members()?;
            way_members.done("give `acl-sets` alone")?;
            for set in sets.need("acl-set")?.items()? {
                let mut set = set.members()?;
                bound.push((set.need("name")?, format!("{id} {way}")));
                // Counters.
                set.take("ace-statistics")?;
                set.done("a bound list has a name")?;
            }
            sets.done("give `acl-set` alone")?;
        }
        members.done("an interface has `ingress` and `egress`")?;
    }
    Ok(bound)
}

/// The lists that do something: at most one an IP version.
fn choose<'a>(given: Vec<List<'a>>, bound: &[(Field<'a>, String)], parsed: &mut Parsed) -> Result<Vec<List<'a>>, ParseError> {
    let mut names = HashSet::new();
    for list in &given {
        if !names.insert(list.name) {
            return Err(list.field.error(format!("a second list `{}`", list.name), "a name stands for one list"));
        }
    }
    let mut wanted = HashSet::new();
    for (field, place) in bound {
        let name = field.text()?;
        if !names.contains(name) {
            return Err(field.error(format!("the list `{name}` is not in the text"), "give every list that is bound"));
        }
        wanted.insert(name);
        parsed.notes.push(format!("list `{name}` is bound at {place}"));
    }
    let mut chosen: Vec<List<'a>> = Vec::new();
    for list in given {
        if !bound.is_empty() && !wanted.contains(list.name) {
            parsed.notes.push(format!("list `{}` is bound nowhere and does nothing", list.name));
            continue;
        }
        let meets =
            |other: &&List<'_>| other.versions == list.versions || [other.versions, list.versions].contains(&Versions::Both);
        if let Some(other) = chosen.iter().find(meets) {
            let what = format!("the lists `{}` and `{}` are about one IP version", other.name, list.name);
            return Err(list.field.error(what, "give the one that is bound"));
        }
        chosen.push(list);
    }
    Ok(chosen)
}

fn read(list: &List<'_>, parsed: &mut Parsed) -> Result<(), ParseError> {
    let mut container = list.entries.members()?;
    let aces = container.take("ace")?;
    container.done("`aces` has `ace` alone")?;
    let mut entries = Entries::default();
    let mut names = HashSet::new();
    // An entry that decides every packet of the list, and where the list ends.
    let (mut is_ended, mut last_line) = (false, list.field.line());
    if let Some(aces) = aces {
        for field in aces.items()? {
            let (name, step) = ace(field, list.versions)?;
            if !names.insert(name) {
                return Err(field.error(format!("a second entry `{name}`"), "a name stands for one entry"));
            }
            let all = Selector { source: list.versions.addresses(), destination: list.versions.addresses(), ..Selector::any() };
            is_ended |= step.selector == all;
            last_line = field.line();
            entries.push(name, last_line, step);
        }
    }
    if entries.is_empty() {
        let advice = "some devices let everything through, others nothing: add an entry for the rest";
        return Err(list.field.error(format!("the list `{}` has no entries", list.name), advice));
    }
    if !is_ended {
        let all = list.versions.addresses();
        entries.push(
            "",
            last_line,
            Step::deny(Selector { source: all.clone(), destination: all, l4: L4::Any, ..Selector::any() }),
        );
        parsed.notes.push(format!(
            "the list `{}` does not say what becomes of the rest; RFC 8519 leaves it to the device; read as denied",
            list.name
        ));
    }
    entries.finish(parsed);
    Ok(())
}

fn ace(field: Field<'_>, versions: Versions) -> Result<(&str, Step), ParseError> {
    let mut members = field.members()?;
    let name = members.need("name")?.text()?;
    let matched = matches::read(members.take("matches")?, versions)?;
    if let Some(direction) = matched.direction {
        return Err(direction.error("a member of the module `ietf-mud`", "read the file with `--target mud`"));
    }
    let effect = actions(members.need("actions")?)?;
    // Counters.
    members.take("statistics")?;
    members.done("an entry has `name`, `matches` and `actions`")?;
    Ok((name, Step { selector: matched.selector, effect }))
}

fn actions(field: Field<'_>) -> Result<Effect, ParseError> {
    let mut members = field.members()?;
    let forwarding = members.need("forwarding")?;
    let verdict = match identity(forwarding)? {
        "accept" => Verdict::Allow,
        "drop" | "reject" => Verdict::Deny,
        other => return Err(forwarding.error(format!("`{other}` is no forwarding action"), "write accept, drop or reject")),
    };
    let log = match members.take("logging")? {
        None => false,
        Some(logging) => match identity(logging)? {
            "log-syslog" => true,
            "log-none" => false,
            other => return Err(logging.error(format!("`{other}` is no log action"), "write log-syslog or log-none")),
        },
    };
    members.done("actions are `forwarding` and `logging`")?;
    Ok(Effect { verdict: Some(verdict), log })
}
