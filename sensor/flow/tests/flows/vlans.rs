//! When VLAN tags tell flows apart, and when they do not.

use proptest::prelude::*;
use sensor_flow::{Config, FlowEvent, Observation, Table, VlanKey, shard_of};
use sensor_model::{FlowRecord, VlanId};
use sensor_wire::{Packet, Tunnel, TunnelKind};

use crate::feeding::{CLIENT, Fed, SERVER, config, flags, seconds, tcp, udp};

fn tagged(id: u16, packet: Packet) -> Packet {
    Packet { vlan: VlanId::new(id).filter(|_| id > 0), ..packet }
}

fn request(id: u16) -> Packet {
    tagged(id, udp(CLIENT, SERVER, 10))
}

fn answer(id: u16) -> Packet {
    tagged(id, udp(SERVER, CLIENT, 20))
}

/// VLAN, packets each way; sorted.
fn flows(vlan_key: VlanKey, packets: &[Packet]) -> Vec<(u16, u64, u64)> {
    let mut fed = Fed::new(Config { vlan_key, ..config() });
    for &packet in packets {
        fed.packet(packet);
    }
    summary(&fed.ended())
}

fn summary(records: &[FlowRecord]) -> Vec<(u16, u64, u64)> {
    let vlan = |record: &FlowRecord| record.vlan.map_or(0, VlanId::get);
    let mut flows: Vec<_> = records.iter().map(|record| (vlan(record), record.sent.packets, record.received.packets)).collect();
    flows.sort_unstable();
    flows
}

#[test]
fn equal_addresses_in_two_vlans_are_two_flows() {
    let packets = [request(10), request(20), answer(20), answer(10), request(10)];
    assert_eq!(flows(VlanKey::Auto, &packets), [(10, 2, 1), (20, 1, 1)]);
    assert_eq!(flows(VlanKey::Always, &packets), [(10, 2, 1), (20, 1, 1)]);
    assert_eq!(flows(VlanKey::Never, &packets), [(10, 3, 2)]);
}

#[test]
fn a_mirror_that_tags_each_direction_with_another_vlan_gives_one_flow() {
    let packets = [request(10), answer(20), request(10), answer(20)];
    assert_eq!(flows(VlanKey::Auto, &packets), [(10, 2, 2)]);
    assert_eq!(flows(VlanKey::Always, &packets), [(10, 2, 0), (20, 0, 2)]);
    // Tagged one way only, as switches mirror a trunk's one and an access port's other side.
    assert_eq!(flows(VlanKey::Auto, &[request(0), answer(20), request(0)]), [(0, 2, 1)]);
}

#[test]
fn the_inner_tag_counts_as_well() {
    let double = |inner, packet| Packet { inner_vlan: VlanId::new(inner), ..tagged(10, packet) };
    let packets = [double(1, request(10)), double(2, request(10)), double(2, answer(10)), double(1, answer(10))];
    assert_eq!(flows(VlanKey::Auto, &packets), [(10, 1, 1), (10, 1, 1)]);
}

#[test]
fn a_priority_tag_is_no_vlan() {
    let priority = Packet { vlan: VlanId::new(0), ..answer(0) };
    assert_eq!(flows(VlanKey::Always, &[request(0), priority]), [(0, 1, 1)]);
}

#[test]
fn an_overlay_segment_tells_apart_whatever_the_tags_say() {
    let within = |id, packet| Packet { tunnel: Some(Tunnel { kind: TunnelKind::Vxlan, id }), ..packet };
    let packets = [within(1, request(10)), within(2, answer(20)), within(1, answer(20))];
    assert_eq!(flows(VlanKey::Auto, &packets), [(10, 1, 1), (20, 0, 1)]);
    assert_eq!(flows(VlanKey::Never, &packets), [(10, 1, 1), (20, 0, 1)]);
}

#[test]
fn a_segment_that_acknowledges_something_else_is_no_answer() {
    // Two connections in the middle, of which the first packets seen go opposite ways.
    let ours = |seq| tagged(10, tcp(CLIENT, SERVER, flags("."), seq, 9_000, 10));
    let theirs = |seq| tagged(20, tcp(SERVER, CLIENT, flags("."), seq, 3_000_000_000, 10));
    let packets = [ours(1_000), theirs(700), ours(1_010), theirs(710)];
    assert_eq!(flows(VlanKey::Auto, &packets), [(10, 2, 0), (20, 0, 2)]);
    let answers = tagged(20, tcp(SERVER, CLIENT, flags("."), 9_000, 1_010, 10));
    assert_eq!(flows(VlanKey::Auto, &[ours(1_000), answers]), [(10, 1, 1)]);
}

#[test]
fn crafted_tags_make_few_flows() {
    let mut fed = Fed::new(Config { capacity: 10_000, ..config() });
    for id in 1..4_000 {
        fed.packet(request(id));
    }
    assert!(fed.table.stats().flows_opened <= 16, "{:?}", fed.table.stats());
}

/// What conversations in several VLANs say to each other: which, and whether it is the answer. The first word is always a request.
fn talks() -> impl Strategy<Value = Vec<(usize, bool)>> {
    prop::collection::vec((0..4_usize, any::<bool>()), 1..80).prop_map(|mut talks| {
        let mut begun = [false; 4];
        for (which, is_answer) in &mut talks {
            *is_answer &= begun[*which];
            begun[*which] = true;
        }
        talks
    })
}

/// Batches, shards, sweeps in between: as many records as flows, whatever is done. Two packets a second: the last of 80 finds every flow within
/// its idle timeout.
fn tabled(packets: &[Packet], batch: usize, shards: usize, sweeps: bool) -> Vec<(u16, u64, u64)> {
    let mut records = Vec::new();
    for shard in 0..shards {
        let mut table = Table::new(config(), shard as u64);
        let ours: Vec<_> = (0..)
            .zip(packets)
            .filter(|(_, packet)| shard_of(packet, shards) == shard)
            .map(|(at, &packet)| Observation { seen_at: seconds(at / 2), packet })
            .collect();
        let (mut touches, mut events) = (Vec::new(), Vec::new());
        for some in ours.chunks(batch) {
            table.process(some, &mut touches, &mut events);
            if let (true, Some(last)) = (sweeps, some.last()) {
                table.sweep(last.seen_at, 100, &mut events);
            }
        }
        table.drain(&mut events);
        records.extend(events.into_iter().filter_map(|event| match event {
            FlowEvent::Ended { record, .. } => Some(*record),
            FlowEvent::Opened { .. } | FlowEvent::Interim { .. } => None,
        }));
    }
    summary(&records)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn overlapping_conversations_are_told_apart_in_any_order(talks in talks(), batch in 1..100_usize, shards in 1..4_usize) {
        let vlans = [0, 10, 20, 30];
        let packets: Vec<_> =
            talks.iter().map(|&(which, is_answer)| if is_answer { answer(vlans[which]) } else { request(vlans[which]) }).collect();
        let count = |which, answers| talks.iter().filter(|&&talk| talk == (which, answers)).count() as u64;
        let mut expected: Vec<_> = (0..4).map(|which| (vlans[which], count(which, false), count(which, true))).collect();
        expected.retain(|&(_, asked, _)| asked > 0);
        prop_assert_eq!(tabled(&packets, batch, shards, shards == 2), expected);
    }

    #[test]
    fn split_directions_are_one_flow_for_each_pair_of_hosts(
        talks in prop::collection::vec((0..6_u8, any::<bool>()), 1..80),
        batch in 1..100_usize,
        shards in 1..4_usize,
    ) {
        // Each direction of each pair in a VLAN of its own, as a tap's two ports, or two mirrors, tag them.
        let packet = |&(host, is_answer): &(u8, bool)| {
            let ours = ([10, 0, 1, host], 40_000 + u16::from(host));
            let id = 100 + u16::from(host) % 2;
            if is_answer { tagged(300 + id, udp(SERVER, ours, 20)) } else { tagged(id, udp(ours, SERVER, 10)) }
        };
        let packets: Vec<_> = talks.iter().map(packet).collect();
        let mut hosts: Vec<u8> = talks.iter().map(|talk| talk.0).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let found = tabled(&packets, batch, shards, batch % 2 == 0);
        prop_assert_eq!(found.len(), hosts.len());
        prop_assert_eq!(found.iter().map(|(_, sent, received)| sent + received).sum::<u64>(), talks.len() as u64);
    }
}
