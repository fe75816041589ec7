//! Several receive queues: the flow map is that of one queue, also where the directions of a flow come to different ones.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use harness::deadline::wait_until;
use harness::generate::{Talk, Way};
use harness::ledger::Ledger;
use harness::packet::{self, Link, Network, TCP, UDP};
use harness::plant::TAP;
use harness::scratch::Scratch;
use harness::sensor::Sensor;
use harness::wire_sender::WireSender;

use super::accounting::{SHORT_FLOWS, config, wire};
use crate::on_wires;

const PAIRS: u8 = 120;

/// Inside VXLAN (RFC 7348), whose outer source port is another one in each direction: a device that hashes the outer header brings
/// them to different queues.
fn encapsulated(number: u8, way: Way, frame: &[u8]) -> Vec<u8> {
    let (near, far): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
    let (source, destination, port) = match way {
        Way::ToServer => (near, far, 50_000 + u16::from(number)),
        Way::ToClient => (far, near, 61_000 - 7 * u16::from(number)),
    };
    let network = Network { source, destination, protocol: packet::UDP, id: 0 };
    let vxlan = [&[8, 0, 0, 0, 0, 0, 42, 0], frame].concat();
    let link = Link::between([2, 9, 0, 0, 0, 1], [2, 9, 0, 0, 0, 2]);
    link.ip(&network, &packet::udp(&network, (port, 4789), &vxlan))
}

/// TCP and UDP between many pairs, all pairs in turn, so that question and answer are far apart.
fn frames() -> Vec<Vec<u8>> {
    let mut rounds: Vec<Vec<Vec<u8>>> = Vec::new();
    for number in 1..=PAIRS {
        let link = Link::between([2, 0, 0, 0, 0, number], [2, 0, 0, 0, 1, number]);
        let (client, server): (SocketAddr, SocketAddr) = (([10, 1, 0, number], 40_000).into(), ([10, 2, 0, number], 502).into());
        let mut talk = Talk::new(link, if number % 2 == 0 { TCP } else { UDP }, client, server);
        let mut said = Vec::new();
        if number % 2 == 0 {
            said.extend(talk.open());
        }
        for round in 0..5_u8 {
            said.push((Way::ToServer, talk.say(Way::ToServer, &vec![round; usize::from(number)])));
            said.push((Way::ToClient, talk.say(Way::ToClient, &[round; 40])));
        }
        if number % 2 == 0 {
            said.extend(talk.close());
        }
        for (at, (way, frame)) in said.into_iter().enumerate() {
            rounds.resize(rounds.len().max(at + 1), Vec::new());
            rounds[at].push(encapsulated(number, way, &frame));
        }
    }
    rounds.concat()
}

type Talks = BTreeMap<(Vec<IpAddr>, Vec<IpAddr>, String), String>;

/// The conversations without times, and the books.
fn map_of(queues: u32, capture: &str) -> (Talks, Ledger, String) {
    let (talker, listener) = wire(queues);
    let scratch = Scratch::create("sharding").unwrap();
    let sensor = Sensor::start_configured(&listener, &scratch, &config(capture, SHORT_FLOWS)).unwrap();
    let frames = frames();
    WireSender::open(&talker, "wire0").unwrap().send_paced(frames.iter(), 5_000).unwrap();
    let ledger = Ledger::settled(&sensor, frames.len() as u64).unwrap();
    ledger.balances().unwrap();
    // The ends of flows bring their last counts; a sensor waits ten seconds longer than their timeout, for clocks that step back.
    let packets = |map: sensor_model::FlowMap| map.conversations.iter().map(|t| t.packets.client + t.packets.server).sum::<u64>();
    wait_until("all packets in the map", Duration::from_secs(40), || {
        sensor.flow_map().is_ok_and(|map| packets(map) == frames.len() as u64)
    })
    .unwrap();
    let map = sensor.flow_map().unwrap();
    let told =
        |talk: &sensor_model::Conversation| format!("{} {} {:?} {:?}", talk.flows, talk.answered_flows, talk.packets, talk.bytes);
    let talks = map
        .conversations
        .iter()
        .map(|talk| ((talk.client_addresses.clone(), talk.server_addresses.clone(), format!("{:?}", talk.service)), told(talk)));
    (talks.collect(), ledger, sensor.running.complaints())
}

#[test]
fn four_queues_give_the_flow_map_of_one() {
    if !on_wires() {
        return;
    }
    let runs = [(1, "auto"), (4, "always"), (4, "auto"), (4, "never")];
    let [one, always, auto, never] = std::thread::scope(|scope| {
        runs.map(|(queues, reshard)| scope.spawn(move || map_of(queues, &format!("path = \"af-xdp\"\nreshard = \"{reshard}\""))))
            .map(|run| run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    assert_eq!(one.0.len(), usize::from(PAIRS));

    for (talks, ledger, said) in [always, auto] {
        let other: Vec<_> = talks.iter().filter(|(pair, told)| one.0.get(*pair) != Some(told)).collect();
        assert!(other.is_empty() && talks.len() == one.0.len(), "{other:?} of {}: {said}", talks.len());
        assert_eq!(ledger.losses(), BTreeMap::new());
    }
    // Without it the halves are counted apart, or this test would show nothing.
    let (split, _, said) = never;
    assert_ne!(split, one.0, "the queues got whole flows by chance: the test sends the wrong frames on {TAP}");
    assert!(said.contains("directions of a flow come to different queues"), "{said}");
}
