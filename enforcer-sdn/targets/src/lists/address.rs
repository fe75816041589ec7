//! Address sets as access lists write them: hosts, prefixes, wildcards (set bits are free), netmasks (set bits count).

use std::net::{Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{AddressSet, RangeSet};

use crate::target::ParseError;
use crate::words::{Words, number};

/// All addresses of one IP version.
pub(crate) fn all(is_ipv6: bool) -> AddressSet {
    if is_ipv6 { v6(0, u128::MAX) } else { v4(0, u32::MAX) }
}

pub(crate) fn v4(first: u32, last: u32) -> AddressSet {
    AddressSet { v4: RangeSet::range(first, last), v6: RangeSet::empty() }
}

pub(crate) fn v6(first: u128, last: u128) -> AddressSet {
    AddressSet { v4: RangeSet::empty(), v6: RangeSet::range(first, last) }
}

/// One address of that IP version.
pub(crate) fn host(word: &str, is_ipv6: bool) -> Option<AddressSet> {
    if is_ipv6 {
        let host = word.parse::<Ipv6Addr>().ok()?.to_bits();
        return Some(v6(host, host));
    }
    let host = word.parse::<Ipv4Addr>().ok()?.to_bits();
    Some(v4(host, host))
}

/// No more of the bits above the lowest free ones may be free: each of them doubles the ranges.
const MOST_SCATTERED: u32 = 10;

/// `10.0.0.0 0.255.255.255` behind its first word: set bits of the second are free, wherever they stand. Devices list no bit of the first that
/// is free, and who writes one may mean another mask.
pub(crate) fn wildcard(words: &mut Words<'_>, network: &str) -> Result<AddressSet, ParseError> {
    let free = words.next();
    let bits = |word: &str| word.parse::<Ipv4Addr>().ok().map(Ipv4Addr::to_bits);
    let (Some(network_bits), Some(free_bits)) = (bits(network), bits(free)) else {
        let advice = "write `any`, `host ADDRESS`, or an IPv4 address with its wildcard";
        return Err(words.error(format!("`{network}` and what follows is no IPv4 address set"), advice));
    };
    if network_bits & free_bits != 0 {
        let as_listed = Ipv4Addr::from_bits(network_bits & !free_bits);
        let what = format!("`{network}` has bits that its wildcard `{free}` leaves free");
        let advice = format!(
            "devices list it as `{as_listed} {free}`; if `{free}` is meant as a netmask, its wildcard is `{}`",
            Ipv4Addr::from_bits(!free_bits)
        );
        return Err(words.error(what, advice));
    }
    free_bits_anywhere(network_bits, free_bits).ok_or_else(|| {
        let advice = "its free bits make more than a thousand ranges: write narrower entries";
        words.error(format!("the wildcard `{free}`"), advice)
    })
}

/// None for more than a thousand ranges.
fn free_bits_anywhere(fixed: u32, free: u32) -> Option<AddressSet> {
    let low = u32::MAX.checked_shr(32 - free.trailing_ones()).unwrap_or(0);
    let scattered = free & !low;
    if scattered.count_ones() > MOST_SCATTERED {
        return None;
    }
    let mut ranges = Vec::new();
    let mut chosen = 0u32;
    loop {
        ranges.push((fixed | chosen, fixed | chosen | low));
        // The next subset of the scattered bits.
        chosen = chosen.wrapping_sub(scattered) & scattered;
        if chosen == 0 {
            return Some(AddressSet { v4: RangeSet::from_ranges(ranges), v6: RangeSet::empty() });
        }
    }
}

/// `10.0.0.0 255.0.0.0`: set bits above clear ones only, and no address bit below them.
pub(crate) fn netmask(network: &str, mask: &str) -> Option<AddressSet> {
    let free = !mask.parse::<Ipv4Addr>().ok()?.to_bits();
    let network = network.parse::<Ipv4Addr>().ok()?.to_bits();
    (free & free.wrapping_add(1) == 0 && network & free == 0).then(|| v4(network, network | free))
}

/// `10.0.0.0/8` or `2001:db8::/32`, without address bits beyond the length.
pub(crate) fn prefix(word: &str, is_ipv6: bool) -> Option<AddressSet> {
    let (network, length) = word.split_once('/')?;
    let length = number::<u32>(length)?;
    if is_ipv6 {
        let network = network.parse::<Ipv6Addr>().ok()?.to_bits();
        let free = if length == 128 { 0 } else { u128::MAX.checked_shr(length)? };
        return (network & free == 0).then(|| v6(network, network | free));
    }
    let network = network.parse::<Ipv4Addr>().ok()?.to_bits();
    let free = if length == 32 { 0 } else { u32::MAX.checked_shr(length)? };
    (network & free == 0).then(|| v4(network, network | free))
}

/// `FIRST` and `LAST` of one IP version, ascending.
pub(crate) fn range(first: &str, last: &str, is_ipv6: bool) -> Option<AddressSet> {
    if is_ipv6 {
        let (first, last) = (first.parse::<Ipv6Addr>().ok()?.to_bits(), last.parse::<Ipv6Addr>().ok()?.to_bits());
        return (first <= last).then(|| v6(first, last));
    }
    let (first, last) = (first.parse::<Ipv4Addr>().ok()?.to_bits(), last.parse::<Ipv4Addr>().ok()?.to_bits());
    (first <= last).then(|| v4(first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_whole_and_networks_clean() {
        assert_eq!(wildcard(&mut Words::new(1, "0.255.255.255"), "10.0.0.0").ok(), prefix("10.0.0.0/8", false));
        assert_eq!(netmask("10.0.0.0", "255.0.0.0"), prefix("10.0.0.0/8", false));
        assert_eq!(netmask("10.0.0.1", "255.255.255.255"), host("10.0.0.1", false));
        assert_eq!(prefix("2001:db8::1/128", true), host("2001:db8::1", true));
        assert_eq!((prefix("0.0.0.0/0", false), prefix("::/0", true)), (Some(all(false)), Some(all(true))));
        for word in ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0", "10.0.0.0/", "10.0.0.0/08", "::/0"] {
            assert_eq!(prefix(word, false), None, "{word}");
        }
        for word in ["2001:db8::1/64", "::/129", "10.0.0.0/8"] {
            assert_eq!(prefix(word, true), None, "{word}");
        }
        assert!(netmask("10.0.0.0", "0.255.255.255").is_none() && netmask("10.0.0.1", "255.0.0.0").is_none());
        assert!(range("10.0.0.9", "10.0.0.1", false).is_none());
    }

    #[test]
    fn a_wildcards_free_bits_stand_anywhere() {
        let bits = |text: &str| text.parse::<Ipv4Addr>().unwrap().to_bits();
        let of = |free: &str| {
            let free = bits(free);
            free_bits_anywhere(bits("10.1.2.3") & !free, free).map(|set| set.v4.ranges().to_vec())
        };
        assert_eq!(of("0.0.0.0"), Some(vec![(bits("10.1.2.3"), bits("10.1.2.3"))]));
        assert_eq!(of("0.0.0.255"), Some(vec![(bits("10.1.2.0"), bits("10.1.2.255"))]));
        assert_eq!(of("255.255.255.255"), Some(vec![(0, u32::MAX)]));
        let odd = of("0.0.255.0").unwrap();
        assert_eq!((odd.len(), odd[7]), (256, (bits("10.1.7.3"), bits("10.1.7.3"))));
        assert_eq!(of("0.0.2.1"), Some(vec![(bits("10.1.0.2"), bits("10.1.0.3")), (bits("10.1.2.2"), bits("10.1.2.3"))]));
        assert_eq!(of("170.170.170.170"), None);
        let error = wildcard(&mut Words::new(1, "255.0.0.0 any"), "10.0.0.0").unwrap_err();
        assert!(error.advice.contains("`0.255.255.255`"), "{error}");
    }
}
