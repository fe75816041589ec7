//! The evidence about one thing, bounded, and the claims that follow from it.

use std::cmp::Reverse;

use sensor_model::{Claim, Evidence, Fact, FactKind, Strength};

/// Different pieces of evidence, each as often as it was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dossier {
    evidence: Vec<Evidence>,
    /// Facts that found no room.
    omitted: u64,
}

impl Dossier {
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }

    /// Takes a fact. One kind may fill a quarter of `limit` at most, so that a server of a thousand names still has room for its vendor.
    pub fn add(&mut self, fact: &Fact, limit: usize) {
        self.merge_one(
            Evidence {
                kind: fact.kind,
                value: fact.value.clone(),
                strength: fact.strength,
                source: fact.source.clone(),
                first_seen: fact.seen_at,
                last_seen: fact.seen_at,
                times: 1,
            },
            limit,
        );
    }

    pub fn merge(&mut self, other: &Self, limit: usize) {
        self.omitted = self.omitted.saturating_add(other.omitted);
        for piece in &other.evidence {
            self.merge_one(piece.clone(), limit);
        }
    }

    /// Adds what was worked out rather than heard; there are few such pieces, so they need no limit.
    pub fn put(&mut self, piece: Evidence) {
        self.evidence.push(piece);
    }

    fn merge_one(&mut self, piece: Evidence, limit: usize) {
        let same = |known: &&mut Evidence| known.kind == piece.kind && known.value == piece.value && known.source == piece.source;
        if let Some(known) = self.evidence.iter_mut().find(same) {
            known.strength = known.strength.max(piece.strength);
            known.first_seen = known.first_seen.min(piece.first_seen);
            known.last_seen = known.last_seen.max(piece.last_seen);
            known.times = known.times.saturating_add(piece.times);
            return;
        }
        let of_kind = self.evidence.iter().filter(|known| known.kind == piece.kind).count();
        if self.evidence.len() < limit && of_kind < (limit / 4).max(1) {
            self.evidence.push(piece);
        } else {
            self.omitted = self.omitted.saturating_add(piece.times);
        }
    }

    pub fn of(&self, kind: FactKind) -> impl Iterator<Item = &Evidence> {
        self.evidence.iter().filter(move |piece| piece.kind == kind)
    }

    /// How often the value was seen, whoever said it.
    pub fn times(&self, kind: FactKind, value: &str) -> u64 {
        self.of(kind).filter(|piece| piece.value == value).fold(0, |sum, piece| sum.saturating_add(piece.times))
    }

    /// The strongest, then the most often seen, then the first in the alphabet: the same whatever the order of the facts.
    pub fn best(&self, kind: FactKind) -> Option<Claim> {
        self.of(kind).max_by_key(|piece| weight(piece)).map(claim)
    }
}

pub(crate) fn weight(piece: &Evidence) -> (Strength, u64, Reverse<(&str, &str)>) {
    (piece.strength, piece.times, Reverse((piece.value.as_str(), piece.source.as_str())))
}

pub(crate) fn claim(piece: &Evidence) -> Claim {
    Claim { value: piece.value.clone(), strength: piece.strength, source: piece.source.clone() }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;
    use sensor_model::{Subject, Timestamp};

    use super::*;

    fn fact(kind: FactKind, value: &str, strength: Strength, at: i64) -> Fact {
        let subject = Subject::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Fact { subject, kind, value: value.to_owned(), strength, source: "test".to_owned(), seen_at: Timestamp::from_nanos(at) }
    }

    #[test]
    fn strength_beats_number_and_number_beats_the_alphabet() {
        let mut dossier = Dossier::default();
        for value in ["b", "b", "a", "c", "c"] {
            dossier.add(&fact(FactKind::Vendor, value, Strength::Probable, 1), 64);
        }
        assert_eq!(dossier.best(FactKind::Vendor).map(|claim| claim.value), Some("b".to_owned()));
        dossier.add(&fact(FactKind::Vendor, "z", Strength::Confirmed, 1), 64);
        assert_eq!(dossier.best(FactKind::Vendor).map(|claim| claim.value), Some("z".to_owned()));
    }

    #[test]
    fn a_thousand_names_leave_room_for_a_vendor_and_are_counted() {
        let mut dossier = Dossier::default();
        for n in 0..1000 {
            dossier.add(&fact(FactKind::DnsName, &n.to_string(), Strength::Probable, n), 64);
        }
        dossier.add(&fact(FactKind::Vendor, "ACME", Strength::Probable, 1), 64);
        assert_eq!(dossier.of(FactKind::DnsName).count(), 16);
        assert_eq!(dossier.omitted, 984);
        assert!(dossier.best(FactKind::Vendor).is_some());
    }

    proptest! {
        #[test]
        fn claims_do_not_depend_on_the_order_of_facts(
            mut facts in proptest::collection::vec(("[a-c]", 0i64..3, 0u8..2), 1..12),
            seed in any::<u64>(),
        ) {
            let build = |facts: &[(String, i64, u8)]| {
                let mut dossier = Dossier::default();
                for (value, at, strong) in facts {
                    let strength = if *strong == 0 { Strength::Probable } else { Strength::Confirmed };
                    dossier.add(&fact(FactKind::Model, value, strength, *at), 64);
                }
                dossier.best(FactKind::Model)
            };
            let before = build(&facts);
            let by = (seed as usize) % facts.len();
            facts.rotate_left(by);
            prop_assert_eq!(before, build(&facts));
        }
    }
}
