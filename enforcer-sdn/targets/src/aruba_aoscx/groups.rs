//! `object-group ip address`, `object-group ipv6 address` and `object-group port`, with or without sequence numbers.

use super::parse::{PORTS, plain_address};
use crate::lists::groups::{Groups, member_number};
use crate::lists::ports::comparison;
use crate::lists::text::{Kind, Members};
use crate::target::ParseError;
use crate::words::Words;

/// The kind of a group, up to its name.
pub(super) fn kind(words: &mut Words<'_>) -> Result<Kind, ParseError> {
    match words.next() {
        version @ ("ip" | "ipv6") => {
            words.expect("address", "give groups of addresses and ports only")?;
            Ok(Kind::Addresses { is_ipv6: version == "ipv6" })
        }
        "port" => Ok(Kind::Ports),
        kind => Err(words.error(format!("a group of kind `{kind}`"), "give groups of addresses and ports only")),
    }
}

pub(super) fn member(words: &mut Words<'_>, kind: Kind, _: &Groups, _: &str) -> Result<Members, ParseError> {
    member_number(words);
    if let Kind::Addresses { is_ipv6 } = kind {
        let word = words.some("an address")?;
        return plain_address(words, word, is_ipv6).map(Members::Addresses);
    }
    let ports = comparison(words, 6, &PORTS)?;
    ports.map(Members::Ports).ok_or_else(|| words.error_ahead("a port without its operator", "write `eq`, `gt`, `lt` or `range`"))
}
