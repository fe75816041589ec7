//! One worker, batch by batch.

use super::*;
use crate::config::Config;
use crate::sort::Sorted;

/// A UDP datagram between hosts 10.0.0.`from` and 10.0.0.`to`.
fn datagram(from: (u8, u16), to: (u8, u16), payload: &[u8]) -> Vec<u8> {
    let mut ip = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from.0, 10, 0, 0, to.0];
    let len = u16::try_from(payload.len()).unwrap();
    ip[2..4].copy_from_slice(&(28 + len).to_be_bytes());
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    ip[10..12].copy_from_slice(&(!((sum & 0xffff) + (sum >> 16)) as u16).to_be_bytes());
    let udp = [from.1.to_be_bytes(), to.1.to_be_bytes(), (8 + len).to_be_bytes(), [0, 0]].concat();
    [&[2, 0, 0, 0, 0, to.0, 2, 0, 0, 0, 0, from.0, 8, 0], ip.as_slice(), &udp, payload].concat()
}

fn frame(bytes: &[u8]) -> Frame<'_> {
    Frame { seen_at_nanos: 0, wire_len: bytes.len() as u32, link: sensor_wire::LinkType::Ethernet, bytes }
}

/// One batch through a worker of its own, which then ends its flows.
fn run(packets: &[Vec<u8>]) -> (Worker, Vec<Event>) {
    let frames: Vec<Frame<'_>> = packets.iter().map(|bytes| frame(bytes)).collect();
    let mut sorted = Sorted::new(1);
    sorted.refill(&frames, sensor_wire::Options::default());
    let mut worker = Worker::new(0, &Config::load(None).unwrap().limits(1), 1);
    let mut events = Vec::new();
    worker.take(0, &sorted.buckets[0], &frames, &mut events);
    worker.drain(0, &mut events);
    (worker, events)
}

#[test]
fn a_flow_that_was_given_up_is_not_dissected_anew_by_the_rest_of_its_batch() {
    let packets = vec![datagram((1, 40_000), (2, 40_001), b"\xffnothing that anybody knows"); 20];
    let (worker, _) = run(&packets);
    assert_eq!((worker.counts().flow_packets, worker.counts().sessions_opened), (20, 1));
}

#[test]
fn the_table_learns_from_the_bytes_who_asks() {
    // RFC 5905 7.3: version 4, mode 4 is the server's answer; it was captured first.
    let mut answer = [0; 48];
    answer[..2].copy_from_slice(&[0x24, 1]);
    let (_, events) = run(&[datagram((2, 123), (1, 123), &answer)]);
    let ended = events.iter().find_map(|event| match &event.what {
        What::Flow(FlowEvent::Ended { record, .. }) => Some((record.originator, record.direction_reason)),
        _ => None,
    });
    assert_eq!(ended, Some((IpAddr::from([10, 0, 0, 1]), DirectionReason::Role)));
}

#[test]
fn a_session_keeps_its_directions_when_the_table_turns_the_flow_round() {
    let packet = |bytes: &[u8]| {
        let mut sorted = Sorted::new(1);
        sorted.refill(&[frame(bytes)], sensor_wire::Options::default());
        sorted.buckets[0].observations[0].packet
    };
    let (first, second) = (datagram((2, 5), (1, 6), b"a"), datagram((1, 6), (2, 5), b"b"));
    let key = session_key(&packet(&first), Direction::ToResponder);
    for in_table in [Direction::ToResponder, Direction::ToOriginator] {
        assert_eq!(direction_in(&key, &packet(&first), in_table), Direction::ToResponder);
        assert_eq!(direction_in(&key, &packet(&second), in_table), Direction::ToOriginator);
    }
}

#[test]
fn a_flow_that_takes_over_an_id_is_inspected_whatever_is_told() {
    // RFC 5905 7.3: version 4, mode 3. The second flow comes when the first is idle, the third when its id is free.
    let mut question = [0; 48];
    question[0] = 0x23;
    let services = |reports: Reports| {
        let mut limits = Config::load(None).unwrap().limits(1);
        limits.flow.reports = reports;
        let (mut worker, mut sorted, mut events) = (Worker::new(0, &limits, 1), Sorted::new(1), Vec::new());
        for number in 1..=6_u8 {
            let bytes = datagram((number, 40_000), (100, 123), &question);
            let frames = [Frame { seen_at_nanos: i64::from(number) * 1_000_000_000_000, ..frame(&bytes) }];
            sorted.refill(&frames, sensor_wire::Options::default());
            worker.take(0, &sorted.buckets[0], &frames, &mut events);
        }
        worker.drain(0, &mut events);
        let service = |event: &Event| match &event.what {
            What::Flow(FlowEvent::Ended { record, .. }) => Some(record.service),
            _ => None,
        };
        events.iter().filter_map(service).collect::<Vec<_>>()
    };
    assert_eq!(services(Reports::All), [Some("ntp"); 6]);
    assert_eq!(services(Reports::EndsOnly), [Some("ntp"); 6]);
}

#[test]
fn flows_that_end_in_one_batch_keep_what_their_bytes_said() {
    // Polls from one port, each beyond the timeout of the one before; the server's answers (mode 4) were captured alone.
    let mut answer = [0; 48];
    answer[0] = 0x24;
    let packet = datagram((2, 123), (1, 123), &answer);
    let frames: Vec<Frame<'_>> = (1..=5).map(|poll| Frame { seen_at_nanos: poll * 128_000_000_000, ..frame(&packet) }).collect();
    let (mut worker, mut sorted, mut events) =
        (Worker::new(0, &Config::load(None).unwrap().limits(1), 1), Sorted::new(1), Vec::new());
    sorted.refill(&frames, sensor_wire::Options::default());
    worker.take(0, &sorted.buckets[0], &frames, &mut events);
    worker.drain(0, &mut events);
    let ended = |event: &Event| match &event.what {
        What::Flow(FlowEvent::Ended { record, .. }) => Some((record.service, record.originator, record.direction_reason)),
        _ => None,
    };
    let client = IpAddr::from([10, 0, 0, 1]);
    let ended: Vec<_> = events.iter().filter_map(ended).collect();
    assert_eq!(ended, [(Some("ntp"), client, DirectionReason::Role); 5]);
}
