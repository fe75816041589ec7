//! The algebra against asking every packet of a small universe, one by one.

use crate::cases::{Random, UNIVERSES, cases, walk};
use enforcer_packetset::{Effect, Limits, Outcomes, Packet, PacketSet, Selector, Step, compare};

fn members(packets: &[Packet], set: &PacketSet) -> Vec<bool> {
    packets.iter().map(|packet| set.contains(packet)).collect()
}

#[test]
fn operations_agree_with_every_packet_of_the_universe() {
    let packets = UNIVERSES.map(|universe| universe.packets());
    let mut random = Random(1);
    for case in 0..cases(400) {
        let at = case as usize % UNIVERSES.len();
        let (universe, packets) = (UNIVERSES[at], packets[at].as_slice());
        let draw =
            |random: &mut Random| -> Vec<Selector> { (0..1 + random.below(3)).map(|_| universe.selector(random)).collect() };
        let (left, right) = (draw(&mut random), draw(&mut random));
        let (a, b) = (PacketSet::any_of(&left).unwrap(), PacketSet::any_of(&right).unwrap());
        let in_left: Vec<bool> = packets.iter().map(|packet| left.iter().any(|s| s.contains(packet))).collect();
        let in_right: Vec<bool> = packets.iter().map(|packet| right.iter().any(|s| s.contains(packet))).collect();
        let expected = |operation: fn(bool, bool) -> bool| -> Vec<bool> {
            in_left.iter().zip(&in_right).map(|(&l, &r)| operation(l, r)).collect()
        };
        assert_eq!(members(packets, &a), in_left, "case {case}: {left:?}");
        for (set, wanted) in [
            (a.union(&b).unwrap(), expected(|l, r| l || r)),
            (a.intersection(&b).unwrap(), expected(|l, r| l && r)),
            (a.difference(&b).unwrap(), expected(|l, r| l && !r)),
            (a.complement(), expected(|l, _| !l)),
        ] {
            assert_eq!(members(packets, &set), wanted, "case {case}: {left:?} and {right:?}");
            assert_eq!(set.is_empty(), wanted.iter().all(|&member| !member), "case {case}");
            assert_eq!(set.is_full(), wanted.iter().all(|&member| member), "case {case}");
            match set.witness() {
                Some(packet) => assert!(set.contains(&packet) && packet.exists(), "case {case}: {packet}"),
                None => assert!(set.is_empty(), "case {case}"),
            }
        }
        assert_eq!(a == b, in_left == in_right, "case {case}: equal sets must be equal values");
        assert_eq!(a.is_subset(&b).unwrap(), expected(|l, r| !l || r).iter().all(|&holds| holds), "case {case}");
    }
}

#[test]
fn chains_agree_with_a_walk_of_every_packet() {
    let packets = UNIVERSES.map(|universe| universe.packets());
    let mut random = Random(2);
    for case in 0..cases(400) {
        let at = case as usize % UNIVERSES.len();
        let (universe, packets) = (UNIVERSES[at], packets[at].as_slice());
        let left = universe.chain(&mut random, 8);
        let mut right = left.clone();
        for _ in 0..random.below(3) {
            let at = random.below(right.len() as u64 + 1) as usize;
            match random.below(3) {
                0 => right.splice(at.min(right.len()).., universe.chain(&mut random, 2)).for_each(drop),
                1 if at < right.len() => drop(right.remove(at)),
                _ if at + 1 < right.len() => right.swap(at, at + 1),
                _ => {}
            }
        }
        if case % 4 > 1 {
            // So much differs now that the comparison takes its general way; what neither decides nor logs changes nothing.
            let effect = Effect { verdict: None, log: false };
            right.extend((0..70).map(|_| Step { selector: universe.selector(&mut random), effect }));
        }
        let outcomes = Outcomes::of(&left, Limits::default()).unwrap();
        let verdict = compare(&left, &right, Limits::default()).unwrap();
        let mut differ = false;
        for packet in packets {
            let (denied, logged) = walk(&left, packet);
            let other = walk(&right, packet);
            differ |= (denied, logged) != other;
            assert_eq!(outcomes.denied.contains(packet), denied, "case {case}: {packet}");
            assert_eq!(outcomes.logged.contains(packet), logged, "case {case}: {packet}");
            if let Err(sets) = &verdict {
                assert_eq!(sets.only_left_denies.contains(packet), denied && !other.0, "case {case}: {packet}");
                assert_eq!(sets.only_right_denies.contains(packet), !denied && other.0, "case {case}: {packet}");
                assert_eq!(sets.only_left_logs.contains(packet), logged && !other.1, "case {case}: {packet}");
                assert_eq!(sets.only_right_logs.contains(packet), !logged && other.1, "case {case}: {packet}");
            }
        }
        assert_eq!(verdict.is_err(), differ, "case {case}: {left:?} and {right:?}");
        if let Err(sets) = verdict {
            let packet = sets.witness().unwrap();
            assert_ne!(walk(&left, &packet), walk(&right, &packet), "case {case}: the witness {packet} shows the difference");
        }
    }
}
