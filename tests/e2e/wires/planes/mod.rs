//! Every data plane decides on packets as the ruleset does whose text it was given.

mod announced;
mod by_hand;
mod cutting;
mod made_rulesets;
mod simulated;
mod withdrawn;

use std::time::{SystemTime, UNIX_EPOCH};

use enforcer_policy::{Action, Ruleset};
use enforcer_targets::{RenderOptions, Rendering, Target, find};
use harness::firewall::Opening;
use harness::generate::Random;
use harness::planes::{PLANES, Plane};
use harness::scratch::Scratch;

use made_rulesets::{opening, packet, ruleset};

const PACKETS: usize = 1000;

/// How many rulesets or policies each plane is tried with: the environment's number, else the quick one.
fn rounds(variable: &str, quick: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(quick)
}

/// The planes to try: all that can be had, or the one that the environment names.
pub fn planes() -> impl Iterator<Item = &'static Plane> {
    let only = std::env::var("CORDON_PLANE").ok();
    PLANES
        .iter()
        .filter(move |plane| only.as_deref().is_none_or(|name| name == plane.target))
        .filter(|plane| plane.is_available())
}

fn minute_of_week() -> u16 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // The epoch was a Thursday.
    ((seconds / 60 + 3 * 1440) % 10_080) as u16
}

/// What is left of a ruleset when the dialect has said which rules it cannot say, and its rendering. Of what is too long for the plane, the
/// longest rules go.
fn fit(plane: &Plane, target: &Target, mut ruleset: Ruleset) -> (Ruleset, Rendering) {
    loop {
        match (target.render)(&ruleset, &RenderOptions::default()) {
            Ok(rendering) if plane.most_lines.is_none_or(|most| rendering.lines.len() <= most) => return (ruleset, rendering),
            Ok(rendering) => {
                let longest =
                    ruleset.rules.iter().map(|rule| rule.id.clone()).max_by_key(|rule| rendering.lines_of(rule).count());
                ruleset.rules.retain(|rule| Some(&rule.id) != longest.as_ref());
            }
            Err(error) => {
                let before = ruleset.rules.len();
                ruleset.rules.retain(|rule| rule.id != error.rule);
                assert!(ruleset.rules.len() < before, "an error names its rule: {error}");
            }
        }
    }
}

#[test]
fn every_data_plane_decides_as_the_ruleset_that_it_was_given() {
    for plane in planes() {
        let target = find(plane.target).unwrap();
        let stage = (plane.build)().unwrap();
        let scratch = Scratch::create("planes").unwrap();
        let (mut random, mut denied, mut left_out) = (Random::new(20_261_123), 0, 0);
        let rulesets = rounds("CORDON_PLANE_RULESETS", 4);
        for round in 0..rulesets {
            let minute = minute_of_week();
            let made = ruleset(&mut random, target.capability.stateful, target.capability.schedule, minute);
            let before = made.rules.len();
            let (ruleset, rendering) = fit(plane, target, made);
            left_out += before - ruleset.rules.len();
            stage
                .load(&scratch.write("rules", &rendering.text).unwrap())
                .unwrap_or_else(|error| panic!("{error}\n{}", rendering.text));
            let openings: Vec<Opening> = (0..PACKETS).map(|_| opening(&mut random)).collect();

            let passed = stage.firewall().passed(&openings).unwrap();

            let mut wrong = Vec::new();
            for (one, passed) in openings.iter().zip(passed) {
                let (action, rule) = ruleset.decide(&packet(one, minute));
                if passed != (action == Action::Allow) {
                    wrong.push(format!("passed {passed}, rule {:?}: {one:?}", rule.map(|rule| &rule.id)));
                }
                denied += usize::from(!passed);
            }
            assert!(
                wrong.is_empty(),
                "{} round {round}: {} of {PACKETS} packets were decided otherwise:\n{}\n{}",
                plane.target,
                wrong.len(),
                wrong.join("\n"),
                rendering.text
            );
        }
        let all = PACKETS * rulesets as usize;
        eprintln!("{}: {all} packets, {denied} denied, {left_out} rules that the dialect cannot say", plane.target);
        // A plane that lets everything through, or nothing, would prove little.
        assert!(denied > all / 10 && denied < all * 9 / 10, "{}: {denied} of {all} denied", plane.target);
    }
}
