//! Flow specifications, announced to a router: allowed passes, denied is blocked, what goes on is cut when its rule is withdrawn; whatever
//! the order of the lines.

use std::net::{SocketAddr, TcpStream};

use anyhow::Result;
use harness::enforcer::{Enforcer, code};
use harness::firewall::{Firewall, LEFT_V4, LEFT_V6, RIGHT_V4, RIGHT_V6};
use harness::scratch::Scratch;

use super::cutting::{KEPT, NEVER_ALLOWED, POLICY, TAKEN_AWAY, answers, connect, observed, serve};
use super::planes;
use crate::made_policy::flow_map;

/// The policy as the enforcer renders it. The lines stand upside down in the file, which is to mean the same.
fn routes(scratch: &Scratch, services: &str) -> std::path::PathBuf {
    scratch.write("policy.yaml", &POLICY.replace("SERVICES", services)).unwrap();
    scratch.write("flowmap.json", &serde_json::to_string(&flow_map(&observed())).unwrap()).unwrap();
    let sides: [(&str, &[&str]); 2] = [("left", &[LEFT_V4, LEFT_V6]), ("right", &[RIGHT_V4, RIGHT_V6])];
    let enforcer = Enforcer::configure_point(scratch, &[], &sides, ("flowspec", "none")).unwrap();
    let render = ["render", "--narrow", "--policy", "policy.yaml", "--flowmap", "flowmap.json", "--out", "rules"];
    enforcer.run(&render).unwrap().expect_code(&[code::DONE]).unwrap();
    let text = std::fs::read_to_string(scratch.file("rules")).unwrap();
    let (routes, frame): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.trim_start().starts_with("route "));
    let [head @ .., end] = frame.as_slice() else { panic!("{text}") };
    assert!(routes.len() > 4, "{text}");
    let turned: Vec<&str> = head.iter().copied().chain(routes.into_iter().rev()).chain([*end]).collect();
    let turned = turned.join("\n") + "\n";
    scratch.write("turned", &turned).unwrap();
    let prove = ["prove", "--target", "flowspec", "--policy", "policy.yaml", "--flowmap", "flowmap.json", "turned"];
    enforcer.run(&prove).unwrap().expect_code(&[code::DONE]).unwrap();
    scratch.file("turned")
}

#[test]
fn announced_routes_let_through_what_is_allowed_and_cut_what_no_longer_is() {
    for plane in planes().filter(|plane| plane.target == "flowspec") {
        let stage = (plane.build)().unwrap();
        let firewall = stage.firewall();
        firewall.inhabit().unwrap();
        let scratch = Scratch::create("announced").unwrap();
        let reach = |is_v4: bool, port: u16| -> Result<TcpStream> {
            connect(&firewall.hosts[0], SocketAddr::new(Firewall::address(1, is_v4), port))
        };
        for is_v4 in [true, false] {
            for port in [KEPT, TAKEN_AWAY, NEVER_ALLOWED] {
                serve(&firewall.hosts[1], (Firewall::address(1, is_v4), port).into()).unwrap();
            }
        }
        stage.load(&routes(&scratch, "kept, taken-away")).unwrap();
        let mut live = Vec::new();
        for is_v4 in [true, false] {
            for port in [KEPT, TAKEN_AWAY] {
                let mut stream = reach(is_v4, port).unwrap_or_else(|error| panic!("v4 {is_v4}, port {port}: {error}"));
                assert!(answers(&mut stream), "allowed, v4 {is_v4}, port {port}");
                live.push((is_v4, port, stream));
            }
            assert!(reach(is_v4, NEVER_ALLOWED).is_err(), "denied is blocked, v4 {is_v4}");
        }

        stage.load(&routes(&scratch, "kept")).unwrap();

        for (is_v4, port, stream) in &mut live {
            assert_eq!(answers(stream), *port == KEPT, "v4 {is_v4}, port {port}");
        }
        assert!(reach(true, TAKEN_AWAY).is_err() && reach(false, TAKEN_AWAY).is_err());
        eprintln!("flowspec: allowed passes, denied is blocked, live connections are cut, whatever the order of the lines");
    }
}
