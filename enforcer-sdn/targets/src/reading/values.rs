//! Words as numbers, ranges and addresses. Digits only: no signs, no leading zeros, no host bits.

use std::net::IpAddr;
use std::str::FromStr;

use enforcer_packetset::{AddressSet, L4, PortSet, Prefix, RangeSet};

/// A whole number without sign or leading zero.
pub(crate) fn digits<T: FromStr>(text: &str) -> Option<T> {
    let is_clean = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_clean { text.parse().ok() } else { None }
}

/// `7` or `7-9`, ascending.
pub(crate) fn range<T: FromStr + Copy + PartialOrd>(text: &str) -> Option<(T, T)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (digits(first)?, digits(last)?);
    (first <= last).then_some((first, last))
}

/// An address or a prefix.
pub(crate) fn prefix(text: &str) -> Option<Prefix> {
    if let Some((_, length)) = text.split_once('/') {
        digits::<u8>(length)?;
    }
    text.parse().ok()
}

/// Every address of one family.
pub(crate) fn of_family(is_ipv6: bool) -> AddressSet {
    if is_ipv6 {
        AddressSet { v4: RangeSet::empty(), v6: RangeSet::full() }
    } else {
        AddressSet { v4: RangeSet::full(), v6: RangeSet::empty() }
    }
}

/// A protocol with ports; None where the protocol has none and some are asked for.
pub(crate) fn ports_of(protocol: u8, source: PortSet, destination: PortSet) -> Option<L4> {
    match protocol {
        _ if source.is_full() && destination.is_full() => Some(L4::Protocol(protocol)),
        6 => Some(L4::Tcp { source, destination }),
        17 => Some(L4::Udp { source, destination }),
        132 => Some(L4::Sctp { source, destination }),
        _ => None,
    }
}

/// All addresses from the first to the last; None when there are none.
pub(crate) fn address_range(first: &str, last: &str) -> Option<AddressSet> {
    let set = match (first.parse().ok()?, last.parse().ok()?) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            AddressSet { v4: RangeSet::range(first.to_bits(), last.to_bits()), v6: RangeSet::empty() }
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            AddressSet { v4: RangeSet::empty(), v6: RangeSet::range(first.to_bits(), last.to_bits()) }
        }
        _ => return None,
    };
    (!set.is_empty()).then_some(set)
}
