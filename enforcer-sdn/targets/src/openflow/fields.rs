//! Fields that a flow matches, for the parser.

use std::net::{Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{AddressSet, FlagSet, PortSet, RangeSet};

use super::flow::Piece;
use crate::conjunction::{Conjunction, restrict, state};
use crate::target::ParseError;

/// What a flow selects.
#[derive(Clone, Debug)]
pub(super) struct Matches {
    pub fields: Conjunction,
    /// Not about IP at all (ARP).
    pub is_other: bool,
    /// Of [`ONE`], to find what is said twice.
    said: Vec<&'static str>,
    /// Bits of connection tracking that must be set, and that must not.
    set: u8,
    clear: u8,
}

/// Bits of `ct_state`.
const CT_STATES: [(&str, u8); 5] = [("trk", 1), ("new", 2), ("est", 4), ("rel", 8), ("inv", 16)];
const TRK: u8 = 1;

/// A tracked packet is one of these; what it is to a ruleset stands beside. A packet that is not tracked is like a new one.
const TRACKED: [(u8, u8); 4] = [
    (TRK | 2, state::NEW | state::UNTRACKED),
    (TRK | 4, state::ESTABLISHED),
    (TRK | 8, state::RELATED),
    (TRK | 16, state::INVALID),
];

/// Words for an Ethernet type with a protocol.
const PROTOCOLS: [(&str, bool, Option<u8>); 10] = [
    ("ip", false, None),
    ("ipv6", true, None),
    ("tcp", false, Some(6)),
    ("udp", false, Some(17)),
    ("sctp", false, Some(132)),
    ("icmp", false, Some(1)),
    ("tcp6", true, Some(6)),
    ("udp6", true, Some(17)),
    ("sctp6", true, Some(132)),
    ("icmp6", true, Some(58)),
];

/// Keys of one field: of two values in a flow, Open vSwitch takes the later one and does not say so.
const ONE: [(&str, &[&str]); 10] = [
    ("version", &["dl_type", "eth_type"]),
    ("protocol", &["nw_proto", "ip_proto"]),
    ("source", &["nw_src", "ip_src", "ipv6_src"]),
    ("destination", &["nw_dst", "ip_dst", "ipv6_dst"]),
    ("source port", &["tp_src", "tcp_src", "udp_src", "sctp_src"]),
    ("destination port", &["tp_dst", "tcp_dst", "udp_dst", "sctp_dst"]),
    ("type", &["icmp_type", "icmpv6_type"]),
    ("code", &["icmp_code", "icmpv6_code"]),
    ("flags", &["tcp_flags"]),
    ("state", &["ct_state"]),
];

impl Matches {
    pub(super) fn new() -> Self {
        Self { fields: Conjunction::all(true, true), is_other: false, said: Vec::new(), set: 0, clear: 0 }
    }

    /// What is selected of packets that have been tracked, or have not been; None where it is nothing.
    pub(super) fn seen(&self, is_tracked: bool) -> Option<Conjunction> {
        if self.is_other {
            return None;
        }
        let meets = |bits: u8| bits & self.set == self.set && bits & self.clear == 0;
        let mut fields = self.fields.clone();
        if is_tracked {
            fields.states = TRACKED.into_iter().filter(|(bits, _)| meets(*bits)).fold(0, |all, (_, states)| all | states);
        } else if !meets(0) {
            return None;
        }
        (!fields.is_nothing()).then_some(fields)
    }

    pub(super) fn field(&mut self, field: &Piece<'_>) -> Result<(), ParseError> {
        let (key, value) = field.pair();
        let (is_v4, is_v6, protocols) = (self.fields.is_v4, self.fields.is_v6, self.fields.protocols.clone());
        self.restrict(field, key, value)?;
        let has_version =
            if self.is_other { self.fields.is_v4 && self.fields.is_v6 } else { self.fields.is_v4 || self.fields.is_v6 };
        let was_said = ONE.iter().find(|(_, keys)| keys.contains(&key)).is_some_and(|&(one, _)| {
            let is_second = self.said.contains(&one);
            self.said.push(one);
            is_second
        });
        // A version and a protocol may be said twice where they are the same.
        let is_repeated = was_said
            && !(matches!(key, "nw_proto" | "ip_proto" | "dl_type" | "eth_type")
                && (is_v4, is_v6, &protocols) == (self.fields.is_v4, self.fields.is_v6, &self.fields.protocols));
        if is_repeated || !has_version || self.fields.protocols.is_empty() {
            let advice = "Open vSwitch forgets the first one without a word: leave one of them out";
            return Err(field.error(format!("`{}` beside another value of the same field", field.text), advice));
        }
        Ok(())
    }

    fn restrict(&mut self, field: &Piece<'_>, key: &str, value: &str) -> Result<(), ParseError> {
        if let Some(&(_, is_ipv6, protocol)) = PROTOCOLS.iter().find(|(name, ..)| *name == field.text) {
            self.family(is_ipv6);
            if let Some(number) = protocol {
                self.fields.restrict_protocols(&RangeSet::of(number));
            }
            return Ok(());
        }
        let refused = || field.error(format!("`{}` is not understood", field.text), "take the text from `ovs-ofctl dump-flows`");
        match key {
            "arp" | "rarp" => self.is_other = true,
            "dl_type" | "eth_type" => match number(value).ok_or_else(refused)? {
                0x0800 => self.family(false),
                0x86dd => self.family(true),
                _ => self.is_other = true,
            },
            "nw_proto" | "ip_proto" => {
                let number = number(value).and_then(|value| u8::try_from(value).ok()).ok_or_else(refused)?;
                self.fields.restrict_protocols(&RangeSet::of(number));
            }
            "nw_src" | "ip_src" | "ipv6_src" | "nw_dst" | "ip_dst" | "ipv6_dst" => {
                self.address(key, value).ok_or_else(refused)?
            }
            "tp_src" | "tcp_src" | "udp_src" | "sctp_src" => {
                restrict(&mut self.fields.source_ports, &ports(value).ok_or_else(refused)?);
            }
            "tp_dst" | "tcp_dst" | "udp_dst" | "sctp_dst" => {
                restrict(&mut self.fields.destination_ports, &ports(value).ok_or_else(refused)?);
            }
            "icmp_type" | "icmpv6_type" => restrict(&mut self.fields.types, &byte(value).ok_or_else(refused)?),
            "icmp_code" | "icmpv6_code" => restrict(&mut self.fields.codes, &byte(value).ok_or_else(refused)?),
            "tcp_flags" => {
                let (set, clear) = signed(value, &flag_bits()).ok_or_else(refused)?;
                self.fields.flags = self.fields.flags.intersection(FlagSet::masked(set, set | clear));
            }
            "ct_state" => {
                let (set, clear) = signed(value, &CT_STATES).ok_or_else(refused)?;
                self.set |= set;
                self.clear |= clear;
            }
            _ => {
                let advice = "packets are matched by address, protocol, ports, ICMP, TCP flags and connection state; prove a text without it";
                return Err(field.error(format!("`{}` is not understood", field.text), advice));
            }
        }
        Ok(())
    }

    /// Open vSwitch leaves fields out, silently, whose protocol was not said; so such a flow is not read.
    pub(super) fn check(&self, line: &Piece<'_>) -> Result<(), ParseError> {
        let Conjunction { source, destination, is_v4, is_v6, .. } = &self.fields;
        let names_v4 = !source.v4.is_full() || !destination.v4.is_full();
        let names_v6 = !source.v6.is_full() || !destination.v6.is_full();
        let advice = "put `ip`, `ipv6`, `tcp`, `udp6` and the like before it";
        if *is_v4 && *is_v6 && !self.is_other {
            let has_more = names_v4 || names_v6 || !self.fields.protocols.is_full() || self.has_l4();
            if has_more {
                return Err(line.error("fields without their IP version", advice));
            }
        }
        if (names_v4 && !is_v4) || (names_v6 && !is_v6) {
            return Err(line.error("an address of the other IP version", advice));
        }
        if self.has_l4() && self.fields.protocols.is_full() {
            return Err(line.error("ports or ICMP types without their protocol", advice));
        }
        if !self.fields.flags.is_full() && self.fields.protocols != RangeSet::of(6) {
            return Err(line.error("`tcp_flags` without TCP", advice));
        }
        Ok(())
    }

    fn has_l4(&self) -> bool {
        let Conjunction { source_ports, destination_ports, types, codes, .. } = &self.fields;
        source_ports.is_some() || destination_ports.is_some() || types.is_some() || codes.is_some()
    }

    fn family(&mut self, is_ipv6: bool) {
        self.fields.is_v4 &= !is_ipv6;
        self.fields.is_v6 &= is_ipv6;
    }

    fn address(&mut self, key: &str, value: &str) -> Option<()> {
        let set = if key.starts_with("ipv6") {
            AddressSet { v4: RangeSet::full(), v6: v6(value)? }
        } else {
            AddressSet { v4: v4(value)?, v6: RangeSet::full() }
        };
        let side = if key.ends_with("src") { &mut self.fields.source } else { &mut self.fields.destination };
        *side = side.intersection(&set);
        Some(())
    }
}

fn flag_bits() -> [(&'static str, u8); 8] {
    let mut bit = 0;
    FlagSet::NAMES.map(|name| {
        bit += 1;
        (name, 1 << (bit - 1))
    })
}

/// `+syn-ack` as the bits that must be set, and that must not.
fn signed(text: &str, names: &[(&str, u8)]) -> Option<(u8, u8)> {
    let (mut set, mut clear, mut rest) = (0, 0, text);
    while !rest.is_empty() {
        let is_set = match rest.chars().next()? {
            '+' => true,
            '-' => false,
            _ => return None,
        };
        rest = rest.get(1..)?;
        let end = rest.find(['+', '-']).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let bit = names.iter().find(|(known, _)| *known == name)?.1;
        *(if is_set { &mut set } else { &mut clear }) |= bit;
        rest = behind;
    }
    (!text.is_empty()).then_some((set, clear))
}

/// Decimal or hexadecimal; a leading zero would be octal to the tool.
pub(super) fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+')),
        None => word.parse().ok().filter(|_| !word.starts_with('+') && (word == "0" || !word.starts_with('0'))),
    }
}

fn byte(word: &str) -> Option<RangeSet<u8>> {
    number(word).and_then(|value| u8::try_from(value).ok()).map(RangeSet::of)
}

/// A port, or one under a mask.
fn ports(word: &str) -> Option<PortSet> {
    let read = |word| number(word).and_then(|value| u16::try_from(value).ok());
    let Some((value, mask)) = word.split_once('/') else { return read(word).map(RangeSet::of) };
    let (value, mask) = (read(value)?, read(mask)?);
    // A bit outside of the mask is a mistake.
    (value & !mask == 0).then_some(())?;
    if mask == 0 {
        return Some(RangeSet::full());
    }
    if mask.leading_ones() + mask.trailing_zeros() == 16 {
        return Some(RangeSet::range(value, value | !mask));
    }
    Some(RangeSet::from_ranges((0..=u16::MAX).filter(|port| port & mask == value).map(|port| (port, port))))
}

fn v4(word: &str) -> Option<RangeSet<u32>> {
    let (address, mask) = word.split_once('/').unwrap_or((word, "32"));
    let hosts = if mask.contains('.') {
        !mask.parse::<Ipv4Addr>().ok()?.to_bits()
    } else {
        u32::MAX.checked_shr(number(mask).filter(|&length| length <= 32)?).unwrap_or(0)
    };
    let network = address.parse::<Ipv4Addr>().ok()?.to_bits();
    // Masks with holes, and host bits that are set.
    (hosts & hosts.wrapping_add(1) == 0 && network & hosts == 0).then(|| RangeSet::range(network, network | hosts))
}

fn v6(word: &str) -> Option<RangeSet<u128>> {
    let (address, mask) = word.split_once('/').unwrap_or((word, "128"));
    let hosts = if mask.contains(':') {
        !mask.parse::<Ipv6Addr>().ok()?.to_bits()
    } else {
        u128::MAX.checked_shr(number(mask).filter(|&length| length <= 128)?).unwrap_or(0)
    };
    let network = address.parse::<Ipv6Addr>().ok()?.to_bits();
    (hosts & hosts.wrapping_add(1) == 0 && network & hosts == 0).then(|| RangeSet::range(network, network | hosts))
}
