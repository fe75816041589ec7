//! The hub under more traffic than it may remember.

use std::time::Duration;

use sensor_model::{ConnState, Conversation};

use super::*;
use crate::config::Config;
use crate::fixtures::record;

const BACKUP: ([u8; 4], [u8; 4]) = ([10, 1, 0, 1], [10, 1, 0, 2]);

fn hub(max_assets: usize, max_conversations: usize) -> Hub {
    let mut settings = Config::load(None).unwrap().hub();
    (settings.identify.max_assets, settings.max_conversations) = (max_assets, max_conversations);
    Hub::new(settings)
}

/// A whole flow; `day` counts from the first one.
fn flow(hub: &mut Hub, (client, server): ([u8; 4], [u8; 4]), port: u16, answered: bool, day: u64) {
    let mut flow_record = record();
    (flow_record.originator, flow_record.responder) = (client.into(), server.into());
    flow_record.responder_port = port;
    let start = flow_record.first_seen + Duration::from_secs(86_400 * day);
    (flow_record.first_seen, flow_record.last_seen) = (start, start + Duration::from_secs(1));
    if !answered {
        (flow_record.state, flow_record.sent.packets, flow_record.received) = (ConnState::S0, 1, Default::default());
    }
    let mut first = flow_record.clone();
    (first.state, first.sent.packets, first.received) = (ConnState::S0, 1, Default::default());
    let flow = FlowId(7);
    for event in [FlowEvent::Opened { flow, record: Box::new(first) }, FlowEvent::Ended { flow, record: Box::new(flow_record) }] {
        hub.take(Event { number: 0, table: 0, what: What::Flow(event) });
    }
}

fn answered_between(map: &FlowMap, (client, server): ([u8; 4], [u8; 4])) -> Option<&Conversation> {
    let id = |ip: [u8; 4]| AssetId::of_ip(ip.into());
    map.conversations.iter().find(|known| known.client == id(client) && known.server == id(server) && known.answered_flows > 0)
}

#[test]
fn a_scan_of_more_hosts_and_ports_than_there_is_room_leaves_room_for_real_conversations_before_and_after() {
    let mut hub = hub(600, 500);
    let scanner = [10, 9, 9, 9];
    flow(&mut hub, BACKUP, 22, true, 0);
    for host in 0..40 {
        for port in 1..100 {
            flow(&mut hub, (scanner, [10, 2, 0, host]), port, false, 0);
        }
    }
    for host in 0..2_000_u16 {
        let [high, low] = host.to_be_bytes();
        flow(&mut hub, (scanner, [10, 3, high, low]), 443, false, 0);
    }
    for host in 0..100 {
        flow(&mut hub, ([10, 4, 0, host], [10, 5, 0, host]), 502, true, 0);
    }
    let map = hub.flow_map(Accounting::default());
    assert!(answered_between(&map, BACKUP).is_some());
    assert!((0..100).all(|host| answered_between(&map, ([10, 4, 0, host], [10, 5, 0, host])).is_some()));
    assert!(map.conversations.len() <= 500 && map.assets.len() <= 602, "{} {}", map.conversations.len(), map.assets.len());
    let flows: u64 = map.conversations.iter().map(|known| known.flows).sum();
    assert_eq!(flows + hub.conversations().refused + hub.conversations().evicted, 1 + 40 * 99 + 2_000 + 100);
}

#[test]
fn forged_sources_do_not_displace_hosts_that_answer() {
    let mut hub = hub(600, 500);
    let server = [10, 1, 0, 9];
    for source in 0..3_000_u16 {
        let [high, low] = source.to_be_bytes();
        flow(&mut hub, ([93, 5, high, low], server), 80, false, 0);
    }
    flow(&mut hub, ([93, 6, 0, 1], server), 80, true, 0);
    for host in 0..100 {
        flow(&mut hub, ([10, 4, 0, host], [10, 5, 0, host]), 502, true, 0);
    }
    let map = hub.flow_map(Accounting::default());
    assert!((0..100).all(|host| answered_between(&map, ([10, 4, 0, host], [10, 5, 0, host])).is_some()));
    assert!(answered_between(&map, ([93, 6, 0, 1], server)).is_some());
    assert!(map.assets.iter().any(|asset| asset.id.as_str() == "other-external"));
}

#[test]
fn a_monthly_backup_is_still_there_after_a_year_of_strangers_and_scans() {
    let mut hub = hub(2_000, 3_000);
    for day in 0..365_u64 {
        for stranger in 0..60_u8 {
            let [.., high, low] = day.to_be_bytes();
            flow(&mut hub, ([93, high, low, stranger], [10, 0, 0, 80]), 443, true, day);
            flow(&mut hub, ([94, high, low, stranger], [10, 0, 0, 80]), 22, false, day);
        }
        for host in 0..30 {
            flow(&mut hub, ([10, 0, 1, host], [10, 0, 0, 53]), 53, true, day);
        }
        // It begins when the map has long been full.
        if day >= 90 && day % 30 == 0 {
            flow(&mut hub, BACKUP, 873, true, day);
        }
    }
    let map = hub.flow_map(Accounting::default());
    let backup = answered_between(&map, BACKUP).unwrap();
    assert_eq!((backup.flows, backup.answered_flows, backup.activity.days), (10, 10, 10));
    let daily = answered_between(&map, ([10, 0, 1, 7], [10, 0, 0, 53])).unwrap();
    assert_eq!((daily.flows, daily.activity.days), (365, 365));
    assert!(map.conversations.len() <= 3_000 && map.assets.len() <= 2_002);
}
