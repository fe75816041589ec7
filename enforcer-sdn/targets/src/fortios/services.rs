//! Service objects and groups: what a policy's names mean below IP.

use std::collections::BTreeMap;

use enforcer_packetset::{L4, PortSet, RangeSet};

use super::defaults::SERVICE;
use super::device::is_default;
use super::predefined::{predefined, predefined_group};
use super::tree::{Entry, Setting};
use crate::reading::{Groups, Word, digits, ports_of, range};
use crate::target::ParseError;

#[derive(Debug, Default)]
pub(super) struct Services<'a> {
    services: BTreeMap<&'a str, Vec<L4>>,
    /// Of proxies: refused where a policy means them.
    unread: BTreeMap<&'a str, Word<'a>>,
    groups: Groups<'a>,
}

/// What is said of a service beside its packets.
const REMARKS: [&str; 13] = [
    "uuid",
    "comment",
    "color",
    "visibility",
    "category",
    "fabric-object",
    "session-ttl",
    "udp-idle-timer",
    "tcp-halfclose-timer",
    "tcp-halfopen-timer",
    "tcp-timewait-timer",
    "tcp-rst-timer",
    "check-reset-range",
];

impl<'a> Services<'a> {
    pub fn add(&mut self, entry: &Entry<'a>) -> Result<(), ParseError> {
        let name = entry.name;
        let is_on = |setting: &&Setting<'_>| {
            ["proxy", "explicit-proxy"].contains(&setting.key.text) && setting.values.iter().any(|value| value.text == "enable")
        };
        if let Some(proxy) = entry.settings.iter().find(is_on) {
            if self.services.contains_key(name.text) || self.unread.insert(name.text, proxy.key).is_some() {
                return Err(name.error(format!("a second service `{}`", name.text), "give each name once"));
            }
            return Ok(());
        }
        let (mut protocol, mut number, mut ports) = ("TCP/UDP/SCTP", 0, Vec::new());
        let (mut kind, mut code) = (RangeSet::full(), RangeSet::full());
        let (mut has_number, mut has_icmp) = (false, false);
        for setting in &entry.settings {
            match setting.key.text {
                "protocol" => protocol = setting.value("a protocol")?.text,
                "protocol-number" => (number, has_number) = (byte(setting)?.unwrap_or(0), true),
                "icmptype" => {
                    kind = byte(setting)?.map_or(RangeSet::full(), RangeSet::of);
                    has_icmp |= !kind.is_full();
                }
                "icmpcode" => {
                    code = byte(setting)?.map_or(RangeSet::full(), RangeSet::of);
                    has_icmp |= !code.is_full();
                }
                "tcp-portrange" => portranges(setting, 6, &mut ports)?,
                "udp-portrange" => portranges(setting, 17, &mut ports)?,
                "sctp-portrange" => portranges(setting, 132, &mut ports)?,
                text if REMARKS.contains(&text) => {}
                "helper" if ["auto", "disable"].contains(&setting.value("a helper")?.text) => {}
                "proxy" | "explicit-proxy" if !setting.is_enabled()? => {}
                _ if is_default(setting, SERVICE) => {}
                _ => return Err(setting.key.unknown("a setting of a service", "services are protocols, ports and ICMP types")),
            }
        }
        let l4s = match protocol {
            "TCP/UDP/SCTP" | "TCP/UDP/UDP-Lite/SCTP" if !has_number && !has_icmp && !ports.is_empty() => ports,
            "ICMP" if !has_number && ports.is_empty() => vec![L4::Icmp { types: kind, codes: code }],
            "ICMP6" if !has_number && ports.is_empty() => vec![L4::Icmp6 { types: kind, codes: code }],
            "IP" if !has_icmp && ports.is_empty() => vec![if number == 0 { L4::Any } else { L4::Protocol(number) }],
            _ => {
                let what = format!("service `{}` has fields that do not fit its protocol", name.text);
                return Err(name.error(what, "ports go with TCP/UDP/SCTP, types with ICMP and ICMP6, a number with IP"));
            }
        };
        if self.services.insert(name.text, l4s).is_some() {
            return Err(name.error(format!("a second service `{}`", name.text), "give each name once"));
        }
        Ok(())
    }

    pub fn add_group(&mut self, entry: &Entry<'a>) -> Result<(), ParseError> {
        let name = entry.name;
        let mut members = Vec::new();
        for setting in &entry.settings {
            match setting.key.text {
                "member" => members.clone_from(&setting.values),
                text if REMARKS.contains(&text) => {}
                _ if is_default(setting, SERVICE) => {}
                _ => return Err(setting.key.unknown("a setting of a group", "groups have members")),
            }
        }
        if self.services.contains_key(name.text) || self.groups.contains(name.text) {
            return Err(name.error(format!("a second service `{}`", name.text), "give each name once"));
        }
        *self.groups.members(name.text) = members;
        Ok(())
    }

    /// What a policy means by the names: the union of these.
    pub fn union(&self, names: &[Word<'_>], negates: bool) -> Result<Vec<L4>, ParseError> {
        let mut all = Vec::new();
        for &name in names {
            for leaf in self.groups.leaves(name)? {
                match predefined_group(leaf.text).filter(|_| !self.services.contains_key(leaf.text)) {
                    Some(members) => {
                        for &text in members {
                            all.extend(self.service(Word { text, ..leaf })?);
                        }
                    }
                    None => all.extend(self.service(leaf)?),
                }
            }
        }
        match names.first() {
            Some(&name) if negates => others(&all, name),
            _ => Ok(all),
        }
    }

    /// One that is no group: the text's own before the device's.
    fn service(&self, name: Word<'_>) -> Result<Vec<L4>, ParseError> {
        if let Some(word) = self.unread.get(name.text) {
            return Err(word.error(format!("`{}` is used, and is for proxies", name.text), "name protocols and ports"));
        }
        let not_there = || name.error(format!("service `{}` is not in the text", name.text), "add it");
        let own = self.services.get(name.text).cloned();
        own.or_else(|| predefined(name.text)).ok_or_else(not_there)
    }
}

/// None for what was unset.
fn byte(setting: &Setting<'_>) -> Result<Option<u8>, ParseError> {
    if setting.values.is_empty() {
        return Ok(None);
    }
    let word = setting.value("a number")?;
    digits(word.text).map(Some).ok_or_else(|| word.unknown("a number up to 255", "correct it"))
}

/// `DESTINATION` or `DESTINATION:SOURCE`, several.
fn portranges(setting: &Setting<'_>, protocol: u8, l4s: &mut Vec<L4>) -> Result<(), ParseError> {
    for word in &setting.values {
        let (to, from) = word.text.split_once(':').map_or((word.text, None), |(to, from)| (to, Some(from)));
        let set = |text: &str| range(text).map(|(first, last)| RangeSet::range(first, last));
        let source = from.map_or(Some(PortSet::full()), set);
        let l4 = source.zip(set(to)).and_then(|(source, destination)| ports_of(protocol, source, destination));
        l4s.push(l4.ok_or_else(|| word.unknown("ports", "write them as `80`, `1000-2000` or `80:1024-65535`"))?);
    }
    Ok(())
}

/// Everything that is none of these.
fn others(l4s: &[L4], place: Word<'_>) -> Result<Vec<L4>, ParseError> {
    let mut ports: BTreeMap<u8, PortSet> = BTreeMap::new();
    let mut types: BTreeMap<u8, RangeSet<u8>> = BTreeMap::new();
    let mut whole = Vec::new();
    for l4 in l4s {
        match l4 {
            L4::Protocol(number) => whole.push(*number),
            L4::Tcp { source, destination } if source.is_full() => add(&mut ports, 6, destination),
            L4::Udp { source, destination } if source.is_full() => add(&mut ports, 17, destination),
            L4::Sctp { source, destination } if source.is_full() => add(&mut ports, 132, destination),
            L4::Icmp { types: kinds, codes } if codes.is_full() => add(&mut types, 1, kinds),
            L4::Icmp6 { types: kinds, codes } if codes.is_full() => add(&mut types, 58, kinds),
            _ => return Err(place.error("a negated service of everything, of source ports or of codes", "name the others")),
        }
    }
    // ICMP of the other IP version is another protocol there: it is among the others, and no set of types says so.
    if !types.is_empty() {
        return Err(place.error("a negated ICMP service", "name the other services"));
    }
    let mut others = Vec::new();
    for number in (0..=u8::MAX).filter(|number| !whole.contains(number)) {
        match ports.get(&number) {
            None => others.push(L4::Protocol(number)),
            Some(set) => others.extend(ports_of(number, PortSet::full(), set.complement()).filter(|_| !set.is_full())),
        }
    }
    Ok(others)
}

fn add<T: enforcer_packetset::Number>(sets: &mut BTreeMap<u8, RangeSet<T>>, protocol: u8, more: &RangeSet<T>) {
    let set = sets.entry(protocol).or_default();
    *set = set.union(more);
}
