//! Captures whose every flow is known, because we made them.

use std::collections::BTreeMap;

use harness::generate::{FlowTruth, Truth, generate};
use harness::scratch::Scratch;
use harness::sensor::replay;
use serde_json::Value;

/// Packets, frame bytes and later fragments, of the lower end and of the higher one.
type Counts = [[u64; 3]; 2];
type Ends = (String, String, String);

/// By protocol and ordered endpoints; records of one flow are added up. ICMP is a flow of two addresses here, whatever its types.
fn counted(conn_log: &str) -> BTreeMap<Ends, Counts> {
    let mut flows = BTreeMap::new();
    for line in conn_log.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let protocol = record["proto"].as_str().unwrap();
        let end = |host: &str, port: &str| {
            let address: std::net::IpAddr = record[host].as_str().unwrap().parse().unwrap();
            let port = if protocol == "icmp" { 0 } else { record[port].as_u64().unwrap() };
            std::net::SocketAddr::new(address, u16::try_from(port).unwrap())
        };
        let number = |name: String| record[&name].as_u64().unwrap_or(0);
        let [sent, received] =
            ["orig", "resp"].map(|side| ["pkts", "l2_bytes", "frag_pkts"].map(|what| number(format!("{side}_{what}"))));
        let (origin, responder) = (end("id.orig_h", "id.orig_p"), end("id.resp_h", "id.resp_p"));
        let ((a, b), ways) =
            if origin <= responder { ((origin, responder), [sent, received]) } else { ((responder, origin), [received, sent]) };
        let counts: &mut Counts = flows.entry((protocol.to_owned(), a.to_string(), b.to_string())).or_default();
        counts.iter_mut().flatten().zip(ways.iter().flatten()).for_each(|(sum, more)| *sum += more);
    }
    flows
}

fn known(truth: &Truth) -> BTreeMap<Ends, Counts> {
    let counts = |flow: &FlowTruth| {
        [[flow.pkts_a2b, flow.bytes_a2b, flow.later_fragments_a2b], [flow.pkts_b2a, flow.bytes_b2a, flow.later_fragments_b2a]]
    };
    truth.flows.iter().map(|flow| ((flow.proto.clone(), flow.a.clone(), flow.b.clone()), counts(flow))).collect()
}

fn every_flow_is_exact(recipe: &str, count: u64) {
    let scratch = Scratch::create("truth").unwrap();
    let capture = scratch.file("capture.pcap");
    let truth = generate(recipe, Some(count), 11, &capture, None).unwrap();

    let replayed = replay(&[&capture], &scratch, "out", &[]).unwrap();

    let found = counted(&std::fs::read_to_string(replayed.folder.join("conn.log")).unwrap());
    let expected = known(&truth);
    let wrong: Vec<_> = expected.iter().filter(|(key, counts)| found.get(*key) != Some(*counts)).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} flows differ, first: {:?}, found {:?}",
        wrong.len(),
        expected.len(),
        wrong[0],
        found.get(wrong[0].0)
    );
    let strangers = found.keys().filter(|key| !expected.contains_key(*key)).count();
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
