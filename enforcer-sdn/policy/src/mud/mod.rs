//! A manufacturer usage description (RFC 8520) as a policy document: what a kind of device may ask, and be asked, as rules of a zone.
//!
//! Words that differ: a description is a stateless access list for each direction, so every conversation stands in it twice. The entry
//! that can begin it becomes a rule; its answers need none here. `direction-initiated` and the side that the port stands on say which
//! is which. Whatever has no word in a policy (a port on the client's side, `same-manufacturer` without a zone for it) is refused, and
//! what is left out or said for both IP versions is told.

mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use enforcer_packetset::Prefix;
use jiff::civil::Date;
use sensor_model::Role;

use crate::read::{API_VERSION, MAX_RULE_NAME, MAX_ZONE_NAME};

/// How to import.
#[derive(Clone, Debug, Default)]
pub struct MudOptions {
    /// The zone that the devices are in.
    pub zone: String,
    /// Define that zone too, by this role.
    pub role: Option<Role>,
    /// Zones for `local-networks`.
    pub local: Vec<String>,
    /// Zones for `my-controller` and `controller`.
    pub controller: Vec<String>,
    /// Zones for `same-manufacturer`, `manufacturer` and `model`.
    pub manufacturer: Vec<String>,
    pub owner: Option<String>,
    pub review_by: Option<Date>,
}

/// The document, and what a person should know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MudImport {
    pub text: String,
    pub zones: usize,
    pub rules: usize,
    pub notes: Vec<String>,
}

/// Who is at the other end of an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Peer {
    Any,
    Local,
    Controller,
    Manufacturer,
    Domain(String),
    Network(Prefix),
}

/// One entry of a list.
#[derive(Clone, Debug)]
struct Entry {
    /// `list/entry`, for messages.
    name: String,
    /// In a list of `from-device-policy`.
    is_outgoing: bool,
    is_ipv6: bool,
    peer: Peer,
    /// Terms such as `tcp/502` of the side that is asked; whether the device is it follows from `device_starts`.
    services: BTreeSet<String>,
    device_starts: bool,
    is_allow: bool,
}

/// What the file says of itself.
#[derive(Clone, Debug, Default)]
struct Head {
    url: String,
    about: String,
}

/// Reads a description.
///
/// # Errors
/// Everything in it that a policy cannot say, and whatever is no description.
pub fn from_mud(text: &str, options: &MudOptions) -> Result<MudImport, Vec<String>> {
    let named = [&options.local, &options.controller, &options.manufacturer].into_iter().flatten();
    let wrong: Vec<String> = std::iter::once(&options.zone)
        .chain(named)
        .filter(|name| name.is_empty() || slug(name, MAX_ZONE_NAME) != **name)
        .map(|name| {
            format!("`{}` is no name of a zone: small letters, digits and `-`, at most {MAX_ZONE_NAME}", name.escape_debug())
        })
        .collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let (head, entries) = read::read(text)?;
    let mut writer = Writer { options, zones: BTreeMap::new(), notes: Vec::new(), refused: Vec::new() };
    let rules = writer.rules(&entries);
    if !writer.refused.is_empty() {
        return Err(writer.refused);
    }
    Ok(writer.document(&head, &rules))
}

struct Rule {
    name: String,
    from: Vec<String>,
    to: Vec<String>,
    services: BTreeSet<String>,
    is_allow: bool,
}

struct Writer<'a> {
    options: &'a MudOptions,
    /// Zones that the document defines, with their one member line.
    zones: BTreeMap<String, String>,
    notes: Vec<String>,
    refused: Vec<String>,
}

impl Writer<'_> {
    fn rules(&mut self, entries: &[Entry]) -> Vec<Rule> {
        let begins = |entry: &&Entry| entry.is_outgoing == entry.device_starts;
        for answer in entries.iter().filter(|entry| !begins(entry) && entry.is_allow) {
            let same = |entry: &&Entry| {
                entry.device_starts == answer.device_starts && entry.peer == answer.peer && entry.services == answer.services
            };
            if !entries.iter().filter(begins).any(|entry| same(&entry)) {
                self.notes.push(format!("{}: answers to what no entry lets begin; left out", answer.name));
            }
        }
        let begun: Vec<&Entry> = entries.iter().filter(begins).collect();
        self.tell_families(&begun);
        // Where nothing is denied the order of entries means nothing, and entries about one peer become one rule.
        let is_ordered = begun.iter().any(|entry| !entry.is_allow);
        let mut rules: Vec<Rule> = Vec::new();
        for entry in begun {
            let Some(peers) = self.peers(&entry.peer, &entry.name) else { continue };
            let own = vec![self.options.zone.clone()];
            let (from, to) = if entry.device_starts { (own, peers) } else { (peers, own) };
            let known = rules.iter_mut().find(|rule| !is_ordered && rule.from == from && rule.to == to);
            if let Some(rule) = known {
                rule.services.extend(entry.services.iter().cloned());
                continue;
            }
            let word = if entry.device_starts { "to" } else { "from" };
            let name = free(&format!("{}-{word}-{}", self.options.zone, entry.peer), &rules);
            rules.push(Rule { name, from, to, services: entry.services.clone(), is_allow: entry.is_allow });
        }
        rules
    }

    /// A rule is about both IP versions, a list about one.
    fn tell_families(&mut self, begun: &[&Entry]) {
        for entry in begun.iter().filter(|entry| entry.is_allow && !matches!(entry.peer, Peer::Network(_))) {
            let other = |one: &&&Entry| one.is_ipv6 != entry.is_ipv6 && one.peer == entry.peer && one.services == entry.services;
            let is_icmp = entry.services.iter().all(|service| service.starts_with("icmp"));
            if !is_icmp && !begun.iter().any(|one| other(&one)) {
                let version = if entry.is_ipv6 { "IPv6" } else { "IPv4" };
                self.notes.push(format!(
                    "{}: said for {version} only; a rule is about both, as far as its zones have both",
                    entry.name
                ));
            }
        }
    }

    fn peers(&mut self, peer: &Peer, entry: &str) -> Option<Vec<String>> {
        let (zones, what, option) = match peer {
            Peer::Any => return Some(vec!["any".into()]),
            Peer::Domain(name) => return Some(vec![self.zone(&format!("mud-{name}"), format!("- name: {}", quoted(name)))]),
            Peer::Network(prefix) => {
                return Some(vec![
                    self.zone(&format!("mud-{prefix}"), format!("- prefix: {}/{}", prefix.network(), prefix.length())),
                ]);
            }
            Peer::Local => (&self.options.local, "local-networks", "--local"),
            Peer::Controller => (&self.options.controller, "a controller", "--controller"),
            Peer::Manufacturer => (&self.options.manufacturer, "a manufacturer's devices", "--manufacturer"),
        };
        if zones.is_empty() {
            let message = format!("{entry}: is about {what}; say with {option} which zone that is here");
            if !self.refused.contains(&message) {
                self.refused.push(message);
            }
            return None;
        }
        Some(zones.clone())
    }

    fn zone(&mut self, name: &str, member: String) -> String {
        let mut name = slug(name, MAX_ZONE_NAME);
        // Two long names may be cut to one.
        let mut next = 2;
        while self.zones.get(&name).is_some_and(|known| *known != member) {
            name = format!("{}-{next}", slug(&name, MAX_ZONE_NAME - 8));
            next += 1;
        }
        self.zones.insert(name.clone(), member);
        name
    }

    fn document(self, head: &Head, rules: &[Rule]) -> MudImport {
        let options = self.options;
        let line = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        let mut out = format!("# From the usage description {} ({}).\n", line(&head.url), line(&head.about));
        out +=
            &format!("# The devices are zone `{}`. Read the notes and the rules before you include this file.\n", options.zone);
        for note in &self.notes {
            out += &format!("# note: {}\n", line(note));
        }
        let owner = options.owner.as_ref().map_or_else(String::new, |owner| format!(", owner: {}", quoted(owner)));
        out += &format!(
            "apiVersion: {API_VERSION}\nkind: Policy\nmetadata: {{name: {}{owner}}}\n",
            slug(&format!("mud-{}", options.zone), MAX_RULE_NAME)
        );
        out += "zones:\n";
        if let Some(role) = options.role {
            out += &format!("  - name: {}\n    members:\n      - role: {}\n", options.zone, role.as_str());
        }
        for (name, member) in &self.zones {
            out += &format!("  - name: {name}\n    members:\n      {member}\n");
        }
        out += "rules:\n";
        for rule in rules {
            let services: Vec<&str> = rule.services.iter().map(String::as_str).collect();
            let action = if rule.is_allow { "allow" } else { "deny" };
            out += &format!(
                "  - name: {}\n    from: [{}]\n    to: [{}]\n    services: [{}]\n    action: {action}\n    reason: {}\n",
                rule.name,
                rule.from.join(", "),
                rule.to.join(", "),
                services.join(", "),
                quoted(&format!("The manufacturer says so: {}", head.url))
            );
            if let Some(owner) = &options.owner {
                out += &format!("    owner: {}\n", quoted(owner));
            }
            if let Some(date) = options.review_by {
                out += &format!("    reviewBy: {date}\n");
            }
        }
        let zones = self.zones.len() + usize::from(options.role.is_some());
        MudImport { text: out, zones, rules: rules.len(), notes: self.notes }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Local => f.write_str("local"),
            Self::Controller => f.write_str("controller"),
            Self::Manufacturer => f.write_str("manufacturer"),
            Self::Domain(name) => f.write_str(name),
            Self::Network(prefix) => write!(f, "{prefix}"),
        }
    }
}

/// A JSON string is a YAML string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// As names are here, at most `longest`.
fn slug(text: &str, longest: usize) -> String {
    let plain = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    let name: String = text.to_lowercase().chars().map(plain).take(longest).collect();
    name.trim_matches('-').to_owned()
}

fn free(name: &str, rules: &[Rule]) -> String {
    let taken = |name: &str| rules.iter().any(|rule| rule.name == name);
    let base = slug(name, MAX_RULE_NAME - 8);
    let numbered = (2..).map(|next: u32| format!("{base}-{next}"));
    std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base)
}
