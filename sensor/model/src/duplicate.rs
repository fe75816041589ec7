//! Capture duplicates: what frames that reached the sensor more than once prove about the network and its mirrors.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{MacAddr, Timestamp, VlanId};

/// How a copy differs from the packet it is a copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Byte for byte the same: one hop that is mirrored more than once.
    SameHop,
    /// Another TTL and another sender's MAC: seen before and after a router.
    Routed,
    /// Other tags, the same MACs and TTL: bridged, or mirrored with and without its tag.
    OtherVlan,
    /// Other MACs, the same TTL: through a box that routes without counting hops, as some firewalls do.
    OtherMacs,
}

impl Change {
    /// In the order of their names' declaration.
    pub const ALL: [Self; 4] = [Self::SameHop, Self::Routed, Self::OtherVlan, Self::OtherMacs];

    /// Metric label and `stats.json` key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SameHop => "same_hop",
            Self::Routed => "routed",
            Self::OtherVlan => "other_vlan",
            Self::OtherMacs => "other_macs",
        }
    }
}

/// One side of what stands between a packet and its copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkSide {
    /// The router's own address on this side; none where nothing was rewritten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<VlanId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_vlan: Option<VlanId>,
}

/// Copies of one kind, over one router, between one pair of VLANs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DuplicatePath {
    pub change: Change,
    pub from: LinkSide,
    pub to: LinkSide,
    /// Hops counted between the two.
    pub ttl_lower_by: u8,
    /// The smallest prefixes around all senders and all receivers.
    pub sources: Prefix,
    pub destinations: Prefix,
    /// Copies that were removed.
    pub packets: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
}

/// An address prefix, written `10.1.0.0/16`. Bits behind the length are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    network: IpAddr,
    length: u8,
}

impl Prefix {
    /// Around one address.
    #[must_use]
    pub const fn host(address: IpAddr) -> Self {
        Self { network: address, length: if address.is_ipv4() { 32 } else { 128 } }
    }

    #[must_use]
    pub const fn is_ipv4(self) -> bool {
        self.network.is_ipv4()
    }

    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        self.around(Self::host(address)) == self && self.is_ipv4() == address.is_ipv4()
    }

    /// The smallest prefix that holds both; of different families, `self`.
    #[must_use]
    pub fn around(self, other: Self) -> Self {
        let shorter = self.length.min(other.length);
        match (self.network, other.network) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let length = shorter.min((a.to_bits() ^ b.to_bits()).leading_zeros() as u8);
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                Self { network: IpAddr::V4((a.to_bits() & mask).into()), length }
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let length = shorter.min((a.to_bits() ^ b.to_bits()).leading_zeros() as u8);
                let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                Self { network: IpAddr::V6((a.to_bits() & mask).into()), length }
            }
            _ => self,
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}

/// Text that is not a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsePrefixError(String);

impl fmt::Display for ParsePrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a prefix; write it as 10.1.0.0/16 or 2001:db8::/32", self.0)
    }
}

impl std::error::Error for ParsePrefixError {}

impl FromStr for Prefix {
    type Err = ParsePrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParsePrefixError(text.to_owned());
        let (network, length) = text.split_once('/').ok_or_else(refused)?;
        let host = Self::host(network.parse().map_err(|_| refused())?);
        let length = length.parse().map_err(|_| refused())?;
        // Masks the bits behind the length, if that is one of the family.
        let cut = Self { length, ..host }.around(host);
        if length <= host.length && cut.network == host.network { Ok(cut) } else { Err(refused()) }
    }
}

impl Serialize for Prefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Prefix {
        Prefix::host(text.parse().unwrap())
    }

    #[test]
    fn a_prefix_around_hosts_is_the_smallest_one() {
        assert_eq!(host("10.0.0.5").around(host("10.0.0.4")).to_string(), "10.0.0.4/31");
        assert_eq!(host("10.0.0.5").around(host("192.0.2.1")).to_string(), "0.0.0.0/0");
        assert_eq!(host("fd00::1").around(host("fd00::1")).to_string(), "fd00::1/128");
        assert_eq!(host("fd00::1").around(host("2001::")).to_string(), "::/0");
        let wide = host("10.0.0.5").around(host("10.0.9.4"));
        assert_eq!(wide.around(host("10.0.3.3")), wide);
        assert!(wide.contains("10.0.3.3".parse().unwrap()) && !wide.contains("10.1.0.1".parse().unwrap()));
        assert!(!wide.contains("fd00::1".parse().unwrap()));
    }

    #[test]
    fn a_prefix_is_read_as_it_is_written_and_nothing_else_is() {
        for text in ["10.1.0.0/16", "0.0.0.0/0", "fd00::/8", "192.0.2.7/32"] {
            assert_eq!(text.parse::<Prefix>().unwrap().to_string(), text);
        }
        for text in ["10.1.0.1/16", "10.1.0.0", "10.1.0.0/33", "x/8"] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }
}
