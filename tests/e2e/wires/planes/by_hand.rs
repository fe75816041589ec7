//! Where the enforcer has no driver, its text put on the plane by hand: allowed passes, denied is blocked, and what goes on when a rule goes
//! is cut.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use anyhow::{Context, Result};
use enforcer_packetset::{AddressSet, L4, PortSet, Prefix, RangeSet, Selector};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{RenderOptions, find};
use harness::enforcer::{Enforcer, code};
use harness::firewall::{Firewall, LEFT_V4, LEFT_V6, RIGHT_V4, RIGHT_V6};
use harness::namespace::Namespace;
use harness::planes::{DataPlane, Plane};
use harness::scratch::Scratch;

use super::cutting::{KEPT, NEVER_ALLOWED, PATIENCE, POLICY, TAKEN_AWAY, connect, observed, serve};
use super::planes;
use crate::made_policy::flow_map;

/// An exchange that goes on.
enum Talk {
    Tcp(TcpStream),
    Udp(UdpSocket),
}

impl Talk {
    fn begin(host: &Namespace, to: SocketAddr, is_tcp: bool) -> Result<Self> {
        if is_tcp {
            return connect(host, to).map(Self::Tcp);
        }
        let any = SocketAddr::new(if to.is_ipv4() { [0; 4].into() } else { [0; 16].into() }, 0);
        let socket = host.enter(|| UdpSocket::bind(any).context("a socket"))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect(to)?;
        Ok(Self::Udp(socket))
    }

    /// Whether a word comes back.
    fn answers(&mut self) -> bool {
        let mut word = [0; 4];
        match self {
            Self::Tcp(stream) => stream.write_all(b"ping").is_ok() && stream.read_exact(&mut word).is_ok(),
            Self::Udp(socket) => socket.send(b"ping").is_ok() && socket.recv(&mut word).is_ok(),
        }
    }
}

/// A server that sends datagrams back.
fn serve_datagrams(host: &Namespace, at: SocketAddr) -> Result<()> {
    let socket = host.enter(|| UdpSocket::bind(at).with_context(|| format!("listening at {at}")))?;
    std::thread::spawn(move || {
        let mut word = [0; 64];
        while let Ok((length, from)) = socket.recv_from(&mut word) {
            let _ = socket.send_to(word.get(..length).unwrap_or_default(), from);
        }
    });
    Ok(())
}

/// Where no word tells an answer over TCP, no policy that allows TCP can be rendered. Rules that name each way's ports can: this is what
/// such a plane does with them.
fn load_both_ways(plane: &Plane, stage: &dyn DataPlane, ports: &[u16]) {
    let side = |prefixes: [&str; 2]| {
        let sets = prefixes.map(|prefix| AddressSet::from(prefix.parse::<Prefix>().unwrap()));
        sets.iter().fold(AddressSet::empty(), |all, one| all.union(one))
    };
    let (left, right) = (side([LEFT_V4, LEFT_V6]), side([RIGHT_V4, RIGHT_V6]));
    let mut rules = Vec::new();
    let mut rule = |id: String, (source, destination): (&AddressSet, &AddressSet), l4, action| {
        let selector = Selector { source: source.clone(), destination: destination.clone(), l4, ..Selector::any() };
        rules.push(PointRule { id, selector, action, log: false, origin: Vec::new() });
    };
    for &port in ports {
        let there = L4::Tcp { source: PortSet::full(), destination: PortSet::of(port) };
        let back = L4::Tcp { source: PortSet::of(port), destination: PortSet::full() };
        rule(format!("there-{port}"), (&left, &right), there, Action::Allow);
        rule(format!("back-{port}"), (&right, &left), back, Action::Allow);
    }
    let everybody = AddressSet::full();
    let neighbours = L4::Icmp6 { types: RangeSet::range(133, 136), codes: RangeSet::full() };
    rule("neighbours".into(), (&everybody, &everybody), neighbours, Action::Allow);
    rule("rest-there".into(), (&left, &everybody), L4::Any, Action::Deny);
    rule("rest-back".into(), (&right, &everybody), L4::Any, Action::Deny);
    let ruleset = Ruleset { point: "stage".into(), rules };
    let rendering = (find(plane.target).unwrap().render)(&ruleset, &RenderOptions::default()).unwrap();
    let scratch = Scratch::create("both-ways").unwrap();
    stage.load(&scratch.write("rules", &rendering.text).unwrap()).unwrap();
}

fn load(plane: &Plane, stage: &dyn DataPlane, services: &str, is_tcp: bool) {
    let scratch = Scratch::create("by-hand").unwrap();
    let policy = POLICY.replace("SERVICES", services);
    scratch.write("policy.yaml", &if is_tcp { policy } else { policy.replace("tcp/", "udp/") }).unwrap();
    scratch.write("flowmap.json", &serde_json::to_string(&flow_map(&observed())).unwrap()).unwrap();
    let sides: [(&str, &[&str]); 2] = [("left", &[LEFT_V4, LEFT_V6]), ("right", &[RIGHT_V4, RIGHT_V6])];
    let enforcer = Enforcer::configure_point(&scratch, &[], &sides, (plane.target, "none")).unwrap();
    let render = ["render", "--narrow", "--policy", "policy.yaml", "--flowmap", "flowmap.json", "--out", "rules"];
    enforcer.run(&render).unwrap().expect_code(&[code::DONE]).unwrap();
    stage.load(&scratch.file("rules")).unwrap();
}

fn try_exchange(plane: &Plane, stage: &dyn DataPlane, is_tcp: bool) {
    let client = &stage.firewall().hosts[0];
    let reach = |is_v4, port| -> Option<Talk> {
        let mut talk = Talk::begin(client, SocketAddr::new(Firewall::address(1, is_v4), port), is_tcp).ok()?;
        // The first packet may wait for the neighbour's address.
        (talk.answers() || talk.answers()).then_some(talk)
    };
    let load = |services: &str, ports: &[u16]| {
        if is_tcp && !plane.has_flags {
            load_both_ways(plane, stage, ports);
        } else {
            load(plane, stage, services, is_tcp);
        }
    };
    load("kept, taken-away", &[KEPT, TAKEN_AWAY]);
    let mut live = Vec::new();
    for is_v4 in [true, false] {
        for port in [KEPT, TAKEN_AWAY] {
            let talk = reach(is_v4, port).unwrap_or_else(|| panic!("{}: allowed, v4 {is_v4}, port {port}", plane.target));
            live.push((is_v4, port, talk));
        }
        assert!(reach(is_v4, NEVER_ALLOWED).is_none(), "{}: denied is blocked, v4 {is_v4}", plane.target);
    }

    load("kept", &[KEPT]);

    for (is_v4, port, talk) in &mut live {
        assert_eq!(talk.answers(), *port == KEPT, "{}: tcp {is_tcp}, v4 {is_v4}, port {port}", plane.target);
    }
    assert!(reach(true, TAKEN_AWAY).is_none() && reach(false, TAKEN_AWAY).is_none(), "{}", plane.target);
}

#[test]
fn an_exchange_ends_with_its_rule_where_texts_are_put_by_hand() {
    for plane in planes().filter(|plane| plane.driver.is_none()) {
        let stage = (plane.build)().unwrap();
        let firewall = stage.firewall();
        firewall.inhabit().unwrap();
        for is_v4 in [true, false] {
            for port in [KEPT, TAKEN_AWAY, NEVER_ALLOWED] {
                let server = SocketAddr::new(Firewall::address(1, is_v4), port);
                serve(&firewall.hosts[1], server).unwrap();
                serve_datagrams(&firewall.hosts[1], server).unwrap();
            }
        }
        for is_tcp in [false, true] {
            try_exchange(plane, &*stage, is_tcp);
        }
        eprintln!("{}: over UDP and TCP allowed passes, denied is blocked, what goes on is cut", plane.target);
    }
}
