//! Sets of IPv4 and IPv6 addresses. The two families never mix: a set without IPv4 admits no IPv4 packet.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::RangeSet;

/// A network prefix with its host bits zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    network: IpAddr,
    length: u8,
}

impl Prefix {
    /// None when the length is too long or a host bit is set.
    #[must_use]
    pub fn new(network: IpAddr, length: u8) -> Option<Self> {
        let host_bits_are_zero = match network {
            IpAddr::V4(v4) => length <= 32 && v4.to_bits() & last_of(32, length) as u32 == 0,
            IpAddr::V6(v6) => length <= 128 && v6.to_bits() & last_of(128, length) == 0,
        };
        host_bits_are_zero.then_some(Self { network, length })
    }

    /// The prefix that holds one address.
    #[must_use]
    pub const fn host(address: IpAddr) -> Self {
        let length = if address.is_ipv4() { 32 } else { 128 };
        Self { network: address, length }
    }

    #[must_use]
    pub const fn network(self) -> IpAddr {
        self.network
    }

    #[must_use]
    pub const fn length(self) -> u8 {
        self.length
    }

    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        AddressSet::from(self).contains(address)
    }
}

/// The host-bit mask of a prefix: all ones after `length` of `width` bits.
const fn last_of(width: u8, length: u8) -> u128 {
    let host_bits = width.saturating_sub(length);
    if host_bits >= 128 { u128::MAX } else { (1u128 << host_bits) - 1 }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.network.is_ipv4() { 32 } else { 128 };
        if self.length == whole { write!(f, "{}", self.network) } else { write!(f, "{}/{}", self.network, self.length) }
    }
}

impl FromStr for Prefix {
    type Err = String;

    /// `10.0.0.0/8`, or one address.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("`{text}` is not an address or prefix; write it as 10.0.0.0/8 or 2001:db8::/32");
        let Some((network, length)) = text.split_once('/') else {
            return text.parse().map(Self::host).map_err(|_| refused());
        };
        let network: IpAddr = network.parse().map_err(|_| refused())?;
        let length: u8 = length.parse().map_err(|_| refused())?;
        Self::new(network, length).ok_or_else(|| format!("`{text}` has host bits set, or a length that its family does not have"))
    }
}

/// Any set of addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressSet {
    pub v4: RangeSet<u32>,
    pub v6: RangeSet<u128>,
}

impl AddressSet {
    #[must_use]
    pub const fn empty() -> Self {
        Self { v4: RangeSet::empty(), v6: RangeSet::empty() }
    }

    /// Every address of both families.
    #[must_use]
    pub const fn full() -> Self {
        Self { v4: RangeSet::full(), v6: RangeSet::full() }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    #[must_use]
    pub fn is_full(&self) -> bool {
        self.v4.is_full() && self.v6.is_full()
    }

    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.v4.contains(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.contains(v6.to_bits()),
        }
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { v4: self.v4.union(&other.v4), v6: self.v6.union(&other.v6) }
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self { v4: self.v4.intersection(&other.v4), v6: self.v6.intersection(&other.v6) }
    }

    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self { v4: self.v4.difference(&other.v4), v6: self.v6.difference(&other.v6) }
    }

    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.v4.is_subset(&other.v4) && self.v6.is_subset(&other.v6)
    }

    /// The fewest prefixes that cover the set exactly, IPv4 first, ascending.
    #[must_use]
    pub fn prefixes(&self) -> Vec<Prefix> {
        let v4 = self.v4.ranges().iter().flat_map(|&(first, last)| split(first.into(), last.into(), 32));
        let v6 = self.v6.ranges().iter().flat_map(|&(first, last)| split(first, last, 128));
        v4.map(|(network, length)| Prefix { network: IpAddr::V4(Ipv4Addr::from_bits(network as u32)), length })
            .chain(v6.map(|(network, length)| Prefix { network: IpAddr::V6(Ipv6Addr::from_bits(network)), length }))
            .collect()
    }
}

/// Cuts an inclusive range of `width`-bit addresses into aligned blocks, as `(network, length)`.
fn split(first: u128, last: u128, width: u8) -> Vec<(u128, u8)> {
    let mut blocks = Vec::new();
    let mut start = first;
    loop {
        let aligned = if start == 0 { u32::from(width) } else { start.trailing_zeros().min(u32::from(width)) };
        let mut host_bits = u8::try_from(aligned).unwrap_or(width);
        while start | last_of(width, width - host_bits) > last {
            host_bits -= 1;
        }
        blocks.push((start, width - host_bits));
        let end = start | last_of(width, width - host_bits);
        if end >= last {
            return blocks;
        }
        start = end + 1;
    }
}

impl From<Prefix> for AddressSet {
    fn from(prefix: Prefix) -> Self {
        match prefix.network {
            IpAddr::V4(v4) => {
                let first = v4.to_bits();
                Self { v4: RangeSet::range(first, first | last_of(32, prefix.length) as u32), v6: RangeSet::empty() }
            }
            IpAddr::V6(v6) => {
                let first = v6.to_bits();
                Self { v4: RangeSet::empty(), v6: RangeSet::range(first, first | last_of(128, prefix.length)) }
            }
        }
    }
}

impl FromIterator<Prefix> for AddressSet {
    fn from_iter<I: IntoIterator<Item = Prefix>>(prefixes: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for prefix in prefixes {
            let set = Self::from(prefix);
            v4.extend_from_slice(set.v4.ranges());
            v6.extend_from_slice(set.v6.ranges());
        }
        Self { v4: RangeSet::from_ranges(v4), v6: RangeSet::from_ranges(v6) }
    }
}

impl FromIterator<IpAddr> for AddressSet {
    fn from_iter<I: IntoIterator<Item = IpAddr>>(addresses: I) -> Self {
        addresses.into_iter().map(Prefix::host).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_cover_a_set_exactly() {
        let set: AddressSet = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4/30", "2001:db8::/33", "2001:db8:8000::/33"]
            .iter()
            .map(|text| text.parse::<Prefix>().unwrap())
            .collect();
        let text: Vec<String> = set.prefixes().iter().map(ToString::to_string).collect();
        assert_eq!(text, ["10.0.0.1", "10.0.0.2/31", "10.0.0.4/30", "2001:db8::/32"]);
        assert_eq!(set.prefixes().into_iter().collect::<AddressSet>(), set);
        assert_eq!(AddressSet::full().prefixes().len(), 2);
    }

    #[test]
    fn host_bits_and_long_lengths_are_refused() {
        for text in ["10.0.0.1/24", "10.0.0.0/33", "::1/64", "::/129", "10.0.0.0/", "x"] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }
}
