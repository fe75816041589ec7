//! Through the enforcer's own driver, on every data plane: allowed passes, denied is blocked, a live connection ends when its rule goes,
//! and comes back after a rollback.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use harness::enforcer::{Enforcer, code};
use harness::firewall::{Firewall, LEFT_V4, LEFT_V6, Opening, RIGHT_V4, RIGHT_V6};
use harness::namespace::Namespace;
use harness::packet::{SYN, TCP};
use harness::scratch::Scratch;

use super::planes;
use crate::made_policy::flow_map;

pub const KEPT: u16 = 502;
pub const TAKEN_AWAY: u16 = 445;
pub const NEVER_ALLOWED: u16 = 3389;
/// An answer across two wires takes a millisecond; TCP sends again after 200.
pub const PATIENCE: Duration = Duration::from_millis(900);

pub const POLICY: &str = "apiVersion: cordon/v1
kind: Policy
metadata: {name: cutting, owner: tester}
zones:
- name: left
  mode: enforce
  intraZone: allow
  members:
  - prefix: 10.10.0.0/24
  - prefix: fd10::/64
- name: right
  mode: enforce
  intraZone: allow
  members:
  - prefix: 10.20.0.0/24
  - prefix: fd20::/64
services:
- name: kept
  ports: [tcp/502]
- name: taken-away
  ports: [tcp/445]
- name: neighbours
  ports: [icmp6/neighbor-solicitation, icmp6/neighbor-advertisement]
rules:
# What a switch lets through only where it is allowed; a router has it by itself.
- name: neighbours
  from: any
  to: any
  services: [neighbours]
  action: allow
  reason: test
  reviewBy: 2099-01-01
- name: work
  from: left
  to: right
  services: [SERVICES]
  action: allow
  reason: test
  reviewBy: 2099-01-01
";

/// A server that sends back what it gets.
pub fn serve(host: &Namespace, at: SocketAddr) -> Result<()> {
    let listener = host.enter(|| TcpListener::bind(at).with_context(|| format!("listening at {at}")))?;
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let (mut from, mut to) = (&client, &client);
                std::io::copy(&mut from, &mut to)
            });
        }
    });
    Ok(())
}

pub fn connect(host: &Namespace, to: SocketAddr) -> Result<TcpStream> {
    let stream = host.enter(|| Ok(TcpStream::connect_timeout(&to, PATIENCE)?))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Whether a word comes back.
pub fn answers(stream: &mut TcpStream) -> bool {
    let mut word = [0; 4];
    // What was sent before and comes late is not this word's answer.
    let sent: [u8; 4] = *b"ping";
    stream.write_all(&sent).is_ok() && stream.read_exact(&mut word).is_ok()
}

struct Site<'a> {
    firewall: &'a Firewall,
    scratch: &'a Scratch,
    enforcer: Enforcer<'a>,
}

impl Site<'_> {
    /// Plans and applies the policy with these services, for good.
    fn enforce(&self, services: &str) {
        self.scratch.write("policy.yaml", &POLICY.replace("SERVICES", services)).unwrap();
        let plan = ["plan", "--policy", "policy.yaml", "--flowmap", "flowmap.json", "--accept-cuts", "--out", "plan.json"];
        self.enforcer.run(&plan).unwrap().expect_code(&[code::CHANGES_PENDING, code::TRAFFIC_WOULD_BREAK]).unwrap();
        self.enforcer.run(&["apply", "plan.json", "--confirm", "20s", "--detach"]).unwrap().expect_code(&[code::DONE]).unwrap();
        self.enforcer.run(&["confirm"]).unwrap().expect_code(&[code::DONE]).unwrap();
        self.enforcer.run(&["drift"]).unwrap().expect_code(&[code::DONE]).unwrap();
    }

    fn reach(&self, is_v4: bool, port: u16) -> Result<TcpStream> {
        connect(&self.firewall.hosts[0], SocketAddr::new(Firewall::address(1, is_v4), port))
    }
}

pub fn observed() -> Vec<Opening> {
    let opening = |is_v4, destination_port| Opening {
        source: Firewall::address(0, is_v4),
        destination: Firewall::address(1, is_v4),
        protocol: TCP,
        source_port: 40_000,
        destination_port,
        tcp_flags: SYN,
    };
    [true, false].into_iter().flat_map(|is_v4| [opening(is_v4, KEPT), opening(is_v4, TAKEN_AWAY)]).collect()
}

#[test]
fn a_live_connection_ends_with_its_rule_and_others_go_on() {
    for (plane, driver) in planes().filter_map(|plane| Some((plane, plane.driver?))) {
        let stage = (plane.build)().unwrap();
        let firewall = stage.firewall();
        firewall.inhabit().unwrap();
        for is_v4 in [true, false] {
            let server: IpAddr = Firewall::address(1, is_v4);
            for port in [KEPT, TAKEN_AWAY, NEVER_ALLOWED] {
                serve(&firewall.hosts[1], (server, port).into()).unwrap();
            }
        }
        let scratch = Scratch::create("cutting").unwrap();
        scratch.write("flowmap.json", &serde_json::to_string(&flow_map(&observed())).unwrap()).unwrap();
        let sides: [(&str, &[&str]); 2] = [("left", &[LEFT_V4, LEFT_V6]), ("right", &[RIGHT_V4, RIGHT_V6])];
        let via = stage.via();
        let via: Vec<&str> = via.iter().map(String::as_str).collect();
        let enforcer = Enforcer::configure_point(&scratch, &via, &sides, (plane.target, driver)).unwrap();
        let site = Site { firewall, scratch: &scratch, enforcer };
        site.enforce("kept, taken-away");
        stage.settle().unwrap();
        let mut live = Vec::new();
        for is_v4 in [true, false] {
            for port in [KEPT, TAKEN_AWAY] {
                let mut stream = site.reach(is_v4, port).unwrap_or_else(|error| panic!("{} {port}: {error}", plane.target));
                assert!(answers(&mut stream), "{}: allowed, v4 {is_v4}, port {port}", plane.target);
                live.push((is_v4, port, stream));
            }
            assert!(site.reach(is_v4, NEVER_ALLOWED).is_err(), "{}: denied is blocked, v4 {is_v4}", plane.target);
        }

        site.enforce("kept");
        stage.settle().unwrap();

        for (is_v4, port, stream) in &mut live {
            assert_eq!(answers(stream), *port == KEPT, "{}: v4 {is_v4}, port {port}", plane.target);
        }
        assert!(site.reach(true, TAKEN_AWAY).is_err() && site.reach(false, TAKEN_AWAY).is_err(), "{}", plane.target);
        site.enforcer.run(&["rollback"]).unwrap().expect_code(&[code::DONE]).unwrap();
        stage.settle().unwrap();
        assert!(site.reach(true, TAKEN_AWAY).is_ok() && site.reach(false, TAKEN_AWAY).is_ok(), "{}", plane.target);
        eprintln!("{}: allowed passes, denied is blocked, live connections are cut, a rollback opens again", plane.target);
    }
}
