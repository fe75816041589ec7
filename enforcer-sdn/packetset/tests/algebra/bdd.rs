//! A second opinion: the same sets as binary decision diagrams of another library, at full width.

use biodivine_lib_bdd::{Bdd, BddValuation, BddVariable, BddVariableSet};
use enforcer_packetset::{ConnectionState, Heading, HeadingSet, L4, Packet, PacketSet, Selector, StateSet};

use crate::cases::{Random, cases, wide_selector};

/// Where a field's bits are, the highest first.
#[derive(Clone, Copy)]
struct Field {
    first: usize,
    bits: usize,
}

const FAMILY: Field = Field { first: 0, bits: 1 };
const STATE: Field = Field { first: 1, bits: 1 };
const PROTOCOL: Field = Field { first: 2, bits: 8 };
const DESTINATION_PORT: Field = Field { first: 10, bits: 16 };
const SOURCE_PORT: Field = Field { first: 26, bits: 16 };
const WEEK: Field = Field { first: 42, bits: 14 };
const DESTINATION: Field = Field { first: 56, bits: 128 };
const SOURCE: Field = Field { first: 184, bits: 128 };
const FLAGS: Field = Field { first: 312, bits: 8 };
const VLAN: Field = Field { first: 320, bits: 12 };
const SOURCE_MAC: Field = Field { first: 332, bits: 48 };
const DESTINATION_MAC: Field = Field { first: 380, bits: 48 };
const HEADING: Field = Field { first: 428, bits: 1 };
const BITS: usize = 429;

struct Space {
    variables: BddVariableSet,
    /// What is a packet at all.
    universe: Bdd,
}

impl Space {
    fn new() -> Self {
        let variables = BddVariableSet::new_anonymous(BITS as u16);
        let mut space = Self { universe: variables.mk_true(), variables };
        let v4 = space.range(FAMILY, 0, 0);
        let v6 = v4.not();
        let v4_addresses = space.range(SOURCE, 0, u32::MAX.into()).and(&space.range(DESTINATION, 0, u32::MAX.into()));
        let ports = space.range(PROTOCOL, 6, 6).or(&space.range(PROTOCOL, 17, 17)).or(&space.range(PROTOCOL, 132, 132));
        let icmp = v4.and(&space.range(PROTOCOL, 1, 1)).or(&v6.and(&space.range(PROTOCOL, 58, 58)));
        let bytes = space.range(SOURCE_PORT, 0, 255).and(&space.range(DESTINATION_PORT, 0, 255));
        let zeros = space.range(SOURCE_PORT, 0, 0).and(&space.range(DESTINATION_PORT, 0, 0));
        let flags = space.range(PROTOCOL, 6, 6).or(&space.range(FLAGS, 0, 0));
        let link = space.range(VLAN, 0, 4094).and(&flags);
        let l4 = ports.or(&icmp.and(&bytes)).or(&zeros);
        space.universe = v6.or(&v4_addresses).and(&space.range(WEEK, 0, 10_079)).and(&l4).and(&link);
        space
    }

    fn variable(field: Field, bit: usize) -> BddVariable {
        BddVariable::from_index(field.first + field.bits - 1 - bit)
    }

    fn range(&self, field: Field, first: u128, last: u128) -> Bdd {
        let (mut from, mut to) = (self.variables.mk_true(), self.variables.mk_true());
        // From the lowest bit up: the rest decides only where this bit equals the bound's.
        for bit in 0..field.bits {
            let set = self.variables.mk_var(Self::variable(field, bit));
            from = if first >> bit & 1 == 1 { set.and(&from) } else { set.or(&from) };
            to = if last >> bit & 1 == 1 { set.not().or(&to) } else { set.not().and(&to) };
        }
        from.and(&to)
    }

    fn ranges<T: Copy + Into<u128>>(&self, field: Field, ranges: &[(T, T)]) -> Bdd {
        ranges.iter().fold(self.variables.mk_false(), |all, &(first, last)| all.or(&self.range(field, first.into(), last.into())))
    }

    fn selector(&self, selector: &Selector) -> Bdd {
        let v4 = self.range(FAMILY, 0, 0);
        let (source, destination) = (&selector.source, &selector.destination);
        let in_v4 = v4.and(&self.ranges(SOURCE, source.v4.ranges())).and(&self.ranges(DESTINATION, destination.v4.ranges()));
        let in_v6 =
            v4.not().and(&self.ranges(SOURCE, source.v6.ranges())).and(&self.ranges(DESTINATION, destination.v6.ranges()));
        let protocol = |number: u8| self.range(PROTOCOL, number.into(), number.into());
        let l4 = match &selector.l4 {
            L4::Any => self.variables.mk_true(),
            L4::Protocol(number) => protocol(*number),
            L4::Tcp { source, destination } | L4::Udp { source, destination } | L4::Sctp { source, destination } => {
                let number = match selector.l4 {
                    L4::Tcp { .. } => 6,
                    L4::Udp { .. } => 17,
                    _ => 132,
                };
                protocol(number)
                    .and(&self.ranges(SOURCE_PORT, source.ranges()))
                    .and(&self.ranges(DESTINATION_PORT, destination.ranges()))
            }
            L4::Icmp { types, codes } => {
                let fields = self.ranges(SOURCE_PORT, types.ranges()).and(&self.ranges(DESTINATION_PORT, codes.ranges()));
                protocol(1).and(&v4).and(&fields)
            }
            L4::Icmp6 { types, codes } => {
                let fields = self.ranges(SOURCE_PORT, types.ranges()).and(&self.ranges(DESTINATION_PORT, codes.ranges()));
                protocol(58).and(&v4.not()).and(&fields)
            }
        };
        let state = match selector.state {
            StateSet::Any => self.variables.mk_true(),
            StateSet::New => self.range(STATE, 0, 0),
            StateSet::Established => self.range(STATE, 1, 1),
        };
        let week = self.ranges(WEEK, selector.week.minutes().ranges());
        let flags = if selector.flags.is_full() {
            self.variables.mk_true()
        } else {
            protocol(6).and(&self.ranges(FLAGS, &selector.flags.ranges()))
        };
        let link = &selector.link;
        let heading = match link.heading {
            HeadingSet::Any => self.variables.mk_true(),
            HeadingSet::In => self.range(HEADING, 0, 0),
            HeadingSet::Out => self.range(HEADING, 1, 1),
        };
        let link = heading
            .and(&self.ranges(VLAN, link.vlan.ranges()))
            .and(&self.ranges(SOURCE_MAC, link.source_mac.ranges()))
            .and(&self.ranges(DESTINATION_MAC, link.destination_mac.ranges()));
        in_v4.or(&in_v6).and(&l4).and(&state).and(&week).and(&flags).and(&link).and(&self.universe)
    }

    fn holds(set: &Bdd, packet: &Packet) -> bool {
        let bits = |address: std::net::IpAddr| match address {
            std::net::IpAddr::V4(v4) => u128::from(v4.to_bits()),
            std::net::IpAddr::V6(v6) => v6.to_bits(),
        };
        let mut valuation = BddValuation::all_false(BITS as u16);
        for (field, value) in [
            (FAMILY, u128::from(packet.source.is_ipv6())),
            (STATE, u128::from(packet.state == ConnectionState::Established)),
            (PROTOCOL, packet.protocol.into()),
            (DESTINATION_PORT, packet.destination_port.into()),
            (SOURCE_PORT, packet.source_port.into()),
            (WEEK, packet.minute_of_week.into()),
            (FLAGS, packet.flags.into()),
            (VLAN, packet.link.vlan.into()),
            (SOURCE_MAC, packet.link.source_mac.into()),
            (DESTINATION_MAC, packet.link.destination_mac.into()),
            (HEADING, u128::from(packet.link.heading == Heading::Out)),
            (DESTINATION, bits(packet.destination)),
            (SOURCE, bits(packet.source)),
        ] {
            for bit in (0..field.bits).filter(|bit| value >> bit & 1 == 1) {
                valuation.set(Self::variable(field, bit));
            }
        }
        set.eval_in(&valuation)
    }
}

#[test]
fn a_bdd_library_says_the_same_of_wide_random_sets() {
    let space = Space::new();
    let mut random = Random(9);
    for case in 0..cases(60) {
        let left: Vec<Selector> = (0..1 + random.below(3)).map(|_| wide_selector(&mut random)).collect();
        let mut right: Vec<Selector> = (0..random.below(2)).map(|_| wide_selector(&mut random)).collect();
        // Mostly the same sets in another order, cut in two, or almost the same: random sets alone are never equal.
        for selector in left.iter().rev() {
            let cut = wide_selector(&mut random);
            match random.below(4) {
                0 => right.push(selector.clone()),
                1 => {
                    right.push(Selector { source: selector.source.intersection(&cut.source), ..selector.clone() });
                    right.push(Selector { source: selector.source.difference(&cut.source), ..selector.clone() });
                }
                2 => {
                    right.push(Selector { state: StateSet::New, ..selector.clone() });
                    right.push(Selector { state: StateSet::Established, ..selector.clone() });
                }
                _ => right.push(Selector { destination: selector.destination.difference(&cut.destination), ..selector.clone() }),
            }
        }
        let union = |selectors: &[Selector]| {
            selectors.iter().fold(space.variables.mk_false(), |all, selector| all.or(&space.selector(selector)))
        };
        let (a, b) = (PacketSet::any_of(&left).unwrap(), PacketSet::any_of(&right).unwrap());
        let (x, y) = (union(&left), union(&right));
        for (set, bdd) in [
            (a.clone(), x.clone()),
            (a.union(&b).unwrap(), x.or(&y)),
            (a.intersection(&b).unwrap(), x.and(&y)),
            (a.difference(&b).unwrap(), x.and_not(&y)),
            (b.difference(&a).unwrap(), y.and_not(&x)),
            (a.complement(), space.universe.and_not(&x)),
        ] {
            assert_eq!(set.is_empty(), bdd.is_false(), "case {case}: {left:?} {right:?}");
            assert_eq!(set.is_full(), bdd == space.universe, "case {case}");
            if let Some(packet) = set.witness() {
                assert!(Space::holds(&bdd, &packet), "case {case}: {packet}");
            }
        }
        assert_eq!(a == b, x == y, "case {case}: {left:?} {right:?}");
        assert_eq!(a.is_subset(&b).unwrap(), x.and_not(&y).is_false(), "case {case}");
    }
}
