//! Render, read back, compare: on random rulesets, and on mutants of their text.

use crate::rulesets::{Random, cases, chosen, fit, packet, ruleset};
use enforcer_packetset::Verdict;
use enforcer_policy::Action;
use enforcer_targets::{NotProven, RenderOptions, Semantics, find, prove};

#[test]
fn every_rendering_is_read_back_equal_and_the_same_each_time() {
    for target in chosen() {
        let mut random = Random(3);
        let mut rules = 0;
        let wanted = cases("CORDON_CASES", 500);
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
        assert!(rules > 3 * wanted as usize, "{}: only {rules} rules in {wanted} cases", target.name);
    }
}

#[test]
fn a_rule_left_out_is_found_with_a_packet_that_shows_it() {
    let target = find("nftables").unwrap();
    let mut random = Random(4);
    let mut found = 0;
    for _ in 0..200 {
        let ruleset = ruleset(&mut random, 6);
        let rendering = (target.render)(&ruleset, &RenderOptions::default()).unwrap();
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
