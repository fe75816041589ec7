//! Later IP fragments: which flow they are counted for, and what is said of those that have none.

use std::time::Duration;

use crate::feeding::{CLIENT, Fed, SERVER, config, flags, seconds, tcp, udp};
use proptest::prelude::*;
use sensor_flow::{Config, FlowEvent, FragmentLimits, FragmentStats, Fragments, Observation};
use sensor_model::{Direction, VlanId};
use sensor_wire::{Fragment, Packet, Tunnel, TunnelKind};

const LIMITS: FragmentLimits = FragmentLimits { max_datagrams: 4, max_age: Duration::from_secs(30) };

fn first(datagram: u32, packet: Packet) -> Packet {
    Packet { fragment: Fragment::First, fragment_id: u64::from(datagram) + 1, ..packet }
}

/// As decode gives it: no ports.
fn later(datagram: u32, packet: Packet) -> Packet {
    let fragment = Fragment::Later { offset: 1_480 };
    Packet { fragment, fragment_id: u64::from(datagram) + 1, source_port: 0, destination_port: 0, ..packet }
}

fn request(datagram: u32) -> Packet {
    first(datagram, udp(CLIENT, SERVER, 1_472))
}

fn piece(datagram: u32) -> Packet {
    later(datagram, udp((CLIENT.0, 0), (SERVER.0, 0), 500))
}

/// Feeds packets at their seconds and gives what was placed.
fn placed(fragments: &mut Fragments, packets: &[(i64, Packet)]) -> Vec<Observation> {
    let mut placed = Vec::new();
    for &(second, packet) in packets {
        fragments.take(&Observation { seen_at: seconds(second), packet }, &mut placed);
    }
    placed
}

/// Fragments and a table together, as a sensor has them.
fn table_of(packets: &[(i64, Packet)], config: Config) -> Fed {
    let (mut fed, mut fragments) = (Fed::new(config), Fragments::new(&FragmentLimits::default(), 1));
    for &(second, packet) in packets {
        let (observation, mut placed) = (Observation { seen_at: seconds(second), packet }, Vec::new());
        if Fragments::wants(&packet) {
            fragments.take(&observation, &mut placed);
        }
        if !matches!(packet.fragment, Fragment::Later { .. }) {
            fed.packet_at(observation.seen_at, packet);
        }
        for later in placed {
            fed.packet_at(later.seen_at, later.packet);
        }
    }
    fed
}

#[test]
fn a_later_fragment_takes_the_flow_of_its_first_and_keeps_its_own_lengths() {
    let vxlan = Tunnel { kind: TunnelKind::Vxlan, id: 7 };
    let inner = Packet { tunnel: Some(vxlan), vlan: VlanId::new(3), ..request(9) };
    let mut fragments = Fragments::new(&LIMITS, 1);
    let placed = placed(&mut fragments, &[(0, inner), (1, piece(9))]);
    assert_eq!(placed.len(), 1);
    let packet = placed[0].packet;
    assert_eq!((packet.source_port, packet.destination_port), (CLIENT.1, SERVER.1));
    assert_eq!((packet.tunnel, packet.vlan), (Some(vxlan), VlanId::new(3)));
    assert_eq!((placed[0].seen_at, packet.ip_len, packet.wire_len), (seconds(1), 528, 542));
    assert_eq!((packet.payload_len, packet.fragment), (0, Fragment::Later { offset: 1_480 }));
    assert_eq!(fragments.stats(), FragmentStats { placed: 1, ..FragmentStats::default() });
}

#[test]
fn a_later_fragment_that_comes_first_waits_for_its_first() {
    let mut fragments = Fragments::new(&LIMITS, 1);
    assert_eq!(placed(&mut fragments, &[(0, piece(9)), (0, piece(9)), (0, piece(8))]), []);
    assert_eq!(fragments.stats().waiting, 3);
    let placed = placed(&mut fragments, &[(5, request(9))]);
    assert_eq!(placed.iter().map(|later| later.seen_at).collect::<Vec<_>>(), [seconds(0), seconds(0)]);
    assert_eq!(fragments.stats(), FragmentStats { placed: 2, waiting: 1, ..FragmentStats::default() });
    fragments.drain();
    assert_eq!(fragments.stats(), FragmentStats { placed: 2, without_first: 1, ..FragmentStats::default() });
}

#[test]
fn pieces_of_a_tunnel_packet_go_to_the_flow_inside_it() {
    let inside = Packet { tunnel: Some(Tunnel { kind: TunnelKind::GtpU, id: 5 }), ..request(9) };
    let around = later(9, udp(([192, 0, 2, 1], 0), ([192, 0, 2, 2], 0), 500));
    let placed = placed(&mut Fragments::new(&LIMITS, 1), &[(0, inside), (0, around)]);
    assert_eq!((placed[0].packet.source, placed[0].packet.destination_port), (inside.source, SERVER.1));
}

#[test]
fn a_first_fragment_is_forgotten_after_its_time_and_so_is_what_waits() {
    let mut fragments = Fragments::new(&LIMITS, 1);
    assert_eq!(placed(&mut fragments, &[(0, request(9)), (30, piece(9)), (31, piece(9))]).len(), 1);
    assert_eq!(placed(&mut fragments, &[(62, request(9))]), []);
    assert_eq!(fragments.stats(), FragmentStats { placed: 1, without_first: 1, ..FragmentStats::default() });
}

#[test]
fn a_reused_number_means_the_newest_datagram() {
    let other_port = first(9, udp((CLIENT.0, 7), SERVER, 1_472));
    let placed = placed(&mut Fragments::new(&LIMITS, 1), &[(0, request(9)), (1, other_port), (2, piece(9))]);
    assert_eq!(placed[0].packet.source_port, 7);
}

#[test]
fn without_room_the_oldest_goes_and_is_counted() {
    let mut fragments = Fragments::new(&LIMITS, 1);
    let waiting: Vec<_> = (0..6).map(|number| (0, piece(number))).collect();
    assert_eq!(placed(&mut fragments, &waiting), []);
    assert_eq!(fragments.stats(), FragmentStats { overflow: 2, waiting: 4, ..FragmentStats::default() });
    // Many pieces of one datagram are no way round the limit.
    assert_eq!(placed(&mut fragments, &[(0, piece(100)); 1_000]), []);
    assert!(fragments.stats().waiting <= 4);

    let mut fragments = Fragments::new(&LIMITS, 1);
    let firsts: Vec<_> = (0..5).map(|number| (0, request(number))).collect();
    assert_eq!(placed(&mut fragments, &firsts), []);
    assert_eq!(placed(&mut fragments, &[(0, piece(0)), (0, piece(4))]).len(), 1);
    assert_eq!(fragments.stats(), FragmentStats { placed: 1, waiting: 1, ..FragmentStats::default() });
}

#[test]
fn fragments_stand_beside_the_packets_of_their_side_and_keep_the_flow_alive() {
    let answer = first(1, udp(SERVER, CLIENT, 1_472));
    let answer_piece = later(1, udp((SERVER.0, 0), (CLIENT.0, 0), 100));
    let packets = [(0, request(9)), (0, piece(9)), (0, piece(9)), (1, answer), (29, answer_piece), (80, udp(CLIENT, SERVER, 10))];
    let record = table_of(&packets, config()).only();
    assert_eq!((record.sent.packets, record.sent.ip_bytes, record.sent.payload_bytes), (2, 1_500 + 38, Some(1_482)));
    assert_eq!((record.sent.frag_packets, record.sent.frag_ip_bytes, record.sent.frag_l2_bytes), (2, 2 * 528, 2 * 542));
    assert_eq!((record.received.packets, record.received.frag_packets, record.received.frag_ip_bytes), (1, 1, 128));
    assert_eq!((record.history.as_str(), record.last_seen), ("Dd", seconds(80)));
}

#[test]
fn a_fragment_says_nothing_of_a_tcp_connection() {
    let data = first(9, tcp(CLIENT, SERVER, flags("P."), 101, 301, 1_460));
    let piece = Packet { protocol: 6, ..piece(9) };
    let mut fed = table_of(&[(0, data), (0, piece), (0, piece)], config());
    assert_eq!(fed.table.stats().packets_counted, 3);
    fed.segment('>', ".", 1_561, 301, 0);
    assert_eq!(fed.segment('>', "P.", 1_561, 301, 1).stream_offset, 1_460);
    let record = fed.only();
    assert_eq!((record.history.as_str(), record.sent.payload_bytes, record.sent.frag_packets), ("DA", Some(1_461), 2));
    assert_eq!(record.missed_bytes, 0);
}

#[test]
fn a_fragment_opens_no_flow_and_does_not_bring_one_back() {
    let mut fed = Fed::new(Config { udp_idle_timeout: Duration::from_secs(5), ..config() });
    assert!(fed.packet_at(seconds(0), Packet { fragment: Fragment::Later { offset: 8 }, ..request(9) }).is_none());
    fed.packet_at(seconds(0), request(9));
    assert!(fed.packet_at(seconds(6), Packet { fragment: Fragment::Later { offset: 8 }, ..request(9) }).is_none());
    assert_eq!((fed.table.stats().packets_counted, fed.table.stats().packets_refused), (1, 2));
    assert_eq!(fed.only().sent.frag_packets, 0);
}

#[test]
fn a_long_flow_of_fragments_is_reported_at_intervals() {
    let mut packets = vec![(0, request(9))];
    packets.extend((1..=30).map(|second| (second, piece(9))));
    let fed = table_of(&packets, Config { interim_interval: Duration::from_secs(10), ..config() });
    let told = |event: &FlowEvent| match event {
        FlowEvent::Interim { record, .. } => Some(record.sent.frag_packets),
        _ => None,
    };
    assert_eq!(fed.events.iter().filter_map(told).collect::<Vec<_>>(), [10, 20, 30]);
}

#[test]
fn a_turned_flow_takes_its_fragments_along() {
    let mut fed = table_of(&[(0, request(9)), (0, piece(9))], config());
    let touch = fed.packet_at(seconds(1), udp((CLIENT.0, 1), (SERVER.0, 2), 1)).unwrap();
    fed.packet_at(seconds(1), Packet { fragment: Fragment::Later { offset: 8 }, ..udp((CLIENT.0, 1), (SERVER.0, 2), 1) });
    fed.table.set_originator(touch.flow, Direction::ToOriginator);
    let turned = fed.ended().into_iter().find(|record| record.originator_port == 2).unwrap();
    assert_eq!((turned.sent.frag_packets, turned.received.frag_packets), (0, 1));
}

proptest! {
    /// Whatever comes, at whatever time: every later fragment is placed, given up or waiting, and what waits is bounded.
    #[test]
    fn every_later_fragment_is_in_one_count(
        steps in prop::collection::vec((0..4_u32, any::<bool>(), prop_oneof![9 => 0..3_i64, 1 => -40..40_i64]), 1..300),
    ) {
        let mut fragments = Fragments::new(&LIMITS, 1);
        let (mut second, mut given, mut out) = (1_000, 0, 0);
        for (datagram, is_first, after) in steps {
            second += after;
            let packet = if is_first { request(datagram) } else { piece(datagram) };
            given += u64::from(!is_first);
            out += placed(&mut fragments, &[(second, packet)]).len() as u64;
            let stats = fragments.stats();
            prop_assert_eq!(stats.placed + stats.without_first + stats.overflow + stats.waiting, given);
            prop_assert_eq!(stats.placed, out);
            prop_assert!(stats.waiting <= 4);
        }
        fragments.drain();
        prop_assert_eq!(fragments.stats().waiting, 0);
    }
}
