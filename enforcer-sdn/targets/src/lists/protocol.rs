//! Protocol words, and the selector of a protocol with its fields.

use enforcer_packetset::{L4, PortSet};

use crate::lists::icmp::Kinds;
use crate::words::number;

/// RFC 8200 and RFC 4302: in an IPv6 list these numbers are headers that lists look behind, not what is carried. 0 is `ip`, too.
const HEADERS: [u8; 9] = [0, 43, 44, 50, 51, 60, 135, 139, 140];

/// IANA numbers of the words that the vendors list; None for others, and for numbers with another meaning.
pub(crate) fn protocol(word: &str, is_ipv6: bool) -> Option<u8> {
    Some(match word {
        "tcp" => 6,
        "udp" => 17,
        "sctp" => 132,
        "gre" => 47,
        "ospf" => 89,
        "eigrp" => 88,
        "pim" => 103,
        "vrrp" => 112,
        "l2tp" => 115,
        "igmp" if !is_ipv6 => 2,
        "ipinip" if !is_ipv6 => 4,
        "nos" if !is_ipv6 => 94,
        "esp" if !is_ipv6 => 50,
        "ahp" | "ah" if !is_ipv6 => 51,
        _ => return number::<u8>(word).filter(|number| if is_ipv6 { !HEADERS.contains(number) } else { *number != 0 }),
    })
}

/// The protocol's selector; fields that are full say no more than its number.
pub(crate) fn l4(number: u8, source: PortSet, destination: PortSet, kinds: Kinds, is_ipv6: bool) -> L4 {
    let has_ports = !source.is_full() || !destination.is_full();
    match number {
        6 if has_ports => L4::Tcp { source, destination },
        17 if has_ports => L4::Udp { source, destination },
        132 if has_ports => L4::Sctp { source, destination },
        1 if !kinds.is_full() && !is_ipv6 => L4::Icmp { types: kinds.types, codes: kinds.codes },
        58 if !kinds.is_full() && is_ipv6 => L4::Icmp6 { types: kinds.types, codes: kinds.codes },
        _ => L4::Protocol(number),
    }
}
