//! Applications: what a policy's names mean below IP.

use std::collections::{BTreeMap, BTreeSet};

use enforcer_packetset::{L4, RangeSet};

use super::predefined;
use crate::reading::{Cursor, Groups, Word, digits, ports_of, range};
use crate::target::ParseError;

#[derive(Debug, Default)]
pub(super) struct Applications<'a> {
    /// Each with its terms; an application without terms has one without a name.
    applications: BTreeMap<&'a str, BTreeMap<&'a str, Term<'a>>>,
    sets: Groups<'a>,
}

#[derive(Debug)]
struct Term<'a> {
    place: Word<'a>,
    protocol: Option<u8>,
    source: Option<RangeSet<u16>>,
    destination: Option<RangeSet<u16>>,
    /// With whether they were called `icmp6-...`.
    kind: Option<(bool, u8)>,
    code: Option<(bool, u8)>,
}

impl<'a> Applications<'a> {
    /// What follows `applications`.
    pub fn add(&mut self, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        let kind = cursor.some("an application")?;
        let name = cursor.some("a name")?;
        match kind.text {
            "application" => {
                if self.sets.contains(name.text) {
                    return Err(name.error(format!("a second application `{}`", name.text), "give each name once"));
                }
                let terms = self.applications.entry(name.text).or_default();
                let term = if cursor.take("term") { cursor.some("a term's name")?.text } else { "" };
                let new = || Term { place: name, protocol: None, source: None, destination: None, kind: None, code: None };
                let term = terms.entry(term).or_insert_with(new);
                while !cursor.is_at_end() {
                    term.attribute(cursor)?;
                }
                Ok(())
            }
            "application-set" => {
                if self.applications.contains_key(name.text) {
                    return Err(name.error(format!("a second application `{}`", name.text), "give each name once"));
                }
                let members = self.sets.members(name.text);
                if cursor.is_at_end() {
                    return Ok(());
                }
                let member = cursor.next();
                match member.text {
                    "application" | "application-set" => members.push(cursor.some("a name")?),
                    "description" => drop(cursor.some("a text")?),
                    _ => return Err(member.unknown("`application` or `application-set`", "a set holds these two")),
                }
                cursor.end()
            }
            _ => Err(kind.unknown("`application` or `application-set`", "`applications` holds these two")),
        }
    }

    /// What a policy means by the name: the union of these. Adds what is to be remarked.
    pub fn find(&self, name: Word<'_>, notes: &mut BTreeSet<String>) -> Result<Vec<L4>, ParseError> {
        if name.is("any") {
            return Ok(vec![L4::Any]);
        }
        let mut all = Vec::new();
        for leaf in self.sets.leaves(name)? {
            let known = self.applications.contains_key(leaf.text);
            match predefined::set(leaf.text).filter(|_| !known) {
                Some(members) => {
                    for &text in members {
                        all.extend(self.application(Word { text, ..leaf }, notes)?);
                    }
                }
                None => all.extend(self.application(leaf, notes)?),
            }
        }
        Ok(all)
    }

    fn application(&self, name: Word<'_>, notes: &mut BTreeSet<String>) -> Result<Vec<L4>, ParseError> {
        let Some(terms) = self.applications.get(name.text) else {
            let advice = "add `applications`; of the predefined ones those are read that are protocols with ports";
            let not_there = || name.error(format!("application `{}` is not in the text", name.text), advice);
            let (l4s, opens) = predefined::application(name.text).ok_or_else(not_there)?;
            if opens {
                notes
                    .insert(format!("the gateway of `{}` opens the further connections that are asked for: not read", name.text));
            }
            return Ok(l4s);
        };
        if terms.len() > 1 && terms.contains_key("") {
            let what = format!("application `{}` has terms and more beside them", name.text);
            return Err(name.error(what, "the device refuses it: keep one"));
        }
        terms.values().map(Term::l4).collect()
    }
}

impl<'a> Term<'a> {
    fn attribute(&mut self, cursor: &mut Cursor<'_, 'a>) -> Result<(), ParseError> {
        let keyword = cursor.some("an attribute")?;
        let value = cursor.some("a value")?;
        let unknown = || value.unknown(&format!("a value of `{}`", keyword.text), "write its number");
        let is_repeated = match keyword.text {
            "protocol" => self.protocol.replace(protocol(value.text).ok_or_else(unknown)?).is_some(),
            "source-port" => self.source.replace(ports(value.text).ok_or_else(unknown)?).is_some(),
            "destination-port" => self.destination.replace(ports(value.text).ok_or_else(unknown)?).is_some(),
            "icmp-type" => self.kind.replace((false, digits(value.text).ok_or_else(unknown)?)).is_some(),
            "icmp-code" => self.code.replace((false, digits(value.text).ok_or_else(unknown)?)).is_some(),
            "icmp6-type" => self.kind.replace((true, digits(value.text).ok_or_else(unknown)?)).is_some(),
            "icmp6-code" => self.code.replace((true, digits(value.text).ok_or_else(unknown)?)).is_some(),
            // How long an idle session is kept, and a text: neither is about which packets.
            "inactivity-timeout" | "description" => false,
            _ => {
                let advice = "an application is a protocol with its ports or its ICMP type and code";
                return Err(keyword.unknown("an attribute", advice));
            }
        };
        if is_repeated {
            return Err(keyword.error(format!("a second `{}`", keyword.text), "use a term for each"));
        }
        Ok(())
    }

    fn l4(&self) -> Result<L4, ParseError> {
        let name = self.place;
        let Some(protocol) = self.protocol else {
            return Err(name.error(format!("application `{}` has no protocol", name.text), "add it"));
        };
        if self.kind.is_some() || self.code.is_some() {
            let is_icmp6 = protocol == 58;
            let fits = |field: Option<(bool, u8)>| field.is_none_or(|(is_6, _)| is_6 == is_icmp6);
            let has_ports = self.source.is_some() || self.destination.is_some();
            if ![1, 58].contains(&protocol) || has_ports || self.kind.is_none() || !fits(self.kind) || !fits(self.code) {
                let what = format!("application `{}` has an ICMP type or code that does not fit its protocol", name.text);
                return Err(name.error(what, "`icmp-type` goes with `icmp`, `icmp6-type` with `icmp6`, a code with its type"));
            }
            let set = |field: Option<(bool, u8)>| field.map_or(RangeSet::full(), |(_, value)| RangeSet::of(value));
            let (types, codes) = (set(self.kind), set(self.code));
            return Ok(if is_icmp6 { L4::Icmp6 { types, codes } } else { L4::Icmp { types, codes } });
        }
        let set = |ports: &Option<RangeSet<u16>>| ports.clone().unwrap_or(RangeSet::full());
        let l4 = if [6, 17].contains(&protocol) || (self.source.is_none() && self.destination.is_none()) {
            ports_of(protocol, set(&self.source), set(&self.destination))
        } else {
            None
        };
        l4.ok_or_else(|| {
            name.error(format!("application `{}` has ports without `tcp` or `udp`", name.text), "use one of these protocols")
        })
    }
}

fn protocol(text: &str) -> Option<u8> {
    Some(match text {
        "ah" => 51,
        "egp" => 8,
        "esp" => 50,
        "gre" => 47,
        "icmp" => 1,
        "icmp6" => 58,
        "igmp" => 2,
        "ipip" => 4,
        "ospf" => 89,
        "pim" => 103,
        "rsvp" => 46,
        "sctp" => 132,
        "tcp" => 6,
        "udp" => 17,
        "vrrp" => 112,
        // 0 is no protocol here.
        _ => return digits(text).filter(|&number| number != 0),
    })
}

fn ports(text: &str) -> Option<RangeSet<u16>> {
    range(text).map(|(first, last)| RangeSet::range(first, last))
}
