//! Address sets as access lists write them: hosts, prefixes, wildcards (set bits are free), netmasks (set bits count).

use std::net::{Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{AddressSet, RangeSet};

use crate::words::number;

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

/// `10.0.0.0 0.255.255.255`: the second word's set bits are free, wherever they stand, and the first word's bits there say nothing. None
/// for more than a thousand ranges.
pub(crate) fn wildcard(network: &str, free: &str) -> Option<AddressSet> {
    let free = free.parse::<Ipv4Addr>().ok()?.to_bits();
    let fixed = network.parse::<Ipv4Addr>().ok()?.to_bits() & !free;
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
        assert_eq!(wildcard("10.0.0.0", "0.255.255.255"), prefix("10.0.0.0/8", false));
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
        let of = |free: &str| wildcard("10.1.2.3", free).map(|set| set.v4.ranges().to_vec());
        let bits = |text: &str| text.parse::<Ipv4Addr>().unwrap().to_bits();
        assert_eq!(of("0.0.0.0"), Some(vec![(bits("10.1.2.3"), bits("10.1.2.3"))]));
        assert_eq!(of("0.0.0.255"), Some(vec![(bits("10.1.2.0"), bits("10.1.2.255"))]));
        assert_eq!(of("255.255.255.255"), Some(vec![(0, u32::MAX)]));
        let odd = of("0.0.255.0").unwrap();
        assert_eq!((odd.len(), odd[7]), (256, (bits("10.1.7.3"), bits("10.1.7.3"))));
        assert_eq!(of("0.0.2.1"), Some(vec![(bits("10.1.0.2"), bits("10.1.0.3")), (bits("10.1.2.2"), bits("10.1.2.3"))]));
        assert_eq!(of("170.170.170.170"), None);
    }
}
