//! The evidence about one thing, bounded, and the claims that follow from it.

use std::borrow::Cow;
use std::cmp::Reverse;

use sensor_model::{Claim, Evidence, Fact, FactKind, Strength, Timestamp};

/// The same fact, as often as it was seen. Words that the program itself chose are not copied.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub kind: FactKind,
    pub value: Cow<'static, str>,
    pub strength: Strength,
    pub source: Cow<'static, str>,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub times: u64,
}

impl Piece {
    pub fn to_evidence(&self) -> Evidence {
        Evidence {
            kind: self.kind,
            value: self.value.clone().into_owned(),
            strength: self.strength,
            source: self.source.clone().into_owned(),
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            times: self.times,
        }
    }
}

/// Different pieces of evidence, each as often as it was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dossier {
    evidence: Vec<Piece>,
    /// Facts that found no room.
    omitted: u64,
}

impl Dossier {
    pub fn evidence(&self) -> &[Piece] {
        &self.evidence
    }

    pub const fn is_empty(&self) -> bool {
        self.evidence.is_empty()
    }

    /// Takes a fact. One kind may fill a quarter of `limit` at most, so that a server of a thousand names still has room for its vendor.
    pub fn add(&mut self, fact: &Fact, limit: usize) {
        let piece = Words { kind: fact.kind, value: &fact.value, source: &fact.source };
        let owned = || (Cow::Owned(fact.value.clone()), Cow::Owned(fact.source.clone()));
        self.see(piece, fact.strength, Seen::once(fact.seen_at), limit, owned);
    }

    /// Takes a fact in the program's own words.
    pub fn add_known(
        &mut self,
        kind: FactKind,
        value: &'static str,
        (strength, source): (Strength, &'static str),
        seen_at: Timestamp,
        limit: usize,
    ) {
        let own = || (Cow::Borrowed(value), Cow::Borrowed(source));
        self.see(Words { kind, value, source }, strength, Seen::once(seen_at), limit, own);
    }

    pub fn merge(&mut self, other: &Self, limit: usize) {
        self.omitted = self.omitted.saturating_add(other.omitted);
        for piece in &other.evidence {
            let words = Words { kind: piece.kind, value: &piece.value, source: &piece.source };
            let seen = Seen { first: piece.first_seen, last: piece.last_seen, times: piece.times };
            self.see(words, piece.strength, seen, limit, || (piece.value.clone(), piece.source.clone()));
        }
    }

    /// Adds what was worked out rather than heard; there are few such pieces, so they need no limit.
    pub fn put(&mut self, piece: Piece) {
        self.evidence.push(piece);
    }

    fn see(
        &mut self,
        words: Words<'_>,
        strength: Strength,
        seen: Seen,
        limit: usize,
        owned: impl FnOnce() -> (Cow<'static, str>, Cow<'static, str>),
    ) {
        let Words { kind, value, source } = words;
        let mut of_kind = 0;
        for known in self.evidence.iter_mut().filter(|known| known.kind == kind) {
            of_kind += 1;
            if known.value == value && known.source == source {
                known.strength = known.strength.max(strength);
                known.first_seen = known.first_seen.min(seen.first);
                known.last_seen = known.last_seen.max(seen.last);
                known.times = known.times.saturating_add(seen.times);
                return;
            }
        }
        if self.evidence.len() < limit && of_kind < (limit / 4).max(1) {
            let ((value, source), Seen { first, last, times }) = (owned(), seen);
            self.evidence.push(Piece { kind, value, strength, source, first_seen: first, last_seen: last, times });
        } else {
            self.omitted = self.omitted.saturating_add(seen.times);
        }
    }

    pub fn of(&self, kind: FactKind) -> impl Iterator<Item = &Piece> {
        self.evidence.iter().filter(move |piece| piece.kind == kind)
    }

    /// How well the value is known, and how often it was seen by whom who saw it most: several sources may tell of the same flow.
    pub fn known(&self, kind: FactKind, value: &str) -> Option<(Strength, u64)> {
        let pieces = || self.of(kind).filter(|piece| piece.value == value);
        let strength = pieces().map(|piece| piece.strength).max()?;
        Some((strength, pieces().map(|piece| piece.times).max()?))
    }

    /// The strongest, then the most often seen, then the first in the alphabet: the same whatever the order of the facts.
    pub fn best(&self, kind: FactKind) -> Option<Claim> {
        self.of(kind).max_by_key(|piece| weight(piece)).map(claim)
    }
}

/// What makes two pieces the same.
#[derive(Clone, Copy)]
struct Words<'a> {
    kind: FactKind,
    value: &'a str,
    source: &'a str,
}

#[derive(Clone, Copy)]
struct Seen {
    first: Timestamp,
    last: Timestamp,
    times: u64,
}

impl Seen {
    const fn once(at: Timestamp) -> Self {
        Self { first: at, last: at, times: 1 }
    }
}

pub(crate) fn weight(piece: &Piece) -> (Strength, u64, Reverse<(&str, &str)>) {
    (piece.strength, piece.times, Reverse((&piece.value, &piece.source)))
}

pub(crate) fn claim(piece: &Piece) -> Claim {
    Claim { value: piece.value.clone().into_owned(), strength: piece.strength, source: piece.source.clone().into_owned() }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;
    use sensor_model::Subject;

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
