//! When a silent flow is over, and what is told of one that lives long.

use std::time::Duration;

use crate::feeding::{CLIENT, Fed, SERVER, at, config, flags, seconds, tcp, udp};
use sensor_flow::{Config, FlowEvent, Reports};
use sensor_model::ConnState;
use sensor_wire::Packet;

/// Packets at their seconds; what each flow counted, originator and responder.
fn counted(packets: impl IntoIterator<Item = (i64, Packet)>) -> Vec<(u64, u64)> {
    let mut fed = Fed::new(config());
    for (second, packet) in packets {
        fed.packet_at(seconds(second), packet);
    }
    fed.ended().iter().map(|record| (record.sent.packets, record.received.packets)).collect()
}

fn from_client(text: &str, sequence: u32) -> Packet {
    tcp(CLIENT, SERVER, flags(text), sequence, 301, 0)
}

fn from_server(text: &str, sequence: u32) -> Packet {
    tcp(SERVER, CLIENT, flags(text), sequence, 101, 0)
}

#[test]
fn a_packet_at_the_timeout_opens_another_flow_without_any_sweep() {
    let mut fed = Fed::new(config());
    fed.packet_at(seconds(0), udp(CLIENT, SERVER, 1));
    fed.packet_at(at(59_999_999_999), udp(CLIENT, SERVER, 1));
    assert!(fed.packet_at(at(119_999_999_999), udp(CLIENT, SERVER, 1)).unwrap().opened);
    let packets: Vec<_> = fed.ended().iter().map(|record| record.sent.packets).collect();
    assert_eq!(packets, [2, 1]);
}

#[test]
fn an_attempt_is_over_so_long_after_its_first_syn() {
    let syns = [0, 1, 3, 7, 15, 31].map(|second| (second, from_client("S", 100)));
    assert_eq!(counted(syns), [(4, 0), (1, 0), (1, 0)]);
}

#[test]
fn an_answered_attempt_is_a_connection_and_lasts_longer() {
    let packets = [(0, from_client("S", 100)), (9, from_server("S.", 300)), (600, from_client(".", 101))];
    assert_eq!(counted(packets), [(2, 1)]);
}

#[test]
fn a_connection_of_which_one_side_is_not_seen_is_no_attempt() {
    let client = [(0, from_client("S", 100)), (1, from_client(".", 101)), (200, from_client("P.", 101))];
    assert_eq!(counted(client), [(3, 0)]);
    let server = [(0, from_server("S.", 300)), (200, from_server(".", 301)), (400, from_server(".", 301))];
    assert_eq!(counted(server), [(0, 3)]);
}

#[test]
fn a_closed_connection_is_over_soon_whatever_trails() {
    let ending = [(0, "S", '>'), (0, "S.", '<'), (0, ".", '>'), (0, "F.", '>'), (0, "F.", '<')];
    let mut packets: Vec<_> = ending
        .map(|(second, text, way)| {
            let after_syn = u32::from(!text.starts_with('S'));
            (second, if way == '>' { from_client(text, 100 + after_syn) } else { from_server(text, 300 + after_syn) })
        })
        .to_vec();
    // Each within the timeout of the one before, and the last too long after the end.
    packets.extend([4, 8, 12].map(|second| (second, from_client(".", 102))));
    assert_eq!(counted(packets), [(5, 2), (1, 0)]);
}

#[test]
fn what_comes_after_a_reset_lengthens_the_connection_but_not_its_time_to_live() {
    let mut fed = Fed::new(config());
    for (second, packet) in [
        (0, from_client("S", 100)),
        (0, from_server("S.", 300)),
        (0, from_client(".", 101)),
        (1, from_server("R.", 301)),
        (5, from_client("P.", 101)),
        (9, from_client("P.", 101)),
        (11, from_client("P.", 101)),
    ] {
        fed.packet_at(seconds(second), packet);
    }
    let ended: Vec<_> = fed.ended().iter().map(|record| (record.state, record.sent.packets, record.last_seen)).collect();
    assert_eq!(ended, [(ConnState::RSTR, 4, seconds(9)), (ConnState::OTH, 1, seconds(11))]);
}

#[test]
fn a_syn_and_fin_that_nobody_answered_are_over_soon() {
    let packets = [(0, from_client("S", 100)), (1, from_client("F.", 101)), (12, from_client("F.", 101))];
    assert_eq!(counted(packets), [(2, 0), (1, 0)]);
}

#[test]
fn people_may_think_for_an_hour() {
    for (port, flows) in [(22, 1), (502, 2)] {
        let server = (SERVER.0, port);
        let talk = [(0, "S", '>'), (0, "S.", '<'), (0, ".", '>'), (3_500, "P.", '>')].map(|(second, text, way)| {
            let (from, to, sequence) = if way == '>' { (CLIENT, server, 100) } else { (server, CLIENT, 300) };
            (second, tcp(from, to, flags(text), sequence + u32::from(text != "S"), 301, 0))
        });
        assert_eq!(counted(talk).len(), flows, "{port}");
    }
}

#[test]
fn questions_from_one_port_to_a_name_server_are_flows_of_their_own() {
    let (client, server) = ((CLIENT.0, 40_000), (SERVER.0, 53));
    let asked = |second| [(second, udp(client, server, 30)), (second, udp(server, client, 90))];
    assert_eq!(counted([asked(0), asked(16), asked(17)].concat()), [(1, 1), (2, 2)]);
    // Whichever side is the lower one.
    let (client, server) = ((SERVER.0, 40_000), (CLIENT.0, 53));
    assert_eq!(counted([(0, udp(client, server, 30)), (16, udp(client, server, 30))]), [(1, 0), (1, 0)]);
    let (client, server) = ((CLIENT.0, 40_000), (SERVER.0, 54));
    assert_eq!(counted([(0, udp(client, server, 30)), (16, udp(client, server, 30))]), [(2, 0)]);
}

#[test]
fn a_closing_is_told_at_once_with_the_totals() {
    let mut fed = Fed::new(config());
    fed.handshake();
    fed.segment('>', "P.", 101, 301, 12);
    fed.segment('<', "P.", 301, 113, 40);
    fed.segment('>', "F.", 113, 341, 0);
    fed.segment('<', "F.", 341, 114, 0);
    fed.segment('>', ".", 114, 342, 0);
    let told: Vec<_> = fed
        .events
        .iter()
        .map(|event| match event {
            FlowEvent::Interim { record, .. } => (record.state, record.sent.payload_bytes, record.received.packets),
            FlowEvent::Opened { record, .. } | FlowEvent::Ended { record, .. } => (record.state, None, 0),
        })
        .collect();
    assert_eq!(told, [(ConnState::S0, None, 0), (ConnState::S1, Some(0), 1), (ConnState::SF, Some(12), 3)]);
    let record = fed.only();
    assert_eq!((record.sent.packets, record.received.packets), (5, 3));
}

#[test]
fn a_refused_attempt_is_told_once_as_answered_and_closed() {
    let mut fed = Fed::new(config());
    fed.segment('>', "S", 100, 0, 0);
    fed.segment('<', "R.", 0, 101, 0);
    assert_eq!(fed.events.iter().filter(|event| matches!(event, FlowEvent::Interim { .. })).count(), 1);
    let mut fed = Fed::new(Config { reports: Reports::EndsOnly, ..config() });
    fed.segment('>', "S", 100, 0, 0);
    fed.segment('<', "R.", 0, 101, 0);
    assert_eq!(fed.events.len(), 0);
}

/// A PLC that is asked once a minute for half a year, in one connection.
#[test]
fn the_totals_of_a_session_of_months_only_grow_and_add_up() {
    let mut fed = Fed::new(Config { interim_interval: Duration::from_hours(1), ..config() });
    fed.handshake();
    let (mut asked, mut answered, mut seen, mut reports) = (101_u32, 301_u32, (3_u64, 120_u64), 0);
    for minute in 1..=180 * 24 * 60_i64 {
        let request = tcp(CLIENT, SERVER, flags("P."), asked, answered, 12);
        asked = asked.wrapping_add(12);
        let response = tcp(SERVER, CLIENT, flags("P."), answered, asked, 1_200);
        answered = answered.wrapping_add(1_200);
        for packet in [request, response] {
            seen = (seen.0 + 1, seen.1 + u64::from(packet.ip_len));
            fed.packet_at(seconds(60 * minute), packet);
            fed.table.sweep(seconds(60 * minute), 8, &mut fed.events);
            for event in fed.events.drain(..) {
                let FlowEvent::Interim { record, .. } = event else { continue };
                reports += 1;
                if minute > 1 {
                    let total = (record.sent.packets + record.received.packets, record.sent.ip_bytes + record.received.ip_bytes);
                    assert_eq!(total, seen, "{minute}");
                }
            }
        }
    }
    // One at the answer to the SYN, then about one an hour.
    assert!((180 * 24 - 10..=180 * 24 + 1).contains(&reports), "{reports}");
    let record = fed.only();
    assert_eq!(record.sent.packets, 2 + 180 * 24 * 60);
    assert_eq!(record.received.payload_bytes, Some(180 * 24 * 60 * 1_200));
    assert_eq!((record.missed_bytes, record.history.as_str(), record.received.retransmits), (0, "ShADd", 0));
}
