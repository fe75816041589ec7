//! What ends a flow, what is reported, and what stays true when the table is full.

use crate::feeding::{CLIENT, Fed, SERVER, at, config, flags, icmp, seconds, tcp, udp};
use sensor_flow::{Config, FlowEvent, Reports, shard_of};
use sensor_model::{ConnState, Direction, DirectionReason, Timestamp, VlanId};
use sensor_wire::{Family, Fragment, Packet, Tunnel, TunnelKind};

const HOST: [u8; 4] = [10, 0, 0, 9];

#[test]
fn udp_state_says_who_spoke() {
    let mut fed = Fed::new(config());
    fed.packet(udp(CLIENT, SERVER, 30));
    let touch = fed.packet(udp(SERVER, CLIENT, 70)).unwrap();
    assert_eq!((touch.direction, touch.opened, touch.inspect), (Direction::ToOriginator, false, true));
    let record = fed.only();
    assert_eq!(
        (record.state, record.history.as_str(), record.direction_reason),
        (ConnState::SF, "Dd", DirectionReason::PortRank)
    );
    assert_eq!((record.sent.payload_bytes, record.received.payload_bytes), (Some(30), Some(70)));

    let mut fed = Fed::new(config());
    fed.packet(udp(SERVER, CLIENT, 70));
    let record = fed.only();
    assert_eq!((record.state, record.history.as_str(), record.originator_port), (ConnState::SHR, "^d", CLIENT.1));
    assert_eq!(record.sent.mac.map(|mac| mac.0[5]), Some(CLIENT.0[3]));
}

#[test]
fn a_dissector_overrules_a_guess_but_not_a_syn() {
    let mut fed = Fed::new(config());
    let ends = [(CLIENT.0, 123), (SERVER.0, 123)];
    let answer = fed.packet(udp(ends[1], ends[0], 48)).unwrap();
    fed.table.set_originator(answer.flow, Direction::ToOriginator);
    fed.table.set_originator(answer.flow, Direction::ToOriginator);
    assert_eq!(fed.packet(udp(ends[0], ends[1], 40)).unwrap().direction, Direction::ToResponder);
    let record = fed.only();
    assert_eq!((record.direction_reason, record.history.as_str()), (DirectionReason::Role, "^dD"));
    assert_eq!((record.originator.to_string().as_str(), record.sent.payload_bytes), ("10.0.0.1", Some(40)));
    assert_eq!(record.sent.mac.map(|mac| mac.0[5]), Some(1));

    let mut fed = Fed::new(config());
    let syn = fed.packet(tcp(CLIENT, SERVER, flags("S"), 100, 0, 0)).unwrap();
    fed.table.set_originator(syn.flow, Direction::ToOriginator);
    let record = fed.only();
    assert_eq!((record.direction_reason, record.originator_port), (DirectionReason::Syn, CLIENT.1));
}

#[test]
fn a_group_never_asked() {
    let mut fed = Fed::new(config());
    fed.packet(udp((HOST, 5353), ([224, 0, 0, 251], 40_000), 10));
    assert_eq!(fed.only().originator_port, 5353);
}

#[test]
fn icmp_request_and_reply_are_one_flow_and_errors_stand_alone() {
    let mut fed = Fed::new(config());
    fed.packet(icmp(CLIENT.0, SERVER.0, 8, 0));
    fed.packet(icmp(SERVER.0, CLIENT.0, 0, 0));
    fed.packet(icmp(SERVER.0, CLIENT.0, 3, 1));
    fed.packet(icmp(CLIENT.0, SERVER.0, 3, 1));
    let ports: Vec<_> = fed
        .ended()
        .iter()
        .map(|record| (record.originator_port, record.responder_port, record.sent.packets, record.state))
        .collect();
    assert_eq!(ports, [(8, 0, 1, ConnState::OTH), (3, 1, 1, ConnState::OTH), (3, 1, 1, ConnState::OTH)]);
}

#[test]
fn an_echo_reply_alone_was_asked_for_by_its_receiver() {
    let mut fed = Fed::new(config());
    fed.packet(icmp(SERVER.0, CLIENT.0, 0, 0));
    let record = fed.only();
    assert_eq!((record.originator_port, record.responder_port, record.direction_reason), (8, 0, DirectionReason::Role));
    assert_eq!(record.originator.to_string(), "10.0.0.1");
}

#[test]
fn sweeping_ends_what_is_idle_and_changes_no_record() {
    let talk = |sweep: bool| {
        let mut fed = Fed::new(config());
        for second in [0, 20, 200, 210, 500] {
            if sweep {
                for now in [second - 100, second - 5, second, second + 9] {
                    fed.table.sweep(seconds(now), 10_000, &mut fed.events);
                }
            }
            fed.packet_at(seconds(second), udp(CLIENT, SERVER, 10));
        }
        fed.ended()
    };
    assert_eq!(talk(true), talk(false));
    assert_eq!(talk(true).len(), 3);
}

#[test]
fn time_that_steps_back_shortens_nothing() {
    let mut fed = Fed::new(config());
    for nanos in [5_000, 4_000, 5_000, i64::MIN, 6_000, i64::MIN + 1] {
        fed.packet_at(at(nanos), udp(CLIENT, SERVER, 10));
    }
    let record = fed.only();
    assert_eq!((record.first_seen, record.last_seen, record.sent.packets), (at(5_000), at(6_000), 6));
}

#[test]
fn a_flow_is_reported_when_opened_when_answered_and_at_intervals() {
    let mut fed = Fed::new(Config { interim_interval: std::time::Duration::from_secs(50), ..config() });
    for (second, from, to) in
        [(0, CLIENT, SERVER), (1, CLIENT, SERVER), (2, SERVER, CLIENT), (51, CLIENT, SERVER), (52, CLIENT, SERVER)]
    {
        fed.packet_at(seconds(second), udp(from, to, 10));
    }
    let told: Vec<_> = fed
        .events
        .iter()
        .map(|event| match event {
            FlowEvent::Opened { record, .. } => ("opened", record.sent.packets, record.received.packets),
            FlowEvent::Interim { record, .. } => ("interim", record.sent.packets, record.received.packets),
            FlowEvent::Ended { record, .. } => ("ended", record.sent.packets, record.received.packets),
        })
        .collect();
    assert_eq!(told, [("opened", 1, 0), ("interim", 2, 1), ("interim", 4, 1)]);
}

#[test]
fn a_table_that_reports_ends_only_says_the_same_in_the_end() {
    let talk = |reports| {
        let mut fed = Fed::new(Config { reports, interim_interval: std::time::Duration::from_secs(50), ..config() });
        for (second, from, to) in [(0, CLIENT, SERVER), (2, SERVER, CLIENT), (60, CLIENT, SERVER), (180, CLIENT, SERVER)] {
            fed.packet_at(seconds(second), udp(from, to, 10));
        }
        let early = fed.events.iter().filter(|event| !matches!(event, FlowEvent::Ended { .. })).count();
        (early, fed.ended())
    };
    let (all, ends) = (talk(Reports::All), talk(Reports::EndsOnly));
    assert_eq!((all.0, ends.0, ends.1.len()), (4, 0, 2));
    assert_eq!(all.1, ends.1);
}

#[test]
fn a_service_shows_in_every_later_record() {
    let mut fed = Fed::new(config());
    let touch = fed.packet(udp(CLIENT, SERVER, 10)).unwrap();
    fed.table.set_service(touch.flow, "dns");
    fed.packet(udp(SERVER, CLIENT, 10));
    let services: Vec<_> = fed
        .events
        .iter()
        .map(|event| match event {
            FlowEvent::Opened { record, .. } | FlowEvent::Interim { record, .. } | FlowEvent::Ended { record, .. } => {
                record.service
            }
        })
        .collect();
    assert_eq!(services, [None, Some("dns")]);
}

#[test]
fn a_full_table_gives_up_half_open_flows_first_and_counts_them() {
    let mut fed = Fed::new(Config { capacity: 10, ..config() });
    for port in 0..5 {
        fed.packet(udp((HOST, 60_000 + port), SERVER, 10));
        fed.packet(udp(SERVER, (HOST, 60_000 + port), 10));
    }
    for port in 0..1_000 {
        fed.packet(tcp((CLIENT.0, 1_024 + port), SERVER, flags("S"), 100, 0, 0));
    }
    let stats = fed.table.stats();
    assert_eq!((stats.flows_active, stats.flows_evicted, stats.flows_opened), (10, 995, 1_005));
    let answered = fed.ended().into_iter().filter(|record| record.state == ConnState::SF && record.sent.packets == 1).count();
    assert_eq!(answered, 5);
}

#[test]
fn flows_are_still_found_when_the_table_has_grown() {
    let mut fed = Fed::new(Config { capacity: 100_000, ..config() });
    let host = |number: u32| (number.to_be_bytes(), 1_024);
    for round in 0..2 {
        for number in 0..80_000 {
            let touch = fed.packet_at(seconds(round), udp(host(0x0a00_0000 + number), SERVER, 10)).unwrap();
            assert_eq!((touch.opened, touch.flow.0), (round == 0, number), "{number}");
        }
    }
}

#[test]
fn every_packet_is_counted_or_refused() {
    let mut fed = Fed::new(config());
    assert!(fed.packet(Packet { fragment: Fragment::Later { offset: 1_480 }, ..udp(CLIENT, SERVER, 10) }).is_none());
    fed.packet(udp(CLIENT, SERVER, 10));
    let stats = fed.table.stats();
    assert_eq!((stats.packets_counted, stats.packets_refused, stats.flows_active), (1, 1, 1));
}

#[test]
fn an_id_rests_until_the_next_batch() {
    let mut fed = Fed::new(config());
    let syn =
        |sequence| sensor_flow::Observation { seen_at: seconds(1), packet: tcp(CLIENT, SERVER, flags("S"), sequence, 0, 0) };
    fed.table.process(&[syn(1), syn(2), syn(3)], &mut fed.touches, &mut fed.events);
    let mut ids: Vec<_> = fed.touches.iter().flatten().map(|touch| touch.flow.0).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn ipv6_flows_are_told_apart_by_every_byte_of_their_addresses() {
    let v6 = |last: u8, from_server: bool| {
        let mut packet = Packet { family: Family::V6, ..udp(CLIENT, SERVER, 10) };
        packet.source[15] = last;
        if from_server {
            (packet.source, packet.destination) = (packet.destination, packet.source);
            (packet.source_port, packet.destination_port) = (packet.destination_port, packet.source_port);
        }
        packet
    };
    let mut fed = Fed::new(config());
    for last in 0..100 {
        fed.packet(v6(last, false));
        fed.packet(v6(last, true));
    }
    let ended = fed.ended();
    assert_eq!(ended.len(), 100);
    assert!(ended.iter().all(|record| (record.sent.packets, record.received.packets) == (1, 1)));
    assert_eq!(ended[7].originator.to_string(), "a00:1::7");
}

#[test]
fn equal_addresses_in_two_vxlan_segments_are_two_flows() {
    let mut fed = Fed::new(config());
    for id in [1, 2, 1] {
        fed.packet(Packet { tunnel: Some(Tunnel { kind: TunnelKind::Vxlan, id }), ..udp(CLIENT, SERVER, 10) });
    }
    let packets: Vec<_> = fed.ended().iter().map(|record| (record.sent.packets, record.tunnel.map(|tunnel| tunnel.id))).collect();
    assert_eq!(packets, [(2, Some(1)), (1, Some(2))]);
}

#[test]
fn the_first_path_of_a_flow_is_kept() {
    let mut fed = Fed::new(config());
    fed.packet(Packet { vlan: VlanId::new(7), inner_vlan: VlanId::new(8), ..udp(CLIENT, SERVER, 10) });
    fed.packet(Packet { vlan: VlanId::new(9), ..udp(SERVER, CLIENT, 10) });
    let record = fed.only();
    assert_eq!((record.vlan, record.inner_vlan), (VlanId::new(7), VlanId::new(8)));
}

#[test]
fn both_directions_and_all_pieces_share_a_shard_and_shards_are_used_evenly() {
    let mut used = [0_u32; 16];
    for host in 0..1_600_u32 {
        let [a, b, ..] = host.to_le_bytes();
        let (ours, theirs) = (([10, 0, a, b], 1_000), SERVER);
        let shard = shard_of(&udp(ours, theirs, 10), 16);
        assert_eq!(shard, shard_of(&udp(theirs, ours, 10), 16));
        assert_eq!(shard, shard_of(&Packet { source_port: 0, destination_port: 0, ..udp(ours, theirs, 10) }, 16));
        used[shard] += 1;
    }
    assert!(used.iter().all(|&flows| (60..=140).contains(&flows)), "{used:?}");
    assert_eq!(shard_of(&udp(CLIENT, SERVER, 1), 0), 0);
}

#[test]
fn extreme_times_are_no_reason_to_panic() {
    let mut fed = Fed::new(config());
    for seen_at in [Timestamp::MAX, at(i64::MIN), Timestamp::ZERO, Timestamp::MAX] {
        fed.packet_at(seen_at, tcp(CLIENT, SERVER, flags("S."), u32::MAX, 0, u32::MAX));
        fed.packet_at(seen_at, tcp(SERVER, CLIENT, flags("FR."), u32::MAX, u32::MAX, u32::MAX));
        fed.table.sweep(seen_at, usize::MAX, &mut fed.events);
    }
    assert!(!fed.ended().is_empty());
}
