//! A full table: who has to go, and what it takes in memory.

use sensor_flow::{Config, FlowEvent, Observation, Reports, Table};
use sensor_wire::Packet;

use crate::feeding::{CLIENT, Fed, SERVER, config, flags, seconds, tcp, udp};

const CAPACITY: usize = 2_000;

fn talker(number: u32) -> ([u8; 4], u16) {
    let [_, _, c, d] = number.to_be_bytes();
    ([10, 1, c, d], 40_000)
}

fn stranger(number: u32) -> ([u8; 4], u16) {
    let [_, b, c, d] = number.to_be_bytes();
    ([172, 16 + b, c, d], 1_024)
}

/// Both sides of a conversation, TCP and UDP by turns.
fn converse(fed: &mut Fed, second: i64, number: u32) -> [bool; 2] {
    let (client, is_tcp) = (talker(number), number.is_multiple_of(2));
    let (there, back) = if is_tcp {
        (tcp(client, SERVER, flags("P."), 100, 300, 0), tcp(SERVER, client, flags("P."), 300, 100, 0))
    } else {
        (udp(client, SERVER, 10), udp(SERVER, client, 10))
    };
    [there, back].map(|packet| fed.packet_at(seconds(second), packet).is_some_and(|touch| touch.opened))
}

#[test]
fn a_scan_of_many_times_the_capacity_pushes_out_no_conversation() {
    let mut fed = Fed::new(Config { capacity: CAPACITY, ..config() });
    let conversations = CAPACITY as u32 - 50;
    for number in 0..conversations {
        converse(&mut fed, 0, number);
    }
    for probe in 0..20 * CAPACITY as u32 {
        let packet = if probe.is_multiple_of(3) {
            udp(stranger(probe), SERVER, 10)
        } else {
            tcp(stranger(probe), SERVER, flags("S"), probe, 0, 0)
        };
        fed.packet_at(seconds(1), packet);
        let opened = converse(&mut fed, 1, probe % conversations);
        assert_eq!(opened, [false, false], "conversation {} at probe {probe}", probe % conversations);
        fed.events.clear();
    }
    let stats = fed.table.stats();
    assert_eq!(stats.flows_active, CAPACITY as u64);
    assert_eq!(stats.flows_evicted, stats.flows_opened - CAPACITY as u64);
}

#[test]
fn refused_connections_go_before_conversations() {
    let mut fed = Fed::new(Config { capacity: CAPACITY, ..config() });
    for number in 0..CAPACITY as u32 - 10 {
        converse(&mut fed, 0, number);
    }
    for probe in 0..3 * CAPACITY as u32 {
        fed.packet_at(seconds(0), tcp(stranger(probe), SERVER, flags("S"), 7, 0, 0));
        fed.packet_at(seconds(0), tcp(SERVER, stranger(probe), flags("R."), 0, 8, 0));
    }
    let opened: Vec<_> = (0..CAPACITY as u32 - 10).filter(|&number| converse(&mut fed, 1, number) != [false; 2]).collect();
    assert_eq!(opened, []);
}

#[test]
fn a_connection_that_begins_under_a_scan_is_kept_once_it_is_answered() {
    let mut fed = Fed::new(Config { capacity: CAPACITY, ..config() });
    let probe = |fed: &mut Fed, number| fed.packet_at(seconds(0), tcp(stranger(number), SERVER, flags("S"), 7, 0, 0));
    for number in 0..CAPACITY as u32 {
        probe(&mut fed, number);
    }
    fed.packet_at(seconds(0), tcp(CLIENT, SERVER, flags("S"), 100, 0, 0));
    for number in 0..CAPACITY as u32 / 2 {
        probe(&mut fed, 10_000 + number);
    }
    let answer = fed.packet_at(seconds(0), tcp(SERVER, CLIENT, flags("S."), 300, 101, 0));
    assert!(answer.is_some_and(|touch| !touch.opened));
    for number in 0..3 * CAPACITY as u32 {
        probe(&mut fed, 20_000 + number);
    }
    assert!(fed.packet_at(seconds(0), tcp(CLIENT, SERVER, flags("."), 101, 301, 0)).is_some_and(|touch| !touch.opened));
}

/// By the table's own count; `make bench` shows the resident set beside it.
#[test]
fn a_tracked_ipv4_flow_takes_at_most_128_bytes() {
    const FLOWS: u32 = 1 << 17;
    let mut table = Table::new(Config { capacity: FLOWS as usize, reports: Reports::EndsOnly, ..config() }, 1);
    let (mut touches, mut events) = (Vec::new(), Vec::new());
    let packet = |number: u32| {
        let (a, b) = (talker(number >> 4), ([10, 2, 0, 1], 1_024 + (number & 15) as u16));
        let [_, high, ..] = number.to_be_bytes();
        let client = ([a.0[0], high, a.0[2], a.0[3]], a.1);
        if number.is_multiple_of(2) { tcp(client, b, flags("."), 1, 1, 0) } else { udp(client, b, 0) }
    };
    let turned = |packet: Packet| Packet {
        source: packet.destination,
        destination: packet.source,
        source_port: packet.destination_port,
        destination_port: packet.source_port,
        ..packet
    };
    for number in 0..FLOWS {
        let there = Observation { seen_at: seconds(0), packet: packet(number) };
        let back = Observation { seen_at: seconds(0), packet: turned(packet(number)) };
        table.process(&[there, back], &mut touches, &mut events);
    }
    assert_eq!((table.stats().flows_active, events.len()), (u64::from(FLOWS), 0));
    let each = table.memory_bytes() as f64 / f64::from(FLOWS);
    assert!(each <= 128.0, "{each:.1} bytes a flow");
    table.drain(&mut events);
    assert!(events.iter().all(|event| matches!(event, FlowEvent::Ended { record, .. } if record.received.packets == 1)));
}
