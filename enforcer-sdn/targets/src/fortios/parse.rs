//! Reads policies and objects as `show` lists them, and says what becomes of packets. Shares nothing with the renderer. What it does not
//! know is an error with its place.

use std::collections::BTreeSet;

use enforcer_packetset::{AddressSet, Effect, Selector, StateSet, Step, Verdict};

use super::addresses::Addresses;
use super::defaults::POLICY;
use super::device;
use super::services::Services;
use super::tree::{Block, Entry, Setting, blocks};
use crate::device_zones::DeviceZones;
use crate::reading::Word;
use crate::target::{ParseError, Parsed};

impl Default for Objects<'_> {
    fn default() -> Self {
        Self { v4: Addresses::new(false), v6: Addresses::new(true), services: Services::default() }
    }
}

struct Objects<'a> {
    v4: Addresses<'a>,
    v6: Addresses<'a>,
    services: Services<'a>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    parse_with(text, &DeviceZones::default())
}

pub(super) fn parse_with(text: &str, zones: &DeviceZones) -> Result<Parsed, ParseError> {
    let mut device = Device::default();
    for block in blocks(text)? {
        match block.title().as_str() {
            "vdom" => device.domain(block)?,
            "global" if block.settings.is_empty() && block.entries.is_empty() => {
                block.blocks.into_iter().try_for_each(|inner| device.section(inner))?;
            }
            _ => device.section(block)?,
        }
    }
    let mut parsed = finish(&device.objects, &device.policies, &device.open, zones)?;
    if device.redirects {
        let note = "packets that leave by the interface they came in by pass without a policy: `allow-traffic-redirect` is not disabled for both IP versions";
        parsed.notes.push(note.into());
    }
    Ok(parsed)
}

/// What was read so far.
#[derive(Default)]
struct Device<'a> {
    objects: Objects<'a>,
    policies: Vec<Entry<'a>>,
    /// Zones inside of which packets pass.
    open: Vec<Word<'a>>,
    zones: BTreeSet<&'a str>,
    /// The virtual domain that the text is of.
    domain: Option<&'a str>,
    /// Sections that had entries.
    seen: BTreeSet<String>,
    redirects: bool,
}

impl<'a> Device<'a> {
    fn domain(&mut self, block: Block<'a>) -> Result<(), ParseError> {
        if let Some(word) = block.settings.first().map(|setting| setting.key).or(block.blocks.first().map(Block::place)) {
            return Err(word.error("outside of a virtual domain", "domains stand in `edit`"));
        }
        for entry in block.entries {
            if *self.domain.get_or_insert(entry.name.text) != entry.name.text {
                let advice = "each has policies of its own: give the configuration of one";
                return Err(entry.name.error(format!("a second virtual domain `{}`", entry.name.text), advice));
            }
            if let Some(setting) = entry.settings.first() {
                return Err(setting.key.unknown("a section of a virtual domain", "correct it"));
            }
            entry.blocks.into_iter().try_for_each(|inner| self.section(inner))?;
        }
        Ok(())
    }

    fn section(&mut self, block: Block<'a>) -> Result<(), ParseError> {
        let title = block.title();
        let is_new = block.entries.is_empty() || self.seen.insert(title.clone());
        if let Some(purge) = block.purge.filter(|_| !is_new || self.seen.contains(&title) && block.entries.is_empty()) {
            return Err(purge.error("takes away what stands before in the text", "give the listing that the device gives"));
        }
        if !OWN.contains(&title.as_str()) {
            if title == "system global" {
                let is_off = |name: &str| block.settings.iter().any(|set| set.key.text == name && set.joined() == "disable");
                self.redirects |= !is_off("allow-traffic-redirect") || !is_off("ipv6-allow-traffic-redirect");
            }
            return device::check(&block);
        }
        if let Some(word) = block.settings.first().map(|setting| setting.key).or(block.blocks.first().map(Block::place)) {
            return Err(word.unknown("an entry", "these sections have nothing but entries"));
        }
        block.entries.into_iter().try_for_each(|entry| self.entry(&title, entry))
    }

    fn entry(&mut self, section: &str, entry: Entry<'a>) -> Result<(), ParseError> {
        // Objects that do something where they are named.
        if ["firewall vip", "firewall vip6", "firewall vipgrp", "firewall vipgrp6"].contains(&section) {
            return if section.ends_with('6') { &mut self.objects.v6 } else { &mut self.objects.v4 }.add_virtual(entry.name);
        }
        entry.check()?;
        match section {
            "firewall address" => self.objects.v4.add(&entry)?,
            "firewall address6" => self.objects.v6.add(&entry)?,
            "firewall addrgrp" => self.objects.v4.add_group(&entry)?,
            "firewall addrgrp6" => self.objects.v6.add_group(&entry)?,
            "firewall service custom" => self.objects.services.add(&entry)?,
            "firewall service group" => self.objects.services.add_group(&entry)?,
            "firewall policy" => {
                if let Some(before) = self.policies.iter().find(|before| before.name.text == entry.name.text) {
                    let what = format!("a second policy `{}`", before.name.text);
                    return Err(entry.name.error(what, "give each number once"));
                }
                self.policies.push(entry);
            }
            "system zone" => {
                if !self.zones.insert(entry.name.text) {
                    return Err(entry.name.error(format!("a second zone `{}`", entry.name.text), "give each name once"));
                }
                self.open.extend(zone(&entry)?);
            }
            "firewall schedule recurring" => schedule(&entry)?,
            "firewall schedule onetime" | "firewall schedule group" if ALWAYS.contains(&entry.name.text) => {
                return Err(entry.name.error("a schedule with the name of another", "leave it out"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Sections that are read.
const OWN: [&str; 16] = [
    "firewall address",
    "firewall address6",
    "firewall addrgrp",
    "firewall addrgrp6",
    "firewall policy",
    "firewall schedule group",
    "firewall schedule onetime",
    "firewall schedule recurring",
    // Headings for people.
    "firewall service category",
    "firewall service custom",
    "firewall service group",
    "firewall vip",
    "firewall vip6",
    "firewall vipgrp",
    "firewall vipgrp6",
    "system zone",
];

/// The zone's name, where packets between its interfaces pass that no policy is about; they do not unless it says so.
fn zone<'a>(entry: &Entry<'a>) -> Result<Option<Word<'a>>, ParseError> {
    let mut open = None;
    for setting in &entry.settings {
        match setting.key.text {
            "intrazone" => {
                let word = setting.value("`allow` or `deny`")?;
                open = match word.text {
                    "allow" => Some(entry.name),
                    "deny" => None,
                    _ => return Err(word.unknown("`allow` or `deny`", "write one of them")),
                };
            }
            "interface" | "description" | "uuid" => {}
            _ => return Err(setting.key.unknown("a setting of a zone", "zones have interfaces and `intrazone`")),
        }
    }
    Ok(open)
}

/// The schedules from the factory: all week, and never.
const ALWAYS: [&str; 2] = ["always", "none"];

/// That `always` is what its name says; other schedules are refused where a policy has them.
fn schedule(entry: &Entry<'_>) -> Result<(), ParseError> {
    if entry.name.text != "always" {
        return Ok(());
    }
    let days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    if !entry.settings.iter().any(|setting| setting.key.text == "day") {
        return Err(entry.name.error("a schedule `always` without days", "give it all days"));
    }
    for setting in &entry.settings {
        let is_all = || days.iter().all(|day| setting.values.iter().any(|value| value.text == *day));
        let is_midnight = || setting.values.iter().all(|value| value.text == "00:00");
        match setting.key.text {
            "day" if is_all() => {}
            "start" | "end" if is_midnight() => {}
            "color" | "uuid" | "fabric-object" => {}
            _ => return Err(setting.key.error("a schedule `always` that is not always", "give it all days, without times")),
        }
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Policy<'a> {
    from: Vec<Word<'a>>,
    to: Vec<Word<'a>>,
    source: Vec<Word<'a>>,
    destination: Vec<Word<'a>>,
    source6: Vec<Word<'a>>,
    destination6: Vec<Word<'a>>,
    services: Vec<Word<'a>>,
    /// Source, destination, service, source of IPv6, destination of IPv6.
    negates: [bool; 5],
    accepts: bool,
    logs: bool,
    has_schedule: bool,
    is_disabled: bool,
}

impl<'a> Policy<'a> {
    fn read(entry: &Entry<'a>) -> Result<Self, ParseError> {
        let mut policy = Self::default();
        for setting in &entry.settings {
            policy.set(setting)?;
        }
        Ok(policy)
    }

    fn set(&mut self, setting: &Setting<'a>) -> Result<(), ParseError> {
        match setting.key.text {
            "srcintf" => self.from.clone_from(&setting.values),
            "dstintf" => self.to.clone_from(&setting.values),
            "srcaddr" => self.source.clone_from(&setting.values),
            "dstaddr" => self.destination.clone_from(&setting.values),
            "srcaddr6" => self.source6.clone_from(&setting.values),
            "dstaddr6" => self.destination6.clone_from(&setting.values),
            "service" => self.services.clone_from(&setting.values),
            "srcaddr-negate" => self.negates[0] = setting.is_enabled()?,
            "dstaddr-negate" => self.negates[1] = setting.is_enabled()?,
            "service-negate" => self.negates[2] = setting.is_enabled()?,
            "srcaddr6-negate" => self.negates[3] = setting.is_enabled()?,
            "dstaddr6-negate" => self.negates[4] = setting.is_enabled()?,
            "action" => {
                let word = setting.value("an action")?;
                self.accepts = match word.text {
                    "accept" => true,
                    "deny" => false,
                    _ => return Err(word.unknown("`accept` or `deny`", "write one of them")),
                };
            }
            "logtraffic" => {
                let word = setting.value("what is logged")?;
                self.logs = match word.text {
                    "all" => true,
                    // What security profiles find; a policy with profiles is refused.
                    "utm" | "disable" => false,
                    _ => return Err(word.unknown("`all`, `utm` or `disable`", "write one of them")),
                };
            }
            "schedule" => {
                let word = setting.value("a schedule")?;
                if word.text != "always" {
                    return Err(
                        word.unknown("`always`", "other schedules go by the device's time zone, which the text does not say")
                    );
                }
                self.has_schedule = true;
            }
            "status" => self.is_disabled = !setting.is_enabled()?,
            "ssl-ssh-profile" if setting.value("a profile")?.text == "no-inspection" => {}
            "utm-status" | "internet-service" | "internet-service-src" | "tos-negate" if !setting.is_enabled()? => {}
            "name" | "uuid" | "comments" | "logtraffic-start" | "nat" | "send-deny-packet" | "match-vip" | "inspection-mode"
            | "ippool" | "poolname" | "fixedport" | "label" | "global-label" | "auto-asic-offload" => {}
            _ if device::is_default(setting, POLICY) => {}
            _ => {
                let advice = "policies about packets have interfaces, addresses, services, an action and logs";
                return Err(setting.key.unknown("a setting of a policy", advice));
            }
        }
        Ok(())
    }
}

const ADVICE: &str =
    "interfaces are not in the packet: say what is behind each in `device_zones` of the point, or give one pair, or `any`";

fn finish(objects: &Objects<'_>, policies: &[Entry<'_>], open: &[Word<'_>], zones: &DeviceZones) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    let mut add = |selector, verdict, log, line| {
        parsed.steps.push(Step { selector, effect: Effect { verdict: Some(verdict), log } });
        parsed.lines.push(line);
    };
    // A session that was admitted is not asked about again.
    add(Selector { state: StateSet::Established, ..Selector::any() }, Verdict::Allow, false, 1);
    let mut interfaces: Option<(&str, &str)> = None;
    let mut last_line = 1;
    for entry in policies {
        let name = entry.name;
        last_line = name.line;
        let policy = Policy::read(entry)?;
        if policy.is_disabled {
            continue;
        }
        let incomplete =
            |what: &str| name.error(format!("policy `{}` has no {what}", name.text), "the device refuses it: complete it");
        if policy.from.is_empty() || policy.to.is_empty() {
            return Err(incomplete("interface"));
        }
        let (behind, before) = if zones.is_empty() {
            let ([from], [to]) = (policy.from.as_slice(), policy.to.as_slice()) else {
                return Err(name.error("a policy of several interfaces", ADVICE));
            };
            let pair = (from.text, to.text);
            if *interfaces.get_or_insert(pair) != pair {
                return Err(name.error("a policy of a second pair of interfaces", ADVICE));
            }
            (AddressSet::full(), AddressSet::full())
        } else {
            (zones.union(&policy.from, "any")?, zones.union(&policy.to, "any")?)
        };
        if !policy.has_schedule {
            return Err(incomplete("schedule"));
        }
        if policy.services.is_empty() {
            return Err(incomplete("service"));
        }
        let [from, to, service, from6, to6] = policy.negates;
        let mut pairs: Vec<(AddressSet, AddressSet)> = Vec::new();
        for (addresses, source, destination, from, to) in [
            (&objects.v4, &policy.source, &policy.destination, from, to),
            (&objects.v6, &policy.source6, &policy.destination6, from6, to6),
        ] {
            match (source.is_empty(), destination.is_empty()) {
                (true, true) if !from && !to => {}
                (false, false) => pairs.push((addresses.union(source, from)?, addresses.union(destination, to)?)),
                _ => return Err(incomplete("address of one side")),
            }
        }
        if pairs.is_empty() {
            return Err(incomplete("address"));
        }
        let verdict = if policy.accepts { Verdict::Allow } else { Verdict::Deny };
        let l4s = objects.services.union(&policy.services, service)?;
        for (source, destination) in pairs {
            let (source, destination) = (source.intersection(&behind), destination.intersection(&before));
            // Addresses that are behind other interfaces meet nothing.
            for l4 in l4s.iter().filter(|_| !source.is_empty() && !destination.is_empty()) {
                let l4 = l4.clone();
                let selector = Selector { source: source.clone(), destination: destination.clone(), l4, ..Selector::any() };
                add(selector, verdict, policy.logs, name.line);
            }
        }
    }
    for name in open {
        if zones.is_empty() {
            return Err(name.error(format!("zone `{}`, inside of which packets pass without a policy", name.text), ADVICE));
        }
        let inside = zones.find(*name)?;
        let selector = Selector { source: inside.clone(), destination: inside.clone(), ..Selector::any() };
        add(selector, Verdict::Allow, false, name.line);
    }
    // Policy 0.
    add(Selector::any(), Verdict::Deny, false, last_line);
    if let Some((from, to)) = interfaces.filter(|&(from, to)| from != "any" || to != "any") {
        parsed.notes.push(format!("read as what happens to packets that come in at `{from}` and leave at `{to}`"));
    }
    Ok(parsed)
}
