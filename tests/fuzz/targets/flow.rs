//! Any packets and fragments in any order and at any time: every packet counted once, every later fragment placed or given up once, no
//! more flows than the limit, no more fragments waiting than theirs, and every opened flow ended.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sensor_flow::{Config, FlowEvent, FragmentLimits, Fragments, Observation, Reports, Table, VlanKey};
use sensor_model::Timestamp;
use sensor_wire::{LinkType, Options, Outcome, decode};

const CAPACITY: usize = 16;
const DATAGRAMS: usize = 4;

fuzz_target!(|bytes: &[u8]| {
    let config = Config {
        capacity: CAPACITY,
        tcp_idle_timeout: Duration::from_secs(300),
        tcp_attempt_timeout: Duration::from_secs(5),
        udp_idle_timeout: Duration::from_secs(60),
        icmp_idle_timeout: Duration::from_secs(60),
        interim_interval: Duration::from_secs(60),
        reports: Reports::All,
        vlan_key: VlanKey::Auto,
    };
    let mut table = Table::new(config, 1);
    let mut fragments = Fragments::new(&FragmentLimits { max_datagrams: DATAGRAMS, max_age: Duration::from_secs(30) }, 1);
    let (mut now, mut given, mut pieces, mut opened, mut ended) = (0i64, 0u64, 0u64, 0u64, 0u64);
    let (mut batch, mut touches, mut events) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = bytes;
    // Each frame: its length, the time since the last one in tenths of a second, itself.
    while let Some((&[len, gap], tail)) = rest.split_first_chunk::<2>() {
        let (frame, tail) = tail.split_at(usize::from(len).min(tail.len()));
        rest = tail;
        now += i64::from(gap) * 100_000_000;
        let observation = |packet| Observation { seen_at: Timestamp::from_nanos(now), packet };
        batch.clear();
        match decode(LinkType::Ethernet, frame, u32::from(len), Options::default()) {
            Outcome::Packet(packet) => {
                batch.push(observation(packet));
                if Fragments::wants(&packet) {
                    fragments.take(&observation(packet), &mut batch);
                }
            }
            Outcome::Fragment(packet) => {
                pieces += 1;
                fragments.take(&observation(packet), &mut batch);
            }
            _ => continue,
        }
        let waiting = fragments.stats();
        assert_eq!(waiting.placed + waiting.without_first + waiting.overflow + waiting.waiting, pieces);
        assert!(waiting.waiting <= DATAGRAMS as u64);
        given += batch.len() as u64;
        table.process(&batch, &mut touches, &mut events);
        assert_eq!(touches.len(), batch.len());
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
