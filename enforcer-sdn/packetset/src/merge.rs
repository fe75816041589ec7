//! Puts together what a dialect had to write as several lines.

use crate::{AddressSet, FlagSet, L4, Number, RangeSet, Selector, Step};

/// Neighbouring steps with one effect whose selectors differ in a single field become one step: the union of two products that share all
/// other fields is a product again, and nothing stands between them, so no packet fares differently. Done again and again, it undoes the
/// lines that a dialect without sets needs for one rule (each source with each destination with each port).
#[must_use]
pub fn merge_neighbours(steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    let mut merged: Vec<Step> = Vec::new();
    for step in steps {
        let mut last = step;
        while let Some(before) = merged.pop() {
            match unite(&before, &last) {
                Some(both) => last = both,
                None => {
                    merged.push(before);
                    break;
                }
            }
        }
        merged.push(last);
    }
    merged
}

fn unite(left: &Step, right: &Step) -> Option<Step> {
    let (a, b) = (&left.selector, &right.selector);
    if left.effect != right.effect || a.state != b.state || a.week != b.week || a.link != b.link {
        return None;
    }
    if a.flags != b.flags {
        let is_rest_equal = a.source == b.source && a.destination == b.destination && a.l4 == b.l4;
        return is_rest_equal.then(|| unite_flags(a, b)).flatten().map(|selector| Step { selector, effect: left.effect });
    }
    let selector = match (a.source == b.source, a.destination == b.destination, a.l4 == b.l4) {
        (_, true, true) => Selector { source: unite_addresses(&a.source, &b.source)?, ..a.clone() },
        (true, false, true) => Selector { destination: unite_addresses(&a.destination, &b.destination)?, ..a.clone() },
        (true, true, false) => Selector { l4: a.l4.united(&b.l4)?, ..a.clone() },
        _ => return None,
    };
    Some(Step { selector, effect: left.effect })
}

/// Two restricted sets may be every byte together: still TCP only, so `Any` must not be left without its restriction.
fn unite_flags(left: &Selector, right: &Selector) -> Option<Selector> {
    let flags: FlagSet = left.flags.union(right.flags);
    let is_tcp = matches!(left.l4, L4::Tcp { .. } | L4::Protocol(6));
    (is_tcp || !flags.is_full()).then(|| Selector { flags, ..left.clone() })
}

/// Sets of one IP version only: with two, the other side's version would matter too.
fn unite_addresses(left: &AddressSet, right: &AddressSet) -> Option<AddressSet> {
    let is_one_version = (left.v4.is_empty() && right.v4.is_empty()) || (left.v6.is_empty() && right.v6.is_empty());
    is_one_version.then(|| left.union(right))
}

impl L4 {
    /// The union of two, where it is one of them.
    #[must_use]
    pub fn united(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Tcp { source: a, destination: b }, Self::Tcp { source: c, destination: d }) => {
                unite_pairs((a, b), (c, d)).map(|(source, destination)| Self::Tcp { source, destination })
            }
            (Self::Udp { source: a, destination: b }, Self::Udp { source: c, destination: d }) => {
                unite_pairs((a, b), (c, d)).map(|(source, destination)| Self::Udp { source, destination })
            }
            (Self::Sctp { source: a, destination: b }, Self::Sctp { source: c, destination: d }) => {
                unite_pairs((a, b), (c, d)).map(|(source, destination)| Self::Sctp { source, destination })
            }
            (Self::Icmp { types: a, codes: b }, Self::Icmp { types: c, codes: d }) => {
                unite_pairs((a, b), (c, d)).map(|(types, codes)| Self::Icmp { types, codes })
            }
            (Self::Icmp6 { types: a, codes: b }, Self::Icmp6 { types: c, codes: d }) => {
                unite_pairs((a, b), (c, d)).map(|(types, codes)| Self::Icmp6 { types, codes })
            }
            _ => None,
        }
    }
}

/// The union of two products of two sets, where it is a product.
fn unite_pairs<T: Number>(
    left: (&RangeSet<T>, &RangeSet<T>),
    right: (&RangeSet<T>, &RangeSet<T>),
) -> Option<(RangeSet<T>, RangeSet<T>)> {
    match (left.0 == right.0, left.1 == right.1) {
        (true, _) => Some((left.0.clone(), left.1.union(right.1))),
        (_, true) => Some((left.0.union(right.0), left.1.clone())),
        _ => None,
    }
}
