//! Objects and object groups. Names are one space: an object and a group of any kind never share one.

use std::collections::BTreeMap;

use enforcer_packetset::{AddressSet, L4, PortSet, RangeSet};

use super::names;
use crate::lists::address;
use crate::lists::icmp::{Kinds, kinds};
use crate::lists::ports::{Comparisons, comparison};
use crate::lists::protocol;
use crate::target::ParseError;
use crate::words::Words;

pub(super) const PORTS: Comparisons = Comparisons { operators: &["eq", "neq", "gt", "lt", "range"], named: names::port, most: 1 };

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Object {
    Addresses(AddressSet),
    /// Protocols with their fields.
    Services(Vec<L4>),
    /// Ports of these protocols, to stand after an address.
    Ports(Vec<u8>, PortSet),
    /// IPv4 types, to stand at the end of an entry.
    Types(RangeSet<u8>),
    /// Nothing yet.
    Empty(Kind),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Network,
    Service,
    Ports(Vec<u8>),
    Protocol,
    Types,
}

/// The objects of a text, and the one that is being read.
#[derive(Default)]
pub(super) struct Objects {
    known: BTreeMap<String, Object>,
    open: Option<(String, Kind)>,
    /// An object has one value, a group has many.
    is_group: bool,
}

impl Objects {
    /// The object of the next word.
    pub(super) fn named(&self, words: &mut Words<'_>) -> Result<&Object, ParseError> {
        let name = words.some("an object's name")?;
        match self.known.get(name) {
            Some(Object::Empty(_)) => Err(words.error(format!("`{name}` is empty"), "fill it, or leave out what uses it")),
            Some(known) => Ok(known),
            None => Err(words.error(format!("`{name}` is not in the text"), "put its definition before its use")),
        }
    }

    /// The addresses of the next word.
    pub(super) fn addresses(&self, words: &mut Words<'_>) -> Result<AddressSet, ParseError> {
        match self.named(words)? {
            Object::Addresses(set) => Ok(set.clone()),
            _ => Err(words.error("an object that is no set of addresses", "name a network object or group")),
        }
    }

    /// The object of that name, if it is complete.
    pub(super) fn peek(&self, name: &str) -> Option<&Object> {
        self.known.get(name)
    }

    /// `object` or `object-group`, up to the end of the line.
    pub(super) fn begin(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        let is_group = words.next() == "object-group";
        let word = words.next();
        let name = words.some("an object's name")?;
        let kind = match (word, is_group) {
            ("network", _) => Kind::Network,
            ("service", true) => match words.next() {
                "" => Kind::Service,
                "tcp" => Kind::Ports(vec![6]),
                "udp" => Kind::Ports(vec![17]),
                "tcp-udp" => Kind::Ports(vec![6, 17]),
                other => return Err(words.error(format!("a group of `{other}` ports"), "ports are of tcp, udp or tcp-udp")),
            },
            ("service", false) => Kind::Service,
            ("protocol", true) => Kind::Protocol,
            ("icmp-type", true) => Kind::Types,
            _ => return Err(words.error(format!("an object of kind `{word}`"), "give network and service objects only")),
        };
        words.end("an object begins with its kind and name")?;
        // An object that is translated is listed once more, with its `nat` line: nothing else may stand there.
        let is_again = self.known.contains_key(name);
        if is_again && (is_group || kind != Kind::Network) {
            return Err(words.error(format!("a second object `{name}`"), "give one definition of it"));
        }
        if !is_again {
            self.known.insert(name.to_owned(), Object::Empty(kind.clone()));
        }
        self.open = Some((name.to_owned(), kind));
        self.is_group = is_group;
        Ok(())
    }

    /// A line of the object that is open.
    pub(super) fn line(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        let Some((name, kind)) = self.open.clone() else { return Ok(()) };
        if words.take("description") {
            return Ok(());
        }
        if !self.is_group && !matches!(self.known.get(&name), Some(Object::Empty(_)) | None) {
            return Err(words.error_ahead(format!("a second value of the object `{name}`"), "give the one that is in force"));
        }
        let more =
            if self.is_group && words.take("group-object") { self.named(words)?.clone() } else { self.member(words, &kind)? };
        words.end("a line of an object says one thing")?;
        let object = self.known.entry(name).or_insert(Object::Empty(kind));
        let joined = join(object, more)
            .ok_or_else(|| words.error("a member of another kind than its group", "groups hold members of one kind"))?;
        *object = joined;
        Ok(())
    }

    fn member(&self, words: &mut Words<'_>, kind: &Kind) -> Result<Object, ParseError> {
        let word = words.some("a member")?;
        match (kind, word) {
            (Kind::Network, _) => self.network(words, word).map(Object::Addresses),
            (Kind::Ports(protocols), "port-object") => {
                let set = ports_of(words, protocols)?;
                Ok(Object::Ports(protocols.clone(), set))
            }
            (Kind::Service, "service-object") if words.take("object") => match self.named(words)? {
                known @ Object::Services(_) => Ok(known.clone()),
                _ => Err(words.error("an object that is no service", "name a service object")),
            },
            (Kind::Service, "service-object" | "service") => service(words).map(Object::Services),
            (Kind::Protocol, "protocol-object") => {
                let protocol = words.some("a protocol")?;
                Ok(Object::Services(vec![plain(words, protocol)?]))
            }
            (Kind::Types, "icmp-object") => {
                let Kinds { types, .. } = kinds(words, names::icmp)?;
                Ok(Object::Types(types))
            }
            _ => Err(words.error(format!("`{word}` is not understood in this object"), "give its addresses, ports or services")),
        }
    }

    fn network(&self, words: &mut Words<'_>, word: &str) -> Result<AddressSet, ParseError> {
        let set = match word {
            "host" => host(words.next()),
            "subnet" => subnet(words),
            "range" => {
                let (first, last) = (words.next(), words.next());
                address::range(first, last, false).or_else(|| address::range(first, last, true))
            }
            "network-object" => match words.peek() {
                "host" => {
                    words.next();
                    host(words.next())
                }
                "object" => {
                    words.next();
                    return self.addresses(words);
                }
                _ => subnet(words),
            },
            _ => None,
        };
        set.ok_or_else(|| {
            let advice =
                "write hosts, subnets with netmasks, prefixes or ranges; names that the device resolves are known to it alone";
            words.error(format!("`{word}` and what follows is no set of addresses"), advice)
        })
    }
}

/// What the group holds with one more member; None for members of two kinds.
fn join(object: &Object, more: Object) -> Option<Object> {
    Some(match (object, more) {
        (Object::Empty(Kind::Network), more @ Object::Addresses(_))
        | (Object::Empty(Kind::Service | Kind::Protocol), more @ Object::Services(_))
        | (Object::Empty(Kind::Types), more @ Object::Types(_)) => more,
        (Object::Empty(Kind::Ports(own)), Object::Ports(of, set)) if *own == of => Object::Ports(of, set),
        (Object::Addresses(set), Object::Addresses(more)) => Object::Addresses(set.union(&more)),
        (Object::Services(all), Object::Services(more)) => Object::Services([all.clone(), more].concat()),
        (Object::Ports(own, set), Object::Ports(of, more)) if *own == of => Object::Ports(of, set.union(&more)),
        (Object::Types(set), Object::Types(more)) => Object::Types(set.union(&more)),
        _ => return None,
    })
}

fn host(word: &str) -> Option<AddressSet> {
    address::host(word, false).or_else(|| address::host(word, true))
}

/// An IPv4 network with its mask, or an IPv6 prefix.
pub(super) fn subnet(words: &mut Words<'_>) -> Option<AddressSet> {
    let word = words.next();
    if word.contains(':') { address::prefix(word, true) } else { address::netmask(word, words.next()) }
}

/// `eq 80` with the same number for every one of the protocols.
fn ports_of(words: &mut Words<'_>, protocols: &[u8]) -> Result<PortSet, ParseError> {
    let at = *words;
    let mut set: Option<PortSet> = None;
    for &protocol in protocols {
        *words = at;
        let read = comparison(words, protocol, &PORTS)?;
        let read = read.ok_or_else(|| words.error_ahead("a port without its operator", "write `eq` or `range`"))?;
        if set.as_ref().is_some_and(|set| *set != read) {
            return Err(words.error("a port name that means two numbers", "write its number"));
        }
        set = Some(read);
    }
    Ok(set.unwrap_or_else(PortSet::full))
}

/// `tcp source eq 1 destination eq 2`, `icmp echo`, `gre`.
fn service(words: &mut Words<'_>) -> Result<Vec<L4>, ParseError> {
    let word = words.some("a protocol")?;
    let protocols: &[u8] = match word {
        "tcp" => &[6],
        "udp" => &[17],
        "sctp" => &[132],
        "tcp-udp" => &[6, 17],
        "icmp" => return Ok(vec![protocol::l4(1, PortSet::full(), PortSet::full(), kinds(words, names::icmp)?, false)]),
        "icmp6" => return Ok(vec![protocol::l4(58, PortSet::full(), PortSet::full(), kinds(words, names::icmp6)?, true)]),
        _ => return Ok(vec![plain(words, word)?]),
    };
    let at = *words;
    let mut services = Vec::new();
    for &protocol in protocols {
        *words = at;
        let mut ports = |side: &str| -> Result<PortSet, ParseError> {
            if !words.take(side) {
                return Ok(PortSet::full());
            }
            let set = comparison(words, protocol, &PORTS)?;
            set.ok_or_else(|| words.error_ahead("a port without its operator", "write `eq` or `range`"))
        };
        let (source, destination) = (ports("source")?, ports("destination")?);
        services.push(protocol::l4(protocol, source, destination, Kinds::all(), false));
    }
    Ok(services)
}

/// A protocol without fields.
pub(super) fn plain(words: &Words<'_>, word: &str) -> Result<L4, ParseError> {
    if word == "ip" {
        return Ok(L4::Any);
    }
    let number = names::protocol(word).map(L4::Protocol);
    number.ok_or_else(|| words.error(format!("protocol `{word}` is not understood"), "write its number"))
}
