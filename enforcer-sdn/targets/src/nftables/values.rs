//! Values as nft writes them (one, a range, `{ several }`, `@set`), for the parser.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{Mac, Number, RangeSet, VlanId};

use super::frames;
use super::lex::{Kind, Lexer, Token, describe};
use crate::conjunction::state;
use crate::services;
use crate::target::ParseError;

/// A named set's members.
#[derive(Clone, Debug)]
pub(super) enum SetMembers {
    V4(RangeSet<u32>),
    V6(RangeSet<u128>),
    Port(RangeSet<u16>),
    Protocol(RangeSet<u8>),
}

pub(super) type Sets = HashMap<String, SetMembers>;

/// A type of values.
pub(super) struct Type<T: 'static> {
    /// For messages.
    pub name: &'static str,
    /// One value or prefix as a range; None when the word is none.
    pub read: fn(&str) -> Option<(T, T)>,
    /// The members of a named set of this type.
    pub members: fn(&SetMembers) -> Option<&RangeSet<T>>,
}

pub(super) const V4: Type<u32> = Type {
    name: "an IPv4 address",
    read: read_v4,
    members: |set| if let SetMembers::V4(members) = set { Some(members) } else { None },
};

pub(super) const V6: Type<u128> = Type {
    name: "an IPv6 address",
    read: read_v6,
    members: |set| if let SetMembers::V6(members) = set { Some(members) } else { None },
};

pub(super) const PORT: Type<u16> = Type {
    name: "a port (list with `nft -nn`)",
    read: |word| number(word).or_else(|| services::port(word)).map(|port| (port, port)),
    members: |set| if let SetMembers::Port(members) = set { Some(members) } else { None },
};

pub(super) const PROTOCOL: Type<u8> = Type {
    name: "a protocol",
    read: |word| named(word, &PROTOCOLS),
    members: |set| if let SetMembers::Protocol(members) = set { Some(members) } else { None },
};

pub(super) const ICMP_TYPE: Type<u8> = Type { name: "an ICMP type", read: |word| named(word, &ICMP_TYPES), members: |_| None };
pub(super) const ICMP6_TYPE: Type<u8> =
    Type { name: "an ICMPv6 type", read: |word| named(word, &ICMP6_TYPES), members: |_| None };
pub(super) const ICMP_CODE: Type<u8> =
    Type { name: "an ICMP code number (list with `nft -nn`)", read: |word| named(word, &[]), members: |_| None };

pub(super) const MAC: Type<Mac> = Type { name: "a MAC address", read: frames::mac, members: |_| None };
pub(super) const VLAN: Type<VlanId> =
    Type { name: "a VLAN", read: |word| number(word).and_then(VlanId::new).map(|id| (id, id)), members: |_| None };
pub(super) const ETHER_TYPE: Type<u16> =
    Type { name: "a protocol in a frame", read: |word| named(word, &frames::ETHER_TYPES), members: |_| None };

/// Days as nft counts them: 0 = Sunday.
pub(super) const DAY: Type<u8> =
    Type { name: "a day of the week", read: |word| named(word, &DAYS).filter(|&(day, _)| day < 7), members: |_| None };

/// A connection state as its bit; never a range.
pub(super) const STATE: Type<u8> = Type {
    name: "a connection state",
    read: |word| named(word, &STATES).filter(|(bit, _)| STATES.iter().any(|(_, known)| known == bit)),
    members: |_| None,
};

/// From linux/nf_conntrack_common.h by way of nft: one bit a state.
const STATES: [(&str, u8); 5] = [("invalid", 1), ("established", 2), ("related", 4), ("new", 8), ("untracked", 64)];

/// The states that the kernel's bits stand for, as [`state`] tells them apart.
pub(super) fn states(bits: &RangeSet<u8>) -> u8 {
    let of = |(bit, state): (u8, u8)| if bits.contains(bit) { state } else { 0 };
    [(1, state::INVALID), (2, state::ESTABLISHED), (4, state::RELATED), (8, state::NEW), (64, state::UNTRACKED)]
        .into_iter()
        .fold(0, |all, pair| all | of(pair))
}

const DAYS: [(&str, u8); 7] =
    [("Sunday", 0), ("Monday", 1), ("Tuesday", 2), ("Wednesday", 3), ("Thursday", 4), ("Friday", 5), ("Saturday", 6)];

/// IANA protocol numbers, as nft(8) names them.
const PROTOCOLS: [(&str, u8); 14] = [
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("dccp", 33),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmpv6", 58),
    ("ipv6-icmp", 58),
    ("ospf", 89),
    ("vrrp", 112),
    ("sctp", 132),
    ("udplite", 136),
];

/// IANA ICMP types, as nft(8) names them.
const ICMP_TYPES: [(&str, u8); 13] = [
    ("echo-reply", 0),
    ("destination-unreachable", 3),
    ("source-quench", 4),
    ("redirect", 5),
    ("echo-request", 8),
    ("router-advertisement", 9),
    ("router-solicitation", 10),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp-request", 13),
    ("timestamp-reply", 14),
    ("address-mask-request", 17),
    ("address-mask-reply", 18),
];

/// IANA ICMPv6 types, as nft(8) names them.
const ICMP6_TYPES: [(&str, u8); 15] = [
    ("destination-unreachable", 1),
    ("packet-too-big", 2),
    ("time-exceeded", 3),
    ("parameter-problem", 4),
    ("echo-request", 128),
    ("echo-reply", 129),
    ("mld-listener-query", 130),
    ("mld-listener-report", 131),
    ("mld-listener-done", 132),
    ("nd-router-solicit", 133),
    ("nd-router-advert", 134),
    ("nd-neighbor-solicit", 135),
    ("nd-neighbor-advert", 136),
    ("nd-redirect", 137),
    ("mld2-listener-report", 143),
];

fn named<T: Copy + TryFrom<u32>>(word: &str, names: &[(&str, T)]) -> Option<(T, T)> {
    let value = names.iter().find(|(name, _)| *name == word).map(|&(_, value)| value).or_else(|| number(word))?;
    Some((value, value))
}

/// Decimal or 0x; nothing that `parse` alone would let pass (`+1`).
fn number<T: TryFrom<u32>>(word: &str) -> Option<T> {
    let (digits, radix) = word.strip_prefix("0x").map_or((word, 10), |hex| (hex, 16));
    // A leading zero would be octal to nft.
    let is_clean =
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && (radix == 16 || digits == "0" || !digits.starts_with('0'));
    if !is_clean {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(|value| T::try_from(value).ok())
}

fn read_v4(word: &str) -> Option<(u32, u32)> {
    let (address, length) = split_prefix(word, 32)?;
    let first = address.parse::<Ipv4Addr>().ok()?.to_bits();
    let hosts = u32::MAX.checked_shr(length).unwrap_or(0);
    // Host bits set: what nft makes of that depends on where it stands, so it is not read.
    (first & hosts == 0).then_some((first, first | hosts))
}

fn read_v6(word: &str) -> Option<(u128, u128)> {
    let (address, length) = split_prefix(word, 128)?;
    let first = address.parse::<Ipv6Addr>().ok()?.to_bits();
    let hosts = u128::MAX.checked_shr(length).unwrap_or(0);
    (first & hosts == 0).then_some((first, first | hosts))
}

fn split_prefix(word: &str, width: u32) -> Option<(&str, u32)> {
    match word.split_once('/') {
        None => Some((word, width)),
        Some((address, length)) => number(length).filter(|&length: &u32| length <= width).map(|length| (address, length)),
    }
}

/// What is after a keyword like `ip saddr`: an operator or none, then values.
pub(super) fn matched<T: Number>(lexer: &mut Lexer<'_>, sets: &Sets, kind: &Type<T>) -> Result<RangeSet<T>, ParseError> {
    if let Kind::Sign(sign @ ("<" | ">" | "<=" | ">=")) = lexer.peek().kind {
        lexer.next()?;
        return compared(lexer, sign, kind);
    }
    let negated = lexer.take_sign("!=")?;
    if !negated {
        lexer.take_sign("==")?;
    }
    let token = lexer.peek();
    let values = match token.kind {
        Kind::Sign("{") => listed(lexer, kind)?,
        Kind::Word(word) if word.starts_with('@') => {
            lexer.next()?;
            let set = word.get(1..).and_then(|name| sets.get(name));
            let Some(set) = set else {
                return Err(lexer.error(token.at, format!("unknown set `{word}`"), "define it above the chain"));
            };
            let Some(members) = (kind.members)(set) else {
                return Err(lexer.error(token.at, format!("set `{word}` does not hold {}", kind.name), "use a set of that type"));
            };
            members.clone()
        }
        _ => {
            let (first, last) = value_or_range(lexer, kind)?;
            RangeSet::range(first, last)
        }
    };
    Ok(if negated { values.complement() } else { values })
}

/// What is less or more than one value.
fn compared<T: Number>(lexer: &mut Lexer<'_>, sign: &str, kind: &Type<T>) -> Result<RangeSet<T>, ParseError> {
    let token = lexer.peek();
    let (value, last) = value_or_range(lexer, kind)?;
    let range = match sign {
        "<" => value.previous().map(|last| (T::MIN, last)),
        "<=" => Some((T::MIN, value)),
        ">" => value.next().map(|first| (first, T::MAX)),
        _ => Some((value, T::MAX)),
    };
    match range {
        Some((first, end)) if value == last => Ok(RangeSet::range(first, end)),
        _ => Err(lexer.error(token.at, format!("`{sign}` before what nothing can be"), "compare with one value")),
    }
}

/// `{ value, value, ... }`, over as many lines as it likes.
pub(super) fn listed<T: Number>(lexer: &mut Lexer<'_>, kind: &Type<T>) -> Result<RangeSet<T>, ParseError> {
    lexer.expect_sign("{")?;
    let mut ranges = Vec::new();
    loop {
        skip_newlines(lexer)?;
        if lexer.take_sign("}")? {
            return Ok(RangeSet::from_ranges(ranges));
        }
        ranges.push(value_or_range(lexer, kind)?);
        skip_newlines(lexer)?;
        if !lexer.take_sign(",")? && lexer.peek().kind != Kind::Sign("}") {
            let token = lexer.peek();
            let what = format!("{} inside a list", describe(token.kind));
            return Err(lexer.error(token.at, what, "separate plain values by `,` and close the list with `}`"));
        }
    }
}

fn skip_newlines(lexer: &mut Lexer<'_>) -> Result<(), ParseError> {
    lexer.skip_breaks()
}

fn value_or_range<T: Number>(lexer: &mut Lexer<'_>, kind: &Type<T>) -> Result<(T, T), ParseError> {
    let token = lexer.next()?;
    let text = match token.kind {
        Kind::Word(text) | Kind::Quoted(text) => text,
        other => return Err(refused(lexer, token, kind, &describe(other))),
    };
    if let Some((first, last)) = (kind.read)(text) {
        // `1 - 5` with spaces.
        if lexer.take_word("-")? {
            let end = lexer.next()?;
            let read = match end.kind {
                Kind::Word(text) | Kind::Quoted(text) => (kind.read)(text),
                _ => None,
            };
            return match read {
                Some((start, stop)) if first == last && start == stop && first <= stop => Ok((first, stop)),
                _ => Err(refused(lexer, end, kind, &describe(end.kind))),
            };
        }
        return Ok((first, last));
    }
    // Names may hold a `-` too, so every place is tried.
    let ends = text.match_indices('-').find_map(|(at, _)| {
        let (first, is_one) = (kind.read)(text.get(..at)?)?;
        let (last, is_other) = (kind.read)(text.get(at + 1..)?)?;
        (first == is_one && last == is_other && first <= last).then_some((first, last))
    });
    ends.ok_or_else(|| refused(lexer, token, kind, &describe(token.kind)))
}

fn refused<T>(lexer: &Lexer<'_>, token: Token<'_>, kind: &Type<T>, found: &str) -> ParseError {
    let what = format!("{found} is not {} or an ascending range of them", kind.name);
    lexer.error(token.at, what, "correct it, or list the table with `nft -nn list table`")
}
