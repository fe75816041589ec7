//! A packet set as products that a person can read: one set of values for each field that matters. Exact, disjoint, and bounded.

use crate::diagram::{Arena, Edge, IN, Limits, Node, NodeId, OUT, node_of};
use crate::level::Level;
use crate::{AddressSet, FlagSet, PacketSet, RangeSet};

/// Values of one field, ascending.
type Ranges = Vec<(u128, u128)>;

/// Packets whose every field is in the field's set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The same as a set.
    pub set: PacketSet,
    /// The fields that are not free, in the order of the diagram, with their ranges.
    fields: Vec<(Level, Ranges)>,
}

/// The first products of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Products {
    pub products: Vec<Product>,
    /// There are more than were asked for.
    pub is_cut: bool,
}

impl PacketSet {
    /// Disjoint products whose union is the set; at most `most` of them.
    #[must_use]
    pub fn products(&self, most: usize) -> Products {
        let (nodes, root) = self.diagram();
        let mut walk = Walk { nodes, most, path: Vec::new(), found: Products { products: Vec::new(), is_cut: false } };
        walk.down(root);
        walk.found
    }
}

impl Product {
    fn ranges(&self, level: Level) -> Option<&[(u128, u128)]> {
        self.fields.iter().find(|(known, _)| *known == level).map(|(_, ranges)| ranges.as_slice())
    }

    /// True: IPv6 only, false: IPv4 only. None: both.
    #[must_use]
    pub fn is_ipv6(&self) -> Option<bool> {
        self.ranges(Level::Family).and_then(|ranges| ranges.first()).map(|&(first, _)| first == 1)
    }

    /// None: every address.
    #[must_use]
    pub fn source(&self) -> Option<AddressSet> {
        self.addresses(Level::Source)
    }

    /// None: every address.
    #[must_use]
    pub fn destination(&self) -> Option<AddressSet> {
        self.addresses(Level::Destination)
    }

    fn addresses(&self, level: Level) -> Option<AddressSet> {
        let ranges = self.ranges(level);
        let whole = self.is_ipv6().map(|is_ipv6| {
            let full = AddressSet::full();
            if is_ipv6 {
                AddressSet { v4: RangeSet::empty(), v6: full.v6 }
            } else {
                AddressSet { v4: full.v4, v6: RangeSet::empty() }
            }
        });
        let Some(ranges) = ranges else { return whole };
        Some(match self.is_ipv6() {
            Some(true) => AddressSet { v4: RangeSet::empty(), v6: RangeSet::from_ranges(ranges.iter().copied()) },
            // Values of IPv4 fields fit by the diagram's own bound.
            _ => AddressSet {
                v4: RangeSet::from_ranges(
                    ranges.iter().filter_map(|&(a, b)| Some((u32::try_from(a).ok()?, u32::try_from(b).ok()?))),
                ),
                v6: RangeSet::empty(),
            },
        })
    }

    /// None: every protocol.
    #[must_use]
    pub fn protocols(&self) -> Option<RangeSet<u16>> {
        self.small(Level::Protocol)
    }

    /// Destination ports, or ICMP codes. None: every one.
    #[must_use]
    pub fn destination_ports(&self) -> Option<RangeSet<u16>> {
        self.small(Level::DestinationPort)
    }

    /// Source ports, or ICMP types. None: every one.
    #[must_use]
    pub fn source_ports(&self) -> Option<RangeSet<u16>> {
        self.small(Level::SourcePort)
    }

    /// Minutes of the UTC week. None: every one.
    #[must_use]
    pub fn minutes(&self) -> Option<RangeSet<u16>> {
        self.small(Level::Week)
    }

    /// Only packets of connections that were admitted.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.ranges(Level::State).is_some_and(|ranges| ranges == [(1, 1)])
    }

    /// TCP flag bytes. None: every one, and other protocols too.
    #[must_use]
    pub fn flags(&self) -> Option<FlagSet> {
        let ranges = self.ranges(Level::Flags)?;
        Some(FlagSet::from_ranges(ranges.iter().filter_map(|&(a, b)| Some((u8::try_from(a).ok()?, u8::try_from(b).ok()?)))))
    }

    /// Whether it is only packets that come in (false) or leave (true). None: both.
    #[must_use]
    pub fn is_leaving(&self) -> Option<bool> {
        self.ranges(Level::Heading).and_then(|ranges| ranges.first()).map(|&(first, _)| first == 1)
    }

    /// VLAN ids; 0 is untagged. None: every one.
    #[must_use]
    pub fn vlans(&self) -> Option<RangeSet<u16>> {
        self.small(Level::Vlan)
    }

    /// Whether it is about certain MAC addresses only.
    #[must_use]
    pub fn is_about_macs(&self) -> bool {
        self.ranges(Level::SourceMac).is_some() || self.ranges(Level::DestinationMac).is_some()
    }

    fn small(&self, level: Level) -> Option<RangeSet<u16>> {
        let ranges = self.ranges(level)?;
        Some(RangeSet::from_ranges(ranges.iter().filter_map(|&(a, b)| Some((u16::try_from(a).ok()?, u16::try_from(b).ok()?)))))
    }
}

struct Walk<'a> {
    nodes: &'a [Node],
    most: usize,
    /// The fields chosen so far, with the largest value of each.
    path: Vec<(Level, Ranges, u128)>,
    found: Products,
}

impl Walk<'_> {
    fn down(&mut self, at: NodeId) {
        if at == OUT || self.found.is_cut {
            return;
        }
        if at == IN {
            return self.keep();
        }
        let Some(node) = node_of(self.nodes, at) else { return };
        let max = node.edges.last().map_or(0, |edge| edge.last);
        let mut rest: Vec<NodeId> = node.edges.iter().map(|edge| edge.to).filter(|to| *to != OUT).collect();
        rest.sort_unstable();
        rest.dedup();
        for to in rest {
            let starts = std::iter::once(0).chain(node.edges.iter().map(|edge| edge.last.saturating_add(1)));
            let ranges = starts.zip(node.edges.iter()).filter(|(_, edge)| edge.to == to).map(|(start, edge)| (start, edge.last));
            self.path.push((node.level, ranges.collect(), max));
            self.down(to);
            self.path.pop();
        }
    }

    fn keep(&mut self) {
        if self.found.products.len() >= self.most {
            self.found.is_cut = true;
            return;
        }
        let mut arena = Arena::new(Limits::default());
        let root = self.path.iter().rev().try_fold(IN, |below, (level, ranges, max)| {
            let mut edges = Vec::new();
            for &(first, last) in ranges {
                if let Some(before) = first.checked_sub(1) {
                    edges.push(Edge { last: before, to: OUT });
                }
                edges.push(Edge { last, to: below });
            }
            if edges.last().is_none_or(|edge| edge.last < *max) {
                edges.push(Edge { last: *max, to: OUT });
            }
            arena.make(*level, &edges)
        });
        // A chain of a few nodes is below every limit.
        let Ok(root) = root else { return };
        let fields = self.path.iter().map(|(level, ranges, _)| (*level, ranges.clone())).collect();
        self.found.products.push(Product { set: PacketSet::take(&arena, root), fields });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{L4, PortSet, Prefix, Selector, WeekSet};

    fn selector(from: &str, to: &str, port: u16) -> Selector {
        let set = |text: &str| AddressSet::from(text.parse::<Prefix>().unwrap());
        let l4 = L4::Tcp { source: PortSet::full(), destination: PortSet::of(port) };
        Selector { source: set(from), destination: set(to), l4, ..Selector::any() }
    }

    #[test]
    fn products_are_disjoint_and_their_union_is_the_set() {
        let week = WeekSet::from_ranges([(60, 119)]);
        let selectors = [
            selector("10.0.0.0/24", "10.0.1.0/24", 22),
            selector("10.0.0.0/16", "10.0.1.7/32", 80),
            selector("fd00::/64", "fd01::/64", 22),
            Selector { week, ..Selector::any() },
        ];
        let whole = PacketSet::any_of(&selectors).unwrap();
        let found = whole.products(1000);
        assert!(!found.is_cut && found.products.len() > 3);
        let mut union = PacketSet::empty();
        for product in &found.products {
            assert!(union.intersection(&product.set).unwrap().is_empty());
            union = union.union(&product.set).unwrap();
        }
        assert_eq!(union, whole);
        assert!(whole.products(2).is_cut && whole.products(2).products.len() == 2);
        assert!(PacketSet::empty().products(5).products.is_empty());
        assert_eq!(PacketSet::full().products(5).products.len(), 1);
    }

    #[test]
    fn a_product_says_its_fields() {
        let one = PacketSet::any_of([&selector("10.0.0.0/24", "10.0.1.0/24", 22)]).unwrap().products(9).products.remove(0);
        assert_eq!(one.source(), Some(AddressSet::from("10.0.0.0/24".parse::<Prefix>().unwrap())));
        assert_eq!((one.protocols(), one.destination_ports()), (Some(RangeSet::of(6)), Some(RangeSet::of(22))));
        assert_eq!((one.is_ipv6(), one.source_ports(), one.minutes(), one.is_established()), (Some(false), None, None, false));
    }
}
