//! Reads sets as a device or another generator gives them, and says what they do. A member of another module is an error.

use enforcer_packetset::{Effect, Selector, Step, Verdict};

use super::MODULE;
use super::read::{all, bare, config, selector};
use crate::entries::Entries;
use crate::target::{ParseError, Parsed};
use crate::tree::{Field, Tree};

/// One set.
struct Set<'a> {
    field: Field<'a>,
    name: &'a str,
    is_ipv6: bool,
    entries: Option<Field<'a>>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let tree = Tree::of_json(text, &[MODULE])?;
    let mut root = tree.root().members()?;
    let mut acl = root.need(&format!("{MODULE}:acl"))?.members()?;
    root.done("give the access control lists alone")?;
    if let Some(config) = acl.take("config")? {
        config.members()?.done("the model has nothing here")?;
    }
    // Which counters the device can give.
    acl.take("state")?;
    let mut sets = acl.need("acl-sets")?.members()?;
    let given = sets.need("acl-set")?.items()?.map(set).collect::<Result<Vec<_>, _>>()?;
    sets.done("give `acl-set` alone")?;
    let bound = acl.take("interfaces")?.map(bindings).transpose()?.unwrap_or_default();
    acl.done("a member of another module may change what the sets do")?;
    let mut parsed = Parsed::default();
    let chosen = choose(given, &bound, &mut parsed)?;
    for set in &chosen {
        read(set, &mut parsed)?;
    }
    for (is_ipv6, name) in [(false, "IPv4"), (true, "IPv6")] {
        if !chosen.iter().any(|set| set.is_ipv6 == is_ipv6) {
            parsed.notes.push(format!("no set is about {name}, so all of {name} is allowed"));
        }
    }
    Ok(parsed)
}

fn is_ipv6(kind: Field<'_>) -> Result<bool, ParseError> {
    match bare(kind.text()?) {
        "ACL_IPV4" => Ok(false),
        "ACL_IPV6" => Ok(true),
        other => Err(kind.error(format!("a set of type `{other}`"), "give sets of ACL_IPV4 and ACL_IPV6")),
    }
}

fn set(field: Field<'_>) -> Result<Set<'_>, ParseError> {
    let mut members = field.members()?;
    let (name, kind) = (members.need("name")?, members.need("type")?);
    let Some(mut set_config) = config(&mut members)? else {
        return Err(field.error("`config` is missing", "add it"));
    };
    let wanted = [(name, set_config.need("name")?, false), (kind, set_config.need("type")?, true)];
    for (key, leaf, is_identity) in wanted {
        let is_same = if is_identity { is_ipv6(key)? == is_ipv6(leaf)? } else { key.text()? == leaf.text()? };
        if !is_same {
            return Err(leaf.error("another value than the key of the list", "make them one"));
        }
    }
    set_config.take("description")?;
    set_config.done("a set has a name, a type and a description")?;
    let entries = members.take("acl-entries")?;
    members.done("a set has `config` and `acl-entries`")?;
    Ok(Set { field, name: name.text()?, is_ipv6: is_ipv6(kind)?, entries })
}

/// Keys of the sets that are bound somewhere, each with the place.
fn bindings(field: Field<'_>) -> Result<Vec<(Field<'_>, bool, String)>, ParseError> {
    let mut bound = Vec::new();
    let mut interfaces = field.members()?;
    let list = interfaces.need("interface")?;
    interfaces.done("give `interface` alone")?;
    for interface in list.items()? {
        let mut members = interface.members()?;
        let id = members.need("id")?.text()?;
        // Names the interface once more.
        config(&mut members)?;
        members.take("interface-ref")?;
        for way in ["ingress", "egress"] {
            let Some(sets) = members.take(&format!("{way}-acl-sets"))? else { continue };
            let mut sets = sets.members()?;
            for set in sets.need(&format!("{way}-acl-set"))?.items()? {
                let mut set = set.members()?;
                let (name, kind) = (set.need("set-name")?, set.need("type")?);
                config(&mut set)?;
                // Counters.
                set.take("acl-entries")?;
                set.done("a bound set has a name and a type")?;
                bound.push((name, is_ipv6(kind)?, format!("{id} {way}")));
            }
            sets.done("give the bound sets alone")?;
        }
        members.done("an interface has sets for ingress and egress")?;
    }
    Ok(bound)
}

/// The sets that do something: at most one an IP version.
fn choose<'a>(given: Vec<Set<'a>>, bound: &[(Field<'a>, bool, String)], parsed: &mut Parsed) -> Result<Vec<Set<'a>>, ParseError> {
    for (field, is_ipv6, place) in bound {
        let name = field.text()?;
        if !given.iter().any(|set| set.name == name && set.is_ipv6 == *is_ipv6) {
            return Err(field.error(format!("the set `{name}` is not in the text"), "give every set that is bound"));
        }
        parsed.notes.push(format!("set `{name}` is bound at {place}"));
    }
    let mut chosen: Vec<Set<'a>> = Vec::new();
    for set in given {
        let is_bound = |(field, is_ipv6, _): &(Field<'_>, bool, String)| {
            field.text().is_ok_and(|name| name == set.name) && *is_ipv6 == set.is_ipv6
        };
        if !bound.is_empty() && !bound.iter().any(is_bound) {
            parsed.notes.push(format!("set `{}` is bound nowhere and does nothing", set.name));
            continue;
        }
        if let Some(other) = chosen.iter().find(|other| other.is_ipv6 == set.is_ipv6) {
            let what = format!("the sets `{}` and `{}` are about one IP version", other.name, set.name);
            return Err(set.field.error(what, "give the one that is bound"));
        }
        chosen.push(set);
    }
    Ok(chosen)
}

/// An entry with its number and its description.
struct Entry<'a> {
    number: u32,
    description: &'a str,
    line: usize,
    step: Step,
}

fn read(set: &Set<'_>, parsed: &mut Parsed) -> Result<(), ParseError> {
    let mut given = Vec::new();
    if let Some(entries) = set.entries {
        let mut members = entries.members()?;
        if let Some(list) = members.take("acl-entry")? {
            for field in list.items()? {
                given.push((field, entry(field, set.is_ipv6)?));
            }
        }
        members.done("give `acl-entry` alone")?;
    }
    // The order of the text means nothing.
    given.sort_by_key(|(_, entry)| entry.number);
    if let Some([_, (field, entry)]) = given.windows(2).find_map(|pair| {
        let [a, b] = pair else { return None };
        (a.1.number == b.1.number).then_some([a, b])
    }) {
        return Err(field.error(format!("a second entry {}", entry.number), "a sequence number stands for one entry"));
    }
    let all = Selector { source: all(set.is_ipv6), destination: all(set.is_ipv6), ..Selector::any() };
    let is_ended = given.iter().any(|(_, entry)| entry.step.selector == all);
    let Some(last_line) = given.last().map(|(_, entry)| entry.line) else {
        let advice = "some devices let everything through, others nothing: add an entry for the rest";
        return Err(set.field.error(format!("the set `{}` has no entries", set.name), advice));
    };
    let mut entries = Entries::default();
    for (_, Entry { description, line, step, .. }) in given {
        entries.push(description, line, step);
    }
    if !is_ended {
        entries.push("", last_line, Step::deny(all));
        parsed.notes.push(format!(
            "the set `{}` does not say what becomes of the rest; OpenConfig leaves it to the device; read as denied",
            set.name
        ));
    }
    entries.finish(parsed);
    Ok(())
}

fn entry(field: Field<'_>, is_ipv6: bool) -> Result<Entry<'_>, ParseError> {
    let mut members = field.members()?;
    let key = members.need("sequence-id")?;
    let number = key.number::<u32>()?;
    let Some(mut own) = config(&mut members)? else { return Err(field.error("`config` is missing", "add it")) };
    let leaf = own.need("sequence-id")?;
    if leaf.number::<u32>()? != number {
        return Err(leaf.error("another value than the key of the list", "make them one"));
    }
    let description = own.take("description")?.map_or(Ok(""), Field::text)?;
    own.done("an entry has a number and a description")?;
    let selector = selector(&mut members, is_ipv6)?;
    let effect = actions(members.need("actions")?)?;
    members.done("an entry has ipv4 or ipv6, transport and actions")?;
    Ok(Entry { number, description, line: field.line(), step: Step { selector, effect } })
}

fn actions(field: Field<'_>) -> Result<Effect, ParseError> {
    let mut members = field.members()?;
    let Some(mut own) = config(&mut members)? else { return Err(field.error("`config` is missing", "add it")) };
    members.done("actions have `config` alone")?;
    let forwarding = own.need("forwarding-action")?;
    let verdict = match bare(forwarding.text()?) {
        "ACCEPT" => Verdict::Allow,
        "DROP" | "REJECT" => Verdict::Deny,
        other => return Err(forwarding.error(format!("`{other}` is no forwarding action"), "write ACCEPT, DROP or REJECT")),
    };
    let log = match own.take("log-action")? {
        None => false,
        Some(log) => match bare(log.text()?) {
            "LOG_SYSLOG" => true,
            "LOG_NONE" => false,
            other => return Err(log.error(format!("`{other}` is no log action"), "write LOG_SYSLOG or LOG_NONE")),
        },
    };
    own.done("actions are `forwarding-action` and `log-action`")?;
    Ok(Effect { verdict: Some(verdict), log })
}
