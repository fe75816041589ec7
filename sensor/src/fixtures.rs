//! Values that several tests start from.

use std::net::{IpAddr, Ipv4Addr};

use sensor_flow::{FlowEvent, FlowId};
use sensor_identify::Sighting;
use sensor_model::{
    Accounting, ConnState, DirectionReason, FlowMap, FlowRecord, IpProtocol, MacAddr, Side, Timestamp, VlanStack,
};

use crate::config::Config;
use crate::event::{Event, What};
use crate::hub::Hub;

/// An answered TCP flow 10.0.0.1:40000 -> 10.0.0.2:502 of one second.
pub fn record() -> FlowRecord {
    FlowRecord {
        first_seen: Timestamp::from_nanos(1_700_000_000_000_000_000),
        last_seen: Timestamp::from_nanos(1_700_000_001_000_000_000),
        originator: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
        originator_port: 40_000,
        responder: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)),
        responder_port: 502,
        protocol: IpProtocol::Tcp,
        protocol_number: 6,
        service: None,
        state: ConnState::SF,
        history: "ShADadFf".to_owned(),
        missed_bytes: 0,
        gap_bytes: 0,
        sent: Side { packets: 6, ip_bytes: 300, l2_bytes: 400, payload_bytes: Some(60), data_acked: true, ..Side::default() },
        received: Side { packets: 5, ip_bytes: 250, l2_bytes: 330, payload_bytes: Some(50), data_acked: true, ..Side::default() },
        vlan: None,
        inner_vlan: None,
        tunnel: None,
        direction_reason: DirectionReason::Syn,
    }
}

/// Two assets and the conversation between them.
pub fn flow_map() -> FlowMap {
    let mut hub = Hub::new(Config::load(None).unwrap().hub());
    let flow = FlowId(1);
    let ip = record().originator;
    let sighting =
        Sighting { mac: MacAddr([0, 0x80, 0xf4, 1, 2, 3]), ip, tags: VlanStack::default(), seen_at: record().first_seen };
    hub.take(Event { number: 0, table: 0, what: What::Sighted(sighting) });
    for event in [FlowEvent::Opened { flow, record: Box::new(record()) }, FlowEvent::Ended { flow, record: Box::new(record()) }] {
        hub.take(Event { number: 0, table: 0, what: What::Flow(event) });
    }
    hub.flow_map(Accounting { packets: 11, ..Accounting::default() })
}
