//! Flow specifications that nobody confirms are withdrawn when their time is over, also when the enforcer that announced them was killed.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use harness::deadline::wait_for;
use harness::enforcer::{Enforcer, code};
use harness::firewall::{Firewall, LEFT_V4, LEFT_V6, RIGHT_V4, RIGHT_V6};
use harness::planes::DataPlane;
use harness::scratch::Scratch;

use super::cutting::{KEPT, POLICY, TAKEN_AWAY, connect, observed, serve};
use super::planes;
use crate::made_policy::flow_map;

/// Long enough for the routes to reach the router on a busy machine.
const CONFIRM: Duration = Duration::from_secs(12);
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until a connection to the port gets through, or none does.
fn wait_until_open(stage: &dyn DataPlane, wanted: bool, what: &str) {
    let found = wait_for(what, PATIENCE, || {
        stage.settle()?;
        let open = [true, false].map(|is_v4| {
            let server = SocketAddr::new(Firewall::address(1, is_v4), TAKEN_AWAY);
            connect(&stage.firewall().hosts[0], server).is_ok()
        });
        Ok((open == [wanted; 2]).then_some(()))
    });
    found.unwrap();
}

#[test]
fn routes_that_nobody_confirms_are_withdrawn_by_the_timer_also_after_a_kill() {
    for plane in planes().filter(|plane| plane.target == "flowspec") {
        let stage = (plane.build)().unwrap();
        let firewall = stage.firewall();
        firewall.inhabit().unwrap();
        for (is_v4, port) in [(true, KEPT), (true, TAKEN_AWAY), (false, TAKEN_AWAY)] {
            serve(&firewall.hosts[1], (Firewall::address(1, is_v4), port).into()).unwrap();
        }
        let scratch = Scratch::create("withdrawn").unwrap();
        scratch.write("policy.yaml", &POLICY.replace("SERVICES", "kept")).unwrap();
        scratch.write("flowmap.json", &serde_json::to_string(&flow_map(&observed())).unwrap()).unwrap();
        let sides: [(&str, &[&str]); 2] = [("left", &[LEFT_V4, LEFT_V6]), ("right", &[RIGHT_V4, RIGHT_V6])];
        let via = stage.via();
        let via: Vec<&str> = via.iter().map(String::as_str).collect();
        let enforcer = Enforcer::configure_point(&scratch, &via, &sides, (plane.target, "exabgp")).unwrap();
        wait_until_open(&*stage, true, "a router without rules");
        for is_killed in [false, true] {
            let plan = ["plan", "--policy", "policy.yaml", "--flowmap", "flowmap.json", "--accept-cuts", "--out", "plan.json"];
            enforcer.run(&plan).unwrap().expect_code(&[code::CHANGES_PENDING, code::TRAFFIC_WOULD_BREAK]).unwrap();

            let start = Instant::now();
            let confirm = format!("{}s", CONFIRM.as_secs());
            let mut applying = enforcer.start(&["apply", "plan.json", "--confirm", &confirm]).unwrap();
            wait_until_open(&*stage, false, "routes that bite");
            let allowed = SocketAddr::new(Firewall::address(1, true), KEPT);
            assert!(connect(&firewall.hosts[0], allowed).is_ok(), "what is allowed goes on");
            if is_killed {
                applying.kill_hard();
            }

            wait_until_open(&*stage, true, "withdrawn routes");
            assert!(start.elapsed() > CONFIRM, "withdrawn before their time: {:?}", start.elapsed());
            if !is_killed {
                let ended = applying.wait(PATIENCE).unwrap();
                assert_eq!(ended.code(), Some(code::ROLLED_BACK), "{}", applying.complaints());
            }
            let whole = start.elapsed().as_secs_f32();
            eprintln!(
                "flowspec: announced, bites, withdrawn {whole:.1} s after the start of an apply for {confirm}, killed: {is_killed}"
            );
            let journal = || std::fs::read_to_string(enforcer.file("state/journal.ndjson")).unwrap_or_default();
            let put_back = wait_for("the journal's word", PATIENCE, || {
                Ok((journal().matches("rolled back").count() == 1 + usize::from(is_killed)).then_some(()))
            });
            put_back.unwrap_or_else(|error| panic!("{error}: {}", journal()));
        }
    }
}
