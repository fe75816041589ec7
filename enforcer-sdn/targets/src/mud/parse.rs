//! Reads a file as a manufacturer gives it, for Things whose addresses it names, and says what it lets through.

use std::collections::HashSet;

use enforcer_packetset::{AddressSet, FlagSet, Prefix, Selector, Step};

use super::{ADDRESSES, MODULE};
use crate::entries::Entries;
use crate::isolated::{Allowed, Isolated};
use crate::rfc8519;
use crate::rfc8519::matches::{self, Versions};
use crate::target::{ParseError, Parsed};
use crate::tree::{Field, Tree};

/// Which way the packets of a list go, and the word for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    FromDevice,
    ToDevice,
}

impl Way {
    const fn word(self) -> &'static str {
        match self {
            Self::FromDevice => "from-device",
            Self::ToDevice => "to-device",
        }
    }
}

/// A list that some policy may name.
struct List<'a> {
    name: &'a str,
    versions: Versions,
    aces: Field<'a>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let tree = Tree::of_json(text, &[MODULE, rfc8519::MODULE])?;
    let mut root = tree.root().members()?;
    let about = root.need(&format!("{MODULE}:mud"))?;
    let mut acls = root.need(&format!("{}:acls", rfc8519::MODULE))?.members()?;
    root.done("a file has `ietf-mud:mud` and `ietf-access-control-list:acls`")?;
    let lists = acls.need("acl")?.items()?.map(list).collect::<Result<Vec<_>, _>>()?;
    acls.done("a file has lists alone")?;
    let mut names = HashSet::new();
    if let Some(twice) = lists.iter().find(|list| !names.insert(list.name)) {
        return Err(twice.aces.error(format!("a second list `{}`", twice.name), "a name stands for one list"));
    }
    let (hosts, policies) = mud(about)?;
    let mut named = HashSet::new();
    let mut whole = Isolated { hosts, ..Isolated::default() };
    for (way, policy) in policies {
        let mut allowed = Vec::new();
        for field in policy {
            let name = field.text()?;
            let Some(list) = lists.iter().find(|list| list.name == name) else {
                return Err(field.error(format!("the list `{name}` is not in the file"), "add it"));
            };
            named.insert(name);
            read(list, way, &whole.hosts, &mut allowed)?;
        }
        let side = if way == Way::FromDevice { &mut whole.outgoing } else { &mut whole.incoming };
        *side = Some(allowed);
    }
    if let Some(unnamed) = lists.iter().find(|list| !named.contains(list.name)) {
        return Err(unnamed.aces.error(format!("no policy names the list `{}`", unnamed.name), "name it, or leave it out"));
    }
    let mut parsed = Parsed::default();
    let has_direction = |side: &Option<Vec<Allowed>>| side.iter().flatten().any(|allowed| !allowed.flags.is_full());
    if has_direction(&whole.incoming) || has_direction(&whole.outgoing) {
        let note =
            "`direction-initiated` is read as ACK or RST; RFC 8520 lets a controller look at first packets or follow connections";
        parsed.notes.push(note.into());
    }
    whole.steps(about.line(), &mut parsed);
    Ok(parsed)
}

/// Policies with the names of their lists.
type Policies<'a> = [(Way, Vec<Field<'a>>); 2];

fn mud(field: Field<'_>) -> Result<(AddressSet, Policies<'_>), ParseError> {
    let mut members = field.members()?;
    let version = members.need("mud-version")?;
    if version.number::<u8>()? != 1 {
        return Err(version.error("a version other than 1", "RFC 8520 is version 1"));
    }
    for name in ["mud-url", "last-update", "is-supported"] {
        members.need(name)?;
    }
    let words = ["mud-signature", "cache-validity", "mfg-name", "model-name", "firmware-rev", "software-rev", "documentation"];
    for name in words {
        members.take(name)?;
    }
    if let Some(extensions) = members.take("extensions")?
        && extensions.items()?.next().is_some()
    {
        return Err(extensions.error("an extension of RFC 8520", "it may change what the lists mean: leave it out"));
    }
    let unknown = format!("end `systeminfo` with `{ADDRESSES}` and the Thing's prefixes between blanks");
    let Some(info) = members.take("systeminfo")? else {
        return Err(field.error("the file does not say which addresses the Thing has", unknown));
    };
    let Some((_, text)) = info.text()?.rsplit_once(ADDRESSES) else {
        return Err(info.error("the file does not say which addresses the Thing has", unknown));
    };
    let prefixes: Option<AddressSet> = text.split_whitespace().map(|word| word.parse::<Prefix>().ok()).collect();
    let Some(hosts) = prefixes.filter(|hosts| !hosts.is_empty()) else {
        return Err(info.error(format!("`{}` is no set of addresses", text.trim()), unknown));
    };
    let mut policy = |way: Way| -> Result<(Way, Vec<Field<'_>>), ParseError> {
        let mut policy = members.need(&format!("{}-policy", way.word()))?.members()?;
        let mut lists = policy.need("access-lists")?.members()?;
        policy.done("a policy has `access-lists`")?;
        let names = lists.need("access-list")?.items()?.map(|item| {
            let mut item = item.members()?;
            let name = item.need("name")?;
            item.done("a list is named by `name`")?;
            Ok(name)
        });
        let names = names.collect::<Result<Vec<_>, ParseError>>()?;
        lists.done("give `access-list` alone")?;
        Ok((way, names))
    };
    let policies = [policy(Way::FromDevice)?, policy(Way::ToDevice)?];
    members.done("this member is not of RFC 8520")?;
    Ok((hosts, policies))
}

fn list(field: Field<'_>) -> Result<List<'_>, ParseError> {
    let mut members = field.members()?;
    let name = members.need("name")?.text()?;
    let kind = members.need("type")?;
    let text = kind.text()?;
    let versions = match text.strip_prefix("ietf-access-control-list:").unwrap_or(text) {
        "ipv4-acl-type" => Versions::V4,
        "ipv6-acl-type" => Versions::V6,
        other => return Err(kind.error(format!("a list of type `{other}`"), "give lists of IPv4 and of IPv6")),
    };
    let aces = members.need("aces")?;
    members.done("a list has `name`, `type` and `aces`")?;
    Ok(List { name, versions, aces })
}

fn read(list: &List<'_>, way: Way, hosts: &AddressSet, allowed: &mut Vec<Allowed>) -> Result<(), ParseError> {
    let mut members = list.aces.members()?;
    let aces = members.take("ace")?;
    members.done("`aces` has `ace` alone")?;
    let Some(aces) = aces else { return Ok(()) };
    let mut names = HashSet::new();
    // The peers stand where the source is, whichever way the list goes.
    let mut entries = Entries::default();
    for field in aces.items()? {
        let mut ace = field.members()?;
        let name = ace.need("name")?;
        if !names.insert(name.text()?) {
            return Err(name.error("a name that stands twice in one list", "a name stands for one entry"));
        }
        let matched = matches::read(ace.take("matches")?, list.versions)?;
        let mut actions = ace.need("actions")?.members()?;
        let forwarding = actions.need("forwarding")?;
        if !matches!(forwarding.text()?, "accept" | "ietf-access-control-list:accept") {
            return Err(forwarding.error("an entry that does not accept", "leave it out: what no entry accepts is denied"));
        }
        actions.done("the entries of a file accept, and nothing else")?;
        ace.done("an entry has `name`, `matches` and `actions`")?;
        let selector = matched.selector;
        let (own, peers) = match way {
            Way::FromDevice => (&selector.source, &selector.destination),
            Way::ToDevice => (&selector.destination, &selector.source),
        };
        let all = list.versions.addresses();
        if !hosts.intersection(&all).is_subset(own) {
            return Err(field.error("the Thing's own side is an address that it does not have", "leave that side open"));
        }
        let against = match matched.direction {
            None => false,
            Some(direction) => match direction.text()? {
                "from-device" => way == Way::ToDevice,
                "to-device" => way == Way::FromDevice,
                other => return Err(direction.error(format!("`{other}` is no direction"), "write from-device or to-device")),
            },
        };
        let flags = if against { selector.flags.intersection(FlagSet::ack_or_rst()) } else { selector.flags };
        let selector = Selector { source: peers.clone(), destination: all, l4: selector.l4, flags, ..Selector::any() };
        entries.push(name.text()?, field.line(), Step::allow(selector));
    }
    // Put together again: between two Things each entry of one list meets each of the other.
    let mut merged = Parsed::default();
    entries.finish(&mut merged);
    allowed.extend(merged.steps.into_iter().zip(merged.lines).map(|(step, line)| {
        let Selector { source, l4, flags, .. } = step.selector;
        Allowed { line, peers: source, l4, flags }
    }));
    Ok(())
}
