//! What stands before the IP header, for the parser: VLANs, MAC addresses, and which version of IP the frame holds.

use enforcer_packetset::{LinkFields, Mac, VlanId};

use super::lex::Token;
use super::rule::RuleReader;
use super::values::{ETHER_TYPE, MAC, VLAN, matched};
use crate::target::ParseError;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const ARP: u16 = 0x0806;

/// What a rule says of frames.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    pub fields: LinkFields,
    /// Selects ARP too.
    pub arp: bool,
}

impl Frames {
    /// What a rule without matches selects.
    pub(super) const fn all(has_frames: bool) -> Self {
        Self { fields: LinkFields::any(), arp: has_frames }
    }
}

impl RuleReader<'_, '_> {
    /// `ether saddr`, `ether daddr`, `vlan id`, `meta protocol`, `ip version` and `ip6 version`; their first two words are taken. False: not
    /// one of them.
    pub(super) fn frame(&mut self, words: (&str, &str), token: Token<'_>) -> Result<bool, ParseError> {
        if !self.family.has_frames() {
            return Ok(false);
        }
        match words {
            ("ether", "saddr") => {
                let set = matched(self.lexer, self.sets, &MAC)?;
                let fields = &mut self.frames.fields;
                fields.source_mac = fields.source_mac.intersection(&set);
            }
            ("ether", "daddr") => {
                let set = matched(self.lexer, self.sets, &MAC)?;
                let fields = &mut self.frames.fields;
                fields.destination_mac = fields.destination_mac.intersection(&set);
            }
            ("vlan", "id") => {
                let set = matched(self.lexer, self.sets, &VLAN)?;
                // The words ask for a tag first, and a frame without one is VLAN 0 to a ruleset like a frame whose tag is only a priority.
                if set.contains(VlanId::UNTAGGED) {
                    let what = "frames of VLAN 0, some of which have a tag and some none";
                    return Err(self.lexer.error(token.at, what, "name VLANs from 1 to 4094 only"));
                }
                let fields = &mut self.frames.fields;
                fields.vlan = fields.vlan.intersection(&set);
            }
            ("meta", "protocol") => {
                let set = matched(self.lexer, self.sets, &ETHER_TYPE)?;
                self.versions(set.contains(IPV4), set.contains(IPV6));
                self.frames.arp &= set.contains(ARP);
            }
            ("ip" | "ip6", "version") => {
                let (is_ipv6, number) = if words.0 == "ip6" { (true, "6") } else { (false, "4") };
                let (word, at) = self.lexer.expect_word("an IP version")?;
                if word != number {
                    let advice = format!("write `{} version {number}`", words.0);
                    return Err(self.lexer.error(at, format!("no packet of `{}` has version `{word}`", words.0), advice));
                }
                self.versions(!is_ipv6, is_ipv6);
                self.frames.arp = false;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn versions(&mut self, v4: bool, v6: bool) {
        self.matches.is_v4 &= v4;
        self.matches.is_v6 &= v6;
    }

    /// nft 1.0.6 loads `icmp type` alone as a question about the frame's own type, which a tagged frame answers otherwise, and lists
    /// it like one about the protocol behind the tag.
    pub(super) fn check_version_is_said(&self, token: Token<'_>) -> Result<(), ParseError> {
        let is_said = self.matches.is_v4 != self.matches.is_v6 || !self.frames.fields.vlan.is_full();
        if !self.family.has_frames() || is_said {
            return Ok(());
        }
        let advice = "write `ip version 4` or `ip6 version 6` before it";
        Err(self.lexer.error(token.at, "ICMP without an IP version, which tagged frames are asked for in another place", advice))
    }
}

pub(super) fn mac(word: &str) -> Option<(Mac, Mac)> {
    let octets: Vec<&str> = word.split(':').collect();
    // nft takes one digit for two; a listing has two.
    let mac = word.parse::<Mac>().ok().filter(|_| octets.len() == 6)?;
    Some((mac, mac))
}

/// EtherTypes (IEEE 802) by the names of nft(8).
pub(super) const ETHER_TYPES: [(&str, u16); 3] = [("ip", IPV4), ("ip6", IPV6), ("arp", ARP)];
