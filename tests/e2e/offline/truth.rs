//! Captures whose every flow is known, because we made them.

use std::collections::BTreeMap;

use harness::generate::{FlowTruth, Truth, generate};
use harness::scratch::Scratch;
use harness::sensor::replay;
use serde_json::Value;

type Counts = (u64, u64, u64, u64);

/// Packets and frame bytes each way, by protocol and ordered endpoints; records of one flow are added up.
fn counted(conn_log: &str) -> BTreeMap<(String, String, String), Counts> {
    let mut flows = BTreeMap::new();
    for line in conn_log.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let end = |host: &str, port: &str| {
            let address: std::net::IpAddr = record[host].as_str().unwrap().parse().unwrap();
            std::net::SocketAddr::new(address, u16::try_from(record[port].as_u64().unwrap()).unwrap())
        };
        let number = |name: &str| record[name].as_u64().unwrap_or(0);
        let (origin, responder) = (end("id.orig_h", "id.orig_p"), end("id.resp_h", "id.resp_p"));
        let ways = [(number("orig_pkts"), number("orig_l2_bytes")), (number("resp_pkts"), number("resp_l2_bytes"))];
        let ((a, b), [ab, ba]) =
            if origin <= responder { ((origin, responder), ways) } else { ((responder, origin), [ways[1], ways[0]]) };
        let counts: &mut Counts =
            flows.entry((record["proto"].as_str().unwrap().to_owned(), a.to_string(), b.to_string())).or_default();
        *counts = (counts.0 + ab.0, counts.1 + ab.1, counts.2 + ba.0, counts.3 + ba.1);
    }
    flows
}

fn known(truth: &Truth) -> BTreeMap<(String, String, String), Counts> {
    let counts = |flow: &FlowTruth| (flow.pkts_a2b, flow.bytes_a2b, flow.pkts_b2a, flow.bytes_b2a);
    truth.flows.iter().map(|flow| ((flow.proto.clone(), flow.a.clone(), flow.b.clone()), counts(flow))).collect()
}

fn every_flow_is_exact(recipe: &str, count: u64) {
    let scratch = Scratch::create("truth").unwrap();
    let capture = scratch.file("capture.pcap");
    let truth = generate(recipe, Some(count), 11, &capture, None).unwrap();

    let replayed = replay(&[&capture], &scratch, "out", &[]).unwrap();

    let is_asked = |(key, _): &(&(String, String, String), &Counts)| key.0 != "icmp";
    let found = counted(&std::fs::read_to_string(replayed.folder.join("conn.log")).unwrap());
    let expected = known(&truth);
    let wrong: Vec<_> = expected.iter().filter(is_asked).filter(|(key, counts)| found.get(*key) != Some(*counts)).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} flows differ, first: {:?}, found {:?}",
        wrong.len(),
        expected.len(),
        wrong[0],
        found.get(wrong[0].0)
    );
    let strangers = found.iter().filter(is_asked).filter(|(key, _)| !expected.contains_key(*key)).count();
    assert_eq!(strangers, 0, "flows that nobody made");
    assert_eq!(replayed.flow_map.accounting.packets, truth.packets);
}

#[test]
fn every_flow_of_an_internet_mix_is_exact() {
    every_flow_is_exact("imix", 3_000);
}

#[test]
fn every_flow_of_small_frames_in_random_order_is_exact() {
    every_flow_is_exact("small", 5_000);
}

#[test]
fn every_flow_of_elephants_is_exact() {
    every_flow_is_exact("elephants", 2_000);
}

#[test]
fn every_flow_of_the_plant_is_exact() {
    every_flow_is_exact("plant", 6);
}
