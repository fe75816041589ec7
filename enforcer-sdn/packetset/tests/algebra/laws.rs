//! Laws of sets, as equalities of values.

use enforcer_packetset::{Limits, PacketSet, Selector, compare};

use crate::cases::{Random, UNIVERSES, cases, wide_selector};

fn draw(random: &mut Random) -> PacketSet {
    let selectors: Vec<Selector> = (0..1 + random.below(4)).map(|_| wide_selector(random)).collect();
    PacketSet::any_of(&selectors).unwrap()
}

#[test]
fn the_laws_of_sets_hold() {
    let mut random = Random(11);
    for case in 0..cases(200) {
        let (a, b, c) = (draw(&mut random), draw(&mut random), draw(&mut random));
        let or = |x: &PacketSet, y: &PacketSet| x.union(y).unwrap();
        let and = |x: &PacketSet, y: &PacketSet| x.intersection(y).unwrap();
        let minus = |x: &PacketSet, y: &PacketSet| x.difference(y).unwrap();
        for (law, left, right) in [
            ("union is commutative", or(&a, &b), or(&b, &a)),
            ("union is associative", or(&or(&a, &b), &c), or(&a, &or(&b, &c))),
            ("intersection is associative", and(&and(&a, &b), &c), and(&a, &and(&b, &c))),
            ("intersection distributes", and(&a, &or(&b, &c)), or(&and(&a, &b), &and(&a, &c))),
            ("union distributes", or(&a, &and(&b, &c)), and(&or(&a, &b), &or(&a, &c))),
            ("De Morgan", or(&a, &b).complement(), and(&a.complement(), &b.complement())),
            ("twice the complement", a.complement().complement(), a.clone()),
            ("absorption", or(&a, &and(&a, &b)), a.clone()),
            ("difference is intersection with the complement", minus(&a, &b), and(&a, &b.complement())),
            ("the parts make the whole", or(&minus(&a, &b), &and(&a, &b)), a.clone()),
            ("excluded middle", or(&a, &a.complement()), PacketSet::full()),
            ("no contradiction", and(&a, &a.complement()), PacketSet::empty()),
            ("empty is neutral", or(&a, &PacketSet::empty()), a.clone()),
            ("full is neutral", and(&a, &PacketSet::full()), a.clone()),
        ] {
            assert!(left == right, "case {case}: {law}");
        }
    }
}

#[test]
fn a_limit_that_is_too_small_is_named_and_nothing_is_answered() {
    let mut random = Random(12);
    let (left, right) = (UNIVERSES[0].chain(&mut random, 12), UNIVERSES[0].chain(&mut random, 12));
    let error = compare(&left, &right, Limits { edges: 3, visits: 1_000_000 }).unwrap_err();
    assert_eq!((error.limit, error.allowed), ("edges", 3));
    let error = compare(&left, &right, Limits { edges: 1_000_000, visits: 3 }).unwrap_err();
    assert!(error.to_string().contains("more than 3 visits"), "{error}");
}

#[test]
fn equal_chains_are_equal_under_any_limit() {
    let chain = UNIVERSES[0].chain(&mut Random(13), 12);
    assert!(compare(&chain, &chain, Limits { edges: 0, visits: 10_000 }).unwrap().is_ok());
}
