//! Any packets in any order and at any time: every packet counted once, no more flows than the limit, and every opened flow ended.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sensor_flow::{Config, FlowEvent, Observation, Reports, Table};
use sensor_model::Timestamp;
use sensor_wire::{LinkType, Options, Outcome, decode};

const CAPACITY: usize = 16;

fuzz_target!(|bytes: &[u8]| {
    let config = Config {
        capacity: CAPACITY,
        tcp_idle_timeout: Duration::from_secs(300),
        tcp_attempt_timeout: Duration::from_secs(5),
        udp_idle_timeout: Duration::from_secs(60),
        icmp_idle_timeout: Duration::from_secs(60),
        interim_interval: Duration::from_secs(60),
        reports: Reports::All,
    };
    let mut table = Table::new(config, 1);
    let (mut now, mut given, mut opened, mut ended) = (0i64, 0u64, 0u64, 0u64);
    let (mut touches, mut events) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    // Each frame: its length, the time since the last one in tenths of a second, itself.
    while let Some((&[len, gap], tail)) = rest.split_first_chunk::<2>() {
        let (frame, tail) = tail.split_at(usize::from(len).min(tail.len()));
        rest = tail;
        now += i64::from(gap) * 100_000_000;
        let Outcome::Packet(packet) = decode(LinkType::Ethernet, frame, u32::from(len), Options::default()) else { continue };
        given += 1;
        table.process(&[Observation { seen_at: Timestamp::from_nanos(now), packet }], &mut touches, &mut events);
        assert_eq!(touches.len(), 1);
        for event in events.drain(..) {
            match event {
                FlowEvent::Opened { .. } => opened += 1,
                FlowEvent::Ended { .. } => ended += 1,
                FlowEvent::Interim { .. } => {}
            }
        }
        let stats = table.stats();
        assert_eq!(stats.packets_counted + stats.packets_refused, given);
        assert!(stats.flows_active <= CAPACITY as u64);
        assert_eq!(opened - ended, stats.flows_active);
    }
});
