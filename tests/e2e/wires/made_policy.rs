//! Policies that nobody picked, over the two sides of the firewall stage, and the flow map of a list of openings.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use harness::firewall::Opening;
use harness::generate::Random;
use harness::packet::{ICMP, ICMPV6, SYN, TCP, UDP};
use sensor_model::{
    Accounting, Activity, AddressUse, Asset, AssetId, Conversation, Coverage, DirectionReason, EachWay, FlowMap, IpProtocol,
    SCHEMA, Scope, Service, TapCoverage, Timestamp, Visibility,
};

/// Hosts of each side, in blocks of sixteen.
const HOSTS: u64 = 64;
const BLOCKS: u64 = 4;
/// Few ports, so that rules and packets meet.
const PORTS: [u16; 10] = [22, 53, 80, 102, 161, 443, 445, 502, 503, 3389];

fn pick<T: Copy>(from: &[T], random: &mut Random) -> T {
    from[random.below(from.len() as u64) as usize]
}

/// Which services a policy is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    All,
    /// Single ports, and TCP is allowed to nobody: an answer over TCP is told from an opening by its flags, which not every dialect knows.
    WithoutConnections,
}

/// A first packet from one side to the other.
pub fn opening(random: &mut Random) -> Opening {
    let from_left = random.chance(50);
    let is_v6 = random.chance(30);
    let mut address = |is_left: bool| -> IpAddr {
        let host = random.below(HOSTS) as u16;
        match (is_v6, is_left) {
            (false, left) => Ipv4Addr::new(10, if left { 10 } else { 20 }, 0, host as u8).into(),
            (true, left) => Ipv6Addr::new(if left { 0xfd10 } else { 0xfd20 }, 0, 0, 0, 0, 0, 0, host).into(),
        }
    };
    let (source, destination) = (address(from_left), address(!from_left));
    let protocol = pick(&[TCP, TCP, TCP, UDP, UDP, if is_v6 { ICMPV6 } else { ICMP }], random);
    let is_icmp = matches!(protocol, ICMP | ICMPV6);
    // Echo request, in either family's number.
    let destination_port = if is_icmp { if is_v6 { 128 } else { 8 } } else { pick(&PORTS, random) };
    let source_port = if is_icmp { 0 } else { 1024 + random.below(60_000) as u16 };
    Opening { source, destination, protocol, source_port, destination_port, tcp_flags: SYN }
}

/// A policy as a person might write it badly: zones over blocks of hosts, overlapping services, allow and deny in any order.
pub fn policy(random: &mut Random, kinds: Kinds) -> String {
    let mut text = "apiVersion: cordon/v1\nkind: Policy\nmetadata: {name: made, owner: tester}\nzones:\n".to_owned();
    let mut blocks: Vec<(bool, u64)> =
        [true, false].iter().flat_map(|left| (0..BLOCKS).map(move |block| (*left, block))).collect();
    let mut zones = Vec::new();
    for zone in 0..4 {
        let mode = pick(&["enforce", "enforce", "enforce", "enforce", "simulate", "observe"], random);
        let inside = pick(&["allow", "deny"], random);
        writeln!(text, "- name: zone-{zone}\n  mode: {mode}\n  intraZone: {inside}\n  members:").unwrap();
        for _ in 0..=random.below(2) {
            let (is_left, block) = blocks.swap_remove(random.below(blocks.len() as u64) as usize);
            let (v4, v6) = if is_left { (10, "fd10") } else { (20, "fd20") };
            writeln!(text, "  - prefix: 10.{v4}.0.{}/28\n  - prefix: {v6}::{:x}/124", block * 16, block * 16).unwrap();
        }
        zones.push(format!("zone-{zone}"));
    }
    text.push_str("services:\n");
    for service in 0..5 {
        let (low, high) = (pick(&PORTS, random), pick(&PORTS, random));
        let protocol = match kinds {
            Kinds::All => pick(&["tcp", "udp"], random),
            Kinds::WithoutConnections => "udp",
        };
        let ports = if kinds == Kinds::All && random.chance(40) {
            format!("{protocol}/{}-{}", low.min(high), low.max(high))
        } else {
            format!("{protocol}/{low}")
        };
        let more = match kinds {
            Kinds::All => pick(&["", ", tcp/502", ", udp/161", ", icmp/echo-request", ", icmp6/echo-request"], random),
            Kinds::WithoutConnections => {
                pick(&["", ", udp/53", ", udp/161", ", icmp/echo-request", ", icmp6/echo-request"], random)
            }
        };
        writeln!(text, "- name: made-{service}\n  ports: [{ports}{more}]").unwrap();
    }
    text.push_str("rules:\n");
    zones.push("any".to_owned());
    // Everybody else is a hundred prefixes, which stand with each range of ports where a dialect has neither sets nor ranges.
    if kinds == Kinds::All && random.chance(50) {
        zones.push("outside".to_owned());
    }
    for rule in 0..10 {
        let from = pick(&zones.iter().map(String::as_str).collect::<Vec<_>>(), random);
        let to = pick(
            &zones.iter().map(String::as_str).filter(|to| *to != "outside" || from != "outside").collect::<Vec<_>>(),
            random,
        );
        let (action, tier) = (pick(&["allow", "allow", "deny"], random), pick(&["app", "app", "admin", "baseline"], random));
        let (one, two) = (random.below(5), random.below(5));
        let services = if one == two { format!("made-{one}") } else { format!("made-{one}, made-{two}") };
        writeln!(
            text,
            "- name: rule-{rule}\n  from: {from}\n  to: {to}\n  services: [{services}]\n  action: {action}\n  tier: {tier}"
        )
        .unwrap();
        writeln!(text, "  reason: made\n  reviewBy: 2099-01-01").unwrap();
    }
    text
}

/// A map in which each opening was an answered conversation.
pub fn flow_map(openings: &[Opening]) -> FlowMap {
    let (first_seen, last_seen) =
        (Timestamp::from_nanos(1_780_272_000_000_000_000), Timestamp::from_nanos(1_780_275_600_000_000_000));
    let addresses: BTreeSet<IpAddr> = openings.iter().flat_map(|one| [one.source, one.destination]).collect();
    let asset = |address: &IpAddr| Asset {
        id: AssetId::of_ip(*address),
        label: address.to_string(),
        scope: Scope::Internal,
        macs: Vec::new(),
        addresses: vec![AddressUse { address: *address, first_seen, last_seen }],
        vendor: None,
        model: None,
        role: None,
        operating_system: None,
        names: Vec::new(),
        evidence: Vec::new(),
        coverage: Coverage { visibility: Visibility::BothWays, ..Coverage::default() },
        first_seen,
        last_seen,
    };
    let conversation = |one: &Opening| Conversation {
        client: AssetId::of_ip(one.source),
        server: AssetId::of_ip(one.destination),
        service: Service {
            protocol: IpProtocol::from_number(one.protocol),
            port: one.destination_port,
            name: None,
            name_strength: None,
        },
        client_addresses: vec![one.source],
        server_addresses: vec![one.destination],
        addresses_omitted: 0,
        flows: 1,
        answered_flows: 1,
        packets: EachWay { client: 1, server: 1 },
        bytes: EachWay { client: 60, server: 60 },
        first_seen,
        last_seen,
        activity: Activity { hours: vec![(0, 1)], days: 1 },
        direction_reason: DirectionReason::Syn,
        operations: Vec::new(),
    };
    let mut assets: Vec<Asset> = addresses.iter().map(asset).collect();
    assets.sort_by(|a, b| a.id.cmp(&b.id));
    let mut conversations: Vec<Conversation> = openings.iter().map(conversation).collect();
    let key = |one: &Conversation| (one.client.clone(), one.server.clone(), one.service.clone());
    conversations.sort_by_key(key);
    conversations.dedup_by_key(|one| key(one));
    let accounting = Accounting { packets: openings.len() as u64 * 2, ..Accounting::default() };
    FlowMap {
        schema: SCHEMA.to_owned(),
        sensor: "made".to_owned(),
        first_seen,
        last_seen,
        accounting,
        coverage: TapCoverage::default(),
        assets,
        conversations,
    }
}
