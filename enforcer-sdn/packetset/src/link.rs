//! What a switch sees below IP: VLAN, the two MAC addresses, and on which side of the point a packet is.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use crate::{Number, RangeSet};

/// A VLAN identifier, 1 to 4094; 0 is a frame without a tag, or with a tag that carries a priority only (IEEE 802.1Q 9.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanId(u16);

impl VlanId {
    pub const UNTAGGED: Self = Self(0);

    /// None beyond 4094: 4095 is reserved and on no wire.
    #[must_use]
    pub const fn new(id: u16) -> Option<Self> {
        if id <= 4094 { Some(Self(id)) } else { None }
    }

    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A MAC address, 48 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(u64);

impl Mac {
    const ALL_ONES: u64 = (1 << 48) - 1;

    #[must_use]
    pub const fn from_octets(octets: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = octets;
        Self(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    #[must_use]
    pub const fn octets(self) -> [u8; 6] {
        let [_, _, a, b, c, d, e, f] = self.0.to_be_bytes();
        [a, b, c, d, e, f]
    }

    /// None when there are more than 48 bits.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        if bits <= Self::ALL_ONES { Some(Self(bits)) } else { None }
    }

    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.octets();
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for Mac {
    type Err = String;

    /// Six pairs of hexadecimal digits with `:` or `-` between.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("`{text}` is no MAC address; write it as 02:00:5e:10:00:01");
        let separator = if text.contains(':') { ':' } else { '-' };
        let pairs: Vec<&str> = text.split(separator).collect();
        let pairs: [&str; 6] = pairs.try_into().map_err(|_| refused())?;
        let mut octets = [0; 6];
        for (octet, pair) in octets.iter_mut().zip(pairs) {
            let is_hex = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            *octet = u8::from_str_radix(pair, 16).ok().filter(|_| is_hex).ok_or_else(refused)?;
        }
        Ok(Self::from_octets(octets))
    }
}

impl Number for VlanId {
    const MIN: Self = Self(0);
    const MAX: Self = Self(4094);
    const WHOLE: &'static [(Self, Self)] = &[(Self(0), Self(4094))];

    fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }

    fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

impl Number for Mac {
    const MIN: Self = Self(0);
    const MAX: Self = Self(Self::ALL_ONES);
    const WHOLE: &'static [(Self, Self)] = &[(Self(0), Self(Self::ALL_ONES))];

    fn next(self) -> Option<Self> {
        Self::from_bits(self.0 + 1)
    }

    fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

impl From<VlanId> for u128 {
    fn from(id: VlanId) -> Self {
        id.0.into()
    }
}

impl From<Mac> for u128 {
    fn from(mac: Mac) -> Self {
        mac.0.into()
    }
}

/// Where a packet is when the point judges it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Heading {
    /// Coming into the point (`in`, `input`, ingress).
    #[default]
    In,
    /// Leaving it (`out`, `output`, egress).
    Out,
}

/// Headings that are selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeadingSet {
    #[default]
    Any,
    In,
    Out,
}

impl HeadingSet {
    #[must_use]
    pub const fn contains(self, heading: Heading) -> bool {
        matches!((self, heading), (Self::Any, _) | (Self::In, Heading::In) | (Self::Out, Heading::Out))
    }
}

/// A product of one set per field of the link. Empty in one field is empty altogether.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkFields {
    pub vlan: RangeSet<VlanId>,
    pub source_mac: RangeSet<Mac>,
    pub destination_mac: RangeSet<Mac>,
    pub heading: HeadingSet,
}

static EVERY_FRAME: LinkFields = LinkFields::any();

impl LinkFields {
    /// Every frame.
    #[must_use]
    pub const fn any() -> Self {
        Self { vlan: RangeSet::full(), source_mac: RangeSet::full(), destination_mac: RangeSet::full(), heading: HeadingSet::Any }
    }
}

/// [`LinkFields`] that take a pointer's room in a rule, and no more in the many rules that do not restrict them. Equal products are equal
/// values; the fields are read through it: `set.vlan`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkSet(Option<Arc<LinkFields>>);

impl From<LinkFields> for LinkSet {
    fn from(fields: LinkFields) -> Self {
        Self((fields != EVERY_FRAME).then(|| Arc::new(fields)))
    }
}

impl Deref for LinkSet {
    type Target = LinkFields;

    fn deref(&self) -> &LinkFields {
        self.0.as_deref().unwrap_or(&EVERY_FRAME)
    }
}

impl LinkSet {
    /// Every frame.
    #[must_use]
    pub const fn any() -> Self {
        Self(None)
    }

    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.0.is_none()
    }

    #[must_use]
    pub fn contains(&self, link: &Link) -> bool {
        self.heading.contains(link.heading)
            && self.vlan.contains(link.vlan)
            && self.source_mac.contains(link.source_mac)
            && self.destination_mac.contains(link.destination_mac)
    }
}

/// A packet's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    pub vlan: VlanId,
    pub source_mac: Mac,
    pub destination_mac: Mac,
    pub heading: Heading,
}

impl Default for Link {
    /// Untagged, coming in, between two locally administered addresses (IEEE 802 8.4).
    fn default() -> Self {
        Self {
            vlan: VlanId::UNTAGGED,
            source_mac: Mac::from_octets([2, 0, 0, 0, 0, 1]),
            destination_mac: Mac::from_octets([2, 0, 0, 0, 0, 2]),
            heading: Heading::In,
        }
    }
}

impl fmt::Display for Link {
    /// What is not as in [`Self::default`], each with a blank before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = Self::default();
        if self.vlan != usual.vlan {
            write!(f, " vlan {}", self.vlan.get())?;
        }
        if self.source_mac != usual.source_mac {
            write!(f, " from mac {}", self.source_mac)?;
        }
        if self.destination_mac != usual.destination_mac {
            write!(f, " to mac {}", self.destination_mac)?;
        }
        match self.heading {
            Heading::In => Ok(()),
            Heading::Out => f.write_str(" going out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_sets_end_where_the_fields_end() {
        assert_eq!(RangeSet::full().ranges(), [(VlanId::UNTAGGED, VlanId(4094))]);
        assert!(RangeSet::of(VlanId(4094)).union(&RangeSet::range(VlanId(0), VlanId(4093))).is_full());
        assert_eq!(RangeSet::of(Mac::MAX).complement().ranges(), [(Mac(0), Mac(Mac::ALL_ONES - 1))]);
        assert_eq!((VlanId::new(4095), Mac::from_bits(1 << 48)), (None, None));
    }

    #[test]
    fn a_mac_address_is_read_as_it_is_written() {
        for text in ["02:00:5e:10:00:ff", "ff:ff:ff:ff:ff:ff"] {
            assert_eq!(text.parse::<Mac>().unwrap().to_string(), text);
        }
        assert_eq!("02-00-5E-10-00-FF".parse::<Mac>().unwrap().octets(), [2, 0, 0x5e, 0x10, 0, 0xff]);
        for text in ["", "02:00:5e:10:00", "2:0:5e:10:0:1", "02:00:5e:10:00:+1", "02:00:5e:10:00:01:02", "02:00-5e:10:00:01"] {
            assert!(text.parse::<Mac>().is_err(), "{text}");
        }
    }
}
