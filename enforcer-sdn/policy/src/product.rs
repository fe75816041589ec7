//! Selectors as products of sets: whether two meet, whether one covers the other, and what is left of one without the other.

use enforcer_packetset::{AddressSet, L4, Number, RangeSet, Selector, WeekSet};

use crate::service;

/// The selector without the addresses of families that cannot meet; None when nothing is left.
pub fn trimmed(selector: &Selector) -> Option<Selector> {
    let Selector { source, destination, l4, .. } = selector;
    let v4 = service::speaks(l4, true) && !source.v4.is_empty() && !destination.v4.is_empty();
    let v6 = service::speaks(l4, false) && !source.v6.is_empty() && !destination.v6.is_empty();
    let kept = |set: &AddressSet| AddressSet {
        v4: if v4 { set.v4.clone() } else { RangeSet::empty() },
        v6: if v6 { set.v6.clone() } else { RangeSet::empty() },
    };
    let is_some = (v4 || v6) && !selector.week.is_never() && !is_empty(l4);
    is_some.then(|| Selector { source: kept(source), destination: kept(destination), ..selector.clone() })
}

fn is_empty(l4: &L4) -> bool {
    match l4 {
        L4::Any | L4::Protocol(_) => false,
        L4::Tcp { source, destination } | L4::Udp { source, destination } | L4::Sctp { source, destination } => {
            source.is_empty() || destination.is_empty()
        }
        L4::Icmp { types, codes } | L4::Icmp6 { types, codes } => types.is_empty() || codes.is_empty(),
    }
}

/// Whether some packet is in both. States, flags and links are left aside: two that differ in them alone count as meeting.
pub fn meet(left: &Selector, right: &Selector) -> bool {
    let both = |a: &AddressSet, b: &AddressSet| (share(&a.v4, &b.v4), share(&a.v6, &b.v6));
    let l4 = |v4: bool| service::speaks(&left.l4, v4) && service::speaks(&right.l4, v4);
    let (sources, destinations) = (both(&left.source, &right.source), both(&left.destination, &right.destination));
    // In the order of what they cost.
    ((l4(true) && sources.0 && destinations.0) || (l4(false) && sources.1 && destinations.1))
        && share(left.week.minutes(), right.week.minutes())
        && l4_meet(&left.l4, &right.l4)
}

/// Whether every packet of the inner is in the outer one.
pub fn covers(outer: &Selector, inner: &Selector) -> bool {
    let is_rest_open = |selector: &Selector| selector.flags.is_full() && selector.link.is_any();
    is_rest_open(outer)
        && outer.state == inner.state
        && l4_without(&inner.l4, &outer.l4).is_some_and(|left| left.is_empty())
        && inner.week.minutes().is_subset(outer.week.minutes())
        && inner.source.is_subset(&outer.source)
        && inner.destination.is_subset(&outer.destination)
}

/// Products whose union is what `part` selects and `denied` does not; no two of them share a packet. None where that is no list of
/// products: a whole protocol, or all of them, without some ports.
pub fn without(part: &Selector, denied: &Selector) -> Option<Vec<Selector>> {
    if !meet(part, denied) {
        return Some(vec![part.clone()]);
    }
    let inside = Selector {
        source: part.source.intersection(&denied.source),
        destination: part.destination.intersection(&denied.destination),
        ..part.clone()
    };
    let mut pieces = vec![
        Selector { source: part.source.difference(&denied.source), ..part.clone() },
        Selector { source: inside.source.clone(), destination: part.destination.difference(&denied.destination), ..part.clone() },
    ];
    let rest = l4_without(&part.l4, &denied.l4)?;
    pieces.extend(rest.into_iter().map(|l4| Selector { l4, ..inside.clone() }));
    let week = part.week.minutes().difference(denied.week.minutes());
    // Where the protocols meet but neither covers the other, the part within both is what is left to look at.
    pieces.extend(l4_common(&part.l4, &denied.l4).map(|l4| Selector {
        l4,
        week: WeekSet::from_ranges(week.ranges().iter().copied()),
        ..inside
    }));
    Some(pieces.iter().filter_map(trimmed).collect())
}

fn share<T: Number>(left: &RangeSet<T>, right: &RangeSet<T>) -> bool {
    let (few, many) = if left.ranges().len() <= right.ranges().len() { (left, right) } else { (right, left) };
    few.ranges().iter().any(|&(first, last)| {
        let at = many.ranges().partition_point(|&(_, end)| end < first);
        many.ranges().get(at).is_some_and(|&(start, _)| start <= last)
    })
}

fn l4_meet(left: &L4, right: &L4) -> bool {
    if matches!(left, L4::Any) || matches!(right, L4::Any) {
        return true;
    }
    l4_common(left, right).is_some()
}

/// What is in both; None where nothing is.
fn l4_common(left: &L4, right: &L4) -> Option<L4> {
    let common = match (left, right) {
        (L4::Any, other) | (other, L4::Any) => other.clone(),
        (L4::Protocol(_), other) | (other, L4::Protocol(_)) if service::number(left) == service::number(right) => other.clone(),
        (L4::Tcp { source: a, destination: b }, L4::Tcp { source: c, destination: d }) => {
            L4::Tcp { source: a.intersection(c), destination: b.intersection(d) }
        }
        (L4::Udp { source: a, destination: b }, L4::Udp { source: c, destination: d }) => {
            L4::Udp { source: a.intersection(c), destination: b.intersection(d) }
        }
        (L4::Sctp { source: a, destination: b }, L4::Sctp { source: c, destination: d }) => {
            L4::Sctp { source: a.intersection(c), destination: b.intersection(d) }
        }
        (L4::Icmp { types: a, codes: b }, L4::Icmp { types: c, codes: d }) => {
            L4::Icmp { types: a.intersection(c), codes: b.intersection(d) }
        }
        (L4::Icmp6 { types: a, codes: b }, L4::Icmp6 { types: c, codes: d }) => {
            L4::Icmp6 { types: a.intersection(c), codes: b.intersection(d) }
        }
        _ => return None,
    };
    (!is_empty(&common)).then_some(common)
}

/// What is left of the first without the second; None where that is no list of products of protocols.
fn l4_without(part: &L4, denied: &L4) -> Option<Vec<L4>> {
    let left = match (part, denied) {
        (_, L4::Any) => Vec::new(),
        (L4::Any, _) => return None,
        (_, L4::Protocol(number)) if service::number(part) == Some(*number) => Vec::new(),
        (L4::Protocol(_), _) if service::number(part) == service::number(denied) => return None,
        (L4::Tcp { source: a, destination: b }, L4::Tcp { source: c, destination: d }) => {
            pairs_without((a, b), (c, d)).into_iter().map(|(source, destination)| L4::Tcp { source, destination }).collect()
        }
        (L4::Udp { source: a, destination: b }, L4::Udp { source: c, destination: d }) => {
            pairs_without((a, b), (c, d)).into_iter().map(|(source, destination)| L4::Udp { source, destination }).collect()
        }
        (L4::Sctp { source: a, destination: b }, L4::Sctp { source: c, destination: d }) => {
            pairs_without((a, b), (c, d)).into_iter().map(|(source, destination)| L4::Sctp { source, destination }).collect()
        }
        (L4::Icmp { types: a, codes: b }, L4::Icmp { types: c, codes: d }) => {
            pairs_without((a, b), (c, d)).into_iter().map(|(types, codes)| L4::Icmp { types, codes }).collect()
        }
        (L4::Icmp6 { types: a, codes: b }, L4::Icmp6 { types: c, codes: d }) => {
            pairs_without((a, b), (c, d)).into_iter().map(|(types, codes)| L4::Icmp6 { types, codes }).collect()
        }
        _ => vec![part.clone()],
    };
    Some(left)
}

fn pairs_without<T: Number>(
    part: (&RangeSet<T>, &RangeSet<T>),
    denied: (&RangeSet<T>, &RangeSet<T>),
) -> Vec<(RangeSet<T>, RangeSet<T>)> {
    let pieces = [(part.0.difference(denied.0), part.1.clone()), (part.0.intersection(denied.0), part.1.difference(denied.1))];
    pieces.into_iter().filter(|(first, second)| !first.is_empty() && !second.is_empty()).collect()
}

/// The product that is the union of two, where it is one: they differ in a single field.
pub fn unite(left: &Selector, right: &Selector) -> Option<Selector> {
    let open = |selector: &Selector| Selector {
        source: AddressSet::empty(),
        destination: AddressSet::empty(),
        l4: L4::Any,
        week: WeekSet::never(),
        ..selector.clone()
    };
    if open(left) != open(right) {
        return None;
    }
    match (left.source == right.source, left.destination == right.destination, left.l4 == right.l4, left.week == right.week) {
        (_, true, true, true) => Some(Selector { source: left.source.union(&right.source), ..left.clone() }),
        (true, false, true, true) => Some(Selector { destination: left.destination.union(&right.destination), ..left.clone() }),
        (true, true, false, true) => Some(Selector { l4: left.l4.united(&right.l4)?, ..left.clone() }),
        (true, true, true, false) => {
            let minutes = left.week.minutes().union(right.week.minutes());
            Some(Selector { week: WeekSet::from_ranges(minutes.ranges().iter().copied()), ..left.clone() })
        }
        _ => None,
    }
}
