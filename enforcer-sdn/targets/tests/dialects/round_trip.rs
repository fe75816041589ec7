//! Render, read back, compare: on random rulesets, and on mutants of their text.

use crate::rulesets::{Random, cases, fit, packet, ruleset, targets};
use enforcer_packetset::{FlagSet, HeadingSet, L4, LinkFields, Mac, RangeSet, Selector, Verdict, VlanId};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{FlagWords, NotProven, RenderOptions, Semantics, TARGETS, find, prove};

#[test]
fn every_rendering_is_read_back_equal_and_the_same_each_time_share_0() {
    renderings_are_read_back_equal(0);
}

#[test]
fn every_rendering_is_read_back_equal_and_the_same_each_time_share_1() {
    renderings_are_read_back_equal(1);
}

#[test]
fn every_rendering_is_read_back_equal_and_the_same_each_time_share_2() {
    renderings_are_read_back_equal(2);
}

#[test]
fn every_rendering_is_read_back_equal_and_the_same_each_time_share_3() {
    renderings_are_read_back_equal(3);
}

fn renderings_are_read_back_equal(share: usize) {
    for target in targets(share) {
        let mut random = Random(3);
        let mut rules = 0;
        let wanted = cases("CORDON_CASES", 100);
        for case in 0..wanted {
            let (ruleset, rendering) = fit(target, ruleset(&mut random, 12));
            rules += ruleset.rules.len();
            assert_eq!(rendering, (target.render)(&ruleset, &RenderOptions::default()).unwrap());
            if let Err(error) = prove(target, &ruleset, &rendering.text) {
                panic!("{} case {case}: {error}\n{}\n{ruleset:#?}", target.name, rendering.text);
            }
            // The parser against the ruleset's own verdict, packet by packet, without the algebra.
            let parsed = (target.parse)(&rendering.text).unwrap();
            let sets = Semantics::of_parsed(&parsed).unwrap();
            for _ in 0..20 {
                let packet = packet(&mut random);
                let denied = ruleset.decide(&packet).0 == Action::Deny;
                let read = parsed.steps.iter().find(|step| step.effect.verdict.is_some() && step.selector.contains(&packet));
                assert_eq!(read.is_some_and(|step| step.effect.verdict == Some(Verdict::Deny)), denied, "case {case}: {packet}");
                assert_eq!(sets.denied.contains(&packet), denied, "case {case}: {packet}");
            }
        }
        assert!(rules > 2 * wanted as usize, "{}: only {rules} rules in {wanted} cases", target.name);
    }
}

#[test]
fn a_rule_left_out_is_found_with_a_packet_that_shows_it() {
    let target = find("nftables").unwrap();
    let mut random = Random(4);
    let mut found = 0;
    for _ in 0..200 {
        let (ruleset, rendering) = fit(target, ruleset(&mut random, 6));
        let Some(line) = rendering.lines.first() else { continue };
        let kept: Vec<&str> =
            rendering.text.lines().enumerate().filter(|(at, _)| at + 1 != line.line).map(|(_, text)| text).collect();
        let kept = kept.join("\n");
        match prove(target, &ruleset, &kept) {
            Err(NotProven::Differs(difference)) => {
                found += 1;
                assert!(difference.set.contains(&difference.packet));
            }
            Err(other) => panic!("{other}"),
            Ok(_) => {
                let sets = Semantics::of_parsed(&(target.parse)(&kept).unwrap()).unwrap();
                assert_eq!(sets, Semantics::of_ruleset(&ruleset).unwrap(), "proven, so the sets are equal");
            }
        }
    }
    assert!(found > 80, "only {found} differences");
}

#[test]
fn flags_and_frames_that_a_dialect_has_no_words_for_are_refused_with_the_rule() {
    let tcp = Selector { l4: L4::Tcp { source: RangeSet::full(), destination: RangeSet::of(502) }, ..Selector::any() };
    let established = Selector { flags: FlagSet::ack_or_rst(), ..tcp.clone() };
    let odd = Selector { flags: FlagSet::of(0x29), ..tcp };
    let on = |link: LinkFields| Selector { link: link.into(), ..Selector::any() };
    let vlan = on(LinkFields { vlan: RangeSet::of(VlanId::new(10).unwrap()), ..LinkFields::any() });
    let mac = RangeSet::of(Mac::from_octets([0, 0, 0x5e, 0, 0x53, 1]));
    let source_mac = on(LinkFields { source_mac: mac.clone(), ..LinkFields::any() });
    let destination_mac = on(LinkFields { destination_mac: mac, ..LinkFields::any() });
    let outgoing = on(LinkFields { heading: HeadingSet::Out, ..LinkFields::any() });
    for target in TARGETS {
        let (flags, link) = (target.capability.tcp_flags, target.capability.link);
        for (selector, is_sayable) in [
            (&established, flags != FlagWords::None),
            (&odd, flags == FlagWords::Any),
            (&vlan, link.vlan),
            (&source_mac, link.mac),
            (&destination_mac, link.mac),
            (&outgoing, link.heading),
        ] {
            let rule =
                PointRule { id: "lost".into(), selector: selector.clone(), action: Action::Deny, log: false, origin: Vec::new() };
            let rendering = (target.render)(&Ruleset { point: "test".into(), rules: vec![rule] }, &RenderOptions::default());
            // A dialect that has words may still refuse an odd set; one that has none must.
            match rendering {
                Err(error) => assert_eq!(error.rule, "lost", "{}: {error}", target.name),
                Ok(rendering) => assert!(is_sayable, "{} loses {selector:?}:\n{}", target.name, rendering.text),
            }
        }
    }
}
