//! `object-group ip address`, `object-group ipv6 address` and `object-group ip port`, with or without sequence numbers.

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
        let (version, kind) = (words.next(), words.next());
        self.open = Some(match (version, kind) {
            ("ip", "address") => Open::Addresses { name: begin(&mut self.groups.addresses, words)?, is_ipv6: false },
            ("ipv6", "address") => Open::Addresses { name: begin(&mut self.groups.addresses, words)?, is_ipv6: true },
            ("ip", "port") => Open::Ports(begin(&mut self.groups.ports, words)?),
            _ => {
                return Err(words.error(format!("a group of kind `{version} {kind}`"), "give groups of addresses and ports only"));
            }
        });
        words.end("a group begins with its name")
    }

    pub(super) fn line(&mut self, words: &mut Words<'_>) -> Result<(), ParseError> {
        // The order of members is nothing.
        if number::<u32>(words.peek()).is_some() {
            words.next();
        }
        if words.take("description") {
            return Ok(());
        }
        match &self.open {
            Some(Open::Addresses { name, is_ipv6 }) => {
                let more = plain_address(words, *is_ipv6)?;
                let group = self.groups.addresses.entry(name.clone()).or_default();
                *group = group.union(&more);
            }
            Some(Open::Ports(name)) => {
                // A group serves TCP and UDP alike, so a name that is a port of one only is not read.
                let at = *words;
                let tcp = comparison(words, 6, &PORTS)?;
                *words = at;
                let udp = comparison(words, 17, &PORTS)?;
                let more = tcp.filter(|tcp| udp.as_ref() == Some(tcp));
                let more =
                    more.ok_or_else(|| words.error_ahead("a port without its operator", "write `eq`, `range` and so on"))?;
                let group = self.groups.ports.entry(name.clone()).or_default();
                *group = group.union(&more);
            }
            None => {}
        }
        words.end("a member of a group is one address set or one comparison")
    }
}
