//! Hand-made flow maps and policies for the tests of this room.

use std::net::IpAddr;

use sensor_model::{
    Accounting, Activity, AddressUse, Asset, AssetId, Claim, Conversation, Coverage, DirectionReason, EachWay, FlowMap,
    IpProtocol, Operation, SCHEMA, Scope, Service, Strength, TapCoverage, Timestamp, Visibility,
};

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn asset(label: &str, addresses: &[&str], role: Option<(&str, Strength)>) -> Asset {
    let seen = (at("2026-11-01T00:00:00Z"), at("2026-11-22T00:00:00Z"));
    let first: IpAddr = addresses[0].parse().unwrap();
    Asset {
        id: AssetId::of_ip(first),
        label: label.into(),
        scope: if first.is_multicast() { Scope::Group } else { Scope::Internal },
        macs: Vec::new(),
        addresses: addresses
            .iter()
            .map(|address| AddressUse { address: address.parse().unwrap(), first_seen: seen.0, last_seen: seen.1 })
            .collect(),
        vendor: None,
        model: None,
        role: role.map(|(value, strength)| Claim { value: value.into(), strength, source: "test".into() }),
        operating_system: None,
        names: Vec::new(),
        evidence: Vec::new(),
        coverage: Coverage { visibility: Visibility::BothWays, ..Coverage::default() },
        first_seen: seen.0,
        last_seen: seen.1,
    }
}

/// `client` and `server` by label; hours as `(hour, flows)`.
pub fn conversation(map: &FlowMap, client: &str, server: &str, service: (IpProtocol, u16), answered: bool) -> Conversation {
    let find = |label: &str| map.assets.iter().find(|asset| asset.label == label).unwrap();
    let (client, server) = (find(client), find(server));
    let own = |asset: &Asset| asset.addresses.iter().map(|used| used.address).collect::<Vec<_>>();
    Conversation {
        client: client.id.clone(),
        server: server.id.clone(),
        service: Service { protocol: service.0, port: service.1, name: None, name_strength: None },
        client_addresses: own(client),
        server_addresses: own(server),
        addresses_omitted: 0,
        flows: 10,
        answered_flows: if answered { 10 } else { 0 },
        packets: EachWay { client: 100, server: 100 },
        bytes: EachWay { client: 5000, server: 5000 },
        first_seen: at("2026-11-02T08:00:00Z"),
        last_seen: at("2026-11-20T08:00:00Z"),
        activity: Activity { hours: vec![(8, 5), (32, 5)], days: 12 },
        direction_reason: DirectionReason::Syn,
        operations: Vec::new(),
    }
}

pub fn map(mut assets: Vec<Asset>) -> FlowMap {
    assets.sort_by(|a, b| a.id.cmp(&b.id));
    FlowMap {
        schema: SCHEMA.into(),
        sensor: "tap-1".into(),
        first_seen: at("2026-11-01T00:00:00Z"),
        last_seen: at("2026-11-22T00:00:00Z"),
        accounting: Accounting { packets: 120_000, ..Accounting::default() },
        coverage: TapCoverage::default(),
        assets,
        conversations: Vec::new(),
    }
}

/// The plant of the examples: two subnets, seven hosts, a scanner.
pub fn plant() -> FlowMap {
    let confirmed = |role| Some((role, Strength::Confirmed));
    let mut map = map(vec![
        asset("plc-1", &["10.10.1.10"], confirmed("plc")),
        asset("hmi-1", &["10.10.1.20"], Some(("hmi", Strength::Probable))),
        asset("historian", &["10.10.2.30"], Some(("historian", Strength::Probable))),
        asset("files", &["10.10.2.40"], confirmed("file-server")),
        asset("monitor", &["10.10.2.50"], Some(("monitoring", Strength::Port))),
        asset("backup-1", &["10.10.2.60"], Some(("backup-server", Strength::Port))),
        asset("printer", &["10.10.2.70"], confirmed("printer")),
        asset("laptop\nrules: []", &["10.10.2.99"], None),
    ]);
    let tcp = |port| (IpProtocol::Tcp, port);
    let mut poll = conversation(&map, "hmi-1", "plc-1", tcp(502), true);
    poll.operations = vec![Operation { name: "modbus.read_holding_registers".into(), times: 900 }];
    poll.service.name = Some("modbus".into());
    let mut backup = conversation(&map, "backup-1", "plc-1", tcp(22), true);
    // Tuesday 02:00 in Berlin in November: 01:00 UTC.
    backup.activity = Activity { hours: vec![(25, 1)], days: 1 };
    (backup.flows, backup.answered_flows) = (1, 1);
    (backup.first_seen, backup.last_seen) = (at("2026-11-10T01:05:00Z"), at("2026-11-10T01:35:00Z"));
    map.conversations = vec![
        poll,
        backup,
        conversation(&map, "historian", "plc-1", tcp(502), true),
        conversation(&map, "hmi-1", "historian", tcp(5450), true),
        conversation(&map, "monitor", "plc-1", (IpProtocol::Udp, 161), true),
        conversation(&map, "monitor", "files", (IpProtocol::Icmp, 8), true),
        conversation(&map, "hmi-1", "printer", tcp(9100), true),
        conversation(&map, "laptop\nrules: []", "plc-1", tcp(3389), false),
        conversation(&map, "laptop\nrules: []", "files", tcp(445), false),
        conversation(&map, "hmi-1", "monitor", (IpProtocol::Udp, 514), false),
    ];
    map.conversations.sort_by(|a, b| (&a.client, &a.server, &a.service).cmp(&(&b.client, &b.server, &b.service)));
    map
}
