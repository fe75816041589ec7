//! `object-group ip address`, `object-group ipv6 address` and `object-group ip port`, with or without sequence numbers.

use super::parse::{PORTS, plain_address};
use crate::lists::groups::{Groups, member_number};
use crate::lists::ports::comparison;
use crate::lists::text::{Kind, Members};
use crate::target::ParseError;
use crate::words::Words;

/// The kind of a group, up to its name.
pub(super) fn kind(words: &mut Words<'_>) -> Result<Kind, ParseError> {
    match (words.next(), words.next()) {
        ("ip", "address") => Ok(Kind::Addresses { is_ipv6: false }),
        ("ipv6", "address") => Ok(Kind::Addresses { is_ipv6: true }),
        ("ip", "port") => Ok(Kind::Ports),
        (version, kind) => {
            Err(words.error(format!("a group of kind `{version} {kind}`"), "give groups of addresses and ports only"))
        }
    }
}

pub(super) fn member(words: &mut Words<'_>, kind: Kind, _: &Groups, _: &str) -> Result<Members, ParseError> {
    member_number(words);
    if words.take("description") {
        return Ok(Members::None);
    }
    if let Kind::Addresses { is_ipv6 } = kind {
        return plain_address(words, is_ipv6).map(Members::Addresses);
    }
    // A group serves TCP and UDP alike, so a name that is a port of one only is not read.
    let at = *words;
    let tcp = comparison(words, 6, &PORTS)?;
    *words = at;
    let udp = comparison(words, 17, &PORTS)?;
    let ports = tcp.filter(|tcp| udp.as_ref() == Some(tcp));
    ports.map(Members::Ports).ok_or_else(|| words.error_ahead("a port without its operator", "write `eq`, `range` and so on"))
}
