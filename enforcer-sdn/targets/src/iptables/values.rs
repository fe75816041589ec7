//! Names and numbers as the three tools write them, for the parser.

use std::net::{Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{AddressSet, RangeSet};

use crate::services;

/// As Debian's /etc/protocols names them, which `iptables-save` looks into.
const PROTOCOLS: [(&str, u8); 48] = [
    ("icmp", 1),
    ("igmp", 2),
    ("ggp", 3),
    ("ipencap", 4),
    ("st", 5),
    ("tcp", 6),
    ("egp", 8),
    ("igp", 9),
    ("pup", 12),
    ("udp", 17),
    ("hmp", 20),
    ("xns-idp", 22),
    ("rdp", 27),
    ("iso-tp4", 29),
    ("dccp", 33),
    ("xtp", 36),
    ("ddp", 37),
    ("idpr-cmtp", 38),
    ("ipv6", 41),
    ("idrp", 45),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("skip", 57),
    ("ipv6-icmp", 58),
    ("icmpv6", 58),
    ("icmp6", 58),
    ("rspf", 73),
    ("vmtp", 81),
    ("eigrp", 88),
    ("ospf", 89),
    ("ax.25", 93),
    ("ipip", 94),
    ("etherip", 97),
    ("encap", 98),
    ("pim", 103),
    ("ipcomp", 108),
    ("vrrp", 112),
    ("l2tp", 115),
    ("isis", 124),
    ("sctp", 132),
    ("fc", 133),
    ("udplite", 136),
    ("mpls-in-ip", 137),
    ("manet", 138),
    ("wesp", 141),
    ("rohc", 142),
    ("ethernet", 143),
];

/// Names of these differ in meaning: the number is what counts, and in IPv6 they are headers that `-p` looks behind.
const HEADERS: [(&str, u8); 8] = [
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("ah", 51),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("mobility-header", 135),
    ("hip", 139),
    ("shim6", 140),
];

/// Headers that `ip6tables -p` looks behind (RFC 8200), so that it never selects them; 59 ends the chain.
pub(super) const BEHIND: [u8; 5] = [43, 44, 51, 59, 60];

/// Types and codes as iptables(8) names them.
const ICMP: [(&str, u8, Option<u8>); 34] = [
    ("echo-reply", 0, None),
    ("pong", 0, None),
    ("destination-unreachable", 3, None),
    ("network-unreachable", 3, Some(0)),
    ("host-unreachable", 3, Some(1)),
    ("protocol-unreachable", 3, Some(2)),
    ("port-unreachable", 3, Some(3)),
    ("fragmentation-needed", 3, Some(4)),
    ("source-route-failed", 3, Some(5)),
    ("network-unknown", 3, Some(6)),
    ("host-unknown", 3, Some(7)),
    ("network-prohibited", 3, Some(9)),
    ("host-prohibited", 3, Some(10)),
    ("TOS-network-unreachable", 3, Some(11)),
    ("TOS-host-unreachable", 3, Some(12)),
    ("communication-prohibited", 3, Some(13)),
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("network-redirect", 5, Some(0)),
    ("host-redirect", 5, Some(1)),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("router-advertisement", 9, None),
    ("router-solicitation", 10, None),
    ("time-exceeded", 11, None),
    ("ttl-exceeded", 11, None),
    ("ttl-zero-during-transit", 11, Some(0)),
    ("ttl-zero-during-reassembly", 11, Some(1)),
    ("parameter-problem", 12, None),
    ("ip-header-bad", 12, Some(0)),
    ("timestamp-request", 13, None),
    ("timestamp-reply", 14, None),
    ("address-mask-request", 17, None),
    ("address-mask-reply", 18, None),
];

const ICMP6: [(&str, u8, Option<u8>); 21] = [
    ("destination-unreachable", 1, None),
    ("no-route", 1, Some(0)),
    ("communication-prohibited", 1, Some(1)),
    ("beyond-scope", 1, Some(2)),
    ("address-unreachable", 1, Some(3)),
    ("port-unreachable", 1, Some(4)),
    ("packet-too-big", 2, None),
    ("time-exceeded", 3, None),
    ("ttl-exceeded", 3, None),
    ("parameter-problem", 4, None),
    ("echo-request", 128, None),
    ("ping", 128, None),
    ("echo-reply", 129, None),
    ("pong", 129, None),
    ("router-solicitation", 133, None),
    ("router-advertisement", 134, None),
    ("neighbour-solicitation", 135, None),
    ("neighbor-solicitation", 135, None),
    ("neighbour-advertisement", 136, None),
    ("neighbor-advertisement", 136, None),
    ("redirect", 137, None),
];

/// Options of LOG, and whether a value follows.
pub(super) const LOG_OPTIONS: &[(&str, bool)] = &[
    ("--log-prefix", true),
    ("--log-level", true),
    ("--log-tcp-sequence", false),
    ("--log-tcp-options", false),
    ("--log-ip-options", false),
    ("--log-uid", false),
    ("--log-macdecode", false),
];

/// The same of NFLOG.
pub(super) const NFLOG_OPTIONS: &[(&str, bool)] = &[
    ("--nflog-group", true),
    ("--nflog-prefix", true),
    ("--nflog-threshold", true),
    ("--nflog-size", true),
    ("--nflog-range", true),
];

/// Extensions that a chain name cannot be taken for.
pub(super) const KERNEL_TARGETS: [&str; 16] = [
    "QUEUE",
    "NFQUEUE",
    "MARK",
    "CONNMARK",
    "CT",
    "DNAT",
    "SNAT",
    "MASQUERADE",
    "REDIRECT",
    "TEE",
    "TPROXY",
    "TRACE",
    "SET",
    "TCPMSS",
    "CLASSIFY",
    "AUDIT",
];

/// The protocols that `-p WORD` selects; None for a word that is none.
pub(super) fn protocols(word: &str) -> Option<RangeSet<u8>> {
    let named = || PROTOCOLS.iter().chain(&HEADERS).find(|(name, _)| *name == word).map(|&(_, value)| value);
    match number::<u8>(word).or_else(named) {
        None if word == "all" => Some(RangeSet::full()),
        None => None,
        Some(0) => Some(RangeSet::full()),
        Some(value) => Some(RangeSet::of(value)),
    }
}

/// The types and codes of `--icmp-type WORD` or `--icmpv6-type WORD`.
pub(super) fn icmp(word: &str, is_ipv6: bool) -> Option<(RangeSet<u8>, RangeSet<u8>)> {
    let table: &[(&str, u8, Option<u8>)] = if is_ipv6 { &ICMP6 } else { &ICMP };
    if let Some(&(_, kind, code)) = table.iter().find(|(name, ..)| *name == word) {
        return Some((RangeSet::of(kind), code.map_or_else(RangeSet::full, RangeSet::of)));
    }
    if word == "any" && !is_ipv6 {
        return Some((RangeSet::full(), RangeSet::full()));
    }
    let (kind, code) = match word.split_once('/') {
        None => (number(word)?, RangeSet::full()),
        Some((kind, code)) => (number(kind)?, RangeSet::of(number(code)?)),
    };
    // The kernel's own word for every type, whatever the code.
    if kind == 255 && !is_ipv6 {
        return Some((RangeSet::full(), RangeSet::full()));
    }
    Some((RangeSet::of(kind), code))
}

/// An address, or one with a prefix length or mask. The tools cut host bits off; here they are refused, for they are mistakes.
pub(super) fn prefix(word: &str, is_ipv6: bool) -> Option<AddressSet> {
    let (address, mask) = word.split_once('/').map_or((word, None), |(address, mask)| (address, Some(mask)));
    if is_ipv6 {
        let length = mask.map_or(Some(128), |mask| number::<u32>(mask).filter(|&length| length <= 128))?;
        let hosts = u128::MAX.checked_shr(length).unwrap_or(0);
        let network = address.parse::<Ipv6Addr>().ok()?.to_bits();
        return (network & hosts == 0)
            .then(|| AddressSet { v4: RangeSet::empty(), v6: RangeSet::range(network, network | hosts) });
    }
    let hosts = match mask {
        None => 0,
        Some(mask) if mask.contains('.') => !mask.parse::<Ipv4Addr>().ok()?.to_bits(),
        Some(mask) => u32::MAX.checked_shr(number::<u32>(mask).filter(|&length| length <= 32)?).unwrap_or(0),
    };
    // Masks with holes are no prefix.
    let network = address.parse::<Ipv4Addr>().ok()?.to_bits();
    (hosts & hosts.wrapping_add(1) == 0 && network & hosts == 0)
        .then(|| AddressSet { v4: RangeSet::range(network, network | hosts), v6: RangeSet::empty() })
}

/// `A-B`, or what [`prefix`] reads.
pub(super) fn addresses(word: &str, is_ipv6: bool) -> Option<AddressSet> {
    let Some((first, last)) = word.split_once('-') else { return prefix(word, is_ipv6) };
    if is_ipv6 {
        let (first, last) = (first.parse::<Ipv6Addr>().ok()?.to_bits(), last.parse::<Ipv6Addr>().ok()?.to_bits());
        return (first <= last).then(|| AddressSet { v4: RangeSet::empty(), v6: RangeSet::range(first, last) });
    }
    let (first, last) = (first.parse::<Ipv4Addr>().ok()?.to_bits(), last.parse::<Ipv4Addr>().ok()?.to_bits());
    (first <= last).then(|| AddressSet { v4: RangeSet::range(first, last), v6: RangeSet::empty() })
}

/// `SYN,ACK`, `ALL` (six of eight) or `NONE` as bits.
pub(super) fn flags(word: &str) -> Option<u8> {
    match word {
        "NONE" => Some(0),
        "ALL" => Some(0x3f),
        _ => word.split(',').try_fold(0, |bits, name| {
            let at = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"].iter().position(|known| *known == name)?;
            Some(bits | 1 << at)
        }),
    }
}

/// `5`, `5:9`, `:9` or `5:`, or a name of /etc/services.
pub(super) fn ports(word: &str) -> Option<(u16, u16)> {
    let number = |word: &str| number(word).or_else(|| services::port(word));
    let Some((first, last)) = word.split_once(':') else { return number(word).map(|port| (port, port)) };
    let first = if first.is_empty() { 0 } else { number(first)? };
    let last = if last.is_empty() { u16::MAX } else { number(last)? };
    (first <= last).then_some((first, last))
}

/// `HH:MM` or `HH:MM:SS` as seconds.
pub(super) fn seconds(text: &str) -> Option<u32> {
    let mut parts = text.split(':').map(|part| {
        let is_digits = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| is_digits)
    });
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    let is_time = parts.next().is_none() && hours < 24 && minutes < 60 && seconds < 60;
    is_time.then_some(hours * 3600 + minutes * 60 + seconds)
}

/// Decimal, without a leading zero, which would be octal to the tools.
pub(super) fn number<T: TryFrom<u32>>(word: &str) -> Option<T> {
    let is_clean = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    if !is_clean {
        return None;
    }
    word.parse::<u32>().ok().and_then(|value| T::try_from(value).ok())
}
