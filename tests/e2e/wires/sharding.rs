//! Several receive queues: the flow map is that of one queue, also where the directions of a flow come to different ones.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use harness::deadline::wait_until;
use harness::generate::{Talk, Way};
use harness::ledger::Ledger;
use harness::packet::{Link, Network, TCP, UDP};
use harness::plant::TAP;
use harness::scratch::Scratch;
use harness::sensor::Sensor;
use harness::wire_sender::WireSender;

use super::accounting::{SHORT_FLOWS, config, wire};
use crate::on_wires;

const PAIRS: u8 = 120;
const PIECE_LEN: usize = 400;
/// IANA protocol number.
const GRE: u8 = 47;

/// As a switch mirrors it (ERSPAN Type II, draft-foschiano-erspan 4.2), from another address for each direction and for each piece of a
/// larger packet: a device that hashes the outer header brings them to different queues.
fn mirrored(number: u8, way: Way, piece: u8, frame: &[u8]) -> Vec<u8> {
    let direction = u8::from(matches!(way, Way::ToClient));
    let (near, far): (IpAddr, IpAddr) = ([192, 0, 2 + 2 * piece + direction, number].into(), [198, 51, 100, 1].into());
    let network = Network { source: near, destination: far, protocol: GRE, id: 0 };
    // GRE with a sequence number (RFC 2890), and which session it is.
    let headers = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 0, 0x10, 0, 0, 1, 0, 0, 0, 0];
    Link::between([2, 9, 0, 0, 0, 1], [2, 9, 0, 0, 0, 2]).ip(&network, &[&headers, frame].concat())
}

/// TCP and UDP between many pairs, all pairs in turn, so that question and answer are far apart, and so are the pieces of the longer
/// answers over UDP. And how many of them are later pieces, which conversations do not count.
fn frames() -> (Vec<Vec<u8>>, u64) {
    let (mut rounds, mut later): (Vec<Vec<Vec<u8>>>, u64) = (Vec::new(), 0);
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
        let mut said: Vec<_> = said.into_iter().map(|(way, frame)| (way, 0, frame)).collect();
        if number % 2 == 1 {
            let pieces = talk.say_in_pieces(Way::ToClient, &[7; 1_200], PIECE_LEN);
            later += pieces.len() as u64 - 1;
            said.extend((0..).zip(pieces).map(|(piece, frame)| (Way::ToClient, piece, frame)));
        }
        for (at, (way, piece, frame)) in said.into_iter().enumerate() {
            rounds.resize(rounds.len().max(at + 1), Vec::new());
            rounds[at].push(mirrored(number, way, piece, &frame));
        }
    }
    (rounds.concat(), later)
}

type Talks = BTreeMap<(Vec<IpAddr>, Vec<IpAddr>, String), String>;

/// The conversations without times, and the books.
fn map_of(queues: u32, capture: &str) -> (Talks, Ledger, String) {
    let (talker, listener) = wire(queues);
    let scratch = Scratch::create("sharding").unwrap();
    let sensor = Sensor::start_configured(&listener, &scratch, &config(capture, SHORT_FLOWS)).unwrap();
    let (frames, later) = frames();
    WireSender::open(&talker, "wire0").unwrap().send_paced(frames.iter(), 5_000).unwrap();
    let ledger = Ledger::settled(&sensor, frames.len() as u64).unwrap();
    ledger.balances().unwrap();
    // Every later piece found the flow of its first.
    assert_eq!(ledger.of("decode").unwrap().passed, frames.len() as u64, "{ledger:?}");
    // The ends of flows bring their last counts; a sensor waits ten seconds longer than their timeout, for clocks that step back.
    let packets = |map: sensor_model::FlowMap| map.conversations.iter().map(|t| t.packets.client + t.packets.server).sum::<u64>();
    wait_until("all packets in the map", Duration::from_secs(40), || {
        sensor.flow_map().is_ok_and(|map| packets(map) == frames.len() as u64 - later)
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
