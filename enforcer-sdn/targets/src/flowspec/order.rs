//! Which of two flow specifications a router asks first (RFC 8955 5.1, RFC 8956 4), for the parser.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Component types (RFC 8955 4.2.2).
pub(super) const DESTINATION: u8 = 1;
pub(super) const SOURCE: u8 = 2;

/// A component as it is announced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Component {
    /// The address's bits from the left, and how many of them count.
    Prefix { bits: u128, length: u8 },
    /// Operators with their values.
    Terms(Vec<u8>),
}

/// Components by type.
pub(super) type Components = BTreeMap<u8, Component>;

/// `Less`: the left one is asked first. `Equal`: both are the same specification.
pub(super) fn precedence(left: &Components, right: &Components) -> Ordering {
    let (mut left, mut right) = (left.iter(), right.iter());
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            // A type that is lower, or there at all, goes first.
            (None, Some(_)) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (Some((one, a)), Some((other, b))) => one.cmp(other).then_with(|| compare(a, b)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare(left: &Component, right: &Component) -> Ordering {
    match (left, right) {
        (Component::Prefix { bits: a, length: m }, Component::Prefix { bits: b, length: n }) => {
            let common = u32::from(*m.min(n));
            let head = |bits: u128| bits.checked_shr(128 - common).unwrap_or(0);
            // Where one is within the other, the longer goes first.
            head(*a).cmp(&head(*b)).then(n.cmp(m))
        }
        (Component::Terms(a), Component::Terms(b)) => {
            let common = a.len().min(b.len());
            a.get(..common).cmp(&b.get(..common)).then(b.len().cmp(&a.len()))
        }
        // One type is one kind.
        (Component::Prefix { .. }, Component::Terms(_)) => Ordering::Less,
        (Component::Terms(_), Component::Prefix { .. }) => Ordering::Greater,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Component {
        let prefix: enforcer_packetset::Prefix = text.parse().unwrap();
        let std::net::IpAddr::V4(network) = prefix.network() else { panic!("{text}") };
        Component::Prefix { bits: u128::from(network.to_bits()) << 96, length: prefix.length() }
    }

    fn terms(bytes: &[u8]) -> Component {
        Component::Terms(bytes.to_vec())
    }

    /// From what is asked first to what is asked last; the order of RFC 8955 5.1 read component by component.
    #[test]
    fn each_goes_before_all_that_follow() {
        let asked: Vec<Components> = [
            vec![(DESTINATION, prefix("10.0.0.0/24")), (SOURCE, prefix("10.1.0.0/16"))],
            vec![(DESTINATION, prefix("10.0.0.0/24")), (SOURCE, prefix("10.0.0.0/8"))],
            // 0x01 (not the last term) is below 0x81.
            vec![(DESTINATION, prefix("10.0.0.0/24")), (3, terms(&[0x01, 6, 0x81, 17]))],
            vec![(DESTINATION, prefix("10.0.0.0/24")), (3, terms(&[0x81, 6])), (5, terms(&[0x81, 80]))],
            vec![(DESTINATION, prefix("10.0.0.0/24")), (3, terms(&[0x81, 6])), (6, terms(&[0x81, 80]))],
            vec![(DESTINATION, prefix("10.0.0.0/24")), (3, terms(&[0x81, 6]))],
            vec![(DESTINATION, prefix("10.0.0.0/24")), (5, terms(&[0x81, 80]))],
            vec![(DESTINATION, prefix("10.0.0.0/24"))],
            vec![(DESTINATION, prefix("10.0.0.0/8"))],
            vec![(DESTINATION, prefix("11.0.0.0/32"))],
            vec![(DESTINATION, prefix("0.0.0.0/0"))],
            vec![(SOURCE, prefix("10.0.0.0/24"))],
            vec![(3, terms(&[0x81, 6]))],
            vec![],
        ]
        .map(Components::from_iter)
        .into();
        for (at, one) in asked.iter().enumerate() {
            for (later, other) in asked.iter().enumerate() {
                assert_eq!(precedence(one, other), at.cmp(&later), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn of_two_lists_that_begin_alike_the_longer_goes_first() {
        let (short, long) = (terms(&[0x91, 1, 1]), terms(&[0x91, 1, 1, 0]));
        assert_eq!(compare(&long, &short), Ordering::Less);
        assert_eq!(compare(&terms(&[0x11, 1, 0, 0x91, 1, 1]), &short), Ordering::Less);
    }
}
