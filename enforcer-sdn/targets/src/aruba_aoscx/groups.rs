//! `object-group ip address`, `object-group ipv6 address` and `object-group port`, with or without sequence numbers.

use super::parse::{PORTS, plain_address};
use crate::lists::groups::{Groups, begin};
use crate::lists::ports::comparison;
use crate::target::ParseError;
use crate::words::{Words, number};

/// The groups, and the one that is being read.
#[derive(Default)]
pub(super) struct Objects {
    pub groups: Groups,
    open: Option<Open>,
}

enum Open {
    Addresses { name: String, is_ipv6: bool },
    Ports(String),
}

impl Objects {
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn leave(&mut self) {
        self.open = None;
    }

    pub(super) fn begin(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        words.next();
        self.open = Some(match words.next() {
            version @ ("ip" | "ipv6") => {
                words.expect("address", "give groups of addresses and ports only")?;
                Open::Addresses { name: begin(&mut self.groups.addresses, words)?, is_ipv6: version == "ipv6" }
            }
            "port" => Open::Ports(begin(&mut self.groups.ports, words)?),
            kind => return Err(words.error(format!("a group of kind `{kind}`"), "give groups of addresses and ports only")),
        });
        words.end("a group begins with its name")
    }

    pub(super) fn line(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        // The order of members is nothing.
        if number::<u32>(words.peek()).is_some() {
            words.next();
        }
        match &self.open {
            Some(Open::Addresses { name, is_ipv6 }) => {
                let word = words.some("an address")?;
                let more = plain_address(words, word, *is_ipv6)?;
                let group = self.groups.addresses.entry(name.clone()).or_default();
                *group = group.union(&more);
            }
            Some(Open::Ports(name)) => {
                let more = comparison(words, 6, &PORTS)?;
                let more =
                    more.ok_or_else(|| words.error_ahead("a port without its operator", "write `eq`, `gt`, `lt` or `range`"))?;
                let group = self.groups.ports.entry(name.clone()).or_default();
                *group = group.union(&more);
            }
            None => {}
        }
        words.end("a member of a group is one address set or one comparison")
    }
}
