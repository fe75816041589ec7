//! Object groups (IOS Security Configuration Guide, "Object Groups for ACLs"): here a mask is a netmask, unlike in the entries.

use enforcer_packetset::{AddressSet, L4, PortSet};

use super::parse::PORTS;
use crate::lists::address;
use crate::lists::groups::{Groups, named};
use crate::lists::icmp::{Kinds, kinds, named_v4};
use crate::lists::ports::comparison;
use crate::lists::protocol;
use crate::lists::text::{Kind, Members};
use crate::target::ParseError;
use crate::words::{Words, number};

/// The kind of a group, up to its name.
pub(crate) fn kind(words: &mut Words<'_>) -> Result<Kind, ParseError> {
    match words.next() {
        "network" => Ok(Kind::Addresses { is_ipv6: false }),
        "service" => Ok(Kind::Services),
        other => Err(words.error(format!("a group of kind `{other}`"), "groups are read of kind `network` and `service`")),
    }
}

pub(crate) fn member(words: &mut Words<'_>, kind: Kind, groups: &Groups, own: &str) -> Result<Members, ParseError> {
    if words.take("description") {
        return Ok(Members::None);
    }
    match kind {
        Kind::Addresses { .. } => network(words, groups, own).map(Members::Addresses),
        Kind::Services | Kind::Ports => service(words, groups, own).map(Members::Services),
    }
}

fn network(words: &mut Words<'_>, groups: &Groups, own: &str) -> Result<AddressSet, ParseError> {
    let word = words.some("an address")?;
    let set = match word {
        "any" => Some(address::all(false)),
        "host" => address::host(words.next(), false),
        "range" => address::range(words.next(), words.next(), false),
        "group-object" if words.peek() == own => None,
        "group-object" => return named(&groups.addresses, words, "network group").cloned(),
        _ if word.contains('/') => address::prefix(word, false),
        _ => address::netmask(word, words.next()),
    };
    set.ok_or_else(|| {
        let advice =
            "write `host ADDRESS`, `range FIRST LAST`, an address with its netmask (not a wildcard), or `group-object NAME`";
        words.error(format!("`{word}` and what follows is no set of addresses"), advice)
    })
}

fn service(words: &mut Words<'_>, groups: &Groups, own: &str) -> Result<Vec<L4>, ParseError> {
    let word = words.some("a protocol")?;
    let numbers: &[u8] = match word {
        "ip" => return Ok(vec![L4::Any]),
        "group-object" if words.peek() != own => return named(&groups.services, words, "service group").cloned(),
        "icmp" => {
            let Kinds { types, codes } = kinds(words, named_v4)?;
            return Ok(vec![protocol::l4(1, PortSet::full(), PortSet::full(), Kinds { types, codes }, false)]);
        }
        "tcp-udp" => &[6, 17],
        "tcp" => &[6],
        "udp" => &[17],
        _ => {
            let number = protocol::protocol(word, false);
            let number = number.ok_or_else(|| words.error(format!("protocol `{word}` is not understood"), "write its number"))?;
            return Ok(vec![L4::Protocol(number)]);
        }
    };
    let at = *words;
    let mut services = Vec::new();
    for &number in numbers {
        // Read once for each protocol: a name may be the port of one and not of the other.
        *words = at;
        let source = if words.take("source") { ports(words, number)? } else { PortSet::full() };
        let destination = if words.peek().is_empty() { PortSet::full() } else { ports(words, number)? };
        services.push(protocol::l4(number, source, destination, Kinds::all(), false));
    }
    Ok(services)
}

/// `eq` may be left out.
fn ports(words: &mut Words<'_>, protocol: u8) -> Result<PortSet, ParseError> {
    if let Some(set) = comparison(words, protocol, &PORTS)? {
        return Ok(set);
    }
    let word = words.some("a port")?;
    let port = number(word).or_else(|| (PORTS.named)(protocol, word));
    port.map(PortSet::of).ok_or_else(|| words.error(format!("port `{word}` is not understood"), "write its number"))
}
