//! The table against the simplest thing that could be right: a map from oriented ends to counters, one packet at a time.

use std::collections::HashMap;
use std::time::Duration;

use crate::feeding::{at, config, tcp, udp};
use proptest::prelude::*;
use sensor_flow::{Config, FlowEvent, Observation, Table, shard_of};
use sensor_model::{Direction, FlowRecord, IpProtocol};
use sensor_wire::Packet;

/// One packet, small enough that flows meet again: hosts, ports, time step in seconds.
#[derive(Clone, Debug)]
struct Step {
    hosts: (u8, u8),
    ports: (u16, u16),
    /// TCP flags, or None for UDP.
    flags: Option<u8>,
    sequence: u32,
    payload_len: u32,
    after_seconds: i64,
}

/// Ports without a timeout of their own.
fn steps(flags: impl Strategy<Value = Option<u8>> + Clone + 'static) -> impl Strategy<Value = Vec<Step>> {
    steps_between(500..504_u16, flags)
}

fn steps_between(
    port: impl Strategy<Value = u16> + Clone + 'static,
    flags: impl Strategy<Value = Option<u8>> + Clone + 'static,
) -> impl Strategy<Value = Vec<Step>> {
    let step =
        ((0..3_u8, 0..3_u8), (port.clone(), port), flags, 0..4_u32, 0..3_u32, prop_oneof![9 => 0..2_i64, 1 => -3..200_i64]);
    let step = step.prop_map(|(hosts, ports, flags, sequence, payload_len, after_seconds)| Step {
        hosts,
        ports,
        flags,
        sequence: sequence * 700,
        payload_len: payload_len * 700,
        after_seconds,
    });
    prop::collection::vec(step, 1..400)
}

fn observations(steps: &[Step]) -> Vec<Observation> {
    let mut seconds = 1_000;
    let at_step = |step: &Step| {
        seconds += step.after_seconds;
        let (from, to) = (([10, 0, 0, step.hosts.0], step.ports.0), ([10, 0, 0, step.hosts.1], step.ports.1));
        let packet = match step.flags {
            Some(flags) => tcp(from, to, flags, step.sequence, step.sequence / 2, step.payload_len),
            None => udp(from, to, step.payload_len),
        };
        Observation { seen_at: at(seconds * 1_000_000_000), packet }
    };
    steps.iter().map(at_step).collect()
}

fn flow_config(capacity: usize) -> Config {
    Config { capacity, interim_interval: Duration::from_secs(20), ..config() }
}

/// What every implementation must agree on: `(first, last, packets and bytes of the lower end, of the higher end)`.
type Summary = (i64, i64, [u64; 2], [u64; 2]);

fn ends(packet: &Packet) -> ([u8; 18], [u8; 18]) {
    let end = |address: [u8; 16], port: u16| {
        let mut bytes = [0; 18];
        bytes[..16].copy_from_slice(&address);
        bytes[16..].copy_from_slice(&port.to_be_bytes());
        bytes
    };
    (end(packet.source, packet.source_port), end(packet.destination, packet.destination_port))
}

/// UDP only: no reuse, one timeout.
fn modelled(observations: &[Observation]) -> Vec<Summary> {
    let timeout = 60_000_000_000;
    let mut open: HashMap<_, Summary> = HashMap::new();
    let mut done = Vec::new();
    for observation in observations {
        let (from, to) = ends(&observation.packet);
        let key = (from.min(to), from.max(to));
        let now = observation.seen_at.as_nanos();
        if let Some(flow) = open.remove(&key) {
            if now - flow.1 >= timeout {
                done.push(flow);
            } else {
                open.insert(key, flow);
            }
        }
        let flow = open.entry(key).or_insert((now, now, [0; 2], [0; 2]));
        flow.1 = flow.1.max(now);
        let side = if from <= to { &mut flow.2 } else { &mut flow.3 };
        side[0] += 1;
        side[1] += u64::from(observation.packet.ip_len);
    }
    done.extend(open.into_values());
    done.sort_unstable();
    done
}

fn summary(record: &FlowRecord) -> Summary {
    let counts = |side: &sensor_model::Side| [side.packets, side.ip_bytes];
    let (sent, received) = (counts(&record.sent), counts(&record.received));
    let low_first = (record.originator, record.originator_port) <= (record.responder, record.responder_port);
    let (low, high) = if low_first { (sent, received) } else { (received, sent) };
    (record.first_seen.as_nanos(), record.last_seen.as_nanos(), low, high)
}

/// Runs tables, one a shard, in batches, and gives every `Ended` record.
fn tabled(observations: &[Observation], config: &Config, shards: usize, batch: usize, sweep: bool) -> Vec<FlowRecord> {
    let mut ended = Vec::new();
    for shard in 0..shards {
        let mut table = Table::new(config.clone(), shard as u64);
        let (mut touches, mut events) = (Vec::new(), Vec::new());
        let mut opened = 0_u64;
        let ours: Vec<_> =
            observations.iter().filter(|observation| shard_of(&observation.packet, shards) == shard).copied().collect();
        for part in ours.chunks(batch) {
            table.process(part, &mut touches, &mut events);
            assert_eq!(touches.len(), part.len());
            opened += touches.iter().flatten().filter(|touch| touch.opened).count() as u64;
            if sweep {
                table.sweep(part[part.len() - 1].seen_at, 1_000, &mut events);
            }
        }
        table.drain(&mut events);
        check_events(&events);
        let stats = table.stats();
        assert_eq!((stats.packets_counted, stats.packets_refused), (ours.len() as u64, 0));
        assert_eq!((stats.flows_opened, stats.flows_ended, stats.flows_active), (opened, opened, 0));
        ended.extend(events.into_iter().filter_map(|event| match event {
            FlowEvent::Ended { record, .. } => Some(*record),
            FlowEvent::Opened { .. } | FlowEvent::Interim { .. } => None,
        }));
    }
    let key = |record: &FlowRecord| format!("{record:?}");
    ended.sort_by_key(key);
    ended
}

/// An id is opened, reported, ended, in this order, and its totals never shrink.
fn check_events(events: &[FlowEvent]) {
    let mut open: HashMap<u32, u64> = HashMap::new();
    for event in events {
        let (FlowEvent::Opened { flow, record } | FlowEvent::Interim { flow, record } | FlowEvent::Ended { flow, record }) =
            event;
        let packets = record.sent.packets + record.received.packets;
        match event {
            FlowEvent::Opened { .. } => assert_eq!((open.insert(flow.0, packets), packets), (None, 1)),
            FlowEvent::Interim { .. } => assert!(open.insert(flow.0, packets).is_some_and(|before| before < packets)),
            FlowEvent::Ended { .. } => assert!(open.remove(&flow.0).is_some_and(|before| before <= packets)),
        }
        assert!(record.first_seen <= record.last_seen);
    }
    assert!(open.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn udp_flows_are_those_of_the_model(steps in steps(Just(None))) {
        let observations = observations(&steps);
        let records = tabled(&observations, &flow_config(10_000), 1, 64, false);
        let mut found: Vec<_> = records.iter().map(summary).collect();
        found.sort_unstable();
        prop_assert_eq!(found, modelled(&observations));
    }

    #[test]
    fn records_do_not_depend_on_shards_batches_or_sweeps(
        steps in steps_between(prop_oneof![22..24_u16, 53..55_u16], prop::option::weighted(0.8, 0..64_u8)),
    ) {
        let observations = observations(&steps);
        let expected = tabled(&observations, &flow_config(10_000), 1, 1, false);
        for (shards, batch, sweep) in [(1, 64, false), (4, 17, false), (1, 1, true), (3, 5, true)] {
            prop_assert_eq!(&tabled(&observations, &flow_config(10_000), shards, batch, sweep), &expected);
        }
    }

    #[test]
    fn a_tiny_table_loses_no_packet(steps in steps(prop::option::weighted(0.5, 0..64_u8)), capacity in 0..5_usize) {
        let observations = observations(&steps);
        let records = tabled(&observations, &flow_config(capacity), 1, 300, true);
        let packets: u64 = records.iter().map(|record| record.sent.packets + record.received.packets).sum();
        let bytes: u64 = records.iter().map(|record| record.sent.ip_bytes + record.received.ip_bytes).sum();
        prop_assert_eq!(packets, observations.len() as u64);
        prop_assert_eq!(bytes, observations.iter().map(|observation| u64::from(observation.packet.ip_len)).sum::<u64>());
    }

    #[test]
    fn a_touch_names_the_side_that_sent(steps in steps(Just(None))) {
        let mut table = Table::new(flow_config(10_000), 3);
        let (mut touches, mut events) = (Vec::new(), Vec::new());
        for observation in observations(&steps) {
            table.process(&[observation], &mut touches, &mut events);
            let touch = touches[0].unwrap();
            let record = events.iter().rev().find_map(|event| match event {
                FlowEvent::Opened { flow, record } if *flow == touch.flow => Some(record),
                _ => None,
            });
            let record = record.unwrap();
            prop_assert_eq!(record.protocol, IpProtocol::Udp);
            let sender = (observation.packet.source_address(), observation.packet.source_port);
            let named = match touch.direction {
                Direction::ToResponder => (record.originator, record.originator_port),
                Direction::ToOriginator => (record.responder, record.responder_port),
            };
            prop_assert_eq!(sender, named);
        }
    }
}
