//! Every data plane decides as `enforcer-sdn simulate` says, for policies and packets that nobody picked. The text is what
//! `enforcer-sdn render` writes for a point of the plane's dialect.

use std::collections::BTreeMap;

use enforcer_targets::find;
use harness::enforcer::{Enforcer, code};
use harness::firewall::{LEFT_V4, LEFT_V6, Opening, RIGHT_V4, RIGHT_V6};
use harness::generate::Random;
use harness::packet::{TCP, UDP};
use harness::planes::{DataPlane, Plane};
use harness::scratch::Scratch;
use serde_json::Value;

use super::{PACKETS, planes, rounds};
use crate::made_policy::{Kinds, flow_map, opening, policy};

/// Client, server, protocol and port of a conversation: what the simulation is about.
type Question = (String, String, String, u64);

fn question(one: &Opening) -> Question {
    let protocol = match one.protocol {
        TCP => "tcp",
        UDP => "udp",
        _ => "icmp",
    };
    (format!("ip-{}", one.source), format!("ip-{}", one.destination), protocol.to_owned(), u64::from(one.destination_port))
}

/// Whether packets of each conversation get through, as `simulate` says.
fn simulated(enforcer: &Enforcer<'_>) -> BTreeMap<Question, bool> {
    let arguments = ["simulate", "--policy", "policy.yaml", "--flowmap", "flowmap.json", "--output", "json"];
    let answer = enforcer.run(&arguments).unwrap().expect_code(&[code::DONE, code::TRAFFIC_WOULD_BREAK]).unwrap();
    let said: Value = serde_json::from_str(&answer.stdout).unwrap();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let verdict = |fate: &Value| {
        let service = &fate["service"];
        let key = (word(&fate["client"]), word(&fate["server"]), word(&service["protocol"]), service["port"].as_u64().unwrap());
        assert_ne!(fate["outcome"], "cannot_know", "{fate}");
        // Only a zone in `enforce` stops anything.
        (key, !(fate["outcome"] == "denied" && fate["mode"] == "enforce"))
    };
    said["conversations"].as_array().unwrap().iter().map(verdict).collect()
}

/// The packet that this one would be the answer to. Of what is sent here, only UDP looks like one: TCP is a SYN alone, ICMP a request.
fn asked_by(one: &Opening) -> Option<Opening> {
    let Opening { source, destination, source_port, destination_port, .. } = *one;
    let mirror = Opening {
        source: destination,
        destination: source,
        source_port: destination_port,
        destination_port: source_port,
        ..*one
    };
    (one.protocol == UDP).then_some(mirror)
}

/// How many packets were denied; None where the dialect cannot say the policy, or only in more lines than the plane takes.
fn compare(plane: &Plane, stage: &dyn DataPlane, round: u64, (text, openings): (&str, &[Opening])) -> Option<usize> {
    let is_stateful = find(plane.target).unwrap().capability.stateful;
    let scratch = Scratch::create("simulated").unwrap();
    scratch.write("policy.yaml", text).unwrap();
    let asked: Vec<Opening> = openings.iter().copied().chain(openings.iter().filter_map(asked_by)).collect();
    scratch.write("flowmap.json", &serde_json::to_string(&flow_map(&asked)).unwrap()).unwrap();
    let sides: [(&str, &[&str]); 2] = [("left", &[LEFT_V4, LEFT_V6]), ("right", &[RIGHT_V4, RIGHT_V6])];
    let enforcer = Enforcer::configure_point(&scratch, &[], &sides, (plane.target, "none")).unwrap();
    // What the dialect has no log for is left out.
    let render = ["render", "--narrow", "--policy", "policy.yaml", "--flowmap", "flowmap.json", "--out", "rules"];
    let rendered = enforcer.run(&render).unwrap().expect_code(&[code::DONE, code::ERROR]).unwrap();
    if rendered.code == code::ERROR {
        assert!(rendered.stderr.contains(&format!("{} cannot say", plane.target)), "{}", rendered.stderr);
        return None;
    }
    let rules = std::fs::read_to_string(scratch.file("rules")).unwrap();
    if plane.most_lines.is_some_and(|most| rules.lines().count() > most) {
        return None;
    }
    let expected = simulated(&enforcer);

    stage.load(&scratch.file("rules")).unwrap_or_else(|error| panic!("{} round {round}: {error:#}\n{rules}", plane.target));
    let passed = stage.firewall().passed(openings).unwrap();

    // Where connections are not followed, what would be an answer passes unasked: a gap that `render` names.
    let is_answer = |one: &Opening| !is_stateful && asked_by(one).is_some_and(|mirror| expected[&question(&mirror)]);
    let otherwise: Vec<String> = openings
        .iter()
        .zip(&passed)
        .filter(|(one, passed)| **passed != (expected[&question(one)] || is_answer(one)))
        .map(|(one, passed)| format!("passed {passed}: {one:?}"))
        .collect();
    let count = otherwise.len();
    assert!(count == 0, "{} round {round}: {count} of {PACKETS}:\n{}\n{text}\n{rules}", plane.target, otherwise.join("\n"));
    Some(passed.iter().filter(|passed| !**passed).count())
}

#[test]
fn every_data_plane_with_the_rendered_rules_decides_as_simulated() {
    let policies = rounds("CORDON_PLANE_POLICIES", 3);
    for plane in planes() {
        let stage = (plane.build)().unwrap();
        let (mut random, mut denied, mut round, mut unsayable) = (Random::new(20_260_601), 0, 0, 0);
        while round < policies {
            let openings: Vec<Opening> = (0..PACKETS).map(|_| opening(&mut random)).collect();
            let kinds = if plane.has_flags { Kinds::All } else { Kinds::WithoutConnections };
            match compare(plane, &*stage, round, (&policy(&mut random, kinds), &openings)) {
                Some(more) => (denied, round) = (denied + more, round + 1),
                None => unsayable += 1,
            }
            assert!(unsayable <= 20 + 4 * policies, "{}: {unsayable} policies that it cannot say", plane.target);
        }
        let all = PACKETS * policies as usize;
        eprintln!(
            "{}: {policies} policies, {all} packets as simulated, {denied} denied; {unsayable} policies too long or unsayable",
            plane.target
        );
        // A plane that lets everything through, or nothing, would prove little.
        assert!(denied > all / 10 && denied < all * 9 / 10, "{}: {denied} of {all} denied", plane.target);
    }
}
